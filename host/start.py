"""`fnhost start`: the first worker is on its way before most of the host is loaded; a signal ends everything."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from fnhost.host.app import App, HostConfig
from fnhost.host.console import Console, JsonLines
from fnhost.host.errors import StartError
from fnhost.host.load.localsettings import LocalSettings, likely, merge, read_local
from fnhost.host.log import Log, Reader
from fnhost.host.options import ADDRESS, PORT, Options
from fnhost.host.web.listen.sockets import bind, name_of
from fnhost.host.worker.commands import Command, command
from fnhost.host.worker.pool import StandbyWorkers
from fnhost.host.worker.toolchains import likely_toolchain
from fnhost.host.worker.toolchains.toolchain import Toolchain

LONGEST_END = 1.8
"""Seconds after which Ctrl-C ends the process whatever happens; its children end with it."""


def start(options: Options) -> int:
    """Serve until a signal comes; the exit code. Raises StartError."""
    console = Console(sys.stdout, verbose=options.verbose, levels=options.levels)
    work = _serve(options, console, Log(*_readers(options, console)))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(_until_stopped(work, console))
        finally:
            console.flush()


def _readers(options: Options, console: Console) -> list[Reader]:
    readers: list[Reader] = [JsonLines(sys.stdout) if options.json_output else console]
    if options.json_file:
        readers.append(JsonLines(open(options.json_file, "a", encoding="utf-8", buffering=1)))
    return readers


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(options: Options, console: Console, log: Log) -> None:
    expected = likely(options.root)
    local = read_local(options.root).host if expected.host else {}
    port = options.port if options.port is not None else int(local.get("LocalHttpPort") or PORT)
    sockets = bind(str(options.address or local.get("LocalHttpAddress") or ADDRESS), port)
    toolchain = likely_toolchain(merge(options.environment, expected))
    options = replace(options, environment=_environment(options, name_of(sockets), toolchain))
    async with StandbyWorkers(log) as standby:
        with suppress(StartError):  # it is told when the app has been read
            await standby.begin(_likely_command(options, expected))
        from fnhost.host.serve import serve  # takes as long to load as the worker takes to start

        await serve(options, local, sockets, console, log, standby)


def _likely_command(options: Options, expected: LocalSettings) -> Command:
    """The command of the app as its settings let expect it. Raises StartError."""
    settings = merge(options.environment, expected)
    app = App(options.root, likely_toolchain(settings).language, (), settings, HostConfig())
    return command(app, options.interpreters)


def _environment(options: Options, name: str, toolchain: Toolchain) -> Mapping[str, str]:
    """What the worker is told of us beside the shell's own variables (platform/settings.md 4)."""
    given = {"WEBSITE_HOSTNAME": name, "FUNCTIONS_CORETOOLS_ENVIRONMENT": "fnhost"}
    if options.worker_arguments:
        given[toolchain.arguments_setting.replace(":", "__")] = options.worker_arguments.removeprefix("-- ")
    return {**options.environment, **given}


async def _until_stopped(work: Coroutine[Any, Any, None], console: Console) -> int:
    """Run until the work ends or a signal comes. A second signal, or too long an end, ends everything at once."""
    task = asyncio.create_task(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not task.cancelling():
            loop.call_later(LONGEST_END, end_now)
            task.cancel()
        else:
            end_now()

    def end_now() -> None:
        console.flush()
        os._exit(1)

    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop))
    try:
        await task
    except asyncio.CancelledError:
        return 0
    return 1
