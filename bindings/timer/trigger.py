"""The timer trigger (platform/timer.md 1 to 4): one host of an app fires it, no run overlaps the last."""

import asyncio
from contextlib import suppress
from datetime import datetime

from fnhost.bindings.contract import Binding, Event, Fire, InvocationError, Json
from fnhost.bindings.formats import compact
from fnhost.bindings.storage.blob_service import Blobs
from fnhost.bindings.storage.errors import StorageError
from fnhost.bindings.storage.services import StorageServices
from fnhost.bindings.storage.singleton import SingletonLock
from fnhost.bindings.timer.schedule import is_frequent, parse_schedule, read_zone
from fnhost.bindings.timer.status import NEVER, StatusStore, TimerStatus
from fnhost.bindings.waiting import first_of

LONGEST_SLEEP = 30.0
"""Seconds after which the time of day is looked at again: a laptop may have slept meanwhile."""
SHOWN = 5


class TimerTrigger:
    def __init__(self, services: StorageServices, function: str, binding: Binding) -> None:
        self._services, self._function, self._clock = services, function, services.clock
        properties = binding.properties
        self._zone = read_zone(services.time_zone)
        self._schedule = parse_schedule(str(properties["schedule"]), self._zone)
        self._runs_on_startup = bool(properties.get("runOnStartup", False))
        is_monitored = properties.get("useMonitor", True) and not is_frequent(self._schedule, self._clock.now())
        blobs = Blobs(services.accounts.client())
        name = f"Host.Functions.{function}"
        status = StatusStore(blobs, f"timers/{services.host.id}/{name}/status")
        self._status = status if is_monitored else None
        self._lock = SingletonLock(services, blobs, function, f"{name}.Listener")

    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        """A lock that was lost, while storage was away for example, is waited for again."""
        while not stopping.is_set():
            async with self._lock.held(stopping) as lost:
                if lost is not None:
                    await self._fire_when_due(fire, stopping, lost)

    async def _fire_when_due(self, fire: Fire, stopping: asyncio.Event, lost: asyncio.Event) -> None:
        status = await self._begin(fire, self._runs_on_startup)
        self._runs_on_startup = False
        self._say_occurrences()
        while await self._is_due(status.next, stopping, lost):
            status = await self._run(fire, status)

    def _now(self) -> datetime:
        return self._clock.now().astimezone(self._zone)

    async def _begin(self, fire: Fire, runs_on_startup: bool) -> TimerStatus:
        """Run at once if an occurrence was missed since the last start, or the binding asks for it."""
        stored = await self._status.read() if self._status else None
        now = self._now()
        if stored and stored.fits(self._schedule):
            if stored.next < now:
                details = f"UnscheduledInvocationReason: IsPastDue, OriginalSchedule: {stored.next.isoformat()}"
                return await self._run(fire, stored, is_past_due=True, details=details)
            if not runs_on_startup:
                return stored
        status = TimerStatus(stored.last if stored else NEVER, self._schedule.next(now), now)
        if runs_on_startup:
            return await self._run(fire, status, details="UnscheduledInvocationReason: RunOnStartup")
        await self._store(status)
        return status

    async def _is_due(self, due: datetime, stopping: asyncio.Event, lost: asyncio.Event) -> bool:
        """Wait until then. False when it must not fire: this host stops, or another has the lock."""
        while not stopping.is_set() and not lost.is_set():
            seconds = (due - self._now()).total_seconds()
            if seconds <= 0:
                return True
            await first_of(stopping.wait(), lost.wait(), self._clock.sleep(min(seconds, LONGEST_SLEEP)))
        return False

    async def _run(self, fire: Fire, status: TimerStatus, is_past_due: bool = False, details: str = "") -> TimerStatus:
        """The next occurrence is reckoned from the end of the run: those in between are left out."""
        now = self._now()
        with suppress(InvocationError):  # the invocation has said in the log what failed
            await fire(self._event(status, is_past_due, details))
        ended = self._now()
        fresh = TimerStatus(now, self._schedule.next(ended), ended)
        await self._store(fresh)
        return fresh

    async def _store(self, status: TimerStatus) -> None:
        """A status that could not be kept is no reason to stop: at worst a run is past due once more."""
        if self._status is None:
            return
        try:
            await self._status.write(status)
        except StorageError as error:
            self._services.report(self._function, "warning", f"The timer's status could not be kept: {error}")

    def _event(self, status: TimerStatus | None, is_past_due: bool, details: str) -> Event:
        now = self._now()
        shown = status.members if status and self._status else None
        value = {
            "Schedule": {"AdjustForDST": self._schedule.adjusts_for_dst},
            "ScheduleStatus": shown,
            "IsPastDue": is_past_due,
        }
        return Event(
            function=self._function,
            value=Json(compact(value)),
            reason=f"Timer fired at {now.isoformat()}",
            details=details,
            metadata={"TimerTrigger": now.isoformat()},
        )

    async def manual_event(self, text: str) -> Event:
        """With the status that is on record; none where nothing is, or storage does not answer."""
        status = None
        with suppress(StorageError):
            status = await self._status.read() if self._status else None
        return self._event(status, False, "")

    def _say_occurrences(self) -> None:
        after, lines = self._now(), []
        for _ in range(SHOWN):
            after = self._schedule.next(after)
            lines.append(f"{after:%m/%d/%Y %H:%M:%S}{after:%z} ({after.astimezone().isoformat()})")
        head = (
            f"The next {SHOWN} occurrences of the '{self._function}' schedule ({self._schedule.description}) will be:"
        )
        self._services.report(self._function, "information", "\n".join([head, *lines]))


def open_trigger(services: StorageServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> TimerTrigger:
    """Raises BindingError."""
    return TimerTrigger(services, function, binding)
