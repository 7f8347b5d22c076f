"""Who answers plain HTTP: each a block that yields a running site with the same one function."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.peers import PROGRAMS, PeerMissing
from benchmarks.processes import NotStarted, Server, serving
from fnhost.host.system.ports import free_port

APPS = Path(__file__).parent / "apps"
PATH = "/api/Hello"


@dataclass(frozen=True, slots=True)
class Site:
    """`source` is the file whose `VERSION` the answers tell."""

    server: Server
    source: Path


Open = Callable[[Bench], AbstractAsyncContextManager[Site]]


@dataclass(frozen=True, slots=True)
class Subject:
    name: str
    open: Open
    note: str = ""


def http_app(bench: Bench, source: str = "http", runtime: str = "python") -> Path:
    app = bench.folder(APPS / source)
    write_json(app / "host.json", {"version": "2.0"})
    write_json(app / "local.settings.json", {"IsEncrypted": False, "Values": {"FUNCTIONS_WORKER_RUNTIME": runtime}})
    return app


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2), "utf-8")


@asynccontextmanager
async def fnhost(bench: Bench) -> AsyncIterator[Site]:
    app, port = http_app(bench), free_port()
    async with serving(bench.fnhost(app, port), port, PATH) as server:
        yield Site(server, app / "Hello" / "__init__.py")


@asynccontextmanager
async def fnhost_node(bench: Bench) -> AsyncIterator[Site]:
    app, port = http_app(bench, "http_node", "node"), free_port()
    async with serving(bench.fnhost(app, port), port, PATH) as server:
        yield Site(server, app / "Hello" / "index.js")


@asynccontextmanager
async def starlette(bench: Bench, *options: str) -> AsyncIterator[Site]:
    programs, folder, port = await bench.peers.python(), bench.folder(PROGRAMS / "web.py"), free_port()
    fast = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", *options)
    command = bench.command(folder, programs / "uvicorn", "web:app", "--port", port, *fast)
    async with serving(command, port, PATH) as server:
        yield Site(server, folder / "web.py")


def reloading_starlette(bench: Bench) -> AbstractAsyncContextManager[Site]:
    return starlette(bench, "--reload")


@asynccontextmanager
async def framework(bench: Bench, *options: str) -> AsyncIterator[Site]:
    programs, folder, port = await bench.peers.python(), bench.folder(PROGRAMS / "framework.py"), free_port()
    asked = ("--target", "hello", "--source", "framework.py", "--host", "127.0.0.1", "--port", port, *options)
    async with serving(bench.command(folder, programs / "functions-framework", *asked), port, PATH) as server:
        yield Site(server, folder / "framework.py")


def debugged_framework(bench: Bench) -> AbstractAsyncContextManager[Site]:
    return framework(bench, "--debug")


@asynccontextmanager
async def node_framework(bench: Bench) -> AsyncIterator[Site]:
    packages, folder, port = await bench.peers.node(), bench.folder(PROGRAMS / "framework.js"), free_port()
    program = packages / ".bin" / "functions-framework"
    command = bench.command(folder, program, "--target=hello", "--source=framework.js", f"--port={port}")
    async with serving(command, port, PATH) as server:
        yield Site(server, folder / "framework.js")


async def opened(
    stack: AsyncExitStack, bench: Bench, subjects: Sequence[Subject]
) -> tuple[dict[Subject, Site], dict[Subject, str]]:
    """Those that run, and why the others do not."""
    running, missing = {}, {}
    for subject in subjects:
        try:
            running[subject] = await stack.enter_async_context(subject.open(bench))
        except (PeerMissing, NotStarted) as error:
            missing[subject] = str(error)
    return running, missing
