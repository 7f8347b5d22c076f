"""The contents of blobs that functions read and write, through the official client: large ones travel in parts."""

import asyncio
import base64
import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from fnhost.bindings.storage.account import Account
from fnhost.bindings.storage.blob_service import OCTETS, BlobProperties
from fnhost.bindings.storage.client import LIMITS, VERSION, StorageClient, is_local, unreachable
from fnhost.bindings.storage.containers import Containers
from fnhost.bindings.storage.errors import ResourceNotFound, StorageError, error_of_response

if TYPE_CHECKING:
    from azure.storage.blob.aio import BlobClient, BlobServiceClient

PART: Final = 4 * 1024 * 1024
"""Bytes of a request's body at most; what is longer travels in several.

One after another: side by side, the official client leaves the others running without an owner when one fails.
"""
RETRIES: Final[Mapping[str, Any]] = {"backoff": 0.2, "retry_total": 2, "random_jitter_range": 0}
"""As patient as `StorageClient` is for bindings: a service that is away is named within a second."""
SDK: Final = ("azure.storage.blob.aio", "azure.storage.blob", "azure.core.exceptions", "azure.core.pipeline.transport")


class BlobContents:
    """Every verb raises StorageError. `close` ends its connections.

    The official client is imported when the first blob moves, in a thread: that takes a third of a second.
    """

    def __init__(self, client: StorageClient) -> None:
        self._account = client.account
        self._containers = Containers(client)
        self._service: BlobServiceClient | None = None
        self._opening = asyncio.Lock()

    async def download(self, container: str, blob: str) -> tuple[bytes, BlobProperties]:
        """The blob as it is now, whole. Raises ResourceNotFound, and PreconditionFailed if it changed meanwhile."""
        client = await self._client(container, blob)
        with self._storage_errors(f"GET /{container}/{blob}"):
            stream = await client.download_blob()
            body = b"".join([part async for part in stream.chunks()])
            return body, _properties(blob, stream.properties)

    async def upload(self, container: str, blob: str, body: bytes, metadata: Mapping[str, str]) -> None:
        """Replace a blob; make its container when that is missing."""
        try:
            await self._upload(container, blob, body, metadata)
        except ResourceNotFound:
            await self._containers.create(container)
            await self._upload(container, blob, body, metadata)

    async def _upload(self, container: str, blob: str, body: bytes, metadata: Mapping[str, str]) -> None:
        client = await self._client(container, blob)
        settings = _sdk()[1].ContentSettings(content_type=OCTETS)
        with self._storage_errors(f"PUT /{container}/{blob}"):
            await client.upload_blob(body, overwrite=True, metadata=dict(metadata), content_settings=settings)

    async def close(self) -> None:
        if self._service is not None:
            await self._service.close()

    async def _client(self, container: str, blob: str) -> "BlobClient":
        async with self._opening:
            if self._service is None:
                await asyncio.to_thread(_sdk)
                self._service = _open(self._account)
        try:
            return self._service.get_blob_client(container, blob)
        except ValueError as error:  # a name is empty
            raise StorageError(f"'{container}/{blob}' is no path of a blob: {error}") from error

    @contextmanager
    def _storage_errors(self, what: str) -> Iterator[None]:
        """The official client's errors as ours."""
        errors = _sdk()[2]
        try:
            yield
        except errors.HttpResponseError as error:
            raise _refused(what, error) from error
        except errors.AzureError as error:
            raise unreachable(self._account, "blob", error) from error


def _sdk() -> tuple[ModuleType, ...]:
    return tuple(map(importlib.import_module, SDK))


def _open(account: Account) -> "BlobServiceClient":
    """Connections are direct, whatever `HTTP_PROXY` says, as those of all storage requests are.

    The transport is told the time limits: the client does not hand its own on to a transport that it is given. An
    emulator is given up sooner; elsewhere, a part of a body may be long on its way.
    """
    silence = LIMITS.silence if is_local(account.blob) else LIMITS.answer
    blobs, _, _, transports = _sdk()
    key = {"account_name": account.name, "account_key": base64.b64encode(account.key).decode()}
    service: BlobServiceClient = blobs.BlobServiceClient(
        account.blob,
        key if account.key else account.signature,
        api_version=VERSION,
        transport=transports.AioHttpTransport(
            use_env_settings=False, connection_timeout=LIMITS.connect, read_timeout=silence
        ),
        retry_policy=blobs.LinearRetry(**RETRIES),
        max_single_put_size=PART,
        max_block_size=PART,
        max_single_get_size=PART,
        max_chunk_get_size=PART,
    )
    return service


def _refused(what: str, error: Any) -> StorageError:
    code = getattr(error, "error_code", None) or ""
    return error_of_response(what, error.status_code or 0, str(getattr(code, "value", code)), str(error.message))


def _properties(name: str, told: Any) -> BlobProperties:
    return BlobProperties(
        name=name,
        etag=told.etag,
        length=told.size,
        modified=told.last_modified,
        content_type=told.content_settings.content_type or "",
        metadata=told.metadata,
    )
