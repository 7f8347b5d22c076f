"""Who waits for something to happen to an instance, and is told what this host records of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from fnhost.clock import Clock
from fnhost.host.durable.model.states import Instance


class StatusSubscription:
    """What one waiter was told since it last looked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told = asyncio.Event()
        self._last: Instance | None = None

    def tell(self, instance: Instance) -> None:
        self._last = instance
        self._told.set()

    async def next(self, seconds: float | None = None) -> Instance | None:
        """The row that was recorded last; None if none is recorded within so many seconds."""
        with suppress(TimeoutError):
            async with self._clock.timeout(seconds):
                await self._told.wait()
        self._told.clear()
        found, self._last = self._last, None
        return found


class StatusWatch:
    """All of them, by instance."""

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

    def tell(self, instance: Instance) -> None:
        for watch in self._subscriptions.get(instance.id, ()):
            watch.tell(instance)
