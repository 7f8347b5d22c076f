"""Which command runs the worker of an app."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from fnhost.host.app import App
from fnhost.host.errors import StartError
from fnhost.host.levels import wants_trace
from fnhost.host.worker.toolchains import TOOLCHAINS
from fnhost.host.worker.toolchains.toolchain import Interpreter, Toolchain

TRACE = {"FNHOST_ENABLE_TRACE_LOGGING": "1"}
"""Tells a worker to send what is logged below Debug too."""
NO_INTERPRETERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Command:
    """What to start: the interpreter first in `arguments`, the complete environment, the working directory.

    `is_exclusive` says that a second one may not run beside it: a debugger holds its port.
    `source` says where the interpreter was found, in words for the user.
    """

    language: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    is_exclusive: bool = False
    stands_by: bool = True
    source: str = field(default="", compare=False)

    @property
    def interpreter(self) -> Interpreter:
        return Interpreter(self.arguments[0], self.source)


def command(app: App, interpreters: Mapping[str, str] = NO_INTERPRETERS) -> Command:
    """The worker for the app's language. `interpreters` are those the command line names, by language.

    Raises StartError.
    """
    toolchain = TOOLCHAINS.get(app.language)
    if toolchain is None:
        raise StartError(f"No worker for the language {app.language!r}. Known: {', '.join(TOOLCHAINS)}.")
    return _command(app, toolchain, toolchain.find_interpreter(app, interpreters.get(app.language)))


def package_folders(app: App, interpreters: Mapping[str, str] = NO_INTERPRETERS) -> Sequence[Path]:
    """Folders in which a change means that packages were installed for the app; none if it has no interpreter."""
    try:
        run = command(app, interpreters)
    except StartError:
        return ()
    return TOOLCHAINS[app.language].installed(run.arguments[0])


def missing_modules(run: Command, failures: Iterable[str]) -> str:
    """A sentence on modules that functions could not import, and what installs them; empty if none are missing."""
    return TOOLCHAINS[run.language].missing_modules(run.directory, run.interpreter, failures)


def _command(app: App, toolchain: Toolchain, interpreter: Interpreter) -> Command:
    own = toolchain.interpreter_arguments(app)
    return Command(
        app.language,
        (interpreter.executable, *own, str(toolchain.program)),
        _environment(app, toolchain),
        app.root,
        is_exclusive=bool(own),
        stands_by=toolchain.stands_by,
        source=interpreter.source,
    )


def _environment(app: App, toolchain: Toolchain) -> Mapping[str, str]:
    """The settings, and what a worker is told beside them (platform/settings.md 4)."""
    return {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        **toolchain.variables,
        **(TRACE if wants_trace(app.config.log_levels) else {}),
        **app.settings.environment,
        "FUNCTIONS_WORKER_RUNTIME": app.language,
        "FUNCTIONS_WORKER_DIRECTORY": str(toolchain.program.parent),
        "FUNCTIONS_APPLICATION_DIRECTORY": str(app.root),
        "AzureWebJobsScriptRoot": str(app.root),
    }
