"""Try again, later each time, and not for ever: the one place that decides pauses and limits of failed work.

    policy = RetryPolicy(limit=5)
    outcome = await retry(work, policy, clock, on=(WorkerCrashed,), uncounted=(WorkerStopped,))

`work` is called with the number of counted failures so far. Between two tries there is always a pause, in which other
tasks run: nothing that fails at once can keep the processor or the event loop for itself. A loop that cannot be written
as one function keeps an `Attempts` and calls `failed` and `pause` itself.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import TypeVar

from fnhost.clock import SYSTEM_CLOCK, Clock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Pauses in seconds: `first`, then twice as long each time, up to `longest`.

    `limit` is the number of failures after which there is no other try, None without limit. A failure that comes
    `forgiving` seconds or more after the one before begins a new series.
    """

    first: float = 0.1
    longest: float = 10.0
    limit: int | None = None
    forgiving: float = inf


class Attempts:
    """The failures of one piece of work."""

    def __init__(self, policy: RetryPolicy, clock: Clock = SYSTEM_CLOCK) -> None:
        self._policy, self._clock = policy, clock
        self._last = -inf
        self._pause = policy.first
        self.count = 0

    def failed(self) -> bool:
        """Note a failure that happened now. Whether there may be another try."""
        now = self._clock.monotonic()
        if now - self._last >= self._policy.forgiving:
            self.count, self._pause = 0, self._policy.first
        self._last = now
        self.count += 1
        return not self.is_over

    @property
    def is_over(self) -> bool:
        return self._policy.limit is not None and self.count >= self._policy.limit

    async def pause(self) -> None:
        """Wait until the next try is due."""
        pause, self._pause = self._pause, min(self._pause * 2, self._policy.longest)
        await self._clock.sleep(pause)


async def retry(
    work: Callable[[int], Awaitable[T]],
    policy: RetryPolicy,
    clock: Clock = SYSTEM_CLOCK,
    *,
    on: tuple[type[Exception], ...],
    uncounted: tuple[type[Exception], ...] = (),
) -> T:
    """What `work` comes to. `on` are failures that count, `uncounted` those after which it is merely tried again.

    Raises the last failure when the policy's limit is reached, and every other exception at once.
    """
    attempts = Attempts(policy, clock)
    while True:
        try:
            return await work(attempts.count)
        except uncounted:
            pass
        except on:
            if not attempts.failed():
                raise
        await attempts.pause()
