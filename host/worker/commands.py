"""Which command runs the worker of an app."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from fnhost.host.app import App
from fnhost.host.errors import Problem, StartError
from fnhost.host.logging.levels import wants_trace
from fnhost.host.worker.toolchains import TOOLCHAINS
from fnhost.host.worker.toolchains.debugger import DebugAddress
from fnhost.host.worker.toolchains.handler import CustomHandler
from fnhost.host.worker.toolchains.official import OfficialWorker
from fnhost.host.worker.toolchains.toolchain import Interpreter, Toolchain

TRACE = {"FNHOST_ENABLE_TRACE_LOGGING": "1"}
"""Tells a worker to send what is logged below Debug too."""
NO_INTERPRETERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Command:
    """What to start: the interpreter first in `arguments`, the complete environment, the working directory.

    `is_exclusive` says that a second one may not run beside it: it may hold a port. `debug` is where the debugger
    listens that it joins. `handler` is what is started, where that is no worker program: it is spoken with over HTTP.
    `official` is the worker of the platform that it starts, where that is not our own: it is spoken with over gRPC.
    `source` says where the interpreter was found, in words for the user.
    """

    language: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    directory: Path
    is_exclusive: bool = False
    debug: DebugAddress | None = None
    stands_by: bool = True
    handler: CustomHandler | None = None
    official: OfficialWorker | None = None
    source: str = field(default="", compare=False)

    @property
    def interpreter(self) -> Interpreter:
        return Interpreter(self.arguments[0], self.source)


def command(app: App, interpreters: Mapping[str, str] = NO_INTERPRETERS, language: str = "") -> Command:
    """The worker for one of the app's languages, by default its own.

    `interpreters` are those the command line names, by language. Raises StartError.
    """
    language = language or app.language
    toolchain = TOOLCHAINS.get(language)
    if toolchain is None:
        raise StartError(f"No worker for the language {language!r}. Known: {', '.join(TOOLCHAINS)}.")
    return _command(app, toolchain, toolchain.find_interpreter(app, interpreters.get(language)))


def runnable(app: App, interpreters: Mapping[str, str] = NO_INTERPRETERS) -> tuple[App, Sequence[Command]]:
    """The workers for all languages of the app, and the app without what this machine has no interpreter for.

    `problems` says why. Raises StartError if that is the app's own language.
    """
    commands = []
    for language in app.languages:
        try:
            commands.append(command(app, interpreters, language))
        except StartError as error:
            if language == app.language:
                raise
            app = _without(app, language, str(error))
    return app, commands


def _without(app: App, language: str, why: str) -> App:
    """The app without its functions in this language."""
    left_out = [function for function in app.functions if function.language == language]
    problems = [Problem(function.source, "", why, function=function.name) for function in left_out]
    if file := app.index_files.get(language):
        problems.append(Problem(file, "", why))
    return replace(
        app,
        functions=tuple(function for function in app.functions if function.language != language),
        index_files={name: file for name, file in app.index_files.items() if name != language},
        problems=(*app.problems, *problems),
    )


def package_folders(app: App, interpreters: Mapping[str, str] = NO_INTERPRETERS) -> Sequence[Path]:
    """Folders in which a change means that packages were installed for the app; none if it has no interpreter."""
    try:
        _, commands = runnable(app, interpreters)
    except StartError:
        return ()
    return [folder for run in commands for folder in TOOLCHAINS[run.language].installed(run.arguments[0])]


def missing_modules(commands: Iterable[Command], failures: Collection[str]) -> str:
    """A sentence on modules that functions could not import, and what installs them; empty if none are missing."""
    texts = (TOOLCHAINS[run.language].missing_modules(run.directory, run.interpreter, failures) for run in commands)
    return " ".join(filter(None, texts))


def _command(app: App, toolchain: Toolchain, interpreter: Interpreter) -> Command:
    if found := toolchain.find_official(app, interpreter):
        return _official(app, toolchain, interpreter, *found)
    handler = toolchain.handler(app) if toolchain.handler else None
    debug, own = (None, handler.arguments) if handler else toolchain.interpreter_arguments(app)
    program = (str(toolchain.program),) if toolchain.program else ()
    return Command(
        toolchain.language,
        (interpreter.executable, *own, *(toolchain.debugged_arguments if debug else ()), *program),
        {**_environment(app, toolchain), **(toolchain.debugged_variables(debug) if debug else {})},
        handler.directory if handler else app.root,
        is_exclusive=bool(handler.port if handler else own) and debug is None,
        debug=debug,
        stands_by=toolchain.stands_by,
        handler=handler,
        source=interpreter.source,
    )


def _official(app: App, toolchain: Toolchain, interpreter: Interpreter, worker: OfficialWorker, source: str) -> Command:
    """Debuggers are asked for by arguments of the worker's own interpreter, and joined without the host."""
    has_arguments = bool(app.settings.get(toolchain.arguments_setting))
    return Command(
        toolchain.language,
        (interpreter.executable, *worker.arguments),
        {
            **dict(worker.variables),
            **_environment(app, toolchain),
            "FUNCTIONS_WORKER_DIRECTORY": str(worker.directory),
        },
        app.root,
        is_exclusive=has_arguments,
        stands_by=toolchain.stands_by and not worker.lists_functions,
        official=worker,
        source=f"{interpreter.source}; the official worker in {worker.directory}, found by {source}",
    )


def _environment(app: App, toolchain: Toolchain) -> Mapping[str, str]:
    """The settings, and what a worker is told beside them (platform/settings.md 4)."""
    return {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        **toolchain.variables,
        **(TRACE if wants_trace(app.config.log_levels) else {}),
        **app.settings.environment,
        "FUNCTIONS_WORKER_RUNTIME": toolchain.language,
        **({"FUNCTIONS_WORKER_DIRECTORY": str(toolchain.program.parent)} if toolchain.program else {}),
        "FUNCTIONS_APPLICATION_DIRECTORY": str(app.root),
        "AzureWebJobsScriptRoot": str(app.root),
    }
