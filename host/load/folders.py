"""Where the functions of an app are, and which file is a function's script (platform/app-files.md 1 and 4)."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fnhost.host.worker.toolchains import DEFAULT_SCRIPTS

ENVIRONMENT = "pyvenv.cfg"
"""The file that makes a folder a virtual environment, whatever its name."""
FUNCTION_FILES = ("function.json", "function.yaml", "function.yml")


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with a function file; several are an error. `place` is the folder relative to the app."""

    directory: Path
    place: str
    files: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.directory.name

    @property
    def file(self) -> str:
        """The function file relative to the app."""
        return f"{self.place}/{self.files[0]}"


def find_folders(root: Path) -> list[Folder]:
    """The function folders of an app, by name: its children, and those of `functions/` unless that is an app itself."""
    parents = [root]
    if not os.path.isfile(root / "functions" / "host.json"):
        parents.append(root / "functions")
    found = [folder for parent in parents for folder in _children(parent, root)]
    return sorted(found, key=lambda folder: folder.name.upper())


def only_named(folders: Sequence[Folder], names: Sequence[str]) -> list[Folder]:
    """The folders on the allow list; all if it is empty."""
    allowed = {name.lower() for name in names}
    return [folder for folder in folders if not allowed or folder.name.lower() in allowed]


def default_script(directory: Path) -> str | None:
    """The script of a function that names none."""
    names = sorted(name for name in _file_names(directory) if name not in FUNCTION_FILES)
    if len(names) == 1:
        return names[0]
    return next((name for name in names if Path(name).stem.lower() == "run" or name in DEFAULT_SCRIPTS), None)


def exists_exactly(script: Path) -> bool:
    """Whether there is a file of this very name: a file system that ignores case must not hide a wrong one."""
    return script.name in _file_names(script.parent)


def _children(parent: Path, root: Path) -> Iterator[Folder]:
    for name in sorted(os.listdir(parent)) if parent.is_dir() else ():
        files = tuple(file for file in FUNCTION_FILES if os.path.isfile(parent / name / file))
        if files and not os.path.exists(parent / name / ENVIRONMENT):
            directory = parent / name
            yield Folder(directory, directory.relative_to(root).as_posix(), files)


def _file_names(directory: Path) -> list[str]:
    return [name for name in os.listdir(directory) if os.path.isfile(directory / name)] if directory.is_dir() else []
