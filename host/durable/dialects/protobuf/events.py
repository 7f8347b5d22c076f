"""Events of a history as messages. Pure. Those of entities stay EventSent and EventRaised with their JSON.

Only what the Durable Functions extension sends is sent: see platform/durable-protobuf.md 2.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from fnhost.host.durable.dialects.protobuf.values import (
    failure_message,
    failure_of_text,
    filled,
    instant_of,
    optional,
    optional_timestamp,
    text,
    timestamp,
)
from fnhost.host.durable.model.history import (
    ContinueAsNew,
    EventRaised,
    EventSent,
    Execution,
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
    ParentInstance,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from fnhost.host.rpc import durabletask_pb2 as pb


def event_message(event: HistoryEvent, *, with_inputs: bool = True) -> pb.HistoryEvent:
    """Without its inputs, what was scheduled is shorter: code that replays knows them."""
    message = pb.HistoryEvent(event_id=event.event_id, timestamp=timestamp(event.timestamp))
    field, fill = _FIELDS[type(event)]
    getattr(message, field).CopyFrom(fill(event))
    if not with_inputs and isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
        getattr(message, field).ClearField("input")
    return message


def _execution(execution: Execution) -> pb.OrchestrationInstance:
    return pb.OrchestrationInstance(instance_id=execution.instance_id, execution_id=text(execution.execution_id))


def _parent(parent: ParentInstance) -> pb.ParentInstanceInfo:
    return pb.ParentInstanceInfo(
        task_scheduled_id=parent.task_schedule_id,
        name=text(parent.name),
        version=filled(parent.version),
        orchestration_instance=_execution(parent.orchestration_instance),
    )


def _started(event: ExecutionStarted) -> pb.ExecutionStartedEvent:
    return pb.ExecutionStartedEvent(
        name=event.name,
        version=filled(event.version),
        input=text(event.input),
        orchestration_instance=_execution(event.orchestration_instance),
        parent_instance=_parent(event.parent_instance) if event.parent_instance else None,
        scheduled_start_timestamp=optional_timestamp(event.scheduled_start_time),
        tags=event.tags,
    )


def _completed(event: ExecutionCompleted) -> pb.ExecutionCompletedEvent:
    failure = event.failure_details
    return pb.ExecutionCompletedEvent(
        orchestration_status=event.orchestration_status.value,  # type: ignore[arg-type]
        result=text(event.result),
        failure_details=failure_message(failure) if failure else None,
    )


def _task(event: TaskScheduled) -> pb.TaskScheduledEvent:
    return pb.TaskScheduledEvent(
        name=event.name, version=filled(event.version), input=text(event.input), tags=event.tags
    )


def _child(event: SubOrchestrationInstanceCreated) -> pb.SubOrchestrationInstanceCreatedEvent:
    return pb.SubOrchestrationInstanceCreatedEvent(
        instance_id=event.instance_id,
        name=event.name,
        version=filled(event.version),
        input=text(event.input),
        tags=event.tags,
    )


def failure_of_event(event: TaskFailed | SubOrchestrationInstanceFailed) -> FailureDetails:
    """SDKs read nothing but this; where the host itself let something fail there is only the reason."""
    return event.failure_details or failure_of_text(event.reason or "", event.details or "")


_FIELDS: Mapping[type[HistoryEvent], tuple[str, Callable[[Any], Any]]] = {
    ExecutionStarted: ("execution_started", _started),
    ExecutionCompleted: ("execution_completed", _completed),
    ExecutionTerminated: ("execution_terminated", lambda e: pb.ExecutionTerminatedEvent(input=text(e.input))),
    TaskScheduled: ("task_scheduled", _task),
    TaskCompleted: (
        "task_completed",
        lambda e: pb.TaskCompletedEvent(task_scheduled_id=e.task_scheduled_id, result=text(e.result)),
    ),
    TaskFailed: (
        "task_failed",
        lambda e: pb.TaskFailedEvent(
            task_scheduled_id=e.task_scheduled_id, failure_details=failure_message(failure_of_event(e))
        ),
    ),
    SubOrchestrationInstanceCreated: ("sub_orchestration_instance_created", _child),
    SubOrchestrationInstanceCompleted: (
        "sub_orchestration_instance_completed",
        lambda e: pb.SubOrchestrationInstanceCompletedEvent(
            task_scheduled_id=e.task_scheduled_id, result=text(e.result)
        ),
    ),
    SubOrchestrationInstanceFailed: (
        "sub_orchestration_instance_failed",
        lambda e: pb.SubOrchestrationInstanceFailedEvent(
            task_scheduled_id=e.task_scheduled_id, failure_details=failure_message(failure_of_event(e))
        ),
    ),
    TimerCreated: ("timer_created", lambda e: pb.TimerCreatedEvent(fire_at=timestamp(e.fire_at))),
    TimerFired: ("timer_fired", lambda e: pb.TimerFiredEvent(fire_at=timestamp(e.fire_at), timer_id=e.timer_id)),
    OrchestratorStarted: ("orchestrator_started", lambda e: pb.OrchestratorStartedEvent()),
    OrchestratorCompleted: ("orchestrator_completed", lambda e: pb.OrchestratorCompletedEvent()),
    EventSent: (
        "event_sent",
        lambda e: pb.EventSentEvent(instance_id=e.instance_id, name=e.name, input=text(e.input)),
    ),
    EventRaised: ("event_raised", lambda e: pb.EventRaisedEvent(name=e.name, input=text(e.input))),
    ContinueAsNew: ("continue_as_new", lambda e: pb.ContinueAsNewEvent(input=text(e.result))),
    GenericEvent: ("generic_event", lambda e: pb.GenericEvent(data=text(e.data))),
    ExecutionSuspended: ("execution_suspended", lambda e: pb.ExecutionSuspendedEvent(input=text(e.reason))),
    ExecutionResumed: ("execution_resumed", lambda e: pb.ExecutionResumedEvent(input=text(e.reason))),
}


def carried_over(messages: Sequence[pb.HistoryEvent]) -> tuple[EventRaised, ...]:
    """The external events among those that an execution hands to the one after it; no others count."""
    return tuple(
        EventRaised(
            timestamp=instant_of(each.timestamp),
            name=each.event_raised.name,
            input=optional(each.event_raised, "input"),
        )
        for each in messages
        if each.WhichOneof("event_type") == "event_raised"
    )
