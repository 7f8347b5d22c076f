"""Python: workers run under the app's own interpreter, 3.9 and newer."""

import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

from fnhost.host.app import App
from fnhost.host.worker.toolchains.debugger import DebugAddress, debugpy, split
from fnhost.host.worker.toolchains.discovery import chosen_worker
from fnhost.host.worker.toolchains.environments import (
    EXECUTABLE,
    environments_of,
    install_command,
    package_folders,
)
from fnhost.host.worker.toolchains.indexing import python_index_file
from fnhost.host.worker.toolchains.official import VERSION_SETTING, OfficialWorker, read_config, resolve
from fnhost.host.worker.toolchains.python_settings import DEFAULT_THREADS, THREADS, setting_warnings
from fnhost.host.worker.toolchains.toolchain import PROGRAMS, Interpreter, Toolchain, find_executable

TITLE = "Python"
REQUIREMENTS = "requirements.txt"
VERSION_LIMIT = 20.0
"""Seconds that an interpreter may take to say its version."""
_MISSING = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")


def find_python(app: App, option: str | None) -> Interpreter:
    """The option, the active environment, the app's own, the setting, the host's own. Raises StartError."""
    if option:
        return find_executable(option, "--python", TITLE, app)
    for folder, source in environments_of(app.root, app.settings.get("VIRTUAL_ENV")):
        if (folder / EXECUTABLE).exists():
            return Interpreter(str(folder / EXECUTABLE), source)
    if setting := app.settings.get(PYTHON.executable_setting):
        return find_executable(setting, f"the setting {PYTHON.executable_setting}", TITLE, app)
    return Interpreter(sys.executable, "the Python that runs fnhost")


def find_python_worker(app: App, interpreter: Interpreter) -> tuple[OfficialWorker, str] | None:
    """The official one, if the user asks for it. Raises StartError."""
    if not (chosen := chosen_worker(app, PYTHON.language)):
        return None
    arguments = split(app.settings.get(PYTHON.arguments_setting) or "", PYTHON.arguments_setting)
    version = "" if app.settings.get(VERSION_SETTING) else version_of(interpreter.executable)
    return resolve(read_config(chosen[0], app.settings), app.settings, arguments, version), chosen[1]


@lru_cache
def version_of(python: str) -> str:
    """Its major and minor version, as it says itself; empty if it says none."""
    words = (python, "-c", "import sys; print(*sys.version_info[:2], sep='.')")
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=VERSION_LIMIT, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()


def missing_modules(root: Path, interpreter: Interpreter, failures: Iterable[str]) -> str:
    """A sentence on the modules that functions could not import, and the command that installs them."""
    names = sorted({found for failure in failures for found in _MISSING.findall(failure)})
    if not names:
        return ""
    has_requirements = (root / REQUIREMENTS).is_file()
    packages = ("-r", str(root / REQUIREMENTS)) if has_requirements else tuple(name.partition(".")[0] for name in names)
    missing = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not installed for {interpreter}."
    advice = f"Name {'it' if len(names) == 1 else 'them'} in {REQUIREMENTS} and run: "
    return f"{missing} {advice if has_requirements else 'Run: '}{install_command(interpreter.executable, *packages)}"


def sdk_packages() -> Mapping[str, str]:
    """Tells the worker where the host's own `azure-functions` lies: the app's copy, if it has none itself."""
    folder = next((folder for folder in sys.path if Path(folder, "azure", "functions").is_dir()), None)
    return {} if folder is None else {"FNHOST_SDK_PACKAGES": folder}


def debugger_variables(debug: DebugAddress) -> Mapping[str, str]:
    """Tells a worker that it will join debugpy, and where it lies; keeps pydevd from warning of frozen modules."""
    return {"FNHOST_DEBUGGER": debug.package or "debugpy", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


PYTHON = Toolchain(
    language="python",
    title=TITLE,
    program=PROGRAMS / "python" / "start.py",
    find_interpreter=find_python,
    find_official=find_python_worker,
    script_suffixes=(".py",),
    default_scripts=("__init__.py",),
    default_entry_point="main",
    project_file="requirements.txt",
    index_file=python_index_file,
    index_replaces_folders=True,
    installed=package_folders,
    missing_modules=missing_modules,
    setting_warnings=setting_warnings,
    read_debugger=debugpy,
    debugger_arguments="-m debugpy --listen 127.0.0.1:{}",
    debugger_port=9091,
    debugged_variables=debugger_variables,
    variables={"PYTHON_ENABLE_DEBUG_LOGGING": "1", THREADS: str(DEFAULT_THREADS), **sdk_packages()},
)
