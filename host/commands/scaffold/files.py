"""Templates as files, and how they are written into an app: what is there already stays, unless it may be replaced."""

import re
from collections.abc import Mapping
from pathlib import Path

from fnhost.host.errors import StartError

DATA = Path(__file__).parent / "data"
SUFFIX = ".template"
"""Ends the names of templates that would otherwise be taken for files of fnhost's own."""
HIDDEN = "dot_"
"""Begins the names of templates whose file begins with a dot."""
_TOKEN = re.compile(r"\{\{(\w+)\}\}")


def template_files(folder: Path, values: Mapping[str, str]) -> dict[str, str]:
    """The text of each file below a folder of templates, by its path in the app."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {_target(path.relative_to(folder)): filled(path, values) for path in files}


def filled(template: Path, values: Mapping[str, str]) -> str:
    """The text of a template with `{{name}}` and its like replaced. Raises KeyError for what has no value."""
    return _TOKEN.sub(lambda found: values[found[1]], template.read_text("utf-8"))


def _target(path: Path) -> str:
    parts = [f".{part.removeprefix(HIDDEN)}" if part.startswith(HIDDEN) else part for part in path.parts]
    return "/".join(parts).removesuffix(SUFFIX)


def write_missing(root: Path, files: Mapping[str, str], *, force: bool) -> None:
    """Write those that are not there, all if `force`, and tell of each. Raises StartError."""
    for name, text in files.items():
        if (root / name).exists() and not force:
            print(f"{name} already exists. Skipped!")
        else:
            print(f"Writing {name}")
            write_text(root / name, text)


def write_text(path: Path, text: str) -> None:
    """With the folders above it. Lines end as `text` has them. Raises StartError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")
    except OSError as error:
        raise StartError(f"{path} cannot be written: {error.strerror}. Nothing that was there has changed.") from error


def read_text(path: Path) -> str:
    """Lines end as the file has them. Raises StartError."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{path} cannot be read as UTF-8 text: {error}.") from error
