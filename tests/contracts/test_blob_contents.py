"""The contents of blobs through the official client: what it raises, and how long it waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from fnhost.bindings.storage import StorageClient, StorageError, StorageUnreachable, blob_contents, parse
from fnhost.bindings.storage.blob_contents import BlobContents

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(port: int) -> AsyncIterator[BlobContents]:
    account = parse(f"AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:{port}/a")
    async with StorageClient(account) as client:
        contents = BlobContents(client)
        try:
            yield contents
        finally:
            await contents.close()


async def test_a_service_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(blob_contents, "LIMITS", replace(blob_contents.LIMITS, connect=0.2, answer=0.2))
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, opened(server.sockets[0].getsockname()[1]) as contents:
        async with asyncio.timeout(20):
            with pytest.raises(StorageUnreachable, match="does not answer"):
                await contents.download("c", "b")
            with pytest.raises(StorageUnreachable, match="does not answer"):
                await contents.upload("c", "b", b"body", {})


async def test_an_empty_name_is_an_error_of_storage() -> None:
    async with opened(1) as contents:
        with pytest.raises(StorageError, match="no path of a blob"):
            await contents.download("c", "")
        with pytest.raises(StorageError, match="no path of a blob"):
            await contents.upload("c", "", b"body", {})
