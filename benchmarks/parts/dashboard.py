"""What the dashboard costs: requests to a trivial function without it, with nobody looking, and with a page open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp

from benchmarks.bench import Bench
from benchmarks.load import load
from benchmarks.processes import serving
from benchmarks.sites import PATH, Site, http_app
from benchmarks.table import Measure
from fnhost.host.system.ports import free_port

PART, CASE, UNIT = "dashboard", "20 B body, 32 connections", "answers per second"
ROUNDS, SECONDS, WARM_UP = 5, 2.0, 0.7
SIZE, CONNECTIONS = 20, 32
NEVER, CLOSED, OPEN = "fnhost, --no-dashboard", "fnhost, no page opened", "fnhost, a page open"
STREAM = "/runtime/dashboard/api/v1/events?topics=app,invocations"


async def measure(bench: Bench) -> AsyncIterator[Measure]:
    """All stay open and take turns, in one order and in the other: who comes after an idle moment is slower."""
    rates: dict[str, list[float]] = {NEVER: [], CLOSED: [], OPEN: []}
    async with AsyncExitStack() as stack:
        sites = {
            NEVER: await stack.enter_async_context(_site(bench, "--no-dashboard")),
            CLOSED: await stack.enter_async_context(_site(bench)),
            OPEN: await stack.enter_async_context(_site(bench)),
        }
        await stack.enter_async_context(_looking(sites[OPEN].server.port))
        for number in range(ROUNDS + 1):
            bench.say(f"dashboard: round {number} of {ROUNDS}")
            for name, site in list(sites.items())[:: 1 if number % 2 else -1]:
                result = await load(site.server.port, PATH, SIZE, CONNECTIONS, SECONDS if number else WARM_UP)
                if number:
                    rates[name].append(result.rate)
    for name, values in rates.items():
        yield Measure(PART, CASE, name, UNIT, tuple(values), more_is_better=True)


@asynccontextmanager
async def _site(bench: Bench, *options: str) -> AsyncIterator[Site]:
    app, port = http_app(bench), free_port()
    async with serving(bench.fnhost(app, port, *options), port, PATH) as server:
        yield Site(server, app / "Hello" / "__init__.py")


@asynccontextmanager
async def _looking(port: int) -> AsyncIterator[None]:
    """A page that reads the live list of invocations."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout()) as session:
        reading = asyncio.create_task(_read(session, f"http://127.0.0.1:{port}{STREAM}"))
        try:
            yield
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def _read(session: aiohttp.ClientSession, url: str) -> None:
    async with session.get(url) as response:
        response.raise_for_status()
        async for _ in response.content.iter_any():
            pass
