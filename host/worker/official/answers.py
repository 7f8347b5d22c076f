"""Answers that somebody waits for, by what they answer."""

import asyncio
from collections.abc import Callable
from typing import Any

from fnhost.clock import Clock
from fnhost.host.errors import TimedOut


class PendingAnswers:
    """Futures by key: one for each question that is under way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    async def wait(self, key: str, limit: float | None = None) -> Any:
        """Raises TimedOut after `limit` seconds, and what `fail` gives."""
        waiting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[key] = waiting
        timer = self._clock.call_later(limit, _expire, waiting) if limit else None
        try:
            return await waiting
        finally:
            if timer:
                timer.cancel()
            self._waiting.pop(key, None)

    def settle(self, key: str, answer: object) -> None:
        """Nothing happens if nobody waits for it: an answer may come twice, or too late."""
        waiting = self._waiting.get(key)
        if waiting and not waiting.done():
            waiting.set_result(answer)

    def fail(self, error: Callable[[], Exception]) -> None:
        """No answer will come any more."""
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(error())


def _expire(waiting: "asyncio.Future[Any]") -> None:
    if not waiting.done():
        waiting.set_exception(TimedOut("The function did not answer in time."))
