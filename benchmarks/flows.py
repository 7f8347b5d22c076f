"""Who runs durable workflows: each a block that yields a way to run a chain or a fan of the same one step."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import aiohttp

from benchmarks.bench import Bench
from benchmarks.hosts import on_azurite, on_sqlite
from benchmarks.peers import PROGRAMS, PeerMissing
from benchmarks.processes import HOST, process, serving, until
from benchmarks.sites import Site
from fnhost.host.system.ports import free_port

Kind = Literal["chain", "fan"]
TIME_LIMIT = aiohttp.ClientTimeout(total=120)
POLL, POLL_MANY = 0.01, 0.1
"""Seconds between two questions for an end: of one orchestration, of many."""
STARTERS = 32


class WrongAnswer(Exception):
    """A workflow did not come to what it should."""


class Flow(Protocol):
    async def run(self, kind: Kind, steps: int) -> None:
        """Until the result is seen. Raises WrongAnswer."""

    async def run_many(self, kind: Kind, steps: int, times: int) -> None:
        """All at once, until the last result is seen. Raises WrongAnswer."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Its server holds the request until the result is there."""

    session: aiohttp.ClientSession
    url: str

    async def run(self, kind: Kind, steps: int) -> None:
        async with self.session.post(f"{self.url}/{kind}", json=steps) as answer:
            expect(await answer.text(), str(steps))

    async def run_many(self, kind: Kind, steps: int, times: int) -> None:
        await asyncio.gather(*(self.run(kind, steps) for _ in range(times)))


@dataclass(frozen=True, slots=True)
class Ours:
    """Over the management API, as any client would: one that waits asks again and again."""

    session: aiohttp.ClientSession
    url: str

    async def run(self, kind: Kind, steps: int) -> None:
        query = {"timeout": "100", "pollingInterval": str(POLL)}
        async with self.session.post(self._start(kind), params=query, json=str(steps)) as answer:
            expect(await answer.text(), str(steps))

    async def run_many(self, kind: Kind, steps: int, times: int) -> None:
        turn = asyncio.Semaphore(STARTERS)
        await asyncio.gather(*(self._begin(turn, kind, steps) for _ in range(times)))
        await until(lambda: self._are_none("Pending,Running"), POLL_MANY)
        if not await self._are_none("Failed"):
            raise WrongAnswer("an orchestration failed")

    async def _begin(self, turn: asyncio.Semaphore, kind: Kind, steps: int) -> None:
        async with turn, self.session.post(self._start(kind), json=str(steps)) as answer:
            expect(str(answer.status), "202")

    async def _are_none(self, statuses: str) -> bool:
        query = {"runtimeStatus": statuses, "top": "1", "showInput": "false"}
        async with self.session.get(f"{self.url}/instances", params=query) as answer:
            return not await answer.json()

    def _start(self, kind: Kind) -> str:
        return f"{self.url}/orchestrators/{kind.title()}"


def expect(found: str, wanted: str) -> None:
    if found != wanted:
        raise WrongAnswer(f"{wanted} was expected, not {found[:200]}")


def ours(session: aiohttp.ClientSession, site: Site) -> Ours:
    return Ours(session, f"http://{HOST}:{site.server.port}/runtime/webhooks/durabletask")


def client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=TIME_LIMIT)


@asynccontextmanager
async def fnhost_on_sqlite(bench: Bench) -> AsyncIterator[Flow]:
    async with on_sqlite(bench) as site, client() as session:
        yield ours(session, site)


@asynccontextmanager
async def fnhost_on_azurite(bench: Bench) -> AsyncIterator[Flow]:
    async with on_azurite(bench) as site, client() as session:
        yield ours(session, site)


@asynccontextmanager
async def dbos(bench: Bench) -> AsyncIterator[Flow]:
    programs, folder, port = await bench.peers.python(), bench.folder(PROGRAMS / "dbos_steps.py"), free_port()
    asked = (programs / "uvicorn", "dbos_steps:app", "--port", port, "--no-access-log")
    command = bench.command(folder, *asked, BENCH_DATABASE=str(folder / "dbos.sqlite"))
    async with serving(command, port, "/ready"), client() as session:
        yield Peer(session, f"http://{HOST}:{port}")


@asynccontextmanager
async def restate(bench: Bench) -> AsyncIterator[Flow]:
    """Its server, and beside it the service that the server calls over HTTP/2."""
    programs, folder, port = await bench.peers.python(), bench.folder(PROGRAMS / "restate_steps.py"), free_port()
    service = bench.command(folder, programs / "hypercorn", "--bind", f"{HOST}:{port}", "restate_steps:app")
    fabric, ingress, admin = free_port(), free_port(), free_port()
    server = bench.command(
        folder,
        await _restate_server(bench),
        RESTATE_BASE_DIR=str(folder / "data"),
        RESTATE_NODE_NAME="bench",
        RESTATE_DISABLE_TELEMETRY="true",
        RESTATE_BIND_ADDRESS=f"{HOST}:{fabric}",
        RESTATE_INGRESS__BIND_ADDRESS=f"{HOST}:{ingress}",
        RESTATE_ADMIN__BIND_ADDRESS=f"{HOST}:{admin}",
    )
    async with process(service), serving(server, admin, "/health"), client() as session:
        await _register(session, f"http://{HOST}:{admin}/deployments", f"http://{HOST}:{port}")
        yield Peer(session, f"http://{HOST}:{ingress}/Steps")


async def _restate_server(bench: Bench) -> str:
    packages = await bench.peers.node()
    found = next(packages.glob("@restatedev/restate-server-*/bin/restate-server"), None)
    if found is None:
        raise PeerMissing("npm has no Restate server for this machine")
    return str(found)


async def _register(session: aiohttp.ClientSession, deployments: str, service: str) -> None:
    async with session.post(deployments, json={"uri": service}) as answer:
        expect(str(answer.status), "201")


@dataclass(frozen=True, slots=True)
class FlowSubject:
    name: str
    open: Callable[[Bench], AbstractAsyncContextManager[Flow]]
    note: str


SUBJECTS = (
    FlowSubject("fnhost, SQLite hub", fnhost_on_sqlite, "WAL, synchronous=FULL: on disk before the next step"),
    FlowSubject("fnhost, Azurite hub", fnhost_on_azurite, "Azurite saves its tables and queues every 5 s"),
    FlowSubject("DBOS on SQLite", dbos, "as it opens it: rollback journal, synchronous=FULL"),
    FlowSubject("Restate", restate, "default: RocksDB, log flushed to disk"),
)
