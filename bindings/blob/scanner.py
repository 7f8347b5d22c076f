"""Finds new versions of blobs in a container by listing it again and again (platform/blob.md 1)."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from fnhost.bindings.blob.paths import BlobPattern
from fnhost.bindings.blob.receipts import Hold, Receipts
from fnhost.bindings.queue.consumer import PollPause
from fnhost.bindings.storage.blob_service import BlobProperties, Blobs
from fnhost.bindings.storage.errors import ResourceNotFound, StorageError
from fnhost.bindings.storage.services import StorageServices, Topic
from fnhost.bindings.waiting import first_of

LONGEST_PAUSE = 10.0
SIDE_BY_SIDE = 8


@dataclass(slots=True)
class ContainerScanner:
    """Tells `found` of each version once. Those with a complete receipt are known from earlier lives of the host."""

    services: StorageServices
    function: str
    topic: Topic
    blobs: Blobs
    pattern: BlobPattern
    receipts: Receipts
    found: Callable[[BlobProperties], Awaitable[None]]
    known: set[tuple[str, str]] | None = field(default=None)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping` is set. Storage that is away is named once, and waited for."""
        pause, said = PollPause(LONGEST_PAUSE), ""
        with self.services.host.notices.watching(self.topic) as news:
            while not stopping.is_set():
                news.clear()
                try:
                    if await self._scan():
                        pause.reset()
                    said = ""
                except StorageError as error:
                    if str(error) != said:
                        said = str(error)
                        text = f"The container '{self.pattern.container}' cannot be listed, and is tried again: {said}"
                        self.services.report(self.function, "error", text)
                await first_of(stopping.wait(), news.wait(), self.services.clock.sleep(pause.take()))
                if news.is_set():
                    pause.reset()

    async def _scan(self) -> bool:
        """Whether anything was new. Raises StorageError."""
        if self.known is None:
            self.known = await self.receipts.completed()
        after, is_new = "", False
        while True:
            try:
                page = await self.blobs.list(self.pattern.container, after=after)
            except ResourceNotFound:
                return is_new
            fresh = [blob for blob in page.blobs if self._is_new(blob)]
            is_new |= bool(fresh)
            for start in range(0, len(fresh), SIDE_BY_SIDE):
                await asyncio.gather(*map(self._tell, fresh[start : start + SIDE_BY_SIDE]))
            if not (after := page.after):
                return is_new

    def _is_new(self, blob: BlobProperties) -> bool:
        assert self.known is not None
        return (blob.name, blob.etag) not in self.known and self.pattern.match(blob.name) is not None

    async def _tell(self, blob: BlobProperties) -> None:
        assert self.known is not None
        hold = await self.receipts.take(blob.name, blob.etag)
        if hold is Hold.ANOTHERS:
            return
        if hold is Hold.OURS:
            await self.found(blob)
            await self.receipts.complete(blob.name, blob.etag)
        self.known.add((blob.name, blob.etag))
