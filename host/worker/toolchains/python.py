"""Python: workers run under the app's own interpreter, 3.9 and newer."""

import os
import sys
from pathlib import Path

from fnhost.host.app import App
from fnhost.host.worker.toolchains.indexing import python_index_file
from fnhost.host.worker.toolchains.toolchain import PROGRAMS, Interpreter, Toolchain, find_executable

TITLE = "Python"
EXECUTABLE = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")
"""The interpreter in the folder of a virtual environment."""


def find_python(app: App, option: str | None) -> Interpreter:
    """The option, the active environment, the app's `.venv`, the setting, the host's own. Raises StartError."""
    if option:
        return find_executable(option, "--python", TITLE, app)
    active = app.settings.get("VIRTUAL_ENV")
    environments = ((Path(active) if active else None, "VIRTUAL_ENV"), (app.root / ".venv", "the app's .venv"))
    for folder, source in environments:
        if folder and (folder / EXECUTABLE).exists():
            return Interpreter(str(folder / EXECUTABLE), source)
    if setting := app.settings.get(PYTHON.executable_setting):
        return find_executable(setting, f"the setting {PYTHON.executable_setting}", TITLE, app)
    return Interpreter(sys.executable, "the Python that runs fnhost")


PYTHON = Toolchain(
    language="python",
    title=TITLE,
    program=PROGRAMS / "python" / "start.py",
    find_interpreter=find_python,
    script_suffixes=(".py",),
    default_scripts=("__init__.py",),
    default_entry_point="main",
    project_file="requirements.txt",
    index_file=python_index_file,
    index_replaces_folders=True,
    variables={"PYTHON_ENABLE_DEBUG_LOGGING": "1", "PYTHON_THREADPOOL_THREAD_COUNT": "1000"},
)
