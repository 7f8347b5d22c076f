"""Which command runs the worker of which language."""

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from host.app import App
from host.errors import StartError
from host.worker.node import find_node

LANGUAGES = Path(__file__).parent / "languages"
PYTHON_DEFAULTS = {"PYTHON_ENABLE_DEBUG_LOGGING": "1", "PYTHON_THREADPOOL_THREAD_COUNT": "1000"}
PYTHON_IN_ENVIRONMENT = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")


@dataclass(frozen=True, slots=True)
class Command:
    """What to start: the interpreter first in `arguments`, the complete environment, the working directory.

    `is_exclusive` says that a second one may not run beside it: a debugger holds its port.
    """

    language: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    is_exclusive: bool = False


def command(app: App, python: str | None, host_python: str) -> Command:
    """The worker for the app's language. `python` is the option --python. Raises StartError."""
    make = COMMANDS.get(app.language)
    if make is None:
        raise StartError(f"No worker for the language {app.language!r}. Known: {', '.join(COMMANDS)}.")
    return make(app, python, host_python)


def _python(app: App, python: str | None, host_python: str) -> Command:
    folder = LANGUAGES / "python"
    own = (app.settings.get("languageWorkers:python:arguments") or "").split()
    return Command(
        "python",
        (find_python(app, python, host_python), *own, str(folder / "start.py")),
        _environment(app, folder, PYTHON_DEFAULTS),
        app.root,
        is_exclusive=bool(own),
    )


def _node(app: App, python: str | None, host_python: str) -> Command:
    folder = LANGUAGES / "node"
    own = (app.settings.get("languageWorkers:node:arguments") or "").split()
    return Command(
        "node",
        (find_node(app), *own, str(folder / "start.js")),
        _environment(app, folder),
        app.root,
        is_exclusive=bool(own),
    )


COMMANDS: Mapping[str, Callable[[App, str | None, str], Command]] = {"python": _python, "node": _node}


def find_python(app: App, option: str | None, host_python: str) -> str:
    """The option, the active environment, the app's `.venv`, the setting, the host's own. Raises StartError."""
    if option:
        return _executable(option, "--python", app)
    active = app.settings.get("VIRTUAL_ENV")
    for environment in (Path(active) if active else None, app.root / ".venv"):
        if environment and (environment / PYTHON_IN_ENVIRONMENT).exists():
            return str(environment / PYTHON_IN_ENVIRONMENT)
    if setting := app.settings.get("languageWorkers:python:defaultExecutablePath"):
        return _executable(setting, "the setting languageWorkers:python:defaultExecutablePath", app)
    return host_python


def _executable(name: str, source: str, app: App) -> str:
    if found := shutil.which(name, path=app.settings.get("PATH")):
        return os.path.abspath(found)
    raise StartError(f"The Python that {source} names does not exist: {name}. Give a path or a name found on PATH.")


def _environment(app: App, folder: Path, defaults: Mapping[str, str] = MappingProxyType({})) -> Mapping[str, str]:
    """The settings, and what a worker is told beside them (functions-host.md 2.4)."""
    return {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        **defaults,
        **app.settings.environment,
        "FUNCTIONS_WORKER_RUNTIME": app.language,
        "FUNCTIONS_WORKER_DIRECTORY": str(folder),
        "FUNCTIONS_APPLICATION_DIRECTORY": str(app.root),
        "AzureWebJobsScriptRoot": str(app.root),
    }
