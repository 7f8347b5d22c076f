"""Failed work is tried again after pauses that grow, up to a limit; other tasks run meanwhile."""

import asyncio

import pytest

from fnhost.host.retry import Attempts, RetryPolicy, retry
from tests.support.clocks import ManualClock

pytestmark = pytest.mark.anyio


class Wrong(Exception):
    pass


class Interrupted(Exception):
    pass


class Work:
    """Fails in the given ways, one after the other, then succeeds."""

    def __init__(self, clock: ManualClock, *failures: Exception) -> None:
        self._clock, self._failures = clock, iter(failures)
        self.tries: list[tuple[float, int]] = []

    async def __call__(self, count: int) -> str:
        self.tries.append((self._clock.monotonic(), count))
        if failure := next(self._failures, None):
            raise failure
        return "done"


async def test_the_pauses_grow_up_to_the_longest() -> None:
    clock = ManualClock()
    work = Work(clock, *[Wrong()] * 4)
    policy = RetryPolicy(first=1, longest=3)
    running = asyncio.create_task(retry(work, policy, clock, on=(Wrong,)))
    await clock.advance(20)
    assert await running == "done"
    assert work.tries == [(0, 0), (1, 1), (3, 2), (6, 3), (9, 4)]


async def test_the_last_failure_is_raised_at_the_limit() -> None:
    clock = ManualClock()
    work = Work(clock, Wrong("first"), Wrong("second"), Wrong("third"))
    running = asyncio.create_task(retry(work, RetryPolicy(first=1, limit=2), clock, on=(Wrong,)))
    await clock.advance(10)
    with pytest.raises(Wrong, match="second"):
        await running
    assert len(work.tries) == 2


async def test_what_does_not_count_is_tried_again_without_limit() -> None:
    clock = ManualClock()
    work = Work(clock, *[Interrupted()] * 5, Wrong())
    policy = RetryPolicy(first=1, longest=1, limit=2)
    running = asyncio.create_task(retry(work, policy, clock, on=(Wrong,), uncounted=(Interrupted,)))
    await clock.advance(10)
    assert await running == "done"
    assert [count for _, count in work.tries] == [0, 0, 0, 0, 0, 0, 1]


async def test_other_failures_are_raised_at_once() -> None:
    with pytest.raises(Interrupted):
        await retry(Work(ManualClock(), Interrupted()), RetryPolicy(), on=(Wrong,))


async def test_a_long_time_without_a_failure_begins_a_new_series() -> None:
    clock = ManualClock()
    attempts = Attempts(RetryPolicy(limit=2, forgiving=60), clock)
    assert attempts.failed()
    await clock.advance(60)
    assert attempts.failed()
    await clock.advance(59)
    assert not attempts.failed()
    assert attempts.is_over


async def test_a_policy_without_pauses_lets_others_run_all_the_same() -> None:
    ran = asyncio.Event()
    asyncio.get_running_loop().call_soon(ran.set)

    async def work(count: int) -> str:
        if not ran.is_set():
            raise Wrong
        return "done"

    async with asyncio.timeout(5):
        assert await retry(work, RetryPolicy(first=0, longest=0), on=(Wrong,)) == "done"
