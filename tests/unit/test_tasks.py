"""Background tasks end with their block, and none of their failures is lost."""

import asyncio

import pytest

from fnhost.host.logging.log import Level, Log, Record
from fnhost.host.tasks import BackgroundTasks, UseCount, first, hurried
from tests.support.clocks import ManualClock

pytestmark = pytest.mark.anyio


async def test_what_still_runs_is_cancelled_with_the_block() -> None:
    async with BackgroundTasks(Log()) as tasks:
        task = tasks.spawn("Waiting", asyncio.Event().wait())
        await asyncio.sleep(0)
        assert len(tasks) == 1
    assert task.cancelled()
    assert not len(tasks)


async def test_a_failure_is_logged_with_the_name_of_its_task() -> None:
    records: list[Record] = []

    async def failing() -> None:
        raise ValueError("no")

    async with BackgroundTasks(Log(records.append)) as tasks:
        tasks.spawn("Counting sheep", failing())
        await tasks.wait()
    (record,) = records
    assert record.level is Level.ERROR
    assert record.message.startswith("Counting sheep failed: Traceback")
    assert record.message.endswith("ValueError: no")


async def test_the_first_to_end_ends_the_others() -> None:
    ended: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("waiting")

    await first(waiting(), asyncio.sleep(0))
    assert ended == ["waiting"]


async def test_work_has_all_the_time_until_there_is_a_hurry() -> None:
    clock, hurry, ended = ManualClock(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    running = asyncio.create_task(hurried(work(), hurry, 5, clock))
    await clock.advance(10_000)
    assert not running.done()
    hurry.set()
    await clock.advance(4)
    assert not ended.is_set()
    await clock.advance(1)
    await running
    assert ended.is_set()


async def test_unused_means_that_every_user_has_left() -> None:
    use = UseCount()
    with use:
        with use:
            waiting = asyncio.create_task(use.unused())
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert (use.count, waiting.done()) == (1, False)
    await waiting
    await use.unused()
