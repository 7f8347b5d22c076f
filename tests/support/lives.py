"""Orchestrations that one host after the other sees through, some of which are killed."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Protocol

from fnhost.bindings.storage.account import Account
from fnhost.clock import Clock
from fnhost.host.durable.client import Finished
from fnhost.host.durable.model.history import ExecutionCompleted, HistoryEvent, OrchestratorStarted, RuntimeStatus
from fnhost.host.durable.model.history import completed_id as completed
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.runtime.inbox import Completing
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.hub import Hub, HubSettings
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Log
from tests.support import programs
from tests.support.clocks import FastClock
from tests.support.crashing import Fuse, killed, stepwise
from tests.support.engines import Functions, Served, hub_settings, made
from tests.support.programs import Tree
from tests.support.proxies import dying, proxied

SPEED, HIDDEN = 200.0, 60.0
"""For a hub with a clock of its own: what a dead host held is free after 0.3 s."""
QUICK = EngineSettings(hidden=HIDDEN / SPEED, shortest_poll=0.002, longest_poll=0.01)


@dataclass
class Life:
    """One program, from its start to its end. Each thing is asked once, whichever host is there."""

    steps: Sequence[Tree]
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)
    asked: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def __call__(self, served: Served) -> Instance:
        for name in ("", *programs.events_of(self.steps)):
            if name not in self.asked:
                self.asked[name] = asyncio.create_task(self._raise(served, name) if name else self._start(served))
            await asyncio.shield(self.asked[name])
        return await served.end(self.instance)

    async def _start(self, served: Served) -> None:
        await served.start("Play", {"salt": self.instance, "steps": self.steps}, self.instance)

    async def _raise(self, served: Served, name: str) -> None:
        with suppress(Finished):
            await served.client.raise_event(self.instance, name, json.dumps(name))

    def check(self, ended: Instance) -> None:
        try:
            expected = programs.meaning(self.steps)
        except programs.Thrown:
            assert (ended.status, ended.output) == (RuntimeStatus.Failed, "Orchestrator function 'Play' failed: thrown")
        else:
            assert ended.status is RuntimeStatus.Completed, ended.output
            found = json.loads(ended.output or "null")
            assert programs.fits(expected, found), f"{found} instead of {expected}"
        if status := programs.last_status(self.steps):
            assert ended.custom_status == status


class World(Protocol):
    """Where orchestrations live."""

    hub: Hub

    async def host(self, life: Life, functions: Functions, fuse: Fuse) -> Instance | None:
        """What a life came to under a host that dies when the fuse blows."""


@dataclass(slots=True)
class OnSqlite:
    """Where a hub counts its verbs, and time flies."""

    hub: Hub
    clock: Clock

    async def host(self, life: Life, functions: Functions, fuse: Fuse) -> Instance | None:
        return await killed(self.hub, functions, life, fuse, settings=QUICK, clock=self.clock)


@asynccontextmanager
async def on_sqlite(*, at_once: bool) -> AsyncIterator[World]:
    """Where a hub does nothing at once, a host may die between sending, recording and settling."""
    clock = FastClock(SPEED)
    async with made(SqliteHub(hub_settings(hidden=HIDDEN), clock=clock)) as hub:
        yield OnSqlite(hub if at_once else stepwise(hub), clock)


@dataclass(slots=True)
class OnAzure:
    """Where the account counts its requests. What a dead host held is free after a second."""

    hub: Hub
    settings: HubSettings
    account: Account

    async def host(self, life: Life, functions: Functions, fuse: Fuse) -> Instance | None:
        async with proxied(self.account, dying(fuse)) as account, AzureHub(self.settings, account, Log()) as hub:
            how = EngineSettings(hidden=1.0, shortest_poll=0.02, longest_poll=0.1)
            return await killed(hub, functions, life, fuse, self.hub, settings=how)


@asynccontextmanager
async def on_azure(account: Account) -> AsyncIterator[World]:
    settings = hub_settings(hidden=1.0, partitions=1)
    async with made(AzureHub(settings, account, Log())) as hub:
        yield OnAzure(hub, settings, account)


async def live(world: World, life: Life, functions: Functions, *deaths: int) -> int:
    """See a life through, killing hosts after so many operations each. How many the last host needed."""
    for last in (*deaths, None):
        fuse = Fuse(last)
        if ended := await world.host(life, functions, fuse):
            break
    assert ended is not None
    life.check(ended)
    check_history((await world.hub.load(life.instance)).events)
    return fuse.count


def check_history(events: Sequence[HistoryEvent]) -> None:
    """Every result stands once, time does not go back, and the end stands last."""
    done = [completed(event) for event in events if isinstance(event, Completing)]
    assert len(done) == len(set(done))
    assert [isinstance(event, ExecutionCompleted) for event in events][-2:].count(True) == 1
    assert sum(isinstance(event, ExecutionCompleted) for event in events) == 1
    times = [event.timestamp for event in events if isinstance(event, OrchestratorStarted)]
    assert times == sorted(times)
