"""Instances and histories as the management API shows them: JSON texts, pure.

Rules from platform/durable-http.md 5.2, 7.1 and 7.5.

Stored texts are put into a response unchanged; they are parsed only to see whether they are JSON.
"""

import json
from collections.abc import Iterable, Mapping
from typing import NoReturn, TypeAlias

from fnhost.bindings.formats import compact
from fnhost.host.durable.entities.entity import EXISTS, read_entity
from fnhost.host.durable.entities.messages import failure_json
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    FailureDetails,
    GenericEvent,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.states import Instance

JsonText: TypeAlias = str
Members: TypeAlias = Mapping[str, JsonText]

NULL: JsonText = "null"
Scheduled: TypeAlias = TaskScheduled | SubOrchestrationInstanceCreated
Ended: TypeAlias = TaskCompleted | TaskFailed | SubOrchestrationInstanceCompleted | SubOrchestrationInstanceFailed


def json_object(members: Members) -> JsonText:
    return "{" + ",".join(f"{compact(name)}:{text}" for name, text in members.items()) + "}"


def json_array(items: Iterable[JsonText]) -> JsonText:
    return "[" + ",".join(items) + "]"


def check_json(text: str) -> None:
    """Raises ValueError if this is not one JSON value."""
    try:
        json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("The JSON is nested too deeply.") from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON.")


def shown(stored: str | None) -> JsonText:
    """A stored text as JSON: itself where it is JSON, else a string (platform/durable-http.md 7.1)."""
    if stored is None:
        return NULL
    text = stored.strip()
    try:
        check_json(text)
    except ValueError:
        return compact(text)
    return text


def seconds(at: Instant) -> JsonText:
    return compact(f"{at[:19]}Z")


def precise(at: Instant | None) -> JsonText:
    """Up to seven digits, without zeros at the end."""
    return NULL if at is None else compact(at.removesuffix("Z").rstrip("0").removesuffix(".") + "Z")


def status(instance: Instance, *, with_input: bool = True, events: JsonText | None = None) -> JsonText:
    """The status of an instance. `version` is there only when known, `historyEvents` only when asked for."""
    members = {
        "name": compact(instance.name),
        "instanceId": compact(instance.id),
        "runtimeStatus": compact(instance.status.name),
        "input": shown(instance.input) if with_input else NULL,
        "customStatus": shown(instance.custom_status),
        "output": shown(instance.output),
        "createdTime": seconds(instance.created),
        "lastUpdatedTime": seconds(instance.updated),
    }
    if instance.version:
        members["version"] = compact(instance.version)
    if events is not None:
        members["historyEvents"] = events
    return json_object(members)


def entity(instance: Instance, *, with_state: bool) -> JsonText | None:
    """An entity in a list (platform/durable-http.md 6); None if it does not exist, or no longer."""
    if EXISTS not in (instance.custom_status or ""):
        return None
    us = EntityId.of(instance.id)
    return json_object(
        {
            "entityId": compact({"name": us.name, "key": us.key}),
            "lastOperationTime": precise(instance.created),
            "state": (read_entity(instance.input).state or NULL) if with_state else NULL,
        }
    )


def history(events: Iterable[HistoryEvent], *, with_inputs: bool, with_outputs: bool) -> JsonText:
    """The events in their order; what has ended stands once, where it ended (platform/durable-http.md 5.2)."""
    kept = [event for event in events if not isinstance(event, OrchestratorStarted | OrchestratorCompleted)]
    scheduled = {event.event_id: event for event in kept if isinstance(event, Scheduled)}
    ended = {event.task_scheduled_id for event in kept if isinstance(event, Ended)}
    dropped = ("Input",) * (not with_inputs) + ("Result",) * (not with_outputs)
    return json_array(
        json_object({name: text for name, text in _event(event, scheduled).items() if name not in dropped})
        for event in kept
        if not (isinstance(event, Scheduled) and event.event_id in ended)
    )


def _event(event: HistoryEvent, scheduled: Mapping[int, Scheduled]) -> Members:
    cause = scheduled.get(event.task_scheduled_id) if isinstance(event, Ended) else None
    return {
        "EventType": compact(type(event).__name__),
        **_own(event),
        "Timestamp": precise(event.timestamp),
        **(_caused_by(cause) if cause else {}),
    }


def _caused_by(cause: Scheduled) -> Members:
    return {
        "ScheduledTime": precise(cause.timestamp),
        "FunctionName": compact(cause.name),
        "Input": compact(cause.input),
    }


def _failure(details: FailureDetails | None) -> JsonText:
    return compact(failure_json(details)) if details else NULL


def _tags(tags: Mapping[str, str] | None) -> JsonText:
    return compact(dict(tags)) if tags else NULL


def _own(event: HistoryEvent) -> Members:
    """The members an event has of its own. Inputs stay the stored text."""
    match event:
        case ExecutionStarted():
            return {
                "Input": compact(event.input),
                "Correlation": compact(event.correlation),
                "ParentTraceContext": NULL,
                "ScheduledStartTime": precise(event.scheduled_start_time),
                "Generation": compact(event.generation),
                "FunctionName": compact(event.name),
            }
        case ExecutionCompleted():
            ending = compact(event.orchestration_status.name)
            failure = _failure(event.failure_details)
            return {"OrchestrationStatus": ending, "Result": shown(event.result), "FailureDetails": failure}
        case TaskScheduled():
            return {
                "Name": compact(event.name),
                "Input": compact(event.input),
                "ParentTraceContext": NULL,
                "Tags": _tags(event.tags),
            }
        case SubOrchestrationInstanceCreated():
            return {
                "Name": compact(event.name),
                "InstanceId": compact(event.instance_id),
                "Input": compact(event.input),
                "ClientSpanId": NULL,
                "Tags": _tags(event.tags),
            }
        case TaskCompleted() | SubOrchestrationInstanceCompleted():
            return {"Result": shown(event.result)}
        case TaskFailed() | SubOrchestrationInstanceFailed():
            failure = _failure(event.failure_details)
            return {"Reason": compact(event.reason), "Details": compact(event.details), "FailureDetails": failure}
        case TimerCreated() | TimerFired():
            return {"FireAt": precise(event.fire_at)}
        case EventRaised():
            return {"Name": compact(event.name), "Input": compact(event.input)}
        case EventSent():
            return {
                "InstanceId": compact(event.instance_id),
                "Name": compact(event.name),
                "Input": compact(event.input),
            }
        case ExecutionSuspended() | ExecutionResumed():
            return {"Reason": compact(event.reason)}
        case ExecutionTerminated():
            return {"Input": compact(event.input)}
        case GenericEvent():
            return {"Data": compact(event.data)}
    return {}
