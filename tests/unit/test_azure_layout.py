"""Names, conditions and transactions of the hub in Azure Storage, against vectors of the platform's layout."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fnhost.bindings.storage import Operation
from fnhost.host.durable.model.history import Execution, ExecutionStarted, RuntimeStatus
from fnhost.host.durable.model.states import Instance, Query
from fnhost.host.durable.storage.azure.app_lease import AppLeaseInfo, lease_id, lease_info_of, lease_info_text
from fnhost.host.durable.storage.azure.histories import batched
from fnhost.host.durable.storage.azure.instances import WITHOUT_INPUT, condition, meets
from fnhost.host.durable.storage.azure.large_messages import LONGEST_COLUMN, blobs_of, is_large
from fnhost.host.durable.storage.azure.message_queues import LONGEST_MESSAGE
from fnhost.host.durable.storage.azure.names import (
    Names,
    blob_of,
    blob_url,
    column_blob,
    fnv1a,
    instance_id,
    message_blob,
    partition_key,
    row_key,
)
from fnhost.host.durable.storage.azure.partition_table import partition_lease_of, row_of

AT = "2025-03-04T10:20:00.1234567Z"


def vector(name: str) -> Any:
    return json.loads((Path(__file__).parent.parent / "vectors" / f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize("case", vector("partition-hash")["cases"], ids=lambda case: case["instanceId"][:20])
def test_instances_are_spread_as_the_platform_does(case: Mapping[str, Any]) -> None:
    assert fnv1a(case["instanceId"]) == case["hash"]
    for partitions, number in case["partition"].items():
        assert Names("MyHub", int(partitions)).control_of(case["instanceId"]).endswith(f"-{number:02}")
    assert Names("MyHub", 4).control_of(case["instanceId"]) == case["controlQueue4"]


@pytest.mark.parametrize("case", vector("key-escaping")["cases"], ids=lambda case: case["partitionKey"])
def test_keys_are_escaped_as_the_platform_does(case: Mapping[str, Any]) -> None:
    assert partition_key(case["instanceId"]) == case["partitionKey"]
    assert instance_id(case["partitionKey"]) == case["instanceId"]


@given(st.text(alphabet="^/\\#?\x00\x1f\x7f\x9fÀÁĿé日a0123"))
def test_any_key_can_be_unescaped(instance: str) -> None:
    key = partition_key(instance)
    assert instance_id(key) == instance
    assert not set("/\\#?\x00\x1f\x7f\x9f") & set(key)


def test_tables_keep_the_case_of_the_hub_and_queues_do_not() -> None:
    names = Names("MyHub", 2)
    assert names.tables == ("MyHubInstances", "MyHubHistory", "MyHubPartitions")
    assert names.queues == ("myhub-control-00", "myhub-control-01", "myhub-workitems")
    assert names.large == vector("blob-names")["container"]


def test_blobs_are_named_as_the_platform_does() -> None:
    examples = vector("blob-names")
    run = Execution("order-42", "e")
    event = ExecutionStarted(timestamp=AT, name="x", orchestration_instance=run)
    message = message_blob("order-42", "11111111-2222-3333-4444-555555550023", event)
    assert message == examples["messageBlob"]["example"]
    history = column_blob("order-42", row_key(5), "TaskCompleted", "Result", "0A1B2C3D")
    assert history == examples["historyBlob"]["example"]
    assert column_blob("order-42", "", "Input", "Input", "0A1B2C3D") == examples["instanceBlob"]["example"]


@given(st.text())
def test_a_reference_to_a_blob_is_found_again(name: str) -> None:
    container = "http://127.0.0.1:10000/devstoreaccount1/myhub-largemessages"
    assert blob_of(container, blob_url(container, name)) == name
    assert blob_of(container, blob_url(container.replace("127.0.0.1", "localhost"), name)) == name


@pytest.mark.parametrize(
    "text", ["", '"http://x"', "http://other/devstoreaccount1/another/blob", "https://example.org", "x http://"]
)
def test_other_texts_refer_to_no_blob(text: str) -> None:
    assert blob_of("http://127.0.0.1:10000/devstoreaccount1/myhub-largemessages", text) is None


def test_the_thresholds_are_the_platforms() -> None:
    assert (LONGEST_MESSAGE, LONGEST_COLUMN) == (46_080, 61_440)
    assert not is_large("x" * 30_720)
    assert is_large("x" * 30_721)
    assert is_large("😀" * 15_361)
    assert not is_large("😀" * 15_360)
    assert not is_large(7)


def test_blobs_of_a_row_are_those_of_its_columns() -> None:
    row = vector("history-rows")["otherEventTypes"]["TaskCompleted-large"]
    assert blobs_of(row) == {"Result": "order-42/history-0000000000000005-TaskCompleted-0A1B2C3D-Result.json.gz"}


FROM, TO = "2025-03-04T10:00:00.0000000Z", "2025-03-04T11:00:00.0000000Z"
QUERIES = vector("table-queries")["instances"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), ""),
        (Query(created_from=FROM, created_to=TO), QUERIES["createdRange"]),
        (Query(statuses=frozenset({RuntimeStatus.Pending, RuntimeStatus.Running})), f"({QUERIES['status']})"),
        (
            Query(created_from=FROM, statuses=frozenset({RuntimeStatus.Failed, RuntimeStatus.Completed})),
            QUERIES["statusAndRange"],
        ),
        (Query(prefix="order-"), "(PartitionKey ge 'order-' and PartitionKey lt 'order.')"),
        (Query(prefix="@counter@"), "(PartitionKey ge '@counter@' and PartitionKey lt '@counterA')"),
        (Query(prefix="it'"), "(PartitionKey ge 'it''' and PartitionKey lt 'it(')"),
    ],
)
def test_conditions_are_the_platforms(query: Query, expected: str) -> None:
    assert condition(query) == expected


def test_lists_without_input_leave_out_just_that() -> None:
    assert {*WITHOUT_INPUT, "Timestamp"} == set(QUERIES["columnsWithoutInput"])


def test_what_the_emulator_lets_through_is_looked_at_again() -> None:
    instance = Instance(id="a", execution_id=None, name="x", status=RuntimeStatus.Running, created=AT, updated=AT)
    assert meets(instance, Query(created_from=AT, created_to=AT, prefix="a"))
    assert not meets(instance, Query(created_from=AT[:-2] + "8Z"))
    assert not meets(instance, Query(created_to=AT[:-2] + "6Z"))
    assert not meets(instance, Query(prefix="b"))


def operation(size: int) -> Operation:
    return Operation("insert or replace", {"PartitionKey": "p", "RowKey": "r", "Result": "x" * size})


def test_a_transaction_has_99_events_and_its_sentinel() -> None:
    assert [len(batch) for batch in batched([operation(1)] * 250)] == [99, 99, 52]
    assert [len(batch) for batch in batched([operation(1)] * 99)] == [99]


def test_a_transaction_of_nothing_still_has_its_sentinel() -> None:
    assert [len(batch) for batch in batched([])] == [0]


def test_a_transaction_is_smaller_than_the_service_takes() -> None:
    batches = batched([operation(60_000)] * 90)
    assert sum(map(len, batches)) == 90
    for batch in batches:
        assert len(json.dumps([one.row for one in batch])) < 3 * 2**20


LEASES = vector("partitions-and-leases")["partitionsTable"]


@pytest.mark.parametrize("state", ["created", "claimed", "renewed", "stealRequested", "draining", "released"])
def test_a_row_of_the_partitions_table_is_read_and_written_as_it_is(state: str) -> None:
    written = row_of(partition_lease_of(LEASES[state]))
    assert {column: value for column, value in written.items() if "@" not in column} == LEASES[state]
    kinds = {column.partition("@")[0]: kind for column, kind in written.items() if "@" in column}
    dates = {column for column, kind in LEASES["columnTypes"].items() if kind == "Edm.DateTime"}
    assert kinds == dict.fromkeys(dates & LEASES[state].keys(), "Edm.DateTime")


@pytest.mark.parametrize("case", vector("app-lease")["cases"], ids=lambda case: case["appName"] or "(none)")
def test_apps_have_the_lease_ids_of_the_platform(case: Mapping[str, Any]) -> None:
    assert lease_id(case["appName"]) == case["leaseId"]


def test_the_holder_of_a_hub_is_read_and_written_as_it_is() -> None:
    names, found = Names("MyHub", 4), vector("app-lease")
    contents, (ours, theirs) = found["contents"], (lease_id("myapp"), lease_id("my-func-app"))
    assert (names.reservation, names.holder) == (found["container"], found["blob"])
    assert lease_info_of(contents["initial"]) == lease_info_of(None) == lease_info_of("[]") == AppLeaseInfo()
    assert lease_info_of(contents["owned"]) == AppLeaseInfo(ours)
    assert lease_info_of(contents["swapRequested"]) == AppLeaseInfo(ours, theirs)
    assert lease_info_text(ours) == contents["owned"]
