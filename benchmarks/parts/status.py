"""From the moment an orchestrator sets its custom status to the moment a client that polls sees it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

import aiohttp

from benchmarks.bench import Bench
from benchmarks.flows import POLL, Ours, client, expect, ours
from benchmarks.hosts import on_azurite, on_sqlite
from benchmarks.sites import Site
from benchmarks.table import Measure

PART, CASE, UNIT = "status", "custom status: set to seen", "ms"
TIMES = 30
JSON = {"Content-Type": "application/json"}
INSTANCE = "told"
HUBS: dict[str, Callable[[Bench], AbstractAsyncContextManager[Site]]] = {
    "fnhost, SQLite hub": on_sqlite,
    "fnhost, Azurite hub": on_azurite,
}


async def measure(bench: Bench) -> AsyncIterator[Measure]:
    for name, hub in HUBS.items():
        bench.say(f"status: {name}")
        async with hub(bench) as site, client() as session:
            delays = await _delays(session, ours(session, site))
        yield Measure(PART, CASE, name, UNIT, delays, note=f"polled every {POLL * 1000:.0f} ms")


async def _delays(session: aiohttp.ClientSession, flow: Ours) -> tuple[float, ...]:
    async with session.post(f"{flow.url}/orchestrators/Tell/{INSTANCE}", json=str(TIMES)) as answer:
        expect(str(answer.status), "202")
    delays, known = [], 0.0
    for _ in range(TIMES):
        async with session.post(
            f"{flow.url}/instances/{INSTANCE}/raiseEvent/Tell", data="null", headers=JSON
        ) as answer:
            expect(str(answer.status), "202")
        known = await _next(session, flow, known)
        delays.append((time.time() - known) * 1000)
    return tuple(delays)


async def _next(session: aiohttp.ClientSession, flow: Ours, known: float) -> float:
    """A custom status other than the known one: the time at which it was set."""
    while True:
        async with session.get(f"{flow.url}/instances/{INSTANCE}") as answer:
            told = (await answer.json())["customStatus"]
        if told is not None and told != known:
            return float(told)
        await asyncio.sleep(POLL)
