"""Selection of the messages for an instance's next episode: taken, dropped or postponed. Pure.

Rules from platform/task-hub.md 4.7 and platform/replay.md 6.2 and 11.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from fnhost.host.durable.entities.messages import sent_request
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    Execution,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    OrchestratorCompleted,
    ParentInstance,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    completed_id,
)
from fnhost.host.durable.model.ids import is_entity
from fnhost.host.durable.model.messages import ReceivedMessage
from fnhost.host.durable.model.states import HistoryState, Instance

MAX_EARLY_DELIVERIES = 300
"""How often a message that comes too early is tried again before it is dropped, which takes 15 minutes (4.7)."""

REMEMBERED = 100
"""Digests of external events that are kept over continue-as-new: more than can be in flight when a host dies."""

Control = (ExecutionTerminated, ExecutionSuspended, ExecutionResumed)
Completing = (
    TaskCompleted,
    TaskFailed,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceFailed,
    TimerFired,
)
Scheduled = (TaskScheduled, SubOrchestrationInstanceCreated, TimerCreated)


@dataclass(slots=True)
class Admission:
    """The messages of a batch by what happens to them. `refused` are starts of children whose id is in use."""

    accepted: list[ReceivedMessage] = field(default_factory=list)
    dropped: list[ReceivedMessage] = field(default_factory=list)
    early: list[ReceivedMessage] = field(default_factory=list)
    refused: list[ReceivedMessage] = field(default_factory=list)


def next_batch(mailbox: Sequence[ReceivedMessage], *, one_at_a_time: bool, suspended: bool) -> list[ReceivedMessage]:
    """The messages to look at next, in order of arrival.

    Terminate, suspend and resume are taken alone, also while the instance is suspended. The start of a child is not
    taken together with earlier messages: these may be the last ones of an earlier child of the same id.
    """
    if suspended:
        return [one for one in mailbox if isinstance(one.message.event, Control)][:1]
    batch: list[ReceivedMessage] = []
    for one in mailbox:
        if isinstance(one.message.event, Control):
            return batch or [one]
        if batch and _starts_child(one.message.event):
            return batch
        batch.append(one)
        if one_at_a_time:
            break
    return batch


def _starts_child(event: HistoryEvent) -> bool:
    return isinstance(event, ExecutionStarted) and event.parent_instance is not None


def is_suspended(events: Iterable[HistoryEvent]) -> bool:
    suspended = False
    for event in events:
        if isinstance(event, (ExecutionSuspended, ExecutionResumed)):
            suspended = isinstance(event, ExecutionSuspended)
    return suspended


def takes_one_message(events: Sequence[HistoryEvent]) -> bool:
    """Whether the next episode may take a single message only (platform/replay.md 6.2, Batching).

    The history says so itself, so that a restart, an eviction or another host does not forget it. Histories that other
    hosts wrote do not say.
    """
    last = next((event for event in reversed(events) if isinstance(event, OrchestratorCompleted)), None)
    return last is not None and (last.listed is None or last.has_open_loops is True)


def is_over(events: Sequence[HistoryEvent]) -> bool:
    """Whether this execution has ended: ExecutionCompleted stands before the last OrchestratorCompleted."""
    return any(isinstance(event, ExecutionCompleted) for event in events[-2:])


def needs_row(state: HistoryState, batch: Sequence[ReceivedMessage]) -> bool:
    """Whether `admit` needs the instance's row, which tells a valid start from one that another start replaced.

    A start that this host has just stored itself (`deliveries` is 0) is valid without it.
    """
    starts = [one for one in batch if isinstance(one.message.event, ExecutionStarted)]
    is_alive = bool(state.events) and not is_over(state.events)
    return any(one.deliveries > 0 or is_alive for one in starts) or (state.execution_id is None and not starts)


def admit(state: HistoryState, row: Instance | None, batch: Sequence[ReceivedMessage]) -> Admission:
    """Decide what happens to each message. An accepted ExecutionStarted comes first and begins a new execution.

    If a crash interrupted the first checkpoint of an execution, it has an id but no events, and begins again.
    """
    admission = Admission()
    starts = [one for one in batch if isinstance(one.message.event, ExecutionStarted)]
    for one in starts:
        _sort_start(state, row, one, admission)
    _sort_rest(state, row, [one for one in batch if one not in starts], admission)
    return admission


def _sort_start(state: HistoryState, row: Instance | None, one: ReceivedMessage, admission: Admission) -> None:
    start = one.message.event
    assert isinstance(start, ExecutionStarted)
    execution = start.orchestration_instance.execution_id
    is_alive = bool(state.events) and not is_over(state.events)
    relation = _compared(state, start)
    if (execution == state.execution_id and state.events) or admission.accepted or relation in ("same", "older"):
        admission.dropped.append(one)
    elif relation == "newer":
        admission.accepted.append(one)
    elif is_alive and start.parent_instance:
        admission.refused.append(one)
    elif is_alive:
        (admission.accepted if one.deliveries == 0 or _is_row_of(start, row) else admission.dropped).append(one)
    elif start.parent_instance or one.deliveries == 0 or (row and row.execution_id in (None, execution)):
        admission.accepted.append(one)
    elif row is None and _is_from_entity(one):  # which writes no row
        admission.accepted.append(one)
    else:
        is_hopeless = one.deliveries >= MAX_EARLY_DELIVERIES or (row and not row.status.is_terminal)
        (admission.dropped if is_hopeless else admission.early).append(one)


def _is_row_of(start: ExecutionStarted, row: Instance | None) -> bool:
    """Whether this start wrote the row. The instance that ran then may have recorded since, under its own execution."""
    ours = start.orchestration_instance.execution_id
    return row is not None and (row.execution_id == ours or row.created == start.timestamp)


def _compared(state: HistoryState, start: ExecutionStarted) -> Literal["same", "older", "newer", "other"]:
    """How the start of a child relates to the current execution, or the one that it continued as new from.

    Another call with the same task id is one that a crash undid ("older"), or that was made instead of it ("newer").
    """
    known = next((event for event in state.events if isinstance(event, ExecutionStarted)), None)
    ours, theirs = known and known.parent_instance, start.parent_instance
    if not ours or not theirs or _place(ours) != _place(theirs):
        return "other"
    if ours.child_execution_id == theirs.child_execution_id:
        return "same"
    return "newer" if (ours.called_at or "") < (theirs.called_at or "") else "older"


def _place(call: ParentInstance) -> tuple[Execution, int]:
    return call.orchestration_instance, call.task_schedule_id


def _sort_rest(
    state: HistoryState, row: Instance | None, rest: Sequence[ReceivedMessage], admission: Admission
) -> None:
    if admission.accepted:
        events: Sequence[HistoryEvent] = ()
        execution = admission.accepted[0].message.target.execution_id
    elif state.execution_id is None:
        is_coming = row is not None and not row.status.is_terminal
        for one in rest:
            (admission.early if is_coming and one.deliveries < MAX_EARLY_DELIVERIES else admission.dropped).append(one)
        return
    else:
        events, execution = state.events, state.execution_id
    known = _KnownEvents(events, state.seen)
    for one in rest:
        if is_over(events) or one.message.target.execution_id not in (None, execution):
            admission.dropped.append(one)
        else:
            known.sort(one, admission)


def seen_before(past: HistoryState, taken: Iterable[HistoryEvent]) -> tuple[str, ...]:
    """Digests of the external events that an execution knew or took, for the execution that follows it."""
    raised = (event for event in (*past.events, *taken) if isinstance(event, EventRaised))
    return (*past.seen, *map(_digest, raised))[-REMEMBERED:]


class _KnownEvents:
    """The events of a history against which new messages are checked."""

    def __init__(self, events: Sequence[HistoryEvent], seen: Iterable[str]) -> None:
        calls = [event for event in events if isinstance(event, Scheduled)]
        self._scheduled = {event.event_id: _call_id(event) for event in calls}
        self._completed = {completed_id(event) for event in events if isinstance(event, Completing)}
        if len(calls) > len(self._scheduled):
            self._completed = _completed_since_scheduled(events)
        self._raised = {_identity(event) for event in events if isinstance(event, EventRaised)}
        self._seen = frozenset(seen)
        self._requests = {
            request.id for event in events if isinstance(event, EventSent) and (request := sent_request(event))
        }

    def sort(self, one: ReceivedMessage, admission: Admission) -> None:
        event = one.message.event
        if isinstance(event, Completing):
            target = self._completing(one, completed_id(event), admission)
        elif isinstance(event, EventRaised):
            target = admission.dropped if self._is_known(event) else admission.accepted
            if _is_from_entity(one) and event.name not in self._requests:
                target = admission.early
            self._raised.add(_identity(event))
        else:
            target = admission.accepted
        target.append(one)

    def _is_known(self, event: EventRaised) -> bool:
        return _identity(event) in self._raised or (bool(self._seen) and _digest(event) in self._seen)

    def _completing(self, one: ReceivedMessage, task: int, admission: Admission) -> list[ReceivedMessage]:
        """A result may belong to another call with the same task id, made by an episode that a crash undid."""
        if task not in self._scheduled:
            return admission.early
        call_id, ours = one.message.call_id, self._scheduled[task]
        if task in self._completed or (call_id and ours and call_id != ours):
            return admission.dropped
        self._completed.add(task)
        return admission.accepted


def _completed_since_scheduled(events: Iterable[HistoryEvent]) -> set[int]:
    """The ids that are complete: some SDKs schedule a retry under the id of the first try."""
    completed = set[int]()
    for event in events:
        if isinstance(event, Scheduled):
            completed.discard(event.event_id)
        elif isinstance(event, Completing):
            completed.add(completed_id(event))
    return completed


def _call_id(event: HistoryEvent) -> str | None:
    """The `Message.call_id` of its results."""
    return event.child_execution_id if isinstance(event, SubOrchestrationInstanceCreated) else event.timestamp


def _is_from_entity(one: ReceivedMessage) -> bool:
    """Whether an entity sent it: an answer may come before the history with its request is recorded."""
    return one.message.sender is not None and is_entity(one.message.sender.instance_id)


def _identity(event: EventRaised) -> tuple[str, str | None, str]:
    """Two raised events that are equal in all of this are one event, delivered twice."""
    return event.name, event.input, event.timestamp


def _digest(event: EventRaised) -> str:
    return hashlib.blake2b(json.dumps(_identity(event)).encode(), digest_size=8).hexdigest()
