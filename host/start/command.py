"""`fnhost start`: starts the first worker, then imports the rest of the host while it starts; ends on a signal."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fnhost.host.app import App, HostConfig
from fnhost.host.errors import StartError
from fnhost.host.limits import END
from fnhost.host.load.localsettings import LocalSettings, likely, merge, read_local
from fnhost.host.logging.console import Console, JsonLines, RecordWriter
from fnhost.host.logging.log import Log, Reader
from fnhost.host.logging.writer import BackgroundWriter, Output, standard_output
from fnhost.host.options import ADDRESS, PORT, Options
from fnhost.host.system.open_files import raise_open_files
from fnhost.host.system.signals import ASKED_TO_END, ending_in_time
from fnhost.host.terminal.style import style_of
from fnhost.host.web.listen.sockets import bind, holder, name_of
from fnhost.host.worker.commands import Command, command
from fnhost.host.worker.debuggers import Debuggers
from fnhost.host.worker.standby import StandbyWorkers
from fnhost.host.worker.toolchains import likely_toolchain
from fnhost.host.worker.toolchains.toolchain import Toolchain

if TYPE_CHECKING:
    from fnhost.host.start.steer import Steering


def start(options: Options) -> int:
    """Serve until a signal comes; the exit code. Raises StartError."""
    keep_standard_descriptors()
    raise_open_files()
    with ExitStack() as outputs:
        writer = outputs.enter_context(BackgroundWriter(standard_output(sys.stdout)))
        console = _console(options, writer)
        log = Log(console, *_files(options, outputs))
        steering = _steering(options, console, outputs)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_until_stopped(_serve(options, console, log, steering), outputs))


def keep_standard_descriptors() -> None:
    """Open those that were closed (`>&-`): the next socket would take their numbers, and receive what is printed."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _console(options: Options, writer: BackgroundWriter) -> RecordWriter:
    """What writes to standard output: nothing else does."""
    if options.json_output:
        return JsonLines(writer)
    style = style_of(options.environment, is_terminal=writer.is_terminal)
    return Console(writer, verbose=options.verbose, levels=options.levels, style=style)


def _steering(options: Options, console: RecordWriter, outputs: ExitStack) -> "Steering | None":
    """The keys, if a person can press them and see what they do. `outputs` gives the terminal back in every end."""
    if sys.platform == "win32" or not (isinstance(console, Console) and console.is_terminal):
        return None
    if sys.stdin is None or not sys.stdin.isatty():
        return None
    from fnhost.host.start.steer import Steering
    from fnhost.host.terminal.keyboard import Keyboard
    from fnhost.host.terminal.screen import opened_screen

    screen = outputs.enter_context(opened_screen(sys.stdin))
    return Steering(Keyboard(screen), console, options.environment) if screen else None


def _files(options: Options, outputs: ExitStack) -> list[Reader]:
    """The file that takes every log record as well, if one is named. Raises StartError."""
    if not options.json_file:
        return []
    return [JsonLines(outputs.enter_context(BackgroundWriter(_json_file(options.json_file, outputs))))]


def _json_file(path: str, outputs: ExitStack) -> Output:
    try:
        return Output(path, outputs.enter_context(open(path, "ab", buffering=0)))
    except OSError as error:
        raise StartError(
            f"Cannot write log records to {path}: {error.strerror}. "
            "Give --json-output-file a file in a folder that exists and that you may write to."
        ) from error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(options: Options, console: RecordWriter, log: Log, steering: "Steering | None") -> None:
    expected = likely(options.root)
    local = read_local(options.root).host if expected.host else {}
    port = options.port if options.port is not None else int(local.get("LocalHttpPort") or PORT)
    sockets = bind(str(options.address or local.get("LocalHttpAddress") or ADDRESS), port)
    toolchain = likely_toolchain(merge(options.environment, expected), options.root)
    given = _given(options, name_of(sockets), toolchain)
    options = replace(options, environment={**options.environment, **given}, given=given)
    async with StandbyWorkers(log, debuggers=Debuggers(log, holder=holder)) as standby:
        if not options.is_scheduler:
            with suppress(StartError):  # reported once the app has been read
                await standby.begin(_likely_command(options, expected))
        from fnhost.host.start.serve import serve  # its import takes as long as the worker's start

        await serve(options, local, sockets, console, log, standby, steering)


def _likely_command(options: Options, expected: LocalSettings) -> Command:
    """The worker command that the app will most likely need, by its settings alone. Raises StartError."""
    settings = merge(options.environment, expected)
    app = App(options.root, likely_toolchain(settings, options.root).language, (), settings, HostConfig())
    return command(app, options.interpreters)


def _given(options: Options, name: str, toolchain: Toolchain) -> Mapping[str, str]:
    """The variables that the host adds to the shell's for its workers (platform/settings.md 4)."""
    given = {"WEBSITE_HOSTNAME": name, "FUNCTIONS_CORETOOLS_ENVIRONMENT": "fnhost"}
    if options.user_log_level:
        given["AzureFunctionsJobHost__logging__logLevel__Function"] = options.user_log_level
    if arguments := worker_arguments(options, toolchain):
        given[toolchain.arguments_setting.replace(":", "__")] = arguments
    return given


def worker_arguments(options: Options, toolchain: Toolchain) -> str:
    """What the command line gives the worker's interpreter: its own arguments first, a debugger's last."""
    own = (options.worker_arguments or "").removeprefix("-- ")
    debugger = "" if options.debug is None else toolchain.ask_for_debugger(options.debug)
    return f"{own} {debugger}".strip()


async def _until_stopped(work: Coroutine[Any, Any, None], outputs: ExitStack) -> int:
    """Run until the work ends or a signal comes. A second signal, or too long an end, ends everything at once.

    Workers end with this process in every case (host/worker/groups.py).
    """
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        with suppress(RuntimeError):  # the loop is closed: nothing is left but the end of the process
            loop.call_soon_threadsafe(task.cancel)

    with ending_in_time(stop, outputs.close, END):
        try:
            await task
        except asyncio.CancelledError:
            return ASKED_TO_END
    return 1
