"""Queues and tables of a real emulator through the thin clients, checked against the official ones."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import uvloop
from azure.data.tables import EdmType, EntityProperty
from azure.data.tables.aio import TableClient
from azure.storage.queue import AccountSasPermissions, ResourceTypes, generate_account_sas
from azure.storage.queue.aio import QueueClient

from fnhost.azurite import Azurite
from fnhost.bindings.storage import (
    Operation,
    PopReceiptMismatch,
    PreconditionFailed,
    Queues,
    ResourceExists,
    ResourceNotFound,
    StorageClient,
    StorageError,
    StorageUnreachable,
    Tables,
    parse,
)
from fnhost.bindings.storage.tables import ETAG, literal

pytestmark = pytest.mark.anyio


@pytest.fixture
async def wire(storage: Azurite) -> AsyncIterator[StorageClient]:
    async with StorageClient(parse(storage.connection_string)) as wire:
        yield wire


@pytest.fixture
def queues(wire: StorageClient) -> Queues:
    return Queues(wire)


@pytest.fixture
async def queue(queues: Queues) -> str:
    name = f"q{uuid.uuid4().hex}"
    await queues.create(name)
    return name


@pytest.fixture
def tables(wire: StorageClient) -> Tables:
    return Tables(wire)


@pytest.fixture
async def table(tables: Tables) -> str:
    name = f"T{uuid.uuid4().hex}"
    await tables.create(name)
    return name


def row(key: str, partition: str = "p", **columns: Any) -> dict[str, Any]:
    return {"PartitionKey": partition, "RowKey": key, **columns}


# --- queues ----------------------------------------------------------------------------------------------------------


async def test_a_message_is_received_once_and_gone_when_removed(queues: Queues, queue: str) -> None:
    await queues.put(queue, 'Grüße & <b>"日本"</b>')
    (message,) = await queues.get(queue, 32, hidden=30)
    assert (message.text, message.deliveries) == ('Grüße & <b>"日本"</b>', 1)
    assert await queues.get(queue, 32, hidden=30) == []
    await queues.remove(queue, message.id, message.receipt)
    with pytest.raises(ResourceNotFound):
        await queues.remove(queue, message.id, message.receipt)


async def test_a_hidden_message_can_be_shown_with_the_receipt_of_its_put(queues: Queues, queue: str) -> None:
    message, receipt = await queues.put(queue, "x", hidden=600)
    assert await queues.get(queue, 1, hidden=30) == []
    assert await queues.hide(queue, message, receipt, 0)
    assert [found.id for found in await queues.get(queue, 1, hidden=30)] == [message]


async def test_an_old_receipt_means_that_someone_else_has_it(queues: Queues, queue: str) -> None:
    message, receipt = await queues.put(queue, "x")
    await queues.get(queue, 1, hidden=30)
    with pytest.raises(PopReceiptMismatch):
        await queues.hide(queue, message, receipt, 0)


async def test_the_official_client_reads_our_messages_and_we_read_its(
    queues: Queues, queue: str, storage: Azurite
) -> None:
    async with QueueClient.from_connection_string(storage.connection_string, queue) as official:
        await queues.put(queue, "ours é")
        assert [message.content async for message in official.receive_messages()] == ["ours é"]
        await official.send_message("theirs é")
        assert [message.text for message in await queues.get(queue, 1, hidden=30)] == ["theirs é"]


async def test_creating_a_queue_twice_does_no_harm_and_a_missing_one_is_not_found(queues: Queues, queue: str) -> None:
    await queues.create(queue)
    await queues.delete(queue)
    with pytest.raises(ResourceNotFound, match="QueueNotFound"):
        await queues.put(queue, "x")


# --- tables ----------------------------------------------------------------------------------------------------------

KEYS = ["", "order-42", "it's 100% ^0 & more", "日本語", "a+b=c;d,e", "(x)"]


@pytest.mark.parametrize("key", KEYS)
async def test_rows_are_found_by_any_key(tables: Tables, table: str, key: str) -> None:
    await tables.write(table, Operation("insert", row(key, partition=key, Name="first")))
    found = await tables.get(table, key, key)
    await tables.write(table, Operation("merge", row(key, partition=key, Name="second"), found[ETAG]))
    condition = f"PartitionKey eq {literal(key)} and RowKey eq {literal(key)}"
    assert [one["Name"] for one in (await tables.query(table, condition)).rows] == ["second"]
    await tables.write(table, Operation("delete", row(key, partition=key)))
    with pytest.raises(ResourceNotFound):
        await tables.get(table, key, key)


async def test_types_are_the_official_clients(tables: Tables, table: str, storage: Azurite) -> None:
    at = "2025-03-04T10:20:00.1234567Z"
    ours = row("1", Text="é", Number=-1, Truth=True, **{"At@odata.type": "Edm.DateTime", "At": at})
    await tables.write(table, Operation("insert or replace", ours))
    async with TableClient.from_connection_string(storage.connection_string, table) as official:
        found = await official.get_entity("p", "1")
        theirs = {"PartitionKey": "p", "RowKey": "2", "Number": 7, "At": EntityProperty(at, EdmType.DATETIME)}
        await official.create_entity(theirs)
    assert (found["Text"], found["Number"], found["Truth"]) == ("é", -1, True)
    assert found["At"].tables_service_value == at
    read = await tables.get(table, "p", "2")
    assert (read["Number"], read["At"]) == (7, at)


async def test_an_insert_finds_the_row_there(tables: Tables, table: str) -> None:
    await tables.write(table, Operation("insert", row("1")))
    with pytest.raises(ResourceExists):
        await tables.write(table, Operation("insert", row("1")))


async def test_a_replace_needs_the_row_as_it_was_read(tables: Tables, table: str) -> None:
    first = await tables.write(table, Operation("insert or merge", row("1", A=1)))
    second = await tables.write(table, Operation("replace", row("1", B=1), first))
    with pytest.raises(PreconditionFailed):
        await tables.write(table, Operation("replace", row("1"), first))
    found = await tables.get(table, "p", "1")
    assert (found[ETAG], found["B"], "A" in found) == (second, 1, False)


async def test_a_query_goes_on_after_its_first_page(tables: Tables, table: str) -> None:
    await tables.transact(table, [Operation("insert", row(f"{n:03}", N=n, M=n)) for n in range(100)])
    first = await tables.query(table, "N lt 90", columns=["RowKey"], top=60)
    second = await tables.query(table, "N lt 90", columns=["RowKey"], top=60, after=first.after)
    assert [one["RowKey"] for one in (*first.rows, *second.rows)] == [f"{n:03}" for n in range(90)]
    assert "M" not in first.rows[0]


async def test_a_query_can_bring_etags(tables: Tables, table: str) -> None:
    etag = await tables.write(table, Operation("insert", row("1")))
    (found,) = (await tables.query(table, with_etags=True)).rows
    assert found[ETAG] == etag


async def test_a_transaction_is_done_as_a_whole_and_tells_the_new_etags(tables: Tables, table: str) -> None:
    old = await tables.write(table, Operation("insert", row("s", partition="日'本", A=1)))
    etags = await tables.transact(
        table,
        [
            Operation("insert or replace", row("1", partition="日'本", Text="é\r\nHTTP/1.1 500")),
            Operation("merge", row("s", partition="日'本", B=1), old),
        ],
    )
    found = await tables.get(table, "日'本", "s")
    assert (found[ETAG], found["A"], found["B"]) == (etags[1], 1, 1)
    assert (await tables.get(table, "日'本", "1"))["Text"] == "é\r\nHTTP/1.1 500"


async def test_a_transaction_that_meets_a_changed_row_writes_nothing(tables: Tables, table: str) -> None:
    old = await tables.write(table, Operation("insert", row("s")))
    await tables.write(table, Operation("merge", row("s", C=1)))
    with pytest.raises(PreconditionFailed, match="a transaction on"):
        await tables.transact(table, [Operation("insert or replace", row("1")), Operation("merge", row("s"), old)])
    with pytest.raises(ResourceExists):
        await tables.transact(table, [Operation("insert or replace", row("1")), Operation("insert", row("s"))])
    assert [one["RowKey"] for one in (await tables.query(table)).rows] == ["s"]


async def test_a_refusal_names_the_request_and_the_services_word(tables: Tables, table: str) -> None:
    with pytest.raises(StorageError, match=rf"POST /{table} with 400 "):
        await tables.write(table, Operation("insert", row("1", Text="x" * 40_000)))


async def test_a_missing_table_is_not_found(tables: Tables, table: str) -> None:
    await tables.create(table)
    await tables.delete(table)
    with pytest.raises(ResourceNotFound, match="TableNotFound"):
        await tables.query(table)


# --- the wire --------------------------------------------------------------------------------------------------------


async def test_nobody_there_is_said_with_the_address() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    account = parse(f"AccountName=a;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:{port}/a")
    async with StorageClient(account) as wire:
        with pytest.raises(StorageUnreachable, match=rf"127\.0\.0\.1:{port} does not answer.*Is Azurite running\?"):
            await Queues(wire).put("q", "x")


class Scripted:
    """A service that gives these answers in turn, and closes after an empty one and one that says so."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.connections = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                answer = self.answers.pop(0)
                writer.write(answer)
                if not answer or b"Connection: close" in answer:
                    break
        writer.close()


@asynccontextmanager
async def asking(scripted: Scripted) -> AsyncIterator[Queues]:
    server = await asyncio.start_server(scripted, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        StorageClient(parse(f"AccountName=a;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:{port}/a")) as wire,
    ):
        yield Queues(wire)


BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
DONE = b"HTTP/1.1 204 Done\r\nContent-Length: 0\r\n\r\n"
LAST = b"HTTP/1.1 204 Done\r\nConnection: close\r\n\r\n"
IN_CHUNKS = (
    b"HTTP/1.1 200 Here\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"1e\r\n<L><M><MessageId>7</MessageId>\r\n8\r\n</M></L>\r\n0\r\n\r\n"
)


@pytest.mark.parametrize("first", [BUSY, b"", b"no HTTP at all\r\n\r\n"])
async def test_a_service_that_is_not_well_is_asked_again(first: bytes) -> None:
    service = Scripted(first, DONE)
    async with asking(service) as queues:
        await queues.remove("q", "1", "r")
    assert service.answers == []


async def test_what_may_not_be_done_twice_is_asked_once() -> None:
    service = Scripted(b"", DONE)
    async with asking(service) as queues:
        with pytest.raises(StorageUnreachable, match=r"does not answer \(the connection was closed\)"):
            await queues.hide("q", "1", "r", 5)
    assert service.answers == [DONE]


async def test_a_connection_is_kept_until_the_service_closes_it() -> None:
    service = Scripted(DONE, DONE, LAST, DONE)
    async with asking(service) as queues:
        for _ in range(3):
            await queues.remove("q", "1", "r")
        assert service.connections == 1
        await queues.remove("q", "1", "r")
    assert service.connections == 2


def test_it_works_on_the_loop_that_the_host_runs() -> None:
    service = Scripted(DONE)

    async def work() -> None:
        async with asking(service) as queues:
            await queues.remove("q", "1", "r")

    uvloop.run(work())
    assert service.answers == []


async def test_an_answer_may_come_in_chunks() -> None:
    async with asking(Scripted(IN_CHUNKS)) as queues:
        assert [found.id for found in await queues.get("q", 1, 5)] == ["7"]


async def test_a_request_that_is_given_up_takes_its_connection_with_it() -> None:
    """Its answer would be taken for that of the next."""
    reached = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        reached.set()
        ended.append(await reader.read())
        writer.close()
        reached.set()

    ended: list[bytes] = []
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        StorageClient(parse(f"AccountName=a;AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:{port}/a")) as wire,
    ):
        asked = asyncio.create_task(Queues(wire).remove("q", "1", "r"))
        await reached.wait()
        reached.clear()
        asked.cancel()
        async with asyncio.timeout(10):
            await reached.wait()
    assert ended == [b""]


async def test_a_wrong_key_is_told(storage: Azurite) -> None:
    wrong = storage.connection_string.replace("AccountKey=E", "AccountKey=F")
    async with StorageClient(parse(wrong)) as wire:
        with pytest.raises(StorageError, match=r"403.*key"):
            await Queues(wire).create("some-queue")


async def test_a_shared_access_signature_lets_us_in(storage: Azurite) -> None:
    account = parse(storage.connection_string)
    signature = generate_account_sas(
        account.name,
        storage.connection_string.split("AccountKey=")[1].split(";")[0],
        ResourceTypes(service=True, container=True, object=True),
        AccountSasPermissions(read=True, write=True, delete=True, list=True, add=True, create=True, process=True),
        datetime.now(UTC) + timedelta(hours=1),
    )
    text = f"QueueEndpoint={account.queue};TableEndpoint={account.table};BlobEndpoint={account.blob}"
    async with StorageClient(parse(f"{text};SharedAccessSignature={signature}")) as wire:
        queue = f"q{uuid.uuid4().hex}"
        await Queues(wire).create(queue)
        await Queues(wire).put(queue, "x")
        assert [message.text for message in await Queues(wire).get(queue, 1, 30)] == ["x"]
