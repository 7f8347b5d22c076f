"""What instances of a list wait for or why they failed: at once what is known, the rest when it is found out."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fnhost.clock import Clock
from fnhost.host.durable.insight.failures import failure_of
from fnhost.host.durable.insight.hub import HubInsight
from fnhost.host.durable.insight.index import IndexRow
from fnhost.host.durable.insight.waits import waits_of
from fnhost.host.durable.model.errors import HubError
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.web.dashboard.durable.shapes import ended_note, error_note, note, waits_note

PATIENCE = 0.15
"""Seconds that a list waits for what is not known yet."""
CALM = 0.2
"""Seconds without a change after which an instance is looked at."""
SECONDS = 1.0
"""For one replay."""
KEPT = 5_000
MOST_WANTED = 500
TOLD = frozenset({RuntimeStatus.Running, RuntimeStatus.Suspended, RuntimeStatus.Pending, RuntimeStatus.Failed})
"""What the end of the others says is in their rows."""
Note = dict[str, Any]
NONE: Note = note(None, "")


class WaitNotes:
    """`found` is called with an instance when its note comes later than its row."""

    def __init__(
        self, insight: HubInsight, tasks: BackgroundTasks, clock: Clock, found: Callable[[IndexRow], None]
    ) -> None:
        self._insight, self._tasks, self._clock, self._found = insight, tasks, clock, found
        self._kept: OrderedDict[tuple[str, ...], Note] = OrderedDict()
        self._wanted: OrderedDict[str, IndexRow] = OrderedDict()
        self._changing: dict[str, tuple[IndexRow, float]] = {}
        self._is_running = self._is_following = False
        self._changed = asyncio.Event()

    def known(self, row: IndexRow) -> Note | None:
        return self._kept.get(_key(row)) if row.status in TOLD else None

    async def of(self, rows: Sequence[IndexRow]) -> None:
        """Find out what is not known of these. Ends when all is, or after a moment; the rest goes on beside."""
        missing = [row for row in rows if row.status in TOLD and _key(row) not in self._kept]
        self.want(missing)
        try:
            async with self._clock.timeout(PATIENCE):
                while any(_key(row) not in self._kept for row in missing):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return

    def follow(self, row: IndexRow) -> None:
        """It has changed: find out when it rests. One that changes all the time is not replayed all the time."""
        if row.status not in TOLD:
            self._changing.pop(row.id, None)
            return
        self._changing[row.id] = row, self._clock.monotonic() + CALM
        if not self._is_following:
            self._is_following = True
            self._tasks.spawn("Following what instances wait for", self._follow())

    async def _follow(self) -> None:
        try:
            while self._changing:
                await self._clock.sleep(CALM)
                now = self._clock.monotonic()
                calm = [row for row, due in self._changing.values() if due <= now]
                for row in calm:
                    del self._changing[row.id]
                self.want(calm)
        finally:
            self._is_following = False

    def want(self, rows: Iterable[IndexRow]) -> None:
        """The last that was asked for counts when there are too many."""
        for row in rows:
            self._wanted[row.id] = row
            if len(self._wanted) > MOST_WANTED:
                self._wanted.popitem(last=False)
        if self._wanted and not self._is_running:
            self._is_running = True
            self._tasks.spawn("Finding out what instances wait for", self._run())

    async def _run(self) -> None:
        try:
            while self._wanted:
                _, row = self._wanted.popitem(last=False)
                await self._find_out(row)
        finally:
            self._is_running = False

    async def _find_out(self, row: IndexRow) -> None:
        try:
            self._keep(row, await self._note(row))
        except HubError:
            self._keep(row, ended_note(row))
        self._changed.set()
        self._found(row)

    async def _note(self, row: IndexRow) -> Note:
        if row.status is RuntimeStatus.Pending:
            return note("waits", "its first episode")
        state = await self._insight.history(row.id, row.execution_id or None)
        if not state.events:
            return ended_note(row)
        replayed = await self._insight.replays.of(state.events, SECONDS)
        if row.status is RuntimeStatus.Failed:
            error = failure_of(state.events, row.output, replayed)
            shown = await asyncio.to_thread(error_note, error, self._insight.root)
            return shown if error else ended_note(row)
        found = waits_note(waits_of(state.events, replayed)) or NONE
        if row.status is RuntimeStatus.Suspended:
            return note("waits", f"to be resumed{found['text'] and ', then for '}{found['text']}")
        return found

    def _keep(self, row: IndexRow, found: Note) -> None:
        self._kept[_key(row)] = found
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _key(row: IndexRow) -> tuple[str, ...]:
    return row.id, row.execution_id, row.updated, row.status.name
