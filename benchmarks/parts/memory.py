"""Resident memory of the host and its worker: idle, after orchestrations, after requests."""

import asyncio
from collections.abc import AsyncIterator

from benchmarks.bench import Bench
from benchmarks.flows import client, ours
from benchmarks.hosts import on_sqlite
from benchmarks.load import load
from benchmarks.processes import descendants, memory
from benchmarks.sites import PATH, fnhost
from benchmarks.table import Measure

PART, UNIT = "memory", "MB resident"
REST = 3.0
"""Seconds after which the standby worker has started, too."""
ORCHESTRATIONS, INVOCATIONS = 1000, 10_000
SECONDS = 2.0


async def measure(bench: Bench) -> AsyncIterator[Measure]:
    bench.say(PART)
    async with fnhost(bench) as site:
        for each in await _of_all("HTTP-only app, idle", site.server.pid):
            yield each
        answered = 0
        while answered < INVOCATIONS:
            answered += (await load(site.server.port, PATH, 20, 32, SECONDS)).answers
        for each in await _of_all(f"HTTP-only app, after {INVOCATIONS:,} invocations", site.server.pid, answered):
            yield each
    async with on_sqlite(bench) as site, client() as session:
        for each in await _of_all("Durable on SQLite, idle", site.server.pid):
            yield each
        await ours(session, site).run_many("chain", 5, ORCHESTRATIONS)
        for each in await _of_all(f"Durable on SQLite, after {ORCHESTRATIONS:,} orchestrations of 5", site.server.pid):
            yield each


async def _of_all(case: str, host: int, answered: int = 0) -> list[Measure]:
    """The worker that has done the work is the largest; the standby waits beside it."""
    await asyncio.sleep(REST)
    workers = sorted((memory(each.pid) for each in descendants(host)), reverse=True)
    return [
        Measure(PART, case, "fnhost", UNIT, (memory(host),), note=f"{answered:,} in fact" if answered else ""),
        Measure(PART, case, "its worker", UNIT, tuple(workers[:1])),
        Measure(PART, case, "its standby worker", UNIT, tuple(workers[1:2])),
    ]
