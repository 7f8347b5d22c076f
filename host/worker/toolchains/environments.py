"""Virtual environments of Python: where an app's may lie, and what can be said of one without starting it."""

import os
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

EXECUTABLE = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
"""The interpreter in the folder of a virtual environment."""
MARK = "pyvenv.cfg"
NAMES = (".venv", "venv", "env")
"""Folders of the app that are looked at, in this order."""
EDITOR_FILE = ".vscode/settings.json"
EDITOR_SETTING = "azureFunctions.pythonVenv"
_IN_EDITOR = re.compile(rf'^(?:(?!//)[^\n])*?"{re.escape(EDITOR_SETTING)}"\s*:\s*"([^"\\\n]*)"', re.MULTILINE)
"""The setting in a JSON file with comments. VS Code writes paths with forward slashes."""
PACKAGES = ("lib/python3*/site-packages", "lib64/python3*/site-packages", "Lib/site-packages")


def environments_of(root: Path, active: str | None) -> Iterator[tuple[Path, str]]:
    """Folders that may be the app's environment, the first that has an interpreter counts; and what names each."""
    if active:
        yield Path(active), "VIRTUAL_ENV"
    if chosen := _editors(root / EDITOR_FILE):
        yield Path(os.path.normpath(root / chosen)), f"{EDITOR_SETTING} in {EDITOR_FILE}"
    for name in NAMES:
        if name.startswith(".") or (root / name / MARK).is_file():
            yield root / name, f"the app's {name}"


def _editors(file: Path) -> str:
    """The environment that the Azure Functions extension of VS Code uses; empty if none is set."""
    try:
        found = _IN_EDITOR.search(file.read_text("utf-8-sig", "replace"))
    except OSError:
        return ""
    return found[1] if found else ""


def package_folders(executable: str) -> tuple[Path, ...]:
    """Where an installer puts packages for this interpreter, as far as its place tells."""
    if Path(executable) == Path(sys.executable):
        import sysconfig  # takes its time to load

        return (Path(sysconfig.get_path("purelib")),)
    prefix = Path(executable).parent.parent
    if not (prefix / MARK).is_file():
        prefix = Path(os.path.realpath(executable)).parent.parent
    return tuple(found for pattern in PACKAGES for found in sorted(prefix.glob(pattern)))


def install_command(executable: str, *arguments: str) -> str:
    """The command line that installs something for this interpreter: uv's environments have no pip of their own."""
    prefix = Path(executable).parent.parent
    try:
        is_uv = re.search(r"^uv\s*=", (prefix / MARK).read_text("utf-8", "replace"), re.MULTILINE)
    except OSError:
        is_uv = None
    words = ("uv", "pip", "install", "--python", executable) if is_uv else (executable, "-m", "pip", "install")
    return shlex.join((*words, *arguments))
