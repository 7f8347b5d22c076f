"""A host that is killed between any two storage operations loses nothing: the next one comes to the same end."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

from host.durable.admit import Completing
from host.durable.client import Finished
from host.durable.engine import EngineSettings
from host.durable.history import (
    Clock,
    ExecutionCompleted,
    Instance,
    OrchestratorStarted,
    Status,
    completed_id,
)
from host.durable.hub import WORK_ITEMS, Hub, Received
from host.durable.sqlite import SqliteHub
from tests.support import programs
from tests.support.crashing import Fuse, fast, killed
from tests.support.engines import Functions, Served, hub_settings, made
from tests.support.programs import Tree
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]

SPEED = 200.0
HIDDEN = 60.0
QUICK = EngineSettings(hidden=HIDDEN / SPEED, shortest_poll=0.002, longest_poll=0.01)

ACT: Tree = ["act", 1, 0]
SCENARIOS: dict[str, Sequence[Tree]] = {
    "chain": [["do", ["act", 1, 0]], ["status", "half"], ["do", ["act", 2, 0]]],
    "fan": [["do", ["all", [["act", number, 0] for number in range(4)]]], ["do", ["act", "after", 0]]],
    "any": [["drain", [["act", 1, 2], ["timer", 1], ["event", "Go"]]], ["do", ["act", 2, 0]]],
    "race": [["race", [["act", 1, 0], ["act", 2, 0], ["event", "Go"]]], ["do", ["act", 3, 0]]],
    "timeout": [["timeout", ["event", "Go"]], ["do", ["timer", 1]]],
    "failure": [["do", ["fail", 0]], ["do", ["all", [["fail", 0], ["act", 1, 0]]]], ["throw"]],
    "retry": [["do", ["retry", "a", 1, 3, "ok"]], ["do", ["retry", "b", None, 2, "never"]]],
    "sub": [["do", ["sub", [["do", ACT]], None]], ["do", ["sub", [["throw"]], "named"]]],
    "again": [["do", ACT], ["status", 1], ["again", [["do", ["act", 2, 0]], ["again", [["do", ["act", 3, 0]]]]]]],
    "sub again": [["do", ["sub", [["do", ACT], ["again", [["do", ["act", 2, 0]]]]], None]], ["do", ["act", 3, 0]]],
    "retried sub": [["do", ["retried sub", "a", 1, [["do", ACT]]]]],
    "same child twice": [["do", ["sub", [["do", ACT]], "same"]], ["do", ["sub", [["do", ["act", 2, 0]]], "same"]]],
}


@dataclass
class Life:
    """One orchestration, seen through by one host after the other."""

    steps: Sequence[Tree]
    instance: str = field(default_factory=lambda: uuid.uuid4().hex)
    asked: set[str] = field(default_factory=set)

    async def __call__(self, served: Served) -> Instance:
        for name in ("", *programs.events_of(self.steps)):
            if name not in self.asked:
                self.asked.add(name)
                await asyncio.shield(self._raise(served, name) if name else self._start(served))
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
            assert ended.status is Status.Failed
            assert ended.output == "Orchestrator function 'Play' failed: thrown"
        else:
            assert ended.status is Status.Completed, ended.output
            found = json.loads(ended.output or "null")
            assert programs.fits(expected, found), f"{found} instead of {expected}"
        if status := programs.last_status(self.steps):
            assert ended.custom_status == status


async def check_history(served: Served, instance: str) -> None:
    """Every result stands once, after its cause, and the end stands last."""
    events = await served.history(instance)
    done = [completed_id(event) for event in events if isinstance(event, Completing)]
    assert len(done) == len(set(done))
    assert [type(event) for event in events].count(ExecutionCompleted) == 1
    assert isinstance(events[-2], ExecutionCompleted)
    times = [event.timestamp for event in events if isinstance(event, OrchestratorStarted)]
    assert times == sorted(times)


async def left_over(hub: Hub) -> list[Received]:
    """The messages that a host would still find."""
    await hub.create()
    return [one for queue in (*hub.queues, WORK_ITEMS) for one in await hub.receive(queue)]


@dataclass(frozen=True, slots=True)
class World:
    """A hub, and how its hosts run."""

    hub: Hub
    clock: Clock
    settings: EngineSettings

    async def live(self, life: Life, functions: Functions, *deaths: int) -> int:
        """See a life through, killing hosts after so many operations each. How many the last host needed."""
        for last in (*deaths, None):
            fuse = Fuse(last)
            ended = await killed(self.hub, functions, life, fuse, settings=self.settings, clock=self.clock)
            if ended is not None:
                break
        assert ended is not None
        life.check(ended)
        return fuse.count


@pytest.fixture
async def world() -> AsyncIterator[World]:
    clock = fast(SPEED)
    async with made(SqliteHub(hub_settings(hidden=HIDDEN), clock=clock)) as hub:
        yield World(hub, clock, QUICK)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_host_may_die_after_any_operation(world: World, scenario: str) -> None:
    functions, last = programs.functions(), 0
    needed = await world.live(Life(SCENARIOS[scenario]), functions)
    while last < needed:
        last += 1
        await world.live(Life(SCENARIOS[scenario]), functions, last)
