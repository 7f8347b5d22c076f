"""From the write of a file to the first answer of the new code, with requests under way all the time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.peers import PeerMissing
from benchmarks.processes import NotStarted, ask, until
from benchmarks.sites import PATH, Site, Subject, debugged_framework, fnhost, fnhost_node, reloading_starlette
from benchmarks.table import Measure

PART = "reload"
TIME, FAILED, WAITED = (
    "file write to first new answer",
    "failed requests meanwhile",
    "longest wait of a request meanwhile",
)
WRITES = 20
BETWEEN_WRITES = 2.0
"""Seconds from an answer to the next write: a quick editor."""
BETWEEN_REQUESTS = 0.01
BETWEEN_LOOKS = 0.002
PATIENCE = 20.0
SUBJECTS = (
    Subject("fnhost, Python worker", fnhost),
    Subject("fnhost, Node worker", fnhost_node),
    Subject("uvicorn --reload", reloading_starlette),
    Subject("functions-framework --debug", debugged_framework),
)


@dataclass(slots=True)
class Traffic:
    """What became of the requests. Waits in milliseconds."""

    waits: list[float] = field(default_factory=list)
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Watched:
    """What was seen of one subject. Times in milliseconds; nothing but a note if it did not work."""

    name: str
    times: tuple[float, ...] = ()
    failed: tuple[float, ...] = ()
    longest: tuple[float, ...] = ()
    requests: int = 0
    note: str = ""


async def measure(bench: Bench) -> AsyncIterator[Measure]:
    found = []
    for subject in SUBJECTS:
        bench.say(f"reload: {subject.name}")
        found.append(await _watched(bench, subject))
    for each in found:
        yield Measure(PART, TIME, each.name, "ms", each.times, note=each.note)
    for each in found:
        yield Measure(PART, FAILED, each.name, "requests", each.failed, note=each.note or f"of {each.requests}")
    for each in found:
        yield Measure(PART, WAITED, each.name, "ms", each.longest, note=each.note)


async def _watched(bench: Bench, subject: Subject) -> Watched:
    try:
        async with subject.open(bench) as site, _traffic(site.server.port) as traffic:
            times = [await _write(site, number) for number in range(1, WRITES + 1)]
    except (PeerMissing, NotStarted) as error:
        return Watched(subject.name, note=str(error))
    except TimeoutError:
        return Watched(subject.name, note=f"no new answer within {PATIENCE:.0f} s of a write")
    longest, requests = max(traffic.waits, default=0), len(traffic.waits) + traffic.failed
    return Watched(subject.name, tuple(times), (traffic.failed,), (longest,), requests)


async def _write(site: Site, version: int) -> float:
    """Milliseconds until this version answers. Raises TimeoutError."""
    await asyncio.sleep(BETWEEN_WRITES)
    text = site.source.read_text("utf-8").replace(f"VERSION = {version - 1}\n", f"VERSION = {version}\n")
    site.source.write_text(text, "utf-8")
    written, wanted = time.perf_counter(), f'"version":{version}}}'.encode()
    async with asyncio.timeout(PATIENCE):
        await until(lambda: _tells(site.server.port, wanted), BETWEEN_LOOKS)
    return (time.perf_counter() - written) * 1000


async def _tells(port: int, wanted: bytes) -> bool:
    try:
        return (await ask(port, PATH)).body.replace(b" ", b"").endswith(wanted)
    except OSError:
        return False


@asynccontextmanager
async def _traffic(port: int) -> AsyncIterator[Traffic]:
    """A hundred requests a second or so, each begun whether or not the one before has its answer."""
    traffic, stopped = Traffic(), asyncio.Event()

    async def drive() -> None:
        async with asyncio.TaskGroup() as group:
            while not stopped.is_set():
                group.create_task(_request(port, traffic))
                await asyncio.sleep(BETWEEN_REQUESTS)

    task = asyncio.create_task(drive())
    try:
        yield traffic
    finally:
        stopped.set()
        await task


async def _request(port: int, traffic: Traffic) -> None:
    begun = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            succeeded = (await ask(port, PATH)).status == 200
    except (OSError, TimeoutError):
        succeeded = False
    if succeeded:
        traffic.waits.append((time.perf_counter() - begun) * 1000)
    else:
        traffic.failed += 1
