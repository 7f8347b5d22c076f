"""Tasks with an owner: none outlives its block, and the failure of none is lost."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Self, TypeVar
from weakref import WeakValueDictionary

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.logging.log import Log
from fnhost.host.supervise import describe

CATEGORY = "Host.Tasks"
T = TypeVar("T")


class BackgroundTasks:
    """Runs tasks beside its block. When the block ends, those that still run are cancelled and waited for.

    A task that fails says so in the log with its name. Whoever awaits the task that `spawn` returned gets the exception
    as well.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cancel()
        await self.wait()

    def spawn(self, name: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """`name` is for the reader of the log."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()

    async def wait(self) -> None:
        """Until all have ended, those too that begin meanwhile."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def __len__(self) -> int:
        """How many are running."""
        return len(self._tasks)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._log.error(CATEGORY, f"{task.get_name()} failed: {describe(error)}")


async def first(*works: Coroutine[Any, Any, object]) -> None:
    """Until one of them ends; the others are cancelled. Raises what it raised."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await cancel_and_wait(*tasks)


async def cancel_and_wait(*tasks: "asyncio.Future[Any]") -> None:
    """Cancel them, and wait until they have ended; what they raise is not told."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def hurried(
    work: Coroutine[Any, Any, object], hurry: asyncio.Event, patience: float, clock: Clock = SYSTEM_CLOCK
) -> None:
    """Let `work` take as long as it takes; from the moment `hurry` is set, `patience` seconds. Then it is cancelled."""

    async def wait() -> None:
        await hurry.wait()
        await clock.sleep(patience)

    await first(work, wait())


class KeyedLocks:
    """A lock for each key, for as long as somebody holds it or waits for it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: str) -> asyncio.Lock:
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock


class UseCount:
    """Counts who uses something, so that it is closed when nobody does.

    `with use:` counts one user, however long and however often at once.
    """

    def __init__(self) -> None:
        self.count = 0
        self._unused = asyncio.Event()
        self._unused.set()

    def __enter__(self) -> None:
        self.count += 1
        self._unused.clear()

    def __exit__(self, *_: object) -> None:
        self.count -= 1
        if not self.count:
            self._unused.set()

    async def unused(self) -> None:
        """Wait until nobody uses it."""
        while self.count:
            await self._unused.wait()
