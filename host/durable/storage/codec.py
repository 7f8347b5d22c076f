"""History in its three outside forms: the worker's JSON, queue messages and table rows. Pure.

Names derive from the dataclasses of `history`. Rules from platform/replay.md 3 and platform/task-hub.md 2 to 4;
what we never fill (trace contexts) is written as null, and unknown members are ignored on reading.
"""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from typing import Any, TypeAlias

from fnhost.host.durable.model.errors import UnreadableRecord
from fnhost.host.durable.model.history import (
    EVENTS,
    EventRaised,
    Execution,
    ExecutionStarted,
    FailureDetails,
    GenericEvent,
    HistoryEvent,
    ParentInstance,
    RuntimeStatus,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskFailed,
    TaskScheduled,
)
from fnhost.host.durable.model.instants import parse_instant
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.model.text import well_formed

Row: TypeAlias = Mapping[str, Any]
"""A table row as its JSON. Dates are texts with a `<column>@odata.type` beside them when written."""

DATE = "Edm.DateTime"


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a queue message holds. `sequence` orders messages of one sender (platform/task-hub.md 4.5)."""

    message: Message
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class BlobReference:
    """The envelope lies in this blob (platform/task-hub.md 4.6)."""

    blob: str


# --- the fields of each event ----------------------------------------------------------------------------------------


def _pascal(name: str) -> str:
    return "Asked" if name == "called_at" else "".join(part.capitalize() for part in name.split("_"))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return well_formed(value)
    raise ValueError(f"{value!r} is not a text")


def _integer(value: Any) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ValueError(f"{value!r} is not a whole number")


def _date(value: Any) -> str | None:
    return None if value is None else parse_instant(str(value))


def _object(value: Any) -> Mapping[str, Any] | None:
    """An object, or its JSON text; `null` in either form is None."""
    found = json.loads(value) if isinstance(value, str) else value
    if found is None or isinstance(found, dict):
        return found
    raise ValueError(f"{value!r} is not an object")


def _status(value: Any) -> RuntimeStatus:
    return RuntimeStatus[value] if isinstance(value, str) else RuntimeStatus(value)


def _execution(value: Any) -> Execution | None:
    found = _object(value)
    return Execution(str(found["InstanceId"]), _text(found.get("ExecutionId")) or None) if found else None


def _parent(value: Any) -> ParentInstance | None:
    found = _object(value)
    if not found:
        return None
    waiting, task = _execution(found["OrchestrationInstance"]), _integer(found["TaskScheduleId"])
    if waiting is None or task is None:
        raise ValueError("ParentInstance is incomplete")
    ours = {"child_execution_id": _text(found.get("ChildExecutionId")), "called_at": _date(found.get("Asked"))}
    return ParentInstance(_text(found.get("Name")) or "", waiting, task, _text(found.get("Version")) or "", **ours)


def _tags(value: Any) -> Mapping[str, str] | None:
    found = _object(value)
    return found and {key: str(tag) for key, tag in found.items() if key != "$type"}


def _failure_details(value: Any) -> FailureDetails | None:
    found = _object(value)
    if not found:
        return None
    return FailureDetails(
        _text(found.get("ErrorType")) or "",
        _text(found.get("ErrorMessage")) or "",
        _text(found.get("StackTrace")),
        _failure_details(found.get("InnerFailure")),
        bool(found.get("IsNonRetriable")),
        _object(found.get("Properties")),
    )


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "event_id": _integer,
    "task_scheduled_id": _integer,
    "timer_id": _integer,
    "generation": _integer,
    "listed": _integer,
    "timestamp": _date,
    "fire_at": _date,
    "scheduled_start_time": _date,
    "is_played": bool,
    "has_open_loops": bool,
    "orchestration_status": _status,
    "orchestration_instance": _execution,
    "parent_instance": _parent,
    "tags": _tags,
    "failure_details": _failure_details,
}
_COMMON = ("timestamp", "event_id", "is_played")
_DATES = ("fire_at", "scheduled_start_time")
_NESTED = ("orchestration_instance", "parent_instance", "tags", "failure_details")
_OWN_MEMBERS = ("listed", "has_open_loops", "child_execution_id")
_HIDDEN_FROM_WORKERS = ("correlation", "scheduled_start_time", "generation", "failure_details", *_OWN_MEMBERS)
_OWN_MEMBERS_OF_PARENT = ("child_execution_id", "called_at")

_UNFILLED: Mapping[type[HistoryEvent], tuple[str, ...]] = {
    ExecutionStarted: ("ParentTraceContext",),
    TaskScheduled: ("ParentTraceContext",),
    EventRaised: ("ParentTraceContext",),
}
"""Members that other hosts write and we know nothing for."""

_FAILED = (TaskFailed, SubOrchestrationInstanceFailed)
_BY_NUMBER = {kind.number: kind for kind in EVENTS.values()}
_OWN = {
    kind: tuple((f.name, _pascal(f.name)) for f in fields(kind) if f.name not in _COMMON) for kind in EVENTS.values()
}
_TAGGED_FOR_WORKERS = (ExecutionStarted,)
_SHOWN = {
    kind: tuple(
        pair
        for pair in own
        if pair[0] not in _HIDDEN_FROM_WORKERS and (pair[0] != "tags" or kind in _TAGGED_FOR_WORKERS)
    )
    for kind, own in _OWN.items()
}
"""What workers see of an event."""
_REQUIRED = {kind: {f.name for f in fields(kind) if f.default is MISSING} for kind in EVENTS.values()}
_TYPES: Mapping[type, str] = {
    Execution: "DurableTask.Core.OrchestrationInstance",
    ParentInstance: "DurableTask.Core.ParentInstance",
    FailureDetails: "DurableTask.Core.FailureDetails",
}

_dump = json.JSONEncoder(separators=(",", ":")).encode
"""Compact and ASCII: XML forbids some characters in queue messages (platform/task-hub.md 4.2)."""


def _plain(value: Any, typed: bool = False) -> Any:
    """A nested value as JSON; `typed` puts the `$type` first that readers of messages need."""
    if not is_dataclass(value) or isinstance(value, type):
        return dict(value) if isinstance(value, Mapping) else value
    found = {_pascal(name): _plain(getattr(value, name), typed) for name in _members(value)}
    return {"$type": _TYPES[type(value)], **found} if typed else found


def _nested(name: str, value: Any) -> Any:
    return _plain(value) if name in _NESTED else value


def _members(value: Any) -> Iterator[str]:
    return (f.name for f in fields(value) if f.name not in _OWN_MEMBERS_OF_PARENT or getattr(value, f.name) is not None)


def _value(name: str, found: Any) -> Any:
    reader = _READERS.get(name)
    return reader(found) if reader else _text(found)


def _read(kind: type[HistoryEvent], found: Mapping[str, Any]) -> HistoryEvent:
    names = (*_OWN[kind], *((name, _pascal(name)) for name in _COMMON))
    values = {name: _value(name, found[key]) for name, key in names if found.get(key) is not None}
    if missing := _REQUIRED[kind] - values.keys():
        raise ValueError(f"{kind.__name__} has no {', '.join(sorted(map(_pascal, missing)))}")
    absent = {name: None for name, _ in _OWN[kind] if name not in values and name != "orchestration_status"}
    return _with_failure_details(kind(**(absent | values)))


def _with_failure_details(event: HistoryEvent) -> HistoryEvent:
    """Hosts with gRPC workers put a failure's text into FailureDetails alone."""
    if not isinstance(event, _FAILED) or event.reason is not None or event.failure_details is None:
        return event
    return replace(event, reason=event.failure_details.error_message, details=event.failure_details.stack_trace)


# --- the worker's form (platform/replay.md 3) ------------------------------------------------------------------------


def history_json(event: HistoryEvent) -> str:
    """One event as the compact JSON text that a worker replays."""
    own = {key: _nested(name, getattr(event, name)) for name, key in _SHOWN[type(event)]}
    if isinstance(event, _FAILED):
        own |= {"Reason": event.reason or "", "Details": event.details or "", "FailureDetails": None}
    common = {"EventId": event.event_id, "IsPlayed": event.is_played, "Timestamp": event.timestamp}
    return _dump({"EventType": event.number} | own | common)


def event_of(found: Mapping[str, Any]) -> HistoryEvent:
    """The event in a worker's history or in a message. Raises UnreadableRecord."""
    try:
        number = found["EventType"]
        kind = EVENTS[number] if isinstance(number, str) else _BY_NUMBER[number]
        return _read(kind, found)
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRecord(f"This is no event that the host knows ({error!r}): {str(found)[:200]}") from error


def event_of_json(text: str) -> HistoryEvent:
    """The event in the JSON text that `history_json` gives. Raises UnreadableRecord."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableRecord(f"This is not JSON ({error}): {text[:200]}") from error
    if not isinstance(found, dict):
        raise UnreadableRecord(f"This is not an event: {text[:200]}")
    return event_of(found)


# --- queue messages (platform/task-hub.md 4) --------------------------------------------------------------------------


def envelope(message: Message, sequence: int, activity: str) -> str:
    """The message as JSON text. `activity` is a new GUID with dashes, `sequence` counts in this process from 1."""
    episode = {} if message.episode is None else {"Episode": message.episode}
    call_id = {} if message.call_id is None else {"AskedAt": message.call_id}
    sender = message.sender or Execution("")
    return _dump(
        {
            "$type": "DurableTask.AzureStorage.MessageData",
            "ActivityId": activity,
            "TaskMessage": _task_message(message),
            "CompressedBlobName": None,
            "SequenceNumber": sequence,
            **episode,
            **call_id,
            "Sender": {"InstanceId": sender.instance_id, "ExecutionId": sender.execution_id or ""},
            "SerializableTraceContext": None,
        }
    )


def blob_envelope(blob: str) -> str:
    """The envelope that says where the envelope is."""
    return _dump(
        {
            "$type": "DurableTask.AzureStorage.MessageData",
            "ActivityId": "00000000-0000-0000-0000-000000000000",
            "TaskMessage": None,
            "CompressedBlobName": blob,
            "SequenceNumber": 0,
            "Sender": None,
            "SerializableTraceContext": None,
        }
    )


def _task_message(message: Message) -> dict[str, Any]:
    return {
        "$type": "DurableTask.Core.TaskMessage",
        "Event": _message_event(message.event),
        "SequenceNumber": 0,
        "OrchestrationInstance": _plain(message.target, typed=True),
        "OrchestrationExecutionContext": _context(message.event),
    }


def _message_event(event: HistoryEvent) -> dict[str, Any]:
    kind = type(event)
    own = {key: _plain(getattr(event, name), typed=True) for name, key in _OWN[kind] if name not in _OWN_MEMBERS}
    return {
        "$type": f"DurableTask.Core.History.{kind.__name__.removesuffix('Event')}Event",
        "EventType": event.number,
        **own,
        **dict.fromkeys(_UNFILLED.get(kind, ())),
        "EventId": event.event_id,
        "IsPlayed": event.is_played,
        "Timestamp": event.timestamp,
    }


def _context(event: HistoryEvent) -> dict[str, Any] | None:
    is_child = isinstance(event, ExecutionStarted) and event.parent_instance is not None
    if not is_child and not isinstance(event, TaskScheduled):
        return None
    return {"$type": "DurableTask.Core.OrchestrationExecutionContext", "OrchestrationTags": {}}


def open_envelope(text: str) -> Envelope | BlobReference:
    """The envelope in a message's text, plain or base64. Raises UnreadableRecord."""
    try:
        found = json.loads(text if text.lstrip().startswith("{") else base64.b64decode(text, validate=True))
        if blob := found.get("CompressedBlobName"):
            return BlobReference(str(blob))
        return Envelope(_message(found), found.get("SequenceNumber") or 0)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, binascii.Error) as error:
        raise UnreadableRecord(f"This is no task hub message ({error!r}): {text[:200]}") from error


def _message(found: Mapping[str, Any]) -> Message:
    task = found["TaskMessage"]
    target = _execution(task["OrchestrationInstance"])
    if target is None:
        raise ValueError("it names no instance")
    sender = _execution(found.get("Sender"))
    return Message(
        target=target,
        event=event_of(task["Event"]),
        sender=sender if sender and sender.instance_id else None,
        episode=_integer(found.get("Episode")),
        call_id=found.get("AskedAt"),
    )


# --- rows of the History table (platform/task-hub.md 3) --------------------------------------------------------------


def dated(column: str, at: str | None) -> Row:
    """A date as tables need it."""
    return {} if at is None else {f"{column}@odata.type": DATE, column: at}


def _filled(column: str, value: Any) -> Row:
    """Null values are left out of rows."""
    return {} if value is None else {column: value}


def kept(event: HistoryEvent, keep_inputs: bool) -> HistoryEvent:
    """The event as history keeps it: the inputs of what was scheduled travel in messages alone unless asked for."""
    if keep_inputs or not isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
        return event
    return replace(event, input=None)


def event_columns(event: HistoryEvent) -> Row:
    """The event's own columns of its row: all but its keys and its ExecutionId."""
    kind = type(event)
    row: dict[str, Any] = {"EventType": kind.__name__, "EventId": event.event_id, "IsPlayed": event.is_played}
    row |= dated("_Timestamp", event.timestamp)
    for name, key in _OWN[kind]:
        row |= _cell(name, key, getattr(event, name))
    row |= dict.fromkeys(_UNFILLED.get(kind, ()), "null")
    return row | {"GenerateNewTrace": False} if kind is ExecutionStarted else row


def _cell(name: str, column: str, value: Any) -> Row:
    if name in _DATES:
        return dated(column, value)
    if name in _NESTED:
        return {column: _dump(_plain(value))}
    if isinstance(value, RuntimeStatus):
        return {column: value.name}
    return _filled(column, value)


def event_of_row(row: Row) -> HistoryEvent:
    """The event in a row. One of a kind we do not know counts, so that ordinals stay, but says nothing.

    Raises UnreadableRecord.
    """
    try:
        kind = EVENTS.get(row["EventType"], GenericEvent)
        return _read(kind, {**row, "Timestamp": row["_Timestamp"]})
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRecord(f"A row of the history table is damaged ({error!r}): {str(row)[:200]}") from error


def sentinel_columns(complete_at: str | None) -> Row:
    """The sentinel's own columns; None while more batches of the same checkpoint follow."""
    return {
        "IsCheckpointComplete": complete_at is not None,
        **dated("CheckpointCompletedTimestamp", complete_at),
    }


# --- rows of the Instances table (platform/task-hub.md 2) ------------------------------------------------------------


def start_columns(instance: Instance) -> Row:
    """What is known from the start: written with it and whenever an execution begins."""
    return {
        "Name": instance.name,
        "Version": instance.version,
        **_filled("Input", instance.input),
        **_filled("Generation", instance.generation),
        "Tags": _dump(_plain(instance.tags)),
        **dated("CreatedTime", instance.created),
        **dated("ScheduledStartTime", instance.scheduled),
    }


def status_columns(instance: Instance, hub: str) -> Row:
    """What every write of the row says."""
    return {
        **_filled("ExecutionId", instance.execution_id),
        "RuntimeStatus": instance.status.name,
        "TaskHubName": hub,
        **_filled("Output", instance.output),
        **dated("LastUpdatedTime", instance.updated),
        **dated("CompletedTime", instance.completed),
    }


def custom_status_of(row: Row) -> str | None:
    """Raises ValueError if it is no text."""
    text = _text(row.get("CustomStatus"))
    return None if text == "null" else text


def custom_status_column(instance: Instance) -> Row:
    return {"CustomStatus": "null" if instance.custom_status is None else instance.custom_status}


def instance_of_row(instance_id: str, row: Row) -> Instance:
    """Raises UnreadableRecord."""
    try:
        updated = parse_instant(row["LastUpdatedTime"])
        return Instance(
            id=instance_id,
            execution_id=_text(row.get("ExecutionId")),
            name=_text(row.get("Name")) or "",
            status=_status(row["RuntimeStatus"]),
            created=_date(row.get("CreatedTime")) or updated,
            updated=updated,
            version=_text(row.get("Version")) or "",
            input=_text(row.get("Input")),
            output=_text(row.get("Output")) or None,
            custom_status=custom_status_of(row),
            completed=_date(row.get("CompletedTime")),
            scheduled=_date(row.get("ScheduledStartTime")),
            generation=_integer(row.get("Generation")),
            tags=_tags(row.get("Tags")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableRecord(f"The row of instance {instance_id} is damaged ({error!r}): {str(row)[:200]}") from error
