"""History in its outside forms, against vectors made with the platform's own classes and SDKs."""

import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fnhost.host.durable.model.errors import UnreadableRecord
from fnhost.host.durable.model.history import (
    EVENTS,
    Execution,
    GenericEvent,
    HistoryEvent,
    RuntimeStatus,
    TaskFailed,
    TaskScheduled,
)
from fnhost.host.durable.model.instants import parse_instant
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.storage.codec import (
    BlobReference,
    Envelope,
    blob_envelope,
    custom_status_column,
    envelope,
    event_columns,
    event_of,
    event_of_row,
    history_json,
    instance_of_row,
    kept,
    open_envelope,
    sentinel_columns,
    start_columns,
    status_columns,
)

TESTS = Path(__file__).parent.parent


def vector(name: str) -> Any:
    return json.loads((TESTS / "vectors" / f"{name}.json").read_text("utf-8"))


MESSAGES: Mapping[str, Any] = {case["name"]: case for case in vector("queue-messages")["messages"]}
PLAIN_MESSAGES = [name for name in MESSAGES if name not in ("wrapper-large-message", "TaskFailed-failuredetails")]
HISTORY = vector("history-rows")
ROWS = [row for row in HISTORY["helloSequence"] if row["RowKey"] != "sentinel"] + list(
    HISTORY["otherEventTypes"].values()
)
EXACT_ROWS = [row for row in ROWS if row["EventType"] != "GenericEvent" and "ResultBlobName" not in row]
INSTANCES: Mapping[str, Any] = {
    name: row for name, row in vector("instances-rows").items() if name not in ("table", "columnTypes")
}
HISTORIES: Mapping[str, Any] = {
    path.stem: recorded["request"]["history"]
    for path in sorted((TESTS / "histories").glob("*.json"))
    if (recorded := json.loads(path.read_text("utf-8")))["kind"] == "orchestrator"
}
DATES = ("Timestamp", "FireAt", "ScheduledStartTime")


def with_long_dates(value: Any) -> Any:
    """The same JSON with every date at seven digits, as we write them."""
    if isinstance(value, list):
        return [with_long_dates(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: parse_instant(item) if key in DATES and isinstance(item, str) else with_long_dates(item)
        for key, item in value.items()
    }


def untyped(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not name.endswith("@odata.type")}


def types_of(row: Mapping[str, Any]) -> dict[str, str]:
    """The Edm type of every column, as the service takes it from the JSON."""
    kinds = {bool: "Edm.Boolean", int: "Edm.Int32", str: "Edm.String"}
    return {name: row.get(f"{name}@odata.type", kinds[type(value)]) for name, value in untyped(row).items()}


def opened(text: str) -> Envelope:
    found = open_envelope(text)
    assert isinstance(found, Envelope)
    return found


@pytest.mark.parametrize("name", PLAIN_MESSAGES)
def test_messages_are_read_and_written_as_the_platform_does(name: str) -> None:
    case = MESSAGES[name]
    found = opened(case["wireUtf8"])
    text = envelope(found.message, found.sequence, case["message"]["ActivityId"])
    assert json.loads(text) == with_long_dates(case["message"])


@pytest.mark.parametrize("name", PLAIN_MESSAGES)
def test_messages_read_the_same_in_both_encodings(name: str) -> None:
    assert opened(MESSAGES[name]["wireBase64"]) == opened(MESSAGES[name]["wireUtf8"])


def test_the_type_is_the_first_member_wherever_there_is_one() -> None:
    def check(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert "$type" not in [name for name, _ in pairs[1:]]
        return dict(pairs)

    for name in PLAIN_MESSAGES:
        text = envelope(opened(MESSAGES[name]["wireUtf8"]).message, 1, "a")
        assert text.startswith('{"$type":')
        json.loads(text, object_pairs_hook=check)


def test_a_message_has_only_ascii_characters() -> None:
    raised = opened(MESSAGES["EventRaised-client"]["wireUtf8"]).message
    text = envelope(Message(Execution("日本語￾"), raised.event), 1, "a")
    assert text.isascii()
    assert opened(text).message.target == Execution("日本語￾")


def test_a_large_message_says_where_it_is() -> None:
    case = MESSAGES["wrapper-large-message"]
    blob = case["message"]["CompressedBlobName"]
    assert open_envelope(case["wireBase64"]) == BlobReference(blob)
    assert json.loads(blob_envelope(blob)) == case["message"]


def test_the_failure_of_a_grpc_worker_becomes_reason_and_details() -> None:
    event = opened(MESSAGES["TaskFailed-failuredetails"]["wireUtf8"]).message.event
    assert isinstance(event, TaskFailed)
    assert (event.reason, event.details) == ("boom", "...")


def test_enums_may_be_names_and_types_may_name_their_assembly() -> None:
    case = json.loads(MESSAGES["TaskCompleted"]["wireUtf8"])
    case["TaskMessage"]["Event"] |= {"EventType": "TaskCompleted", "$type": "A.B, C", "Unheard": {"of": 1}}
    assert opened(json.dumps(case)) == opened(MESSAGES["TaskCompleted"]["wireUtf8"])


def test_the_type_of_a_dictionary_is_no_tag() -> None:
    case = json.loads(MESSAGES["ExecutionStarted-fire-and-forget"]["wireUtf8"])
    case["TaskMessage"]["Event"]["Tags"] = {"$type": "System.Collections.Generic.Dictionary`2[[a],[b]]"} | (
        case["TaskMessage"]["Event"]["Tags"]
    )
    assert opened(json.dumps(case)) == opened(MESSAGES["ExecutionStarted-fire-and-forget"]["wireUtf8"])


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "",
        "{}",
        "[]",
        '{"a":' * 100_000,
        b64encode(b"\xff").decode(),
        '{"TaskMessage": {"Event": {}, "OrchestrationInstance": {"InstanceId": "x"}}}',
        MESSAGES["TaskCompleted"]["wireUtf8"].replace('"EventType":5', '"EventType":21'),
        MESSAGES["TaskCompleted"]["wireUtf8"].replace('"TaskScheduledId":0,', ""),
        MESSAGES["TaskCompleted"]["wireUtf8"].replace('"TaskScheduledId":0', '"TaskScheduledId":"0"'),
        MESSAGES["TimerFired"]["wireUtf8"].replace("2025-03-04T10:25:00Z", "soon"),
    ],
)
def test_what_is_no_message_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableRecord, match="This is no"):
        open_envelope(text)


@pytest.mark.parametrize("row", EXACT_ROWS, ids=lambda row: row["EventType"])
def test_history_rows_are_read_and_written_as_the_platform_does(row: Mapping[str, Any]) -> None:
    keys = {name: row[name] for name in ("PartitionKey", "RowKey", "ExecutionId")}
    assert untyped(event_columns(event_of_row(row))) | keys == row


@pytest.mark.parametrize("row", EXACT_ROWS, ids=lambda row: row["EventType"])
def test_history_columns_have_the_platforms_types(row: Mapping[str, Any]) -> None:
    expected = HISTORY["columnTypes"]
    for column, kind in types_of(event_columns(event_of_row(row))).items():
        assert kind == expected.get(column, "Edm.String"), column


def test_a_rewound_row_keeps_its_place_and_says_nothing() -> None:
    event = event_of_row(HISTORY["otherEventTypes"]["GenericEvent-rewound-task"])
    assert isinstance(event, GenericEvent)
    assert event.data is None


def test_a_row_of_an_unknown_kind_keeps_its_place() -> None:
    assert isinstance(event_of_row(ROWS[0] | {"EventType": "HistoryState"}), GenericEvent)


def test_a_damaged_row_is_unreadable() -> None:
    row = {name: value for name, value in ROWS[0].items() if name != "_Timestamp"}
    with pytest.raises(UnreadableRecord, match="_Timestamp"):
        event_of_row(row)


def test_history_keeps_inputs_of_what_was_scheduled_only_when_told() -> None:
    event = TaskScheduled(timestamp="2025-03-04T10:20:11.1234567Z", event_id=0, name="SayHello", input='["x"]')
    assert "Input" not in event_columns(kept(event, keep_inputs=False))
    assert event_columns(kept(event, keep_inputs=True))["Input"] == '["x"]'


def test_the_sentinel_says_whether_the_checkpoint_is_complete() -> None:
    sentinel = HISTORY["helloSequence"][-1]
    written = untyped(sentinel_columns(sentinel["CheckpointCompletedTimestamp"]))
    assert written.items() <= sentinel.items()
    assert sentinel_columns(None) == {"IsCheckpointComplete": False}


def instance_row(instance: Instance, with_custom_status: bool) -> Mapping[str, Any]:
    row = {**start_columns(instance), **status_columns(instance, "MyHub")}
    return {**row, **custom_status_column(instance)} if with_custom_status else row


@pytest.mark.parametrize("name", [name for name in INSTANCES if name != "mediumInput-pending"])
def test_instance_rows_are_read_and_written_as_the_platform_does(name: str) -> None:
    row = INSTANCES[name]
    instance = instance_of_row(row["PartitionKey"], row)
    written = instance_row(instance, "CustomStatus" in row)
    assert untyped(written) | {"PartitionKey": row["PartitionKey"], "RowKey": ""} == row
    expected = vector("instances-rows")["columnTypes"]
    for column, kind in types_of(written).items():
        assert kind == expected.get(column, "Edm.String"), column


def test_a_row_of_an_old_client_has_no_execution() -> None:
    row = {name: value for name, value in INSTANCES["pending"].items() if name not in ("ExecutionId", "Tags")}
    instance = instance_of_row("order-42", row)
    assert (instance.execution_id, instance.tags, instance.status) == (None, None, RuntimeStatus.Pending)


def test_a_damaged_instance_row_is_unreadable() -> None:
    with pytest.raises(UnreadableRecord, match="order-42"):
        instance_of_row("order-42", INSTANCES["pending"] | {"RuntimeStatus": "Sleeping"})


@pytest.mark.parametrize("name", HISTORIES)
def test_a_worker_gets_its_history_as_the_sdks_know_it(name: str) -> None:
    history = HISTORIES[name]
    assert [json.loads(history_json(event_of(event))) for event in history] == with_long_dates(history)


def test_every_event_has_the_members_that_workers_cannot_miss() -> None:
    for kind in EVENTS.values():
        event = kind(**(dict.fromkeys(required(kind), 1) | {"timestamp": "2025-03-04T10:20:11.1234567Z"}))
        found = json.loads(history_json(event))
        assert {"EventType", "EventId", "IsPlayed", "Timestamp"} <= found.keys()
        assert "Listed" not in found


def required(kind: type[HistoryEvent]) -> set[str]:
    needed = ("orchestration_instance", "orchestration_status", "name", "task_scheduled_id")
    return {*needed, "instance_id", "fire_at", "timer_id"} & set(kind.__dataclass_fields__)


def test_a_failure_has_texts_for_a_worker_even_without_any() -> None:
    event = TaskFailed(timestamp="2025-03-04T10:20:11.1234567Z", task_scheduled_id=0)
    found = json.loads(history_json(event))
    assert (found["Reason"], found["Details"], found["FailureDetails"]) == ("", "", None)
