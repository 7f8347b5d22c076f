"""The command line: the only reader of the process's arguments and environment."""

import argparse
import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from host import __version__
from host.app import App
from host.console import Console, JsonLines, banner, in_error, listing
from host.errors import AppError, FnhostError
from host.generation import servable, uses_durable
from host.load import find_root, load
from host.load.localsettings import read_local
from host.log import Log
from host.reload import Reload, Site
from host.web.cors import Cors, read_cors
from host.web.front import Front
from host.web.keys import Keys
from host.web.server import bind, serving
from host.worker.pool import Standby

PORT = 7071
LONGEST_END = 1.8
"""Seconds after which Ctrl-C ends the process whatever happens; its children end with it."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except FnhostError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fnhost", description="Run Azure Functions apps on this machine.")
    parser.add_argument("--version", action="version", version=f"fnhost {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("start", help="serve an app, and every version you save of it")
    _app_arguments(start)
    start.add_argument("--port", "-p", type=int, help=f"the port to listen on ({PORT})")
    start.add_argument("--address", help="the address to listen on (127.0.0.1)")
    start.add_argument("--cors", metavar="ORIGINS", help="origins that browsers may call from, comma separated")
    start.add_argument("--cors-credentials", action="store_true", help="let those origins send credentials")
    start.add_argument("--enable-auth", "--enableAuth", action="store_true", help="demand keys, as Azure does")
    start.add_argument("--python", metavar="PATH", help="the interpreter that runs the app")
    start.add_argument("--language-worker", metavar="ARGS", help="arguments for the worker's interpreter, one string")
    start.add_argument("--user-log-level", metavar="LEVEL", help="the lowest level shown of the app's own logs")
    start.add_argument("--verbose", action="store_true", help="show what the host itself does")
    start.add_argument("--enable-json-output", action="store_true", help="print log records as JSON lines")
    start.add_argument("--json-output-file", metavar="FILE", help="write log records as JSON lines to this file")
    start.add_argument("--timeout", "-t", type=int, help=argparse.SUPPRESS)
    start.add_argument("--no-build", action="store_true", help=argparse.SUPPRESS)
    start.add_argument("--runtime", help=argparse.SUPPRESS)
    start.set_defaults(run=_start)
    check = commands.add_parser("check", help="validate an app and list what it has; exit 1 on a problem")
    _app_arguments(check)
    check.set_defaults(run=_check)
    return parser


def _app_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("app", nargs="?", default=".", metavar="APP", help="the app's folder (this one)")
    parser.add_argument("--functions", nargs="+", default=[], metavar="NAME", help="serve these functions only")


def _check(options: argparse.Namespace) -> int:
    """List everything, the sound and the broken."""
    root = find_root(Path(options.app))
    try:
        app = servable(load(root, os.environ, options.functions))
        if uses_durable(app):
            from host.durable.config import read_durable

            read_durable(app)
    except AppError as error:
        print(error)
        return 1
    print(listing(app, f"http://localhost:{PORT}"))
    for text in (*app.warnings, *in_error(app.problems)):
        print(text)
    print(f"{len(app.functions)} functions can be served, {len(app.problems)} problems.")
    return 1 if app.problems else 0


def _start(options: argparse.Namespace) -> int:
    root = find_root(Path(options.app))
    local = read_local(root).host
    address = options.address or local.get("LocalHttpAddress") or "127.0.0.1"
    sockets = bind(str(address), _port(options.port, local))
    console = Console(sys.stdout, verbose=options.verbose, levels=_levels(options))
    log = Log(*_readers(options, console))
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        try:
            return runner.run(_serve(options, root, local, sockets, console, log))
        finally:
            console.flush()


def _port(option: int | None, local: Mapping[str, Any]) -> int:
    return int(option if option is not None else local.get("LocalHttpPort") or PORT)


def _levels(options: argparse.Namespace) -> Mapping[str, str]:
    return {"Function": options.user_log_level} if options.user_log_level else {}


def _readers(options: argparse.Namespace, console: Console) -> list[Any]:
    readers: list[Any] = [JsonLines(sys.stdout) if options.enable_json_output else console]
    if options.json_output_file:
        readers.append(JsonLines(open(options.json_output_file, "a", encoding="utf-8", buffering=1)))
    return readers


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


async def _serve(
    options: argparse.Namespace,
    root: Path,
    local: Mapping[str, Any],
    sockets: Sequence[socket.socket],
    console: Console,
    log: Log,
) -> int:
    port = sockets[0].getsockname()[1]
    base = f"http://localhost:{port}"
    keys = Keys(root / ".fnhost" / "keys.json")
    front = Front(root, log, keys, enable_auth=options.enable_auth, cors=_cors(options, local), host_id=_host_id(root))
    console.print(banner(__version__))
    async with AsyncExitStack() as stack:
        standby = await stack.enter_async_context(Standby(log))
        site = Site(
            root=root,
            environment=_environment(options, port),
            only=options.functions,
            python=options.python,
            host_python=sys.executable,
            host_name=f"localhost:{port}",
            front=front,
            keys=keys,
            standby=standby,
            log=log,
        )
        reload = Reload(site, _Listing(console, log, base, options))
        await stack.enter_async_context(serving(front, sockets))
        return await _until_stopped(reload.serve(), console)


def _environment(options: argparse.Namespace, port: int) -> Mapping[str, str]:
    """What the worker is told of us beside the shell's own variables (functions-host.md 2.4)."""
    given = {"WEBSITE_HOSTNAME": f"localhost:{port}", "FUNCTIONS_CORETOOLS_ENVIRONMENT": "fnhost"}
    if options.language_worker:
        given["languageWorkers__python__arguments"] = options.language_worker.removeprefix("-- ")
    return {**os.environ, **given}


def _cors(options: argparse.Namespace, local: Mapping[str, Any]) -> Cors | None:
    origins = str(options.cors or local.get("CORS") or "")
    return read_cors(origins, options.cors_credentials or bool(local.get("CORSCredentials")))


def _host_id(root: Path) -> str:
    """The platform's rule: machine name and a 32-bit hash of the path (functions-host.md 5.1)."""
    value = 23
    for character in str(root):
        value = (value * 31 + ord(character)) & 0xFFFFFFFF
    signed = value - 2**32 if value >= 2**31 else value
    machine = "".join(filter(str.isalnum, socket.gethostname()))
    return f"{machine}-{abs(signed)}".lower()[:32].rstrip("-")


class _Listing:
    """Prints an app when it goes into service: whole the first time, then only when its functions are others."""

    def __init__(self, console: Console, log: Log, base: str, options: argparse.Namespace) -> None:
        self._console, self._log, self._base, self._options = console, log, base, options
        self._shown = ""
        self._warned: set[str] = set()

    def __call__(self, app: App) -> None:
        levels = {**app.config.log_levels, **_levels(self._options)}
        self._console.set_levels(levels)
        for text in app.warnings:
            if text not in self._warned:
                self._log.warning("Host.Startup", text)
        self._warned.update(app.warnings)
        for text in in_error(app.problems):
            self._log.error("Host.Startup", text)
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


if __name__ == "__main__":
    sys.exit(main())
