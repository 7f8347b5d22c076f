"""Where official workers lie: as settings say, and where Azure Functions Core Tools are installed."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fnhost.host.app import App, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.official import CONFIG_FILE, sanctioned_path

FOLDER_SETTING = "languageWorkers:workersDirectory"
"""What `--workers` sets."""
PACKAGED = ("/usr/lib/azure-functions-core-tools-4", "/usr/lib/azure-functions-core-tools")
"""Where Debian packages of Core Tools put them."""
IN_NPM = Path("node_modules/azure-functions-core-tools/bin")
NOT_FOUND = (
    "The app is written for {title}, whose worker is not part of fnhost. It comes with Azure Functions Core Tools: "
    "install those (npm install -g azure-functions-core-tools@4) and it is found beside the func on PATH. Or name a "
    "folder that holds a folder {language} with --workers FOLDER, or the worker's own folder with the setting "
    "languageWorkers:{language}:workerDirectory."
)


def chosen_worker(app: App, language: str) -> tuple[Path, str] | None:
    """The folder of the worker that the user asks for, and where he does; None if he does not. Raises StartError."""
    setting = f"languageWorkers:{language}:workerDirectory"
    if named := app.settings.get(setting):
        directory = sanctioned_path(named, app.root)
        if not (directory / CONFIG_FILE).is_file():
            raise StartError(f"The setting {setting} names '{directory}', which has no {CONFIG_FILE}.")
        return directory, f"the setting {setting}"
    if folder := app.settings.get(FOLDER_SETTING):
        directory = sanctioned_path(folder, app.root) / language
        if (directory / CONFIG_FILE).is_file():
            return directory, "--workers"
        if not directory.parent.is_dir():
            raise StartError(f"The folder of workers '{directory.parent}' ({FOLDER_SETTING}) does not exist.")
    return None


def find_worker(app: App, language: str, title: str) -> tuple[Path, str]:
    """The folder of a worker, and where it was found. Raises StartError."""
    if chosen := chosen_worker(app, language):
        return chosen
    for folder in core_tools(app.settings):
        if (folder / language / CONFIG_FILE).is_file():
            return folder / language, "Azure Functions Core Tools"
    raise StartError(NOT_FOUND.format(title=title, language=language))


def core_tools(settings: Settings) -> Iterator[Path]:
    """Folders of workers of an installed Core Tools, whether or not they are there."""
    if func := shutil.which("func", path=settings.get("PATH")):
        for place in (Path(func).parent, Path(os.path.realpath(func)).parent):
            yield place / "workers"
            yield place.parent / "bin" / "workers"
            yield place / IN_NPM / "workers"
            yield place.parent / "lib" / IN_NPM / "workers"
    for packaged in PACKAGED:
        yield Path(packaged) / "workers"
