"""A lock that one host of an app holds: a blob lease, renewed while the block lasts (platform/host-storage.md 2)."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final

from fnhost.bindings.contract import BindingError
from fnhost.bindings.schema import timespan
from fnhost.bindings.storage.blob_service import Blobs
from fnhost.bindings.storage.errors import ResourceExists, StorageError
from fnhost.bindings.storage.services import StorageServices
from fnhost.bindings.waiting import first_of

CONTAINER: Final = "azure-webjobs-hosts"
OWNER: Final = "functioninstance"
"""Metadata of the lock's blob: the host that holds it."""
PERIOD, SHORTEST, LONGEST = 15.0, 15.0, 60.0
"""Seconds a lease lasts unless host.json says otherwise. The platform's are 60: here, another host takes over sooner
from one that was killed."""
RETRY: Final = 2.0
"""Seconds between two tries to take a lock that another host holds."""


def lock_period(singleton: Mapping[str, Any]) -> float:
    """`singleton.listenerLockPeriod` of host.json. Raises BindingError."""
    text = next((value for name, value in singleton.items() if name.lower() == "listenerlockperiod"), None)
    if text is None:
        return PERIOD
    try:
        return min(max(timespan(str(text)), SHORTEST), LONGEST)
    except ValueError as error:
        raise BindingError(f"host.json: singleton.listenerLockPeriod: {error}") from error


@dataclass(frozen=True, slots=True)
class SingletonLock:
    """`name` is the lock's, such as `Host.Functions.Tick.Listener`."""

    services: StorageServices
    blobs: Blobs
    function: str
    name: str

    @property
    def blob(self) -> str:
        return f"locks/{self.services.host.id}/{self.name}"

    @asynccontextmanager
    async def held(self, stopping: asyncio.Event) -> AsyncIterator[asyncio.Event | None]:
        """Wait for the lock. Yields an event that is set when it is lost; None if `stopping` was set meanwhile.

        Two generations of an app in one process take turns. Raises StorageError.
        """
        async with self.services.host.turns[self.blob]:
            if not await self._acquired(stopping):
                yield None
                return
            lost = asyncio.Event()
            keeping = asyncio.create_task(self._keep(lost))
            try:
                yield lost
            finally:
                keeping.cancel()
                with suppress(StorageError):
                    await self.blobs.release(CONTAINER, self.blob, self.services.host.instance)

    async def _acquired(self, stopping: asyncio.Event) -> bool:
        with suppress(ResourceExists):
            await self.blobs.put(CONTAINER, self.blob, b"", only_new=True)
        has_said = False
        while not stopping.is_set():
            if await self._take():
                await self._sign()
                return True
            if not has_said:
                has_said = True
                await self._say_waiting()
            await first_of(stopping.wait(), self.services.clock.sleep(RETRY))
        return False

    async def _take(self) -> bool:
        period = round(lock_period(self.services.singleton))
        return await self.blobs.acquire(CONTAINER, self.blob, self.services.host.instance, period)

    async def _sign(self) -> None:
        owner = {OWNER: self.services.host.instance}
        await self.blobs.set_metadata(CONTAINER, self.blob, owner, self.services.host.instance)

    async def _say_waiting(self) -> None:
        _, properties = await self.blobs.get(CONTAINER, self.blob)
        owner, period = properties.metadata.get(OWNER, "unknown"), lock_period(self.services.singleton)
        text = (
            f"Another host of this app, {owner}, holds the lock of function '{self.function}'. "
            f"This one takes over when it ends, or {period:.0f} s after it was killed."
        )
        self.services.report(self.function, "warning", text)

    async def _keep(self, lost: asyncio.Event) -> None:
        """Renew it three times in a period; storage that is away may come back before the lease ends."""
        while True:
            await self.services.clock.sleep(lock_period(self.services.singleton) / 3)
            with suppress(StorageError):
                if not await self._take():
                    lost.set()
                    return
