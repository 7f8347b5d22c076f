"""Texts in the blobs of one container, gzipped."""

import gzip

from fnhost.bindings.storage.blob_service import Blobs
from fnhost.bindings.storage.client import StorageClient
from fnhost.bindings.storage.containers import Containers
from fnhost.bindings.storage.errors import ResourceNotFound


class BlobTexts:
    """Every verb raises StorageError. The container is made when first written to."""

    def __init__(self, client: StorageClient, container: str) -> None:
        self._blobs, self._containers, self._container = Blobs(client), Containers(client), container

    async def put(self, name: str, text: str) -> None:
        await self._blobs.put(self._container, name, gzip.compress(text.encode()))

    async def get(self, name: str) -> str:
        """Raises ResourceNotFound."""
        body, _ = await self._blobs.get(self._container, name)
        return gzip.decompress(body).decode()

    async def names(self, prefix: str) -> list[str]:
        """The blobs whose names begin with this; none if there is no container."""
        names: list[str] = []
        after = ""
        while True:
            try:
                page = await self._blobs.list(self._container, prefix, after)
            except ResourceNotFound:
                return names
            names += (blob.name for blob in page.blobs)
            if not (after := page.after):
                return names

    async def remove(self, name: str) -> None:
        """Safe to repeat."""
        await self._blobs.remove(self._container, name)

    async def delete(self) -> None:
        """Remove the container and all that is in it. Safe to repeat."""
        try:
            await self._containers.delete(self._container)
        except ResourceNotFound:
            return
