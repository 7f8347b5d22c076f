"""The messages in our hands: renewed while we work on them, and laid down once, in the background."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

from host.durable.hub import Hub, Received


class Hands:
    """Knows every message this host holds. A message that comes again while held only brings a newer receipt."""

    def __init__(self, hub: Hub, hidden: float) -> None:
        self._hub, self._hidden = hub, hidden
        self._held: dict[tuple[str, str], Received] = {}
        self._fresh: set[tuple[str, str]] = set()
        self._laying_down: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._held)

    def take(self, received: Received) -> bool:
        """Whether it is new to us."""
        key = (received.queue, received.id)
        if known := self._held.get(key):
            known.receipt, known.deliveries = received.receipt, received.deliveries
            return False
        self._held[key] = received
        self._fresh.add(key)
        return True

    def settle(self, received: Iterable[Received]) -> None:
        """They are dealt with: delete them, in the background."""
        if ours := self._drop(received):
            self._in_background(self._hub.settle(ours))

    def release(self, received: Iterable[Received], after: float = 0) -> None:
        if ours := self._drop(received):
            self._in_background(self._hub.release(ours, after))

    def _drop(self, received: Iterable[Received]) -> list[Received]:
        ours = list(received)
        for one in ours:
            self._held.pop((one.queue, one.id), None)
        return ours

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._laying_down.add(task)
        task.add_done_callback(self._laying_down.discard)

    async def keep(self) -> None:
        """Renew in time what is held for long, until cancelled."""
        while True:
            self._fresh.clear()
            await asyncio.sleep(self._hidden / 3)
            if old := [one for key, one in self._held.items() if key not in self._fresh]:
                await self._hub.renew(old)

    async def empty(self) -> None:
        """Give back what is left, and see everything laid down."""
        self.release(list(self._held.values()))
        while self._laying_down:
            await asyncio.wait(self._laying_down)
