"""Texts in the blobs of one container, gzipped, through the official client."""

import gzip
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from azure.core.exceptions import (
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
    ServiceRequestError,
    ServiceResponseError,
)
from azure.storage.blob.aio import ContainerClient, ExponentialRetry

from fnhost.bindings.storage.account import Account
from fnhost.bindings.storage.errors import ResourceExists, ResourceNotFound, StorageError, StorageUnreachable


@contextmanager
def translated_errors() -> Iterator[None]:
    """The official client's exceptions as ours."""
    try:
        yield
    except ResourceNotFoundError as error:
        raise ResourceNotFound(_told(error), 404) from error
    except ResourceExistsError as error:
        raise ResourceExists(_told(error), 409) from error
    except (ServiceRequestError, ServiceResponseError) as error:
        raise StorageUnreachable(
            f"The storage account's blob service does not answer ({error}). Is it running?"
        ) from error
    except HttpResponseError as error:
        raise StorageError(_told(error), error.status_code or 0) from error


def _told(error: HttpResponseError) -> str:
    return f"Storage refused a blob with {error.status_code}: {str(error.message).partition(chr(10))[0]}"


class BlobTexts:
    """The container is made when first written to."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client

    async def put(self, name: str, text: str) -> None:
        body = gzip.compress(text.encode())
        try:
            await self._upload(name, body)
        except ResourceNotFound:
            await self._create()
            await self._upload(name, body)

    async def _upload(self, name: str, body: bytes) -> None:
        with translated_errors():
            await self._client.upload_blob(name, body, overwrite=True)

    async def _create(self) -> None:
        try:
            with translated_errors():
                await self._client.create_container()
        except ResourceExists:
            return

    async def get(self, name: str) -> str:
        """Raises NotFound."""
        with translated_errors():
            stream = await self._client.download_blob(name)
            return gzip.decompress(await stream.readall()).decode()

    async def names(self, prefix: str) -> list[str]:
        """The blobs whose names begin with this; none if there is no container."""
        try:
            with translated_errors():
                return [name async for name in self._client.list_blob_names(name_starts_with=prefix)]
        except ResourceNotFound:
            return []

    async def remove(self, name: str) -> None:
        """Safe to repeat."""
        try:
            with translated_errors():
                await self._client.delete_blob(name)
        except ResourceNotFound:
            return

    async def delete(self) -> None:
        """Remove the container and all that is in it. Safe to repeat."""
        try:
            with translated_errors():
                await self._client.delete_container()
        except ResourceNotFound:
            return


@asynccontextmanager
async def blob_texts(account: Account, container: str) -> AsyncIterator[BlobTexts]:
    policy = ExponentialRetry(initial_backoff=1, increment_base=2, retry_total=3)
    async with ContainerClient.from_connection_string(
        account.connection_string, container, retry_policy=policy
    ) as client:
        yield BlobTexts(client)
