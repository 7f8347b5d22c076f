"""Orchestrations that one host after the other sees through, some of which are killed."""

import asyncio
import json
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from host.durable.admit import Completing
from host.durable.client import Finished
from host.durable.engine import EngineSettings
from host.durable.history import Clock, ExecutionCompleted, HistoryEvent, Instance, OrchestratorStarted, Status
from host.durable.history import completed_id as completed
from host.durable.hub import Hub
from tests.support import programs
from tests.support.crashing import Fuse, killed
from tests.support.engines import Functions, Served
from tests.support.programs import Tree

SPEED, HIDDEN = 200.0, 60.0
"""For a hub with a clock of its own: what a dead host held is free after 0.3 s."""
QUICK = EngineSettings(hidden=HIDDEN / SPEED, shortest_poll=0.002, longest_poll=0.01)


@dataclass
class Life:
    """One program, from its start to its end. Each thing is asked once, whichever host is there."""

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
            assert (ended.status, ended.output) == (Status.Failed, "Orchestrator function 'Play' failed: thrown")
        else:
            assert ended.status is Status.Completed, ended.output
            found = json.loads(ended.output or "null")
            assert programs.fits(expected, found), f"{found} instead of {expected}"
        if status := programs.last_status(self.steps):
            assert ended.custom_status == status


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
        check_history((await self.hub.load(life.instance)).events)
        return fuse.count


def check_history(events: Sequence[HistoryEvent]) -> None:
    """Every result stands once, time does not go back, and the end stands last."""
    done = [completed(event) for event in events if isinstance(event, Completing)]
    assert len(done) == len(set(done))
    assert [isinstance(event, ExecutionCompleted) for event in events][-2:].count(True) == 1
    assert sum(isinstance(event, ExecutionCompleted) for event in events) == 1
    times = [event.timestamp for event in events if isinstance(event, OrchestratorStarted)]
    assert times == sorted(times)
