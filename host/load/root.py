"""The folder of an app."""

import os
from pathlib import Path

from fnhost.host.errors import StartError
from fnhost.host.load import localsettings

HOST_FILE = "host.json"
NO_PROJECT = f"Unable to find project root. Expecting to find one of {HOST_FILE}, {localsettings.FILE} in project root."


def find_root(start: Path) -> Path:
    """The app that `start` is in: the nearest folder upwards that looks like one. Raises StartError."""
    start = Path(os.path.abspath(start))
    for folder in (start, *start.parents):
        try:
            if is_project(folder):
                return folder
        except (OSError, ValueError) as error:
            hint = "Name another folder, or change its permissions."
            raise StartError(f"The app's folder cannot be read: {error}. {hint}") from error
    raise StartError(NO_PROJECT)


def is_project(folder: Path) -> bool:
    return (folder / HOST_FILE).is_file() or (folder / localsettings.FILE).is_file()
