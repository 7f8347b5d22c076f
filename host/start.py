"""`fnhost start`: the front listens, the app and every later version of it is served, a signal ends it."""

import asyncio
import gc
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host import __version__
from host.console import Console, JsonLines, banner, in_error, listing
from host.load.localsettings import read_local
from host.log import Log, Reader
from host.reload import Reload, Site
from host.web.cors import Cors, read_cors
from host.web.front import Front
from host.web.keys import Keys
from host.web.server import bind, serving
from host.web.view import View
from host.worker.pool import Standby

PORT = 7071
ADDRESS = "127.0.0.1"
OURS = ".fnhost"
"""The folder in the app where the host keeps its own files."""
LONGEST_END = 1.8
"""Seconds after which Ctrl-C ends the process whatever happens; its children end with it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of a start; None where it says nothing (functions-host.md 7.1)."""

    root: Path
    environment: Mapping[str, str]
    functions: Sequence[str] = ()
    port: int | None = None
    address: str | None = None
    cors: str | None = None
    cors_credentials: bool = False
    enable_auth: bool = False
    use_https: bool = False
    certificate: str | None = None
    password: str | None = None
    python: str | None = None
    worker_arguments: str | None = None
    user_log_level: str | None = None
    verbose: bool = False
    json_output: bool = False
    json_file: str | None = None

    @property
    def levels(self) -> Mapping[str, str]:
        return {"Function": self.user_log_level} if self.user_log_level else {}


def start(options: Options) -> int:
    """Serve until a signal comes; the exit code. Raises StartError."""
    local = read_local(options.root).host
    port = options.port if options.port is not None else int(local.get("LocalHttpPort") or PORT)
    sockets = bind(str(options.address or local.get("LocalHttpAddress") or ADDRESS), port)
    console = Console(sys.stdout, verbose=options.verbose, levels=options.levels)
    gc.freeze()  # what is loaded stays: the collector need not look at it again and again
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(_serve(options, local, sockets, console, Log(*_readers(options, console))))
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


async def _serve(
    options: Options, local: Mapping[str, Any], sockets: Sequence[socket.socket], console: Console, log: Log
) -> int:
    root, name = options.root, f"localhost:{sockets[0].getsockname()[1]}"
    keys = Keys(root / OURS / "keys.json")
    front = Front(root, log, keys, enable_auth=options.enable_auth, cors=_cors(options, local), host_id=host_id(root))
    console.print(banner(__version__))
    if options.enable_auth:
        keys.of("host")
        console.print(f"Keys are demanded. They are in {OURS}/keys.json.\n")
    async with AsyncExitStack() as stack:
        site = Site(
            root=root,
            environment=_environment(options, name),
            only=options.functions,
            python=options.python,
            host_python=sys.executable,
            host_name=name,
            front=front,
            keys=keys,
            standby=await stack.enter_async_context(Standby(log)),
            log=log,
        )
        announce = Announce(console, log, f"{'https' if options.use_https else 'http'}://{name}", options)
        await stack.enter_async_context(serving(front, sockets, _certificate(options)))
        return await _until_stopped(Reload(site, announce).serve(), console)


def _certificate(options: Options) -> Path | None:
    if not options.use_https:
        return None
    from host.web.tls import certificate  # takes its time to load, and few ask for it

    return certificate(options.root / OURS, options.certificate, options.password)


def _environment(options: Options, name: str) -> Mapping[str, str]:
    """What the worker is told of us beside the shell's own variables (functions-host.md 2.4)."""
    given = {"WEBSITE_HOSTNAME": name, "FUNCTIONS_CORETOOLS_ENVIRONMENT": "fnhost"}
    if options.worker_arguments:
        given["languageWorkers__python__arguments"] = options.worker_arguments.removeprefix("-- ")
    return {**options.environment, **given}


def _cors(options: Options, local: Mapping[str, Any]) -> Cors | None:
    origins = str(options.cors or local.get("CORS") or "")
    return read_cors(origins, options.cors_credentials or bool(local.get("CORSCredentials")))


def host_id(root: Path) -> str:
    """The platform's rule: machine name and a 32-bit hash of the path (functions-host.md 5.1)."""
    value = 23
    for character in str(root):
        value = (value * 31 + ord(character)) & 0xFFFFFFFF
    signed = value - 2**32 if value >= 2**31 else value
    machine = "".join(filter(str.isalnum, socket.gethostname()))
    return f"{machine}-{abs(signed)}".lower()[:32].rstrip("-")


class Announce:
    """Prints a version that goes into service: whole the first time, then what is new about it."""

    def __init__(self, console: Console, log: Log, base: str, options: Options) -> None:
        self._console, self._log, self._base, self._options = console, log, base, options
        self._shown = ""
        self._said: set[str] = set()

    def __call__(self, view: View) -> None:
        app = view.app
        self._console.set_levels({**app.config.log_levels, **self._options.levels})
        unloaded = [f"The '{function}' function is in error: {text}" for function, text in view.failures.items()]
        errors = [*in_error(app.problems), *unloaded]
        for text in (*app.warnings, *errors):
            if text not in self._said:
                (self._log.error if text in errors else self._log.warning)("Host.Startup", text)
        self._said = {*app.warnings, *errors}
        if (shown := listing(app, self._base)) != self._shown:
            self._console.print(f"\n{shown}\n")
        if not self._shown and not self._options.verbose:
            self._console.print("For detailed output, run fnhost with --verbose flag.")
        self._shown = shown


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
