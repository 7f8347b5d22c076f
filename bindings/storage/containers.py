"""Containers of blobs: leases on them, and short texts in them."""

from collections.abc import Mapping
from typing import Final

from fnhost.bindings.storage.client import StorageClient, StorageRequest
from fnhost.bindings.storage.errors import PreconditionFailed, ResourceExists, ResourceNotFound

CONTAINER: Final[Mapping[str, str]] = {"restype": "container"}
LEASE: Final[Mapping[str, str]] = {**CONTAINER, "comp": "lease"}
JSON: Final[Mapping[str, str]] = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/json"}


class Containers:
    """Every method raises StorageError; ResourceNotFound if the container or blob is not there."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    async def create(self, container: str) -> None:
        """Create a container; one that exists is no error."""
        try:
            await self._client.request(StorageRequest("blob", "PUT", f"/{container}", CONTAINER))
        except ResourceExists as error:
            if error.code != "ContainerAlreadyExists":
                raise

    async def delete(self, container: str) -> None:
        """Delete a container, whoever holds its lease."""
        await self._lease(container, {"x-ms-lease-action": "break", "x-ms-lease-break-period": "0"})
        await self._client.request(StorageRequest("blob", "DELETE", f"/{container}", CONTAINER))

    async def acquire(self, container: str, lease: str, seconds: int) -> bool:
        """Acquire or renew the container's lease. False if another holds it."""
        asked = {
            "x-ms-lease-action": "acquire",
            "x-ms-lease-duration": str(seconds),
            "x-ms-proposed-lease-id": lease,
        }
        return await self._lease(container, asked)

    async def take_over(self, container: str, theirs: str, ours: str) -> bool:
        """Change the lease id `theirs` into `ours`. False if `theirs` does not hold the lease."""
        asked = {"x-ms-lease-action": "change", "x-ms-lease-id": theirs, "x-ms-proposed-lease-id": ours}
        return await self._lease(container, asked)

    async def release(self, container: str, lease: str) -> bool:
        """Release the container's lease. False if `lease` does not hold it."""
        return await self._lease(container, {"x-ms-lease-action": "release", "x-ms-lease-id": lease})

    async def _lease(self, container: str, asked: Mapping[str, str]) -> bool:
        try:
            await self._client.request(StorageRequest("blob", "PUT", f"/{container}", LEASE, asked))
        except (ResourceExists, PreconditionFailed):
            return False
        return True

    async def get(self, container: str, blob: str) -> str | None:
        """The text of a blob, None if there is none."""
        try:
            answer = await self._client.request(StorageRequest("blob", "GET", f"/{container}/{blob}"))
        except ResourceNotFound:
            return None
        return answer.body.decode()

    async def put(self, container: str, blob: str, text: str) -> None:
        await self._client.request(StorageRequest("blob", "PUT", f"/{container}/{blob}", None, JSON, text.encode()))
