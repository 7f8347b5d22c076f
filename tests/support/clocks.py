"""Clocks for tests: one that stands still until it is moved, and one that runs fast."""

import asyncio
import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from fnhost.clock import SYSTEM_CLOCK, SystemClock, Timer

TURNS = 50
"""How often the event loop is given a turn before the clock moves on: what is due may lead to more."""


class _Due:
    """A call that is due at a time of the clock; those of one time in the order in which they were asked for."""

    def __init__(self, at: float, number: int, callback: Callable[[], object]) -> None:
        self.at, self.callback, self.is_cancelled = at, callback, False
        self._order = (at, number)

    def __lt__(self, other: "_Due") -> bool:
        return self._order < other._order

    def cancel(self) -> None:
        self.is_cancelled = True


class ManualClock:
    """A `Clock` that `advance` moves; everything that falls due on the way happens, in its order."""

    def __init__(self, start: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._start, self._passed = start, 0.0
        self._due: list[_Due] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        return self._passed

    def call_later(self, seconds: float, callback: Callable[..., object], *args: object) -> Timer:
        due = _Due(self._passed + max(seconds, 0), next(self._numbers), lambda: callback(*args))
        heapq.heappush(self._due, due)
        return due

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        timer = self.call_later(seconds, woken.set)
        try:
            await woken.wait()
        finally:
            timer.cancel()

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        limit = asyncio.timeout(None)
        if seconds is not None:
            self.call_later(seconds, self._expire, limit)
        return limit

    def _expire(self, limit: asyncio.Timeout) -> None:
        """The block may have ended, or not begun: then nobody is to be woken."""
        try:
            limit.reschedule(asyncio.get_running_loop().time())
        except RuntimeError:
            return

    async def advance(self, seconds: float) -> None:
        """Move on by so many seconds."""
        end = self._passed + seconds
        await self._settle()
        while self._due and self._due[0].at <= end:
            due = heapq.heappop(self._due)
            self._passed = max(self._passed, due.at)
            if not due.is_cancelled:
                due.callback()
            await self._settle()
        self._passed = end
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)


class FastClock(SystemClock):
    """The time of day runs `speed` times as fast as the machine's, so that what a dead host held is soon free."""

    def __init__(self, speed: float) -> None:
        self._speed, self._origin = speed, SYSTEM_CLOCK.now()

    def now(self) -> datetime:
        return self._origin + (SYSTEM_CLOCK.now() - self._origin) * self._speed
