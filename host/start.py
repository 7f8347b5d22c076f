"""`fnhost start`: the first worker is on its way before most of the host is loaded; a signal ends everything."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from host.app import App, HostConfig, Settings
from host.console import Console, JsonLines
from host.errors import StartError
from host.load.localsettings import likely, merge, read_local
from host.log import Log, Reader
from host.options import ADDRESS, PORT, Options
from host.web.sockets import bind, name_of
from host.worker.commands import command
from host.worker.pool import Standby

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
    options = replace(options, environment=_environment(options, name_of(sockets)))
    async with Standby(log) as standby:
        with suppress(StartError):  # it is told when the app has been read
            settings = merge(options.environment, expected)
            app = App(options.root, _likely_language(options.root, settings), (), settings, HostConfig())
            await standby.begin(command(app, options.python, sys.executable))
        from host.serve import serve  # takes as long to load as the worker takes to start

        await serve(options, local, sockets, console, log, standby)


def _likely_language(root: Path, settings: Settings) -> str:
    """Before the app has been read; if it turns out otherwise, the first worker has started in vain."""
    likely = "node" if (root / "package.json").is_file() and not (root / "requirements.txt").is_file() else "python"
    return (settings.get("FUNCTIONS_WORKER_RUNTIME") or likely).lower()


def _environment(options: Options, name: str) -> Mapping[str, str]:
    """What the worker is told of us beside the shell's own variables (functions-host.md 2.4)."""
    given = {"WEBSITE_HOSTNAME": name, "FUNCTIONS_CORETOOLS_ENVIRONMENT": "fnhost"}
    if options.worker_arguments:
        for language in ("python", "node"):
            given[f"languageWorkers__{language}__arguments"] = options.worker_arguments.removeprefix("-- ")
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
