"""The contents of blobs through the official client: what it raises, how long it waits, and what it leaves behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import web
from azure.storage.blob.aio import ContainerClient

from fnhost.azurite import Azurite
from fnhost.bindings.storage import (
    PreconditionFailed,
    ResourceNotFound,
    StorageClient,
    StorageError,
    StorageUnreachable,
    blob_contents,
    parse,
)
from fnhost.bindings.storage.account import Account
from fnhost.bindings.storage.blob_contents import BlobContents
from tests.support.proxies import Answer, Forward, Treatment, proxied
from tests.support.storage import fresh

pytestmark = pytest.mark.anyio

SMALL = bytes(range(256)) * 256
MB = 1024 * 1024
RANGES = bytes(9 * MB)
"""More than is read with the first request."""


@asynccontextmanager
async def opened(account: Account) -> AsyncIterator[BlobContents]:
    async with StorageClient(account, pauses=()) as client, AsyncExitStack() as stack:
        contents = BlobContents(client)
        stack.push_async_callback(contents.close)
        yield contents


@pytest.fixture
def account(storage: Azurite) -> Account:
    return parse(storage.connection_string)


@pytest.fixture
async def container(account: Account) -> AsyncIterator[ContainerClient]:
    """Of this test alone, through a client that meets no trouble."""
    async with ContainerClient.from_connection_string(
        account.connection_string, fresh("c"), max_single_put_size=MB, max_block_size=MB
    ) as client:
        await client.create_container()
        yield client


def once(treat: Treatment) -> Treatment:
    """The first download of a blob is treated so, everything else is forwarded."""
    is_done = False

    async def treat_one(request: web.BaseRequest, forward: Forward) -> Answer:
        nonlocal is_done
        if is_done or request.method != "GET":
            return await forward(request)
        is_done = True
        return await treat(request, forward)

    return treat_one


async def test_a_download_goes_on_where_it_was_cut(account: Account, container: ContainerClient) -> None:
    cuts: list[int] = []

    async def cut(request: web.BaseRequest, forward: Forward) -> Answer:
        answer = await forward(request)
        cuts.append(len(answer.body))
        return replace(answer, is_cut=True)

    await container.upload_blob("it", SMALL)
    async with proxied(account, once(cut)) as troubled, opened(troubled) as contents:
        body, properties = await contents.download(container.container_name, "it")
    assert cuts == [len(SMALL)]
    assert (body, properties.length) == (SMALL, len(SMALL))


async def test_a_blob_that_changes_between_two_ranges_is_no_mixture(
    account: Account, container: ContainerClient
) -> None:
    async def change(request: web.BaseRequest, forward: Forward) -> Answer:
        answer = await forward(request)
        await container.upload_blob("it", b"another", overwrite=True)
        return answer

    await container.upload_blob("it", RANGES)
    async with proxied(account, once(change)) as troubled, opened(troubled) as contents:
        with pytest.raises(PreconditionFailed):
            await contents.download(container.container_name, "it")
        assert (await contents.download(container.container_name, "it"))[0] == b"another"


async def test_a_download_that_is_cancelled_leaves_nothing_running(
    account: Account, container: ContainerClient
) -> None:
    second, over = asyncio.Event(), asyncio.Event()

    async def hold_later(request: web.BaseRequest, forward: Forward) -> Answer:
        if "bytes=0-" not in request.headers.get("x-ms-range", "bytes=0-"):
            second.set()
            await over.wait()
        return await forward(request)

    await container.upload_blob("it", RANGES)
    async with proxied(account, hold_later) as troubled, opened(troubled) as contents, asyncio.timeout(20):
        downloading = asyncio.create_task(contents.download(container.container_name, "it"))
        await second.wait()
        before = asyncio.all_tasks()
        downloading.cancel()
        await asyncio.wait([downloading])
        left = [task for task in before if not task.done() and is_of_client(task)]
        over.set()
    assert not left


def is_of_client(task: "asyncio.Task[object]") -> bool:
    code = getattr(task.get_coro(), "cr_code", None)
    return code is not None and "azure" in code.co_filename


async def test_a_service_that_is_away_is_named(account: Account) -> None:
    async with opened(replace(account, blob="http://127.0.0.1:1/devstoreaccount1")) as contents:
        with pytest.raises(StorageUnreachable, match=r"127\.0\.0\.1:1 does not answer"):
            await contents.upload("some", "it", b"x", {})


async def test_refusals_are_told_in_words(account: Account, container: ContainerClient) -> None:
    async with opened(account) as contents:
        with pytest.raises(ResourceNotFound, match="Storage refused GET"):
            await contents.download(container.container_name, "missing")
    async with opened(replace(account, key=b"wrong")) as contents:
        with pytest.raises(StorageError, match="Is the account key in the connection string right") as refused:
            await contents.download(container.container_name, "missing")
    assert refused.value.status == 403


async def test_an_empty_blob_and_its_metadata_come_back(account: Account, container: ContainerClient) -> None:
    async with opened(account) as contents:
        await contents.upload(container.container_name, "a b/ü?#%.txt", b"", {"AzureWebJobsParentId": "1"})
        body, properties = await contents.download(container.container_name, "a b/ü?#%.txt")
    found = [blob async for blob in container.list_blobs()]
    assert (body, properties.length, properties.metadata) == (b"", 0, {"AzureWebJobsParentId": "1"})
    assert [blob.name for blob in found] == ["a b/ü?#%.txt"]
    assert properties.etag.strip('"') == found[0].etag.strip('"')


def at(port: int) -> Account:
    return parse(f"AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:{port}/a")


async def test_a_service_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(blob_contents, "LIMITS", replace(blob_contents.LIMITS, connect=0.2, silence=0.2))
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, opened(at(server.sockets[0].getsockname()[1])) as contents:
        async with asyncio.timeout(20):
            with pytest.raises(StorageUnreachable, match="does not answer"):
                await contents.download("c", "b")
            with pytest.raises(StorageUnreachable, match="does not answer"):
                await contents.upload("c", "b", b"body", {})


async def test_an_empty_name_is_an_error_of_storage() -> None:
    async with opened(at(1)) as contents:
        with pytest.raises(StorageError, match="no path of a blob"):
            await contents.download("c", "")
        with pytest.raises(StorageError, match="no path of a blob"):
            await contents.upload("c", "", b"body", {})
