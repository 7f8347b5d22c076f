"""Texts too large for a row or a message: gzipped blobs (platform/task-hub.md 2.3, 3.3 and 4.6)."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from fnhost.bindings.storage import BlobTexts, ResourceNotFound, Row, StorageClient
from fnhost.host.durable.model.history import ExecutionStarted
from fnhost.host.durable.storage.azure.gather import gather_all
from fnhost.host.durable.storage.azure.names import blob_of, blob_url, column_blob, is_message_blob
from fnhost.host.durable.storage.codec import Envelope, open_envelope

LONGEST_COLUMN = 61_440
"""Bytes of a column in UTF-16; a longer one goes to a blob."""
LARGE_COLUMNS = ("Name", "Input", "Result", "Output", "Reason", "Details", "Correlation", "FailureDetails", "Tags")


class LargeMessages:
    """The container for large texts."""

    def __init__(self, client: StorageClient, container: str) -> None:
        self._texts = BlobTexts(client, container)
        self.address = f"{client.account.blob}/{container}"

    def url(self, blob: str) -> str:
        return blob_url(self.address, blob)

    def is_address(self, text: Any) -> TypeGuard[str]:
        """Whether a reader would take this text for the address of a blob in here."""
        return isinstance(text, str) and blob_of(self.address, text) is not None

    async def put(self, blob: str, text: str) -> None:
        await self._texts.put(blob, text)

    async def get(self, blob: str) -> str:
        """Raises ResourceNotFound."""
        return await self._texts.get(blob)

    async def put_column(self, key: str, row: str, kind: str, column: str, text: str, checkpoint: str) -> str:
        """Store a column's text; the name of its blob.

        `checkpoint` is the id of the checkpoint: two hosts that race write two blobs, and a write that is repeated
        writes the same.
        """
        blob = column_blob(key, row, kind, column, checkpoint[:8].upper())
        await self.put(blob, text)
        return blob

    async def columns(self, row: Row) -> Mapping[str, str]:
        """The texts of a history row that lie in blobs."""
        return {column: await self.get(blob) for column, blob in blobs_of(row).items()}

    async def referred(self, text: str) -> str | None:
        """The text, or the one that it refers to; None if that was removed meanwhile."""
        blob = blob_of(self.address, text)
        if blob is None:
            return text
        try:
            found = await self.get(blob)
        except ResourceNotFound:
            return None
        return _input_of(found) if is_message_blob(blob) else found

    async def remove(self, prefix: str, keep: frozenset[str] = frozenset()) -> None:
        """Remove the blobs right below a prefix that ends with a slash, or begin with it."""
        names = [name for name in await self._texts.names(prefix) if "/" not in name.removeprefix(prefix)]
        await gather_all(self._texts.remove(name) for name in names if name not in keep)

    async def delete(self) -> None:
        await self._texts.delete()


def blobs_of(row: Row) -> Mapping[str, str]:
    """The blobs of a history row's columns."""
    names = {column: row.get(f"{column}BlobName") for column in LARGE_COLUMNS}
    return {column: name for column, name in names.items() if name}


def is_large(text: Any) -> TypeGuard[str]:
    if not isinstance(text, str) or len(text) * 4 <= LONGEST_COLUMN:
        return False
    return len(text.encode("utf-16-le", "surrogatepass")) > LONGEST_COLUMN


def _input_of(envelope: str) -> str | None:
    found = open_envelope(envelope)
    event = found.message.event if isinstance(found, Envelope) else None
    return event.input if isinstance(event, ExecutionStarted) else None
