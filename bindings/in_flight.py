"""What a trigger has taken and not yet settled."""

import asyncio


class EventsInFlight:
    """Counts events, so that a trigger which takes no more can wait for the end of the last."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = asyncio.Event()

    def __enter__(self) -> None:
        """One more event is in flight inside the block."""
        self.count += 1

    def __exit__(self, *_: object) -> None:
        self.count -= 1
        self._changed.set()

    async def at_most(self, count: int) -> None:
        """Wait until no more than so many are in flight."""
        while self.count > count:
            self._changed.clear()
            await self._changed.wait()

    async def settled(self) -> None:
        """Wait until none is in flight."""
        await self.at_most(0)
