"""Notifications of what this host records of an instance, for callers that wait for a change."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fnhost.clock import Clock
from fnhost.host.durable.model.states import Instance


class StatusSubscription:
    """The latest record of one instance since the subscriber last asked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._notified = asyncio.Event()
        self._last: Instance | None = None

    def notify(self, instance: Instance) -> None:
        self._last = instance
        self._notified.set()

    async def next(self, seconds: float | None = None) -> Instance | None:
        """The row recorded last, waiting for one if there is none; None if none comes within so many seconds."""
        with suppress(TimeoutError):
            async with self._clock.timeout(seconds):
                await self._notified.wait()
        self._notified.clear()
        found, self._last = self._last, None
        return found


class StatusWatch:
    """The subscriptions of all instances."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._subscriptions: dict[str, set[StatusSubscription]] = {}

    @contextmanager
    def watching(self, instance: str) -> Iterator[StatusSubscription]:
        watch = StatusSubscription(self._clock)
        self._subscriptions.setdefault(instance, set()).add(watch)
        try:
            yield watch
        finally:
            self._subscriptions[instance].discard(watch)
            if not self._subscriptions[instance]:
                del self._subscriptions[instance]

    def notify(self, instance: Instance) -> None:
        for watch in self._subscriptions.get(instance.id, ()):
            watch.notify(instance)
