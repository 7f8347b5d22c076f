"""Durable Functions on a clock that a test moves: hours pass in no time, and all that is due happens."""

from collections.abc import AsyncIterator, Generator
from datetime import timedelta
from typing import Any

import pytest

from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.instants import later
from fnhost.host.durable.storage.sqlite import SqliteHub
from tests.support.clocks import ManualClock
from tests.support.engines import Functions, Served, hub_settings, made, serving

pytestmark = pytest.mark.anyio
HOUR = 3600.0


def nap(context: Any) -> Generator[Any, Any, str]:
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=2))
    return "rested"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def served(clock: ManualClock) -> AsyncIterator[Served]:
    async with made(SqliteHub(hub_settings(), clock=clock)) as hub:
        async with serving(hub, Functions({"Nap": nap}), clock=clock) as found:
            yield found


async def test_a_timer_of_hours_fires_when_the_clock_is_moved(served: Served, clock: ManualClock) -> None:
    instance = await served.start("Nap")
    with served.engine.watching(instance) as changes:
        while (await served.client.expect(instance)).status is RuntimeStatus.Pending:
            await changes.next()
        await clock.advance(2 * HOUR - 1)
        assert (await served.client.expect(instance)).status is RuntimeStatus.Running
        await clock.advance(2)
        while not (ended := await served.client.expect(instance)).status.is_terminal:
            await changes.next()
    assert (ended.status, ended.output) == (RuntimeStatus.Completed, '"rested"')
    assert ended.completed is not None and ended.completed >= later(ended.created, 2 * HOUR)


async def test_what_is_due_happens_in_its_order(clock: ManualClock) -> None:
    happened: list[str] = []
    clock.call_later(3, happened.append, "third")
    clock.call_later(1, happened.append, "first")
    clock.call_later(2, happened.append, "never").cancel()
    await clock.advance(2.5)
    assert happened == ["first"]
    await clock.advance(1)
    assert happened == ["first", "third"]


async def test_a_block_that_takes_too_long_is_ended(clock: ManualClock) -> None:
    clock.call_later(5, lambda: None)
    with pytest.raises(TimeoutError):
        async with clock.timeout(3):
            await clock.advance(4)
