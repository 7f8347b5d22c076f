"""A host that is killed between any two storage operations: what orchestrations ask of entities is done once."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.durable_functions import DurableEntityContext, EntityId
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.clock import Clock
from fnhost.host.durable.entities.entity import Entity, read_entity
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.sqlite import SqliteHub
from tests.support.clocks import FastClock
from tests.support.crashing import Fuse, killed
from tests.support.engines import Functions, Served, hub_settings, made
from tests.support.scripts import call, lock, scripted
from tests.support.sdk import SDK_WARNINGS, entity

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]
SPEED, HIDDEN = 200.0, 60.0
QUICK = EngineSettings(hidden=HIDDEN / SPEED, shortest_poll=0.002, longest_poll=0.01)
Script = Callable[[Served], Awaitable[Entity]]


def counter(context: DurableEntityContext) -> None:
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        context.set_state(value + context.get_input())
    context.set_result(value)


def loop(context: Context) -> Generator[Any, Any, Any]:
    """Signals and calls, and begins again as often as it is told to."""
    key, left = context.get_input()["key"], context.get_input()["left"]
    context.signal_entity(EntityId("Counter", key), "add", 1)
    yield context.call_entity(EntityId("Counter", key), "add", 10)
    if left:
        context.continue_as_new({"key": key, "left": left - 1})


@dataclass
class Life:
    """One orchestration and its entity, seen through by one host after the other. How the entity is at the end."""

    name: str
    key: str
    started: str = ""

    async def __call__(self, served: Served) -> Entity:
        locking = scripted(lock(self.key, f"{self.key}2"), call(self.key, "add", 1), call(f"{self.key}2", "add", 1))
        with (
            served.engine.serving("entity", "Counter", entity(counter)),
            served.engine.serving("orchestrator", "Locking", locking),
        ):
            if not self.started:
                self.started = await served.start(self.name, {"key": self.key, "left": 1})
            ended = await served.end(self.started)
            assert ended.status is RuntimeStatus.Completed, ended.output
            row = await served.until(f"@counter@{self.key}", lambda found: not read_entity(found.input).locked_by)
            return read_entity(row.input)


@dataclass(frozen=True)
class World:
    hub: Hub
    clock: Clock

    async def live(self, name: str, *deaths: int) -> tuple[Entity, int]:
        """See a life through, killing hosts after so many operations. And how many the last host needed."""
        life, functions = Life(name, uuid.uuid4().hex), Functions({"Loop": loop})
        for last in (*deaths, None):
            fuse = Fuse(last)
            found = await killed(self.hub, functions, life, fuse, settings=QUICK, clock=self.clock)
            if found is not None:
                return found, fuse.count
        raise AssertionError("the last host does not die")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = FastClock(SPEED)
    async with made(SqliteHub(hub_settings(hidden=HIDDEN), clock=clock)) as hub:
        yield World(hub, clock)


@pytest.mark.parametrize(("name", "state"), [("Loop", "22"), ("Locking", "1")])
async def test_a_host_may_die_after_any_operation(world: World, name: str, state: str) -> None:
    found, needed = await world.live(name)
    assert found.state == state
    for last in range(1, needed + 1):
        found, _ = await world.live(name, last)
        assert (found.state, found.queue, found.locked_by) == (state, (), None), f"after operation {last} of {needed}"
