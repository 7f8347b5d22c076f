"""What the Azurite hub asks of Azurite, and how much of what Azurite can do it gets."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.flows import Ours, client, ours
from benchmarks.hosts import AZURE_STORAGE, host
from benchmarks.operations import kinds, per_step, replaying
from benchmarks.processes import HOST, cpu_seconds, process
from benchmarks.table import Measure
from fnhost import azurite
from fnhost.azurite.process import connection_string
from fnhost.bindings.storage import parse
from fnhost.host.system.ports import free_port

PART = "storage"
AT_ONCE, STEPS, RUNS = 200, 5, 3
SUBJECT = "fnhost, Azurite hub"
REPLAYED = "plain client, 32 at once"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of many orchestrations: wall time, and the emulator's processor time, in seconds."""

    seconds: float
    cpu: float


async def measure(bench: Bench) -> AsyncIterator[Measure]:
    bench.say("storage: counting operations")
    found = await _counted(bench)
    runs, limits = [], []
    for number in range(RUNS):
        bench.say(f"storage: run {number + 1}")
        runs.append(await _timed(bench))
        limits.append(await _replayed(bench, found))
    steps = AT_ONCE * STEPS
    mix = ", ".join(f"{count:.2f} {kind}" for kind, count in per_step(found, steps).items())
    yield Measure(PART, "storage operations per step", SUBJECT, "operations", (len(found) / steps,), note=mix)
    spent = tuple(run.cpu / steps * 1000 for run in runs)
    yield Measure(PART, "Azurite's processor time per step", SUBJECT, "ms", spent)
    rates = tuple(len(found) / run.seconds for run in runs)
    case, note = "storage operations per second", "the same kinds, in that order"
    yield Measure(PART, case, SUBJECT, "operations", rates, more_is_better=True)
    yield Measure(PART, case, REPLAYED, "operations", tuple(limits), more_is_better=True, note=note)


async def _counted(bench: Bench) -> list[str]:
    async with _logging(bench) as (connection, log), _flow(bench, connection) as flow:
        await flow.run("chain", STEPS)
        before = len(log.read_bytes())
        await flow.run_many("chain", STEPS, AT_ONCE)
        return kinds(log.read_bytes()[before:].decode())


async def _timed(bench: Bench) -> Run:
    async with _emulator(bench) as emulator, _flow(bench, emulator.connection_string) as flow:
        await flow.run("chain", STEPS)
        begun, spent = time.perf_counter(), cpu_seconds(emulator.pid)
        await flow.run_many("chain", STEPS, AT_ONCE)
        return Run(time.perf_counter() - begun, cpu_seconds(emulator.pid) - spent)


async def _replayed(bench: Bench, found: Sequence[str]) -> float:
    """On an Azurite as empty as the host's was."""
    async with _emulator(bench) as emulator, replaying(parse(emulator.connection_string), AT_ONCE) as replay:
        return await replay.rate(found)


@asynccontextmanager
async def _flow(bench: Bench, connection: str) -> AsyncIterator[Ours]:
    async with host(bench, AZURE_STORAGE, connection) as site, client() as session:
        yield ours(session, site)


def _emulator(bench: Bench) -> AbstractAsyncContextManager[azurite.Azurite]:
    return azurite.running(bench.folder(), bench.environment, bench.say)


@asynccontextmanager
async def _logging(bench: Bench) -> AsyncIterator[tuple[str, Path]]:
    """An emulator that logs every request: its connection string, and the log."""
    installation = await azurite.installed(bench.environment, bench.say)
    folder, ports = bench.folder(), azurite.Ports(free_port(), free_port(), free_port())
    named = (text for name, port in ports.by_service.items() for text in (f"--{name}Port", str(port)))
    common = ("--location", folder, "--skipApiVersionCheck", "--disableTelemetry")
    command = bench.command(folder, installation.node, installation.script, *named, *common)
    async with process(command):
        for port in ports.by_service.values():
            await _until_open(port)
        yield connection_string(ports), command.log


async def _until_open(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(HOST, port)
                return writer.close()
            await asyncio.sleep(0.01)
