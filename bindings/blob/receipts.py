"""Which versions of blobs a function has been told of: a receipt for each (platform/host-storage.md 2).

A receipt is complete when the version's message is in the queue of found blobs: from then on that queue sees to it.
"""

from contextlib import suppress
from dataclasses import dataclass
from enum import Enum

from fnhost.bindings.storage.blob_service import BlobProperties, Blobs
from fnhost.bindings.storage.errors import ResourceExists, ResourceNotFound
from fnhost.bindings.storage.singleton import CONTAINER

COMPLETED = "completed"
LEASE_SECONDS = 30


class Hold(Enum):
    """What became of an attempt to hold a receipt. One that another host holds may become free: it may have died."""

    OURS = "ours"
    COMPLETE = "complete"
    ANOTHERS = "another's"


@dataclass(frozen=True, slots=True)
class Receipts:
    """Those of one function for one container. `prefix` ends with a slash; `holder` is the lease id of this host."""

    blobs: Blobs
    prefix: str
    container: str
    holder: str

    def name(self, blob: str, etag: str) -> str:
        return f"{self.prefix}{etag}/{self.container}/{blob}"

    async def completed(self) -> set[tuple[str, str]]:
        """Name and ETag of every version with a complete receipt. Raises StorageError."""
        found: set[tuple[str, str]] = set()
        after = ""
        while True:
            try:
                page = await self.blobs.list(CONTAINER, self.prefix, after)
            except ResourceNotFound:
                return found
            for receipt in page.blobs:
                etag, _, rest = receipt.name.removeprefix(self.prefix).partition("/")
                container, _, blob = rest.partition("/")
                if container == self.container and is_complete(receipt):
                    found.add((blob, etag))
            if not (after := page.after):
                return found

    async def take(self, blob: str, etag: str) -> Hold:
        """Hold the version's receipt, made if there is none. Raises StorageError."""
        name = self.name(blob, etag)
        with suppress(ResourceExists):
            await self.blobs.put(CONTAINER, name, b"", only_new=True)
        if not await self.blobs.acquire(CONTAINER, name, self.holder, LEASE_SECONDS):
            return Hold.ANOTHERS
        _, receipt = await self.blobs.get(CONTAINER, name)
        if not is_complete(receipt):
            return Hold.OURS
        await self.release(blob, etag)
        return Hold.COMPLETE

    async def complete(self, blob: str, etag: str) -> None:
        await self.blobs.set_metadata(CONTAINER, self.name(blob, etag), {COMPLETED: "true"}, self.holder)
        await self.release(blob, etag)

    async def release(self, blob: str, etag: str) -> None:
        await self.blobs.release(CONTAINER, self.name(blob, etag), self.holder)


def is_complete(receipt: BlobProperties) -> bool:
    return any(name.lower() == COMPLETED and value.lower() == "true" for name, value in receipt.metadata.items())
