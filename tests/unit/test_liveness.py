"""What is said of a worker that does not answer: each state once, and each new one."""

from pathlib import Path

import pytest

from fnhost.bindings.contract import Event
from fnhost.host.app import Function
from fnhost.host.limits import SILENCE
from fnhost.host.logging.log import Log, Record
from fnhost.host.worker import Invocation
from fnhost.host.worker.liveness import Liveness
from tests.support.clocks import ManualClock

pytestmark = pytest.mark.anyio

STUCK = Function("Stuck", Path("Stuck"), Path("Stuck/__init__.py"), "main", "python", ())
INVOCATION = Invocation("one", STUCK, {}, Event("Stuck", None, "test"))
BLOCKED, SILENT, BACK = "event loop of the worker", "has not answered", "answers again"


class Watched:
    """A worker that answers as it is told: `blocked` seconds, None for not at all."""

    def __init__(self) -> None:
        self.clock, self.records = ManualClock(), list[Record]()
        self.running: list[Invocation] = []
        self.blocked: float | None = 0.0
        self.liveness = Liveness(7, self.running, self._asked, Log(self.records.append), self.clock)

    def _asked(self) -> None:
        if self.blocked is not None:
            self.liveness.answered(self.blocked)

    async def run(self, seconds: float, blocked: float | None) -> None:
        """It holds an invocation for so long."""
        self.blocked = blocked
        self.running.append(INVOCATION)
        self.liveness.begin()
        await self.clock.advance(seconds)
        self.running.clear()

    def said(self) -> list[str]:
        known = (BLOCKED, SILENT, BACK)
        return [text for record in self.records for text in known if text in record.message]


async def test_each_state_is_told_once() -> None:
    watched = Watched()
    await watched.run(60, SILENCE)
    await watched.run(60, None)
    assert watched.said() == [BLOCKED, SILENT]


async def test_a_worker_that_was_told_before_is_told_again() -> None:
    watched = Watched()
    for blocked in (None, SILENCE):
        await watched.run(60, blocked)
        await watched.clock.advance(60)  # idle
    await watched.run(60, None)
    watched.liveness.answered(0.0)
    assert watched.said() == [SILENT, BLOCKED, SILENT, BACK]
