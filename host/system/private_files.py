"""The host's own files in an app's folder: for their owner alone, and never written through a link."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

from fnhost.host.errors import StartError

STATE_FOLDER = ".fnhost"
"""The folder in the app where the host keeps its own files."""
IGNORE_ALL = "*\n"
"""The .gitignore of a folder that keeps itself, this file included, out of version control."""
WAY_OUT = "Make '{}' writable for this user, or run a copy of the app in a folder that is."
FULL = "Free some space there."


def state_folder(root: Path) -> Path:
    """The host's folder in the app, made if it is missing. Raises StartError."""
    return private_folder(root / STATE_FOLDER)


def private_folder(folder: Path) -> Path:
    """A folder that its owner alone may enter, made if it is missing. Raises StartError."""
    if folder.is_symlink():
        raise StartError(f"{folder} is a link, and keys are not written through one. Remove it: a folder is made.")
    if folder.exists() and not folder.is_dir():
        raise StartError(f"{folder} is no folder, and the host keeps its own files in one of that name. Remove it.")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        ignore_itself(folder)
    except OSError as error:
        raise StartError(f"{folder} cannot be made: {error.strerror}. {_way_out(error, folder.parent)}") from error
    with suppress(OSError):  # another user's folder: what is written into it is protected by itself
        folder.chmod(0o700)
    return folder


def protect(root: Path) -> None:
    """What an earlier version of the host left open is closed now. Nothing is made, and nothing raised."""
    if (root / STATE_FOLDER).is_dir():
        with suppress(StartError):
            state_folder(root)


def _way_out(error: OSError, folder: Path) -> str:
    return FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else WAY_OUT.format(folder)


def ignore_itself(folder: Path) -> None:
    """Raises OSError."""
    with suppress(FileExistsError), (folder / ".gitignore").open("x", encoding="utf-8") as file:
        file.write(IGNORE_ALL)


def write_private(path: Path, data: bytes) -> None:
    """Replace the file in one step by a new one that its owner alone may read. Raises StartError.

    A link of that name is replaced as well: nothing is written to where it leads.
    """
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise StartError(
            f"{path} cannot be written: {error.strerror}. {_way_out(error, path.parent.parent)}"
        ) from error
