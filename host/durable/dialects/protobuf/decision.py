"""What an orchestrator's answer means: it holds only new work, under the ids that the SDK chose. Pure.

Rules from platform/durable-protobuf.md 3 and 4.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from fnhost.host.durable.dialects.protobuf.events import carried_over
from fnhost.host.durable.dialects.protobuf.values import failure_of, failure_of_text, instant_of, optional
from fnhost.host.durable.entities.messages import (
    NEVER,
    RELEASE,
    EntityRequest,
    release_text,
    request_json,
    sent_request,
)
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.history import (
    EventSent,
    Execution,
    ExecutionStarted,
    FailureDetails,
    HistoryEvent,
    OrchestratorStarted,
    RuntimeStatus,
    Scheduling,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
)
from fnhost.host.durable.model.ids import EntityId, child_execution, read_entity_id
from fnhost.host.durable.model.instants import Instant, next_tick
from fnhost.host.durable.model.text import json_text, too_large, well_formed
from fnhost.host.durable.replay.decide import (
    Completed,
    Continued,
    Decision,
    Failed,
    Finish,
    OrchestrationLimits,
    failure,
)
from fnhost.host.rpc import durabletask_pb2 as pb


def decision_of(
    response: pb.OrchestratorResponse, history: Sequence[HistoryEvent], limits: OrchestrationLimits
) -> Decision:
    """Raises InvalidWorkerResponse."""
    if len(response.actions) > limits.actions:
        text = f"it listed {len(response.actions)} actions, more than maxOrchestrationActions"
        return failure(history, text)
    reader = _Reader.of(history, limits)
    ends = [action for action in response.actions if action.WhichOneof(KIND) == "complete_orchestration"]
    others = sorted((action for action in response.actions if action not in ends), key=lambda action: action.id)
    scheduled = tuple(map(reader.scheduled, others))
    finish = _finish(ends[-1].complete_orchestration) if ends else None
    if impossible := _too_large(response, scheduled, finish):
        return failure(history, impossible)
    used = [event.event_id for event in (*history, *scheduled)]
    status = optional(response, "custom_status")
    return Decision(
        scheduled=scheduled,
        finish=finish,
        next_id=max(used, default=-1) + 1,
        custom_status=status or None,
        clears_status=status == "",
    )


def unanswered(history: Sequence[HistoryEvent], cause: FailureDetails) -> Decision:
    """The function failed before its SDK could answer: the platform's sentence, with the cause inside."""
    name = next((event.name for event in history if isinstance(event, ExecutionStarted)), "")
    reason = f"Function '{name}' failed with an unhandled exception."
    used = max((event.event_id for event in history), default=-1) + 1
    details = FailureDetails("(unknown)", reason, cause.stack_trace, cause)
    return Decision(finish=Failed(reason, str(cause), details), next_id=used, keeps_status=True)


KIND = "orchestrator_action_type"


def _too_large(response: pb.OrchestratorResponse, scheduled: Sequence[Scheduling], finish: Finish | None) -> str | None:
    for event in scheduled:
        if not isinstance(event, TimerCreated) and (reason := too_large(event.input, f"The input of '{event.name}'")):
            return reason
    result = finish.result if isinstance(finish, Completed) else finish.input if isinstance(finish, Continued) else None
    return too_large(result, "The output") or too_large(response.custom_status.value, "The custom status")


def _finish(end: pb.CompleteOrchestrationAction) -> Finish:
    result = optional(end, "result")
    match _end_status(end.orchestration_status):
        case RuntimeStatus.ContinuedAsNew:
            return Continued(result, carried_over(end.carryover_events), optional(end, "new_version"))
        case RuntimeStatus.Failed:
            return _failed(end)
        case RuntimeStatus.Completed | RuntimeStatus.Terminated | RuntimeStatus.Canceled as status:
            return Completed(result, status)
        case status:
            raise InvalidWorkerResponse(f"the orchestrator says that it ended as {status.name}, which is no end")


def _end_status(number: int) -> RuntimeStatus:
    """Raises InvalidWorkerResponse."""
    try:
        return RuntimeStatus(number)
    except ValueError:
        raise InvalidWorkerResponse(
            f"the orchestrator says that it ended with the status {number}, which is none"
        ) from None


def _failed(end: pb.CompleteOrchestrationAction) -> Failed:
    if end.HasField("failure_details"):
        details = failure_of(end.failure_details)
        return Failed(str(details), details.stack_trace or "", details)
    reason, stack = optional(end, "result") or "", optional(end, "details") or ""
    return Failed(reason, stack, failure_of_text(reason, stack))


@dataclass(slots=True)
class _Reader:
    """Reads the actions of one episode of one execution."""

    history: Sequence[HistoryEvent]
    limits: OrchestrationLimits
    us: Execution
    now: Instant
    sent: dict[str, Instant]
    """When the last request to each entity was sent: the next one names it as its predecessor."""

    @classmethod
    def of(cls, history: Sequence[HistoryEvent], limits: OrchestrationLimits) -> "_Reader":
        started = next(event for event in history if isinstance(event, ExecutionStarted))
        now = next(event.timestamp for event in reversed(history) if isinstance(event, OrchestratorStarted))
        requests = (
            (event.instance_id, request)
            for event in history
            if isinstance(event, EventSent)
            if (request := sent_request(event))
        )
        sent = {target: request.timestamp for target, request in requests if request.timestamp != NEVER}
        return cls(history, limits, started.orchestration_instance, now, sent)

    def scheduled(self, action: pb.OrchestratorAction) -> Scheduling:
        """Raises InvalidWorkerResponse."""
        kind = action.WhichOneof(KIND)
        read = _READERS.get(kind or "")
        if read is None:
            named = f"the action '{kind}'" if kind else "an action of a kind"
            raise InvalidWorkerResponse(f"the orchestrator asked for {named}, which this host does not know")
        try:
            return read(self, action.id, getattr(action, kind or ""))
        except (ValueError, OverflowError, IndexError) as error:
            raise InvalidWorkerResponse(f"the orchestrator's action {kind} has an impossible value: {error}") from error

    def task(self, event_id: int, action: pb.ScheduleTaskAction) -> Scheduling:
        return TaskScheduled(
            timestamp=self.now,
            event_id=event_id,
            name=well_formed(action.name),
            version=optional(action, "version") or "",
            input=optional(action, "input"),
            tags=dict(action.tags) or None,
        )

    def child(self, event_id: int, action: pb.CreateSubOrchestrationAction) -> Scheduling:
        call = SubOrchestrationInstanceCreated(
            timestamp=self.now,
            event_id=event_id,
            name=well_formed(action.name),
            version=optional(action, "version") or self.limits.version,
            instance_id=well_formed(action.instance_id) or f"{self.us.execution_id}:{event_id}",
            input=optional(action, "input"),
            tags=dict(action.tags) or None,
        )
        return replace(call, child_execution_id=child_execution(self._caller(event_id), call))

    def _caller(self, event_id: int) -> str | None:
        """Some SDKs call a child again under the same ids: each such call is one of its own."""
        before = sum(
            isinstance(event, SubOrchestrationInstanceCreated) and event.event_id == event_id for event in self.history
        )
        return f"{self.us.execution_id}#{before}" if before else self.us.execution_id

    def timer(self, event_id: int, action: pb.CreateTimerAction) -> Scheduling:
        return TimerCreated(timestamp=self.now, event_id=event_id, fire_at=instant_of(action.fire_at))

    def event(self, event_id: int, action: pb.SendEventAction) -> Scheduling:
        return self._sent(event_id, action.instance.instance_id, action.name, optional(action, "data"))

    def _sent(self, event_id: int, target: str, name: str, text: str | None) -> EventSent:
        return EventSent(
            timestamp=self.now,
            event_id=event_id,
            instance_id=well_formed(target),
            name=well_formed(name),
            input=text,
        )

    def entity_message(self, event_id: int, action: pb.SendEntityMessageAction) -> Scheduling:
        match action.WhichOneof("entity_message_type"):
            case "entity_operation_signaled":
                return self._operation(event_id, action.entity_operation_signaled, is_signal=True)
            case "entity_operation_called":
                return self._operation(event_id, action.entity_operation_called, is_signal=False)
            case "entity_lock_requested":
                return self._lock(event_id, action.entity_lock_requested)
            case "entity_unlock_sent":
                sent = action.entity_unlock_sent
                text = release_text(self.us.instance_id, sent.critical_section_id)
                return self._sent(event_id, str(_entity(sent.target_instance_id.value)), RELEASE, text)
        raise ValueError("a message to an entity without a kind")

    def _operation(
        self,
        event_id: int,
        sent: pb.EntityOperationSignaledEvent | pb.EntityOperationCalledEvent,
        *,
        is_signal: bool,
    ) -> Scheduling:
        target = str(_entity(sent.target_instance_id.value))
        request = EntityRequest(
            id=sent.request_id,
            operation=well_formed(sent.operation),
            is_signal=is_signal,
            input=optional(sent, "input"),
            due=instant_of(sent.scheduled_time) if sent.HasField("scheduled_time") else None,
        )
        return self._request(event_id, target, request)

    def _lock(self, event_id: int, sent: pb.EntityLockRequestedEvent) -> Scheduling:
        locked = tuple(_entity(each) for each in sent.lock_set)
        if not 0 <= sent.position < len(locked):
            raise ValueError(f"a request for the lock {sent.position} of {len(locked)}")
        request = EntityRequest(id=sent.critical_section_id, lock_set=locked, position=sent.position)
        return self._request(event_id, str(locked[sent.position]), request)

    def _request(self, event_id: int, target: str, request: EntityRequest) -> Scheduling:
        """Stamped as those of the JSON form: the entity then keeps them in order, and drops what comes twice."""
        request = replace(request, parent=self.us.instance_id, parent_execution=self.us.execution_id, action=event_id)
        if not request.due and not request.position:
            before = self.sent.get(target, NEVER)
            self.sent[target] = at = max(self.now, next_tick(before))
            request = replace(request, timestamp=at, predecessor=before)
        return self._sent(event_id, target, request.event_name, json_text(request_json(request)))


def _entity(instance: str) -> EntityId:
    """Raises ValueError."""
    return read_entity_id(well_formed(instance))


_READERS: Mapping[str, Callable[[_Reader, int, pb.ScheduleTaskAction], Scheduling]] = {
    "schedule_task": _Reader.task,
    "create_sub_orchestration": _Reader.child,  # type: ignore[dict-item]
    "create_timer": _Reader.timer,  # type: ignore[dict-item]
    "send_event": _Reader.event,  # type: ignore[dict-item]
    "send_entity_message": _Reader.entity_message,  # type: ignore[dict-item]
}
