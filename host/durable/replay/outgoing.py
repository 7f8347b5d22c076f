"""The messages that carry a decision out. Pure; each is the same whenever the same episode is run again.

Rules from platform/replay.md 6.3, 6.4, 6.9 and 7 and platform/task-hub.md 4.3.
"""

from collections.abc import Iterable, Iterator

from fnhost.host.durable.entities.messages import RELEASE, release_text, sent_request
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    Execution,
    ExecutionStarted,
    HistoryEvent,
    ParentInstance,
    Scheduling,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.model.text import json_text, too_large, well_formed
from fnhost.host.durable.replay.decide import Completed, Failed, Finish


def scheduled_messages(
    started: ExecutionStarted, episode: int, scheduled: Iterable[Scheduling], now: Instant
) -> Iterator[Message]:
    """One message for each piece of new work."""
    sender = started.orchestration_instance
    for event in scheduled:
        target, sent = _target_and_event(started, event, now)
        scheduled_at = event.timestamp if isinstance(event, (TaskScheduled, TimerCreated)) else None
        yield Message(target, sent, sender, episode, scheduled_at)


def _target_and_event(started: ExecutionStarted, event: Scheduling, now: Instant) -> tuple[Execution, HistoryEvent]:
    us = started.orchestration_instance
    match event:
        case TaskScheduled():
            return us, event
        case TimerCreated():
            return us, TimerFired(timestamp=now, timer_id=event.event_id, fire_at=event.fire_at)
        case EventSent():
            return Execution(event.instance_id), EventRaised(timestamp=now, name=event.name, input=event.input)
        case SubOrchestrationInstanceCreated():
            child = Execution(event.instance_id, event.child_execution_id)
            return child, _child_start(started, event, child, now)


def _child_start(
    started: ExecutionStarted, event: SubOrchestrationInstanceCreated, child: Execution, now: Instant
) -> ExecutionStarted:
    us, version = started.orchestration_instance, started.version or ""
    return ExecutionStarted(
        timestamp=now,
        orchestration_instance=child,
        name=event.name,
        version=event.version,
        input=event.input,
        tags=event.tags,
        parent_instance=ParentInstance(started.name, us, event.event_id, version, child.execution_id, event.timestamp),
    )


def end_message(started: ExecutionStarted, finish: Finish | None, now: Instant) -> Iterator[Message]:
    """The result of a child, for the parent that waits for it, if there is one."""
    parent = started.parent_instance
    if parent is None or not isinstance(finish, (Completed, Failed)):
        return
    result: HistoryEvent
    if isinstance(finish, Completed):
        result = SubOrchestrationInstanceCompleted(
            timestamp=now, task_scheduled_id=parent.task_schedule_id, result=finish.result
        )
    else:
        result = SubOrchestrationInstanceFailed(
            timestamp=now,
            task_scheduled_id=parent.task_schedule_id,
            reason=finish.reason,
            details=finish.details,
            failure_details=finish.failure,
        )
    yield Message(
        parent.orchestration_instance, result, started.orchestration_instance, call_id=parent.child_execution_id
    )


def release_messages(started: ExecutionStarted, history: Iterable[HistoryEvent], now: Instant) -> Iterator[Message]:
    """Entity locks that an execution still holds are released at its end (platform/entities.md 6)."""
    us, sent = started.orchestration_instance, [event for event in history if isinstance(event, EventSent)]
    released = {event.instance_id + (event.input or "") for event in sent if event.name == RELEASE}
    for request in filter(None, map(sent_request, sent)):
        text = release_text(us.instance_id, request.id)
        for entity in map(str, request.lock_set):
            if entity + text not in released:
                yield Message(Execution(entity), EventRaised(timestamp=now, name=RELEASE, input=text), us)


def refusal(start: ExecutionStarted, reason: str, now: Instant) -> Iterator[Message]:
    """A child that cannot be started fails at its parent."""
    yield from end_message(start, Failed(reason), now)


def activity_result_message(item: Message, event: TaskCompleted | TaskFailed) -> Message:
    """The result of an activity, for its orchestration (platform/task-hub.md 4.9)."""
    return Message(item.target, event, item.target, item.episode, item.call_id)


def activity_completed(item: TaskScheduled, result: str | None, now: Instant) -> TaskCompleted | TaskFailed:
    """A failure if the result is too large for a history."""
    if reason := too_large(result, f"The result of '{item.name}'"):
        return activity_failed(item, reason, "", now)
    return TaskCompleted(timestamp=now, task_scheduled_id=item.event_id, result=result)


def activity_failed(item: TaskScheduled, message: str, stack: str, now: Instant) -> TaskFailed:
    """The worker's text keeps the blank after `Exception:`, hence two blanks (platform/replay.md 7.1)."""
    message, stack = well_formed(message), well_formed(stack)
    return TaskFailed(
        timestamp=now,
        task_scheduled_id=item.event_id,
        reason=f"Activity function '{item.name}' failed:  {message}",
        details=_details(message, stack),
    )


def _details(message: str, stack: str) -> str:
    """An exception as the platform serialises it."""
    return json_text(
        {
            "$type": "System.Exception, System.Private.CoreLib",
            "ClassName": "System.Exception",
            "Message": f" {message}",
            "Data": None,
            "InnerException": None,
            "HelpURL": None,
            "StackTraceString": stack or None,
            "RemoteStackTraceString": None,
            "RemoteStackIndex": 0,
            "ExceptionMethod": None,
            "HResult": -2146233088,
            "Source": None,
            "WatsonBuckets": None,
        }
    )


def unknown_function(kind: str, name: str, known: Iterable[str]) -> str:
    """The platform's sentence (platform/replay.md 7.4, platform/durable-http.md 5.1)."""
    names = ", ".join(f"'{one}'" for one in sorted(known))
    listed = f"The following are the known {kind} functions: {names}." if names else ""
    none = f"No {kind} functions are currently registered!"
    article = "an" if kind[0] in "aeiou" else "a"
    return (
        f"The function '{name}' doesn't exist, is disabled, or is not {article} {kind} function. "
        f"Additional info: {listed or none}"
    )
