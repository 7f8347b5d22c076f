"""Tells the pages what changes of the app: its state, problems, workers and storage."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.logging.events import AppRefused, AppStarted, WorkerExited, WorkerStarted
from fnhost.host.logging.log import Log, Record
from fnhost.host.web.dashboard.live import LiveEvents

TOPIC = "app"
LOOK = 2.0
"""Seconds between two looks while a page reads: what no record tells, such as a storage that answers, changes too."""
SETTLE = 0.1
"""Seconds after a record until the app is looked at: several come together."""


Describe = Callable[[], Awaitable[Mapping[str, Any]]]


class AppWatcher:
    """`describe` makes the members of `GET app`. A page gets those that changed since the last look."""

    def __init__(
        self,
        describe: Callable[[], Awaitable[Mapping[str, Any]]],
        live: LiveEvents,
        log: Log,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._describe, self._live, self._log, self._clock = describe, live, log, clock
        self._changed = asyncio.Event()
        self._last: Mapping[str, Any] = {}

    def __call__(self, record: Record) -> None:
        if isinstance(record.event, (AppStarted, AppRefused, WorkerStarted, WorkerExited)):
            self._changed.set()

    async def run(self) -> None:
        """Until cancelled."""
        self._log.add(self)
        try:
            while True:
                await self._wait()
                await self._look()
        finally:
            self._log.remove(self)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with self._clock.timeout(LOOK):
                await self._changed.wait()
                await self._clock.sleep(SETTLE)
        self._changed.clear()

    async def _look(self) -> None:
        """The first look has nothing to compare with, and tells all."""
        if not self._live.is_read(TOPIC):
            self._last = {}
            return
        found = await self._describe()
        changed = {name: value for name, value in found.items() if _lasting(value) != _lasting(self._last.get(name))}
        if changed:
            self._live.publish(TOPIC, "app", changed)
        self._last = found


def _lasting(value: Any) -> Any:
    """Without how much each worker has to do, which changes with every request."""
    if not isinstance(value, list):
        return value
    return [{k: v for k, v in one.items() if k != "running"} if isinstance(one, dict) else one for one in value]
