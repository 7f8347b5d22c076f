"""Servers as child processes: ready when they answer, ended by id with all they started."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

START_LIMIT, END_LIMIT = 60.0, 5.0
BETWEEN_TRIES = 0.002
LAST_WORDS = 100
HOST = "127.0.0.1"


class NotStarted(Exception):
    """A server did not answer. The text holds its last words."""


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, and where its output goes: not into an app that is watched."""

    arguments: Sequence[str]
    directory: Path
    environment: Mapping[str, str]
    log: Path


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers on a port of this machine. `started_in` is the time to its first answer, in seconds."""

    pid: int
    port: int
    started_in: float


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes


async def ask(port: int, path: str, method: str = "GET") -> Reply:
    """One request over a connection of its own. Raises OSError if there is no whole answer."""
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
        head, separator, body = (await reader.read(-1)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    if not separator:
        raise ConnectionError("the connection was closed without an answer")
    return Reply(int(head.split(b" ", 2)[1]), body)


@asynccontextmanager
async def serving(command: Command, port: int, path: str) -> AsyncIterator[Server]:
    """Run it for the length of the block; it has begun when `path` answers 200. Raises NotStarted."""
    begun = time.perf_counter()
    async with process(command) as child:
        try:
            async with asyncio.timeout(START_LIMIT):
                await _first_answer(child, port, path)
        except (TimeoutError, ChildProcessError) as error:
            words = " ".join(command.log.read_text("utf-8", "replace").split())[-LAST_WORDS:]
            raise NotStarted(f"{Path(command.arguments[0]).name} did not answer {path}: {words}") from error
        yield Server(child.pid, port, time.perf_counter() - begun)


@asynccontextmanager
async def process(command: Command) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process for the length of the block. Raises NotStarted."""
    with command.log.open("wb") as output:
        try:
            child = await asyncio.create_subprocess_exec(
                *command.arguments,
                cwd=command.directory,
                env=dict(command.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise NotStarted(f"{command.arguments[0]} cannot be run: {error}") from error
    try:
        yield child
    finally:
        await _end(child)


async def _first_answer(child: asyncio.subprocess.Process, port: int, path: str) -> None:
    async def answers() -> bool:
        if child.returncode is not None:
            raise ChildProcessError(f"it ended with code {child.returncode}")
        try:
            return (await ask(port, path)).status == 200
        except OSError:
            return False

    await until(answers, BETWEEN_TRIES)


async def until(is_true: Callable[[], Awaitable[bool]], pause: float) -> None:
    """Ask again and again, with pauses of so many seconds: nothing tells when another process is so far."""
    while True:
        if await is_true():
            return
        await asyncio.sleep(pause)


async def _end(child: asyncio.subprocess.Process) -> None:
    family = descendants(child.pid)
    with suppress(ProcessLookupError):
        child.terminate()
    try:
        async with asyncio.timeout(END_LIMIT):
            await child.wait()
    except TimeoutError:
        child.kill()
        await child.wait()
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    await asyncio.to_thread(_bury, family)


def _bury(family: Sequence[psutil.Process]) -> None:
    """What was started on the way ends by itself; what does not is killed."""
    _, alive = psutil.wait_procs(family, timeout=END_LIMIT)
    for each in alive:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def memory(pid: int) -> float:
    """Resident memory of one process, in MB of 10^6 bytes."""
    return psutil.Process(pid).memory_info().rss / 1e6


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
