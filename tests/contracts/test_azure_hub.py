"""The hub in Azure Storage as others see it: the official clients, other hosts, and what a crash leaves behind."""

import asyncio
import json
import uuid
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import EdmType, EntityProperty, TableEntity
from azure.data.tables.aio import TableClient
from azure.storage.blob.aio import ContainerClient
from azure.storage.queue.aio import QueueClient

from fnhost.azurite import Azurite
from fnhost.bindings.storage import Operation, PreconditionFailed, StorageClient, Tables, parse
from fnhost.bindings.storage.client import StorageRequest
from fnhost.bindings.storage.connections import StorageResponse
from fnhost.host.durable.model.errors import AlreadyExists, HubError, HubUnreachable
from fnhost.host.durable.model.history import (
    EventRaised,
    Execution,
    ExecutionCompleted,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    TaskCompleted,
    TaskScheduled,
)
from fnhost.host.durable.model.instants import later
from fnhost.host.durable.model.messages import WORK_ITEMS, Message
from fnhost.host.durable.model.states import Checkpoint, HistoryState, Query, fold
from fnhost.host.durable.storage import codec
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.azure.app_lease import lease_id
from fnhost.host.durable.storage.hub import HubSettings
from fnhost.host.logging.log import Log, Record

pytestmark = pytest.mark.anyio

VECTORS = Path(__file__).parent.parent / "vectors"
AT = "2025-03-04T10:20:00.1234567Z"
RUN = Execution("order-42", "5f0e7d3b2a1c4d5e8f90a1b2c3d4e5f6")
COMPLETED: Mapping[str, Any] = json.loads((VECTORS / "queue-messages.json").read_text("utf-8"))["messages"][5]
HISTORY: Mapping[str, Any] = json.loads((VECTORS / "history-rows.json").read_text("utf-8"))
INSTANCES: Mapping[str, Any] = json.loads((VECTORS / "instances-rows.json").read_text("utf-8"))


COMPLETION = ExecutionCompleted(timestamp=AT, event_id=0, result="1", orchestration_status=RuntimeStatus.Completed)


@pytest.fixture
def records() -> list[Record]:
    return []


@pytest.fixture
def name() -> str:
    return f"Hub{uuid.uuid4().hex[:20]}"


@pytest.fixture
async def hub(storage: Azurite, records: list[Record], name: str) -> AsyncIterator[AzureHub]:
    settings = HubSettings(name=name, hidden=60.0)
    async with AzureHub(settings, parse(storage.connection_string), Log(records.append)) as hub:
        await hub.create()
        yield hub
        await hub.delete()


class Official:
    """The official clients on the resources of one hub."""

    def __init__(self, connection_string: str, hub: str) -> None:
        self._connection_string, self._hub = connection_string, hub

    def table(self, name: str) -> TableClient:
        return TableClient.from_connection_string(self._connection_string, f"{self._hub}{name}")

    def queue(self, name: str) -> QueueClient:
        return QueueClient.from_connection_string(self._connection_string, f"{self._hub.lower()}-{name}")

    @property
    def large(self) -> ContainerClient:
        return ContainerClient.from_connection_string(self._connection_string, f"{self._hub.lower()}-largemessages")

    @property
    def reservation(self) -> ContainerClient:
        return ContainerClient.from_connection_string(self._connection_string, f"{self._hub.lower()}-applease")

    async def holder(self) -> Any:
        async with self.reservation as client:
            blob = await client.download_blob(f"{self._hub.lower()}-appleaseinfo")
            return json.loads(await blob.readall())

    async def ask_for_the_hub(self, holder: Mapping[str, Any]) -> None:
        async with self.reservation as client:
            await client.upload_blob(f"{self._hub.lower()}-appleaseinfo", json.dumps(holder), overwrite=True)

    async def rows(self, table: str) -> list[TableEntity]:
        async with self.table(table) as client:
            return [row async for row in client.list_entities()]

    async def blobs(self) -> list[str]:
        async with self.large as client:
            return [name async for name in client.list_blob_names()]

    async def count(self, queue: str) -> int:
        """Its messages, also those that are in someone's hands."""
        async with self.queue(queue) as client:
            return (await client.get_queue_properties()).approximate_message_count or 0

    async def write(self, table: str, *rows: Mapping[str, Any]) -> None:
        """As another host writes: dates as dates, all else as it stands."""
        kinds: Mapping[str, str] = HISTORY["columnTypes"] | INSTANCES["columnTypes"]
        async with self.table(table) as client:
            for row in rows:
                typed = {
                    key: EntityProperty(value, EdmType.DATETIME) if kinds.get(key) == "Edm.DateTime" else value
                    for key, value in row.items()
                }
                await client.upsert_entity(typed)


@pytest.fixture
def official(storage: Azurite, name: str) -> Official:
    return Official(storage.connection_string, name)


def started(run: Execution = RUN, **values: Any) -> ExecutionStarted:
    fields: dict[str, Any] = {"timestamp": AT, "name": "HelloCities", "input": '{"cities":["Tokyo"]}', "generation": 0}
    return ExecutionStarted(orchestration_instance=run, **(fields | values))


def checkpoint(since: HistoryState, *events: HistoryEvent, run: Execution = RUN) -> Checkpoint:
    past = since.events if run.execution_id == since.execution_id else ()
    instance = fold(None, (*past, *events), None)
    assert instance is not None and run.execution_id is not None
    return Checkpoint(since, run.execution_id, events, instance)


def episode(*events: HistoryEvent) -> tuple[HistoryEvent, ...]:
    return (OrchestratorStarted(timestamp=AT), *events, OrchestratorCompleted(timestamp=AT))


def plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the official client reads it, with dates as they are stored."""
    return {key: getattr(value, "tables_service_value", None) or value for key, value in row.items()}


# --- what others read ------------------------------------------------------------------------------------------------


async def test_the_resources_are_those_that_tools_look_for(hub: AzureHub, official: Official, name: str) -> None:
    assert [row["RowKey"] for row in await official.rows("Partitions")] == list(hub.queues)
    assert list(hub.queues) == [f"{name.lower()}-control-{number:02}" for number in range(4)]
    assert await official.rows("Instances") == await official.rows("History") == []


async def test_a_message_is_base64_of_the_platforms_json(hub: AzureHub, official: Official) -> None:
    await hub.release(await hub.send([Message(RUN, TaskCompleted(timestamp=AT, task_scheduled_id=0), RUN, 1)]))
    async with official.queue("control-00") as queue:
        (message,) = await queue.peek_messages()
    found = json.loads(b64decode(message.content))
    assert found["$type"] == "DurableTask.AzureStorage.MessageData"
    assert found["TaskMessage"]["OrchestrationInstance"]["InstanceId"] == "order-42"
    assert (found["Episode"], found["SequenceNumber"]) == (1, 1)


async def test_messages_can_be_plain(hub: AzureHub, official: Official, name: str, storage: Azurite) -> None:
    settings = HubSettings(name=name)
    async with AzureHub(settings, parse(storage.connection_string), Log(), encoding="UTF8") as plain_hub:
        await plain_hub.release(await plain_hub.send([Message(RUN, started(input='"日本"'))]))
    async with official.queue("control-00") as queue:
        (message,) = await queue.peek_messages()
    assert message.content.startswith('{"$type"')
    assert message.content.isascii()


async def test_history_rows_are_those_of_the_platform(hub: AzureHub, official: Official) -> None:
    events = (
        OrchestratorStarted(timestamp="2025-03-04T10:20:10.1234567Z"),
        started(is_played=True),
        TaskScheduled(timestamp="2025-03-04T10:20:11.1234567Z", event_id=0, name="SayHello", input='["Tokyo"]'),
        OrchestratorCompleted(timestamp="2025-03-04T10:20:11.1234567Z", listed=1),
    )
    await hub.record(checkpoint(HistoryState(), *events))
    *rows, sentinel = map(plain, await official.rows("History"))
    for row in rows:
        row.pop("Listed", None)
    assert rows == HISTORY["helloSequence"][:4]
    assert (sentinel["RowKey"], sentinel["IsCheckpointComplete"]) == ("sentinel", True)
    assert sentinel["ExecutionId"] == RUN.execution_id


async def test_instance_rows_are_those_of_the_platform(hub: AzureHub, official: Official, name: str) -> None:
    await hub.start(Message(RUN, started()))
    (row,) = map(plain, await official.rows("Instances"))
    assert row == INSTANCES["pending"] | {"TaskHubName": name, "LastUpdatedTime": row["LastUpdatedTime"]}
    end = ExecutionCompleted(
        timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Completed, result='["Hello Tokyo!"]'
    )
    await hub.record(checkpoint(HistoryState(), *episode(started(), end)))
    (row,) = map(plain, await official.rows("Instances"))
    assert row == INSTANCES["completed"] | {"TaskHubName": name, "LastUpdatedTime": AT, "CompletedTime": AT}


# --- what others wrote -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["wireUtf8", "wireBase64"])
async def test_messages_of_others_are_read_in_both_encodings(hub: AzureHub, official: Official, form: str) -> None:
    async with official.queue("control-00") as queue:
        await queue.send_message(COMPLETED[form])
    (received,) = await hub.receive(hub.queues[0])
    assert received.message.event == TaskCompleted(
        timestamp="2025-03-04T10:20:02.1234567Z", task_scheduled_id=0, result='"Hello Tokyo!"'
    )


async def test_an_unreadable_message_is_put_aside_and_told_once(
    hub: AzureHub, official: Official, records: list[Record], name: str
) -> None:
    async with official.queue("control-00") as queue:
        sent = await queue.send_message("hello")
        await queue.send_message(COMPLETED["wireBase64"])
        assert len(await hub.receive(hub.queues[0])) == 1
        for _ in range(100):  # Nothing tells when it shows itself again.
            if await queue.peek_messages():
                break
            await asyncio.sleep(0.1)
    assert await hub.receive(hub.queues[0]) == []
    (record,) = records
    assert f"Message {sent.id} in queue {name.lower()}-control-00 cannot be read" in record.message


async def test_a_message_whose_blob_is_gone_is_put_aside(
    hub: AzureHub, official: Official, records: list[Record]
) -> None:
    await hub.release(await hub.send([Message(RUN, started(input="x" * 60_000))]))
    async with official.large as container:
        for blob in await official.blobs():
            await container.delete_blob(blob)
    assert await hub.receive(hub.queues[0]) == []
    assert "cannot be read" in records[0].message


async def test_the_history_of_another_host_is_read_up_to_its_stale_rows(hub: AzureHub, official: Official) -> None:
    rows = [{key: value for key, value in row.items() if key != "_note"} for row in HISTORY["afterContinueAsNew"]]
    await official.write("History", *rows)
    await official.write("Instances", INSTANCES["withCustomStatus"])
    state = await hub.load("order-42")
    assert (state.execution_id, len(state.events)) == ("aaaabbbbccccddddeeeeffff00001111", 5)
    assert state.custom_status == '{"progress":50}'


async def test_a_row_of_an_old_tool_without_execution_is_found(hub: AzureHub, official: Official) -> None:
    row = {
        key: value for key, value in INSTANCES["pending"].items() if key not in ("ExecutionId", "Generation", "Tags")
    }
    await official.write("Instances", row)
    found = await hub.find("order-42")
    assert found and (found.status, found.execution_id, found.generation) == (RuntimeStatus.Pending, None, None)


async def test_a_text_that_is_an_address_elsewhere_is_no_reference(hub: AzureHub) -> None:
    reason = "https://example.org/myhub-largemessages/x"
    end = ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Terminated, result=reason)
    await hub.record(checkpoint(HistoryState(), *episode(started(), end)))
    found = await hub.find("order-42")
    assert found and found.output == reason


# --- large texts -----------------------------------------------------------------------------------------------------

LARGE = '"' + "x" * 100_000 + '"'


async def test_large_texts_are_blobs_that_others_find(hub: AzureHub, official: Official) -> None:
    await hub.start(Message(RUN, started(input=LARGE)))
    (message,) = await official.blobs()
    assert message.startswith("order-42/message-") and message.endswith("-ExecutionStarted.json.gz")
    (row,) = await official.rows("Instances")
    assert row["Input"].endswith(message)
    end = ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Completed, result=LARGE)
    await hub.record(checkpoint(HistoryState(), *episode(started(), end)))
    (row,) = await official.rows("Instances")
    completed = next(row for row in await official.rows("History") if row.get("EventType") == "ExecutionCompleted")
    assert completed["Result"] == ""
    assert row["Output"].endswith(completed["ResultBlobName"])


async def test_blobs_of_a_replaced_execution_are_removed(hub: AzureHub, official: Official) -> None:
    state = await hub.record(checkpoint(HistoryState(), *episode(started(input=LARGE))))
    state = await hub.load("order-42")
    following = Execution("order-42", uuid.uuid4().hex)
    state = await hub.record(checkpoint(state, *episode(started(following, input=LARGE + " ")), run=following))
    assert len(await official.blobs()) == 1
    assert await hub.load("order-42") == state


async def test_a_purge_removes_the_blobs_of_the_instance_alone(hub: AzureHub, official: Official) -> None:
    for instance in ("order-42", "order-420", "order-42/1", "order-42^01"):
        run = Execution(instance, uuid.uuid4().hex)
        await hub.record(checkpoint(HistoryState(), *episode(started(run, input=LARGE)), run=run))
        await hub.send([Message(run, started(run, input=LARGE))])
    await hub.purge("order-42")
    assert not [blob for blob in await official.blobs() if blob.rpartition("/")[0] == "order-42"]
    assert len(await official.blobs()) == 6


# --- what a crash leaves behind --------------------------------------------------------------------------------------


async def torn(hub: AzureHub, storage: Azurite, name: str) -> HistoryState:
    """A history whose last checkpoint stopped after its first transaction: 99 events of 250."""
    state = await hub.record(checkpoint(HistoryState(), *episode(started())))
    many = [EventRaised(timestamp=AT, name=str(number)) for number in range(250)]
    whole = await hub.record(checkpoint(state, *episode(*many)))
    async with StorageClient(parse(storage.connection_string)) as wire:
        tables, table = Tables(wire), f"{name}History"
        rows = (await tables.query(table, "RowKey gt '0000000000000065' and RowKey lt 'sentinel'")).rows
        for at in range(0, len(rows), 100):
            await tables.transact(table, [Operation("delete", row) for row in rows[at : at + 100]])
        sentinel = {"PartitionKey": "order-42", "RowKey": "sentinel", "IsCheckpointComplete": False}
        await tables.write(table, Operation("merge", sentinel))
    assert len(whole.events) == 255
    return state


async def test_a_torn_checkpoint_is_as_if_it_had_never_been(hub: AzureHub, storage: Azurite, name: str) -> None:
    before = await torn(hub, storage, name)
    assert (await hub.load("order-42")).events == before.events


async def test_nothing_of_a_torn_checkpoint_shows_after_the_next(
    hub: AzureHub, storage: Azurite, name: str, official: Official
) -> None:
    await torn(hub, storage, name)
    state = await hub.load("order-42")
    state = await hub.record(checkpoint(state, *episode(EventRaised(timestamp=AT, name="again"))))
    assert await hub.load("order-42") == state
    assert [row["RowKey"] for row in await official.rows("History")] == [*(f"{at:016X}" for at in range(6)), "sentinel"]


async def test_a_start_whose_row_another_wrote_first_leaves_that_row(hub: AzureHub, official: Official) -> None:
    await hub.start(Message(RUN, started()))
    known = await hub._instances.known("order-42")
    another = replace(started(input="2"), orchestration_instance=Execution("order-42", "f" * 32))
    await hub.start(Message(another.orchestration_instance, another), overridable=RuntimeStatus)
    assert known is not None
    await hub._instances.begin(replace(known.instance, input="3"), known, None)
    found = await hub.find("order-42")
    assert found and found.input == "2"


async def test_a_start_is_not_lost_when_the_row_it_found_is_purged(
    hub: AzureHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.start(Message(RUN, started()))
    find = hub._instances.known

    async def found_and_purged(instance: str) -> Any:
        found = await find(instance)
        await hub.purge(instance)
        return found

    monkeypatch.setattr(hub._instances, "known", found_and_purged)
    other = replace(started(input="2"), orchestration_instance=Execution("order-42", "f" * 32))
    await hub.start(Message(other.orchestration_instance, other), overridable=RuntimeStatus)
    monkeypatch.undo()
    found = await hub.find("order-42")
    assert found and (found.input, found.status) == ("2", RuntimeStatus.Pending)


async def test_a_start_that_another_forestalls_is_refused(hub: AzureHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both found an instance that may be replaced; one of them did it first."""
    await hub.start(Message(RUN, started()))
    await hub.record(checkpoint(await hub.load("order-42"), *episode(started(), COMPLETION)))
    runs = [Execution("order-42", mark * 32) for mark in "ef"]
    first, second = (Message(run, started(run, input=run.execution_id)) for run in runs)
    find = hub._instances.known

    async def found_and_replaced(instance: str) -> Any:
        monkeypatch.setattr(hub._instances, "known", find)
        found = await find(instance)
        await hub.start(first)
        return found

    monkeypatch.setattr(hub._instances, "known", found_and_replaced)
    with pytest.raises(AlreadyExists):
        await hub.start(second)
    found = await hub.find("order-42")
    assert found and found.input == "e" * 32


@pytest.fixture
def asked(hub: AzureHub, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The methods of what was asked of the storage."""
    methods, ask = list[str](), hub._client.request

    async def noted(request: StorageRequest) -> StorageResponse:
        methods.append(request.method)
        return await ask(request)

    monkeypatch.setattr(hub._client, "request", noted)
    return methods


async def test_a_new_instance_is_started_with_two_writes_and_loaded_with_one_look(
    hub: AzureHub, asked: list[str]
) -> None:
    await hub.start(Message(RUN, started()))
    assert await hub.load("order-42") == HistoryState()
    assert asked == ["POST", "POST", "GET"]


async def test_a_refused_start_leaves_nothing(hub: AzureHub, official: Official) -> None:
    await hub.start(Message(RUN, started()))
    rows = await official.rows("Instances")
    large = replace(started(input="x" * 50_000), orchestration_instance=Execution("order-42", "f" * 32))
    with pytest.raises(AlreadyExists):
        await hub.start(Message(large.orchestration_instance, large))
    assert await official.rows("Instances") == rows
    assert sum([await official.count(queue.partition("-")[2]) for queue in hub.queues]) == 1
    assert await official.blobs() == []


# --- errors and leases -----------------------------------------------------------------------------------------------


async def test_storage_that_is_away_is_said_so() -> None:
    account = parse(
        "AccountName=a;AccountKey=a2V5;TableEndpoint=http://127.0.0.1:9/a;QueueEndpoint=http://127.0.0.1:9/a"
    )
    async with AzureHub(HubSettings(), account, Log()) as hub:
        with pytest.raises(HubUnreachable, match=r"127\.0\.0\.1:9 does not answer"):
            await hub.find("x")


async def test_a_hub_that_was_never_made_is_named(storage: Azurite) -> None:
    async with AzureHub(HubSettings(name="Nowhere"), parse(storage.connection_string), Log()) as hub:
        with pytest.raises(HubError, match=r"Task hub Nowhere: .*TableNotFound"):
            await hub.list(Query())
        with pytest.raises(HubError, match=r"Task hub Nowhere: .*QueueNotFound"):
            await hub.receive(WORK_ITEMS)


async def test_a_row_is_only_replaced_as_it_was_read(hub: AzureHub, official: Official) -> None:
    read = (await hub.partition_leases())[1]
    first, second = (replace(read, owner=owner, since=AT, renewed=AT, until=later(AT, 30)) for owner in "AB")
    assert await hub.update_partition_lease(first)
    assert not await hub.update_partition_lease(second)
    row = next(plain(row) for row in await official.rows("Partitions") if row["RowKey"] == read.queue)
    assert row.items() >= {"PartitionKey": "", "CurrentOwner": "A", "IsDraining": False}.items()
    assert "NextOwner" not in row
    assert row["OwnedSince"] == row["LastRenewal"] < row["ExpiresAt"]
    now = (await hub.partition_leases())[1]
    assert replace(now, version="") == replace(first, version="")


@pytest.mark.parametrize("blob", ["someone/history-x-Output.json.gz", "none", "order-42/message-1-x.json.gz"])
async def test_a_reason_that_looks_like_the_address_of_a_blob_stays_a_text(hub: AzureHub, blob: str) -> None:
    await hub._large_messages.put("someone/history-x-Output.json.gz", '"a secret"')
    reason = hub._large_messages.url(blob)
    ended = ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Terminated, result=reason)
    await hub.record(checkpoint(HistoryState(), started(), ended))
    found = await hub.find("order-42")
    assert found and found.output == reason


async def test_a_row_that_storage_has_lost_is_written_whole(hub: AzureHub) -> None:
    """An emulator that is killed forgets its last seconds, of one table more than of the other."""
    first = await hub.record(checkpoint(HistoryState(), started()))
    await hub._instances.purge("order-42")
    ended = ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Completed, result="1")
    written = checkpoint(first, ended)
    await hub.record(written)
    assert await hub.find("order-42") == written.instance


async def test_a_late_write_of_a_row_does_not_undo_a_later_one(hub: AzureHub) -> None:
    first = checkpoint(HistoryState(), started())
    state = await hub.record(first)
    etag = hub._instances._etags["order-42"]
    ended = ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Completed, result="1")
    await hub.record(last := checkpoint(state, ended))
    late = await hub._instances._row("order-42", codec.status_columns(first.instance, hub.name), {}, "late")
    with pytest.raises(PreconditionFailed):
        await hub._instances._write("merge", late, etag)
    assert await hub.find("order-42") == last.instance


async def test_a_history_that_was_read_before_an_episode_does_not_undo_its_row(
    hub: AzureHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader, such as the dashboard, loads a history while the engine records the next episode."""
    state = await hub.record(checkpoint(HistoryState(), started()))
    old = await hub._histories.load("order-42")
    await hub.record(last := checkpoint(state, COMPLETION))

    async def load(instance: str) -> HistoryState:
        return old

    monkeypatch.setattr(hub._histories, "load", load)
    await hub.load("order-42")
    assert await hub.find("order-42") == last.instance


async def test_a_row_that_changes_while_it_is_mended_is_looked_at_again(
    hub: AzureHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.record(first := checkpoint(HistoryState(), started()))
    await hub._instances.purge("order-42")
    is_stored, others = hub._histories.is_stored, [replace(first.instance, custom_status="1")]

    async def changed(instance: str, state: HistoryState) -> bool:
        if others:
            await hub._instances.record(replace(first, instance=others.pop()), state.events, {})
        return await is_stored(instance, state)

    monkeypatch.setattr(hub._histories, "is_stored", changed)
    await hub.load("order-42")
    assert not others
    assert await hub.find("order-42") == first.instance


async def test_large_texts_do_not_pass_through_a_proxy(hub: AzureHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of a company's network cannot reach this machine's loopback address."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    large = json.dumps("x" * 200_000)
    await hub.start(Message(RUN, started(input=large)))
    found = await hub.find(RUN.instance_id)
    assert found and found.input == large


async def test_one_app_reserves_a_hub_with_all_its_hosts(hub: AzureHub, storage: Azurite) -> None:
    def host_of(app: str) -> AzureHub:
        return AzureHub(HubSettings(name=hub.name, app=app), parse(storage.connection_string), Log())

    async with host_of("one") as first, host_of("one") as second, host_of("another") as other:
        assert [await host.acquire_app_lease(60) for host in (first, second, other, first)] == [True, True, False, True]
        await second.release_app_lease()
        assert [await host.acquire_app_lease(60) for host in (other, first)] == [True, False]


async def test_another_app_may_ask_for_the_hub(hub: AzureHub, storage: Azurite, official: Official) -> None:
    ours, theirs = lease_id(""), lease_id("another")
    settings = HubSettings(name=hub.name, app="another")
    async with AzureHub(settings, parse(storage.connection_string), Log()) as other:
        assert await hub.acquire_app_lease(60)
        assert await official.holder() == {"OwnerId": ours, "DesiredSwapId": None}
        await official.ask_for_the_hub({"OwnerId": ours, "DesiredSwapId": theirs})
        assert await hub.acquire_app_lease(60)
        assert await other.acquire_app_lease(60)
        assert await official.holder() == {"OwnerId": theirs, "DesiredSwapId": None}
        assert not await hub.acquire_app_lease(60)
