"""The events of an orchestration, and the state of an instance folded from them.

Rules from durable-replay-protocol.md 3 and task-hub-storage.md 2.1 and 3. Field names are the platform's in snake
case, so that `codec` can derive every outside form from these classes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import ClassVar, TypeAlias

Instant: TypeAlias = str
"""A UTC time as `yyyy-MM-ddTHH:mm:ss.fffffffZ`: always seven digits, so that the order of texts is the order of times,
and nothing is lost between episodes."""


Clock: TypeAlias = Callable[[], Instant]


def utc_now() -> Instant:
    """The machine's clock."""
    return instant(datetime.now(UTC))


def instant(at: datetime) -> Instant:
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26] + "0Z"


def parse_instant(text: str) -> Instant:
    """Any ISO 8601 UTC time, brought to seven digits. Raises ValueError."""
    head, _, fraction = text.strip().removesuffix("Z").partition(".")
    if fraction.isdigit() or (not fraction and head[10:].count("-") == 0 and "+" not in head):
        return f"{datetime.fromisoformat(head).isoformat(timespec='seconds')}.{fraction[:7]:0<7}Z"
    at = datetime.fromisoformat(text)
    return instant(at if at.tzinfo else at.replace(tzinfo=UTC))


def to_datetime(at: Instant) -> datetime:
    return datetime.fromisoformat(at[:26] + "+00:00")


def later(at: Instant, seconds: float) -> Instant:
    return instant(to_datetime(at) + timedelta(seconds=seconds))


def next_tick(at: Instant) -> Instant:
    """The soonest time that is later, by the microsecond."""
    return later(at, 0.000001)


class Status(IntEnum):
    """The platform's names and numbers (durable-replay-protocol.md 3.2)."""

    Running = 0
    Completed = 1
    ContinuedAsNew = 2
    Failed = 3
    Canceled = 4
    Terminated = 5
    Pending = 6
    Suspended = 7

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL


TERMINAL = frozenset({Status.Completed, Status.Failed, Status.Canceled, Status.Terminated})


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of an instance. Without `execution_id` it means whichever run is current."""

    instance_id: str
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class Parent:
    """Who waits for a sub-orchestration, and as which task.

    `child_execution_id` is the child's first one and tells which call this is, `asked` when it was made: a crash may
    undo an episode, and the next may make another call under the same id. Other hosts do not say.
    """

    name: str
    orchestration_instance: Execution
    task_schedule_id: int
    version: str = ""
    child_execution_id: str | None = None
    asked: Instant | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryEvent:
    """`event_id` is the action's id on what the orchestrator caused, else -1. `timestamp` is when it happened."""

    number: ClassVar[int]
    timestamp: Instant
    event_id: int = -1
    is_played: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionStarted(HistoryEvent):
    number = 0
    orchestration_instance: Execution
    name: str
    version: str | None = ""
    input: str | None = None
    parent_instance: Parent | None = None
    tags: Mapping[str, str] | None = None
    correlation: str | None = None
    scheduled_start_time: Instant | None = None
    generation: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionCompleted(HistoryEvent):
    number = 1
    orchestration_status: Status
    result: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionTerminated(HistoryEvent):
    number = 3
    input: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskScheduled(HistoryEvent):
    number = 4
    name: str
    version: str | None = ""
    input: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskCompleted(HistoryEvent):
    number = 5
    task_scheduled_id: int
    result: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskFailed(HistoryEvent):
    number = 6
    task_scheduled_id: int
    reason: str | None = None
    details: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubOrchestrationInstanceCreated(HistoryEvent):
    """`child_execution_id`: see Parent."""

    number = 7
    name: str
    version: str | None = ""
    instance_id: str
    input: str | None = None
    child_execution_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SubOrchestrationInstanceCompleted(HistoryEvent):
    number = 8
    task_scheduled_id: int
    result: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubOrchestrationInstanceFailed(HistoryEvent):
    number = 9
    task_scheduled_id: int
    reason: str | None = None
    details: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerCreated(HistoryEvent):
    number = 10
    fire_at: Instant


@dataclass(frozen=True, kw_only=True, slots=True)
class TimerFired(HistoryEvent):
    number = 11
    timer_id: int
    fire_at: Instant


@dataclass(frozen=True, kw_only=True, slots=True)
class OrchestratorStarted(HistoryEvent):
    number = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class OrchestratorCompleted(HistoryEvent):
    """`listed` is ours: how many actions the answer of this episode held (durable-replay-protocol.md 6.2).

    It is None in histories that another host wrote, and never sent to a worker.
    """

    number = 13
    listed: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSent(HistoryEvent):
    number = 14
    instance_id: str
    name: str
    input: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EventRaised(HistoryEvent):
    number = 15
    name: str
    input: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ContinueAsNew(HistoryEvent):
    number = 16
    orchestration_status: Status = Status.ContinuedAsNew
    result: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GenericEvent(HistoryEvent):
    number = 17
    data: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionSuspended(HistoryEvent):
    number = 19
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionResumed(HistoryEvent):
    number = 20
    reason: str | None = None


EVENTS: Mapping[str, type[HistoryEvent]] = {kind.__name__: kind for kind in HistoryEvent.__subclasses__()}
"""Every event by the name the tables use; `number` is what messages and workers use."""

Completion: TypeAlias = (
    TaskCompleted | TaskFailed | SubOrchestrationInstanceCompleted | SubOrchestrationInstanceFailed | TimerFired
)
Scheduling: TypeAlias = TaskScheduled | SubOrchestrationInstanceCreated | TimerCreated | EventSent


def completed_id(event: Completion) -> int:
    """The id of the action this event completes."""
    return event.timer_id if isinstance(event, TimerFired) else event.task_scheduled_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """What is known of an instance without its history: a row of the Instances table (task-hub-storage.md 2).

    `input` and `output` are stored texts, JSON but for reasons of failure and termination; `custom_status` is JSON
    text, None when unset.
    """

    id: str
    execution_id: str | None
    name: str
    status: Status
    created: Instant
    updated: Instant
    version: str = ""
    input: str | None = None
    output: str | None = None
    custom_status: str | None = None
    completed: Instant | None = None
    scheduled: Instant | None = None
    generation: int | None = None
    tags: Mapping[str, str] | None = None


def pending(start: ExecutionStarted, now: Instant) -> Instance:
    """The instance as its starter leaves it, before its first episode (task-hub-storage.md 2.1)."""
    return Instance(
        id=start.orchestration_instance.instance_id,
        execution_id=start.orchestration_instance.execution_id,
        name=start.name,
        version=start.version or "",
        status=Status.Pending,
        created=start.timestamp,
        updated=now,
        input=start.input,
        scheduled=start.scheduled_start_time,
        generation=start.generation,
        tags=start.tags,
    )


def fold(instance: Instance | None, events: Iterable[HistoryEvent], custom_status: str | None) -> Instance | None:
    """The instance after a checkpoint that appended `events` (task-hub-storage.md 2.1, second table)."""
    updated: Instant | None = None
    for event in events:
        updated = event.timestamp
        if isinstance(event, _TELLING):
            instance = _after(instance, event)
    return instance and replace(instance, updated=updated or instance.updated, custom_status=custom_status)


_TELLING = (ExecutionStarted, ExecutionCompleted, ExecutionTerminated, ExecutionSuspended, ExecutionResumed)


def _after(instance: Instance | None, event: HistoryEvent) -> Instance | None:
    if isinstance(event, ExecutionStarted):
        return replace(pending(event, event.timestamp), status=Status.Running)
    if instance is None:
        return None
    match event:
        case ExecutionCompleted():
            status, output = event.orchestration_status, event.result
            return replace(instance, status=status, completed=event.timestamp, output=output)
        case ExecutionTerminated():
            return replace(instance, status=Status.Terminated, completed=event.timestamp, output=event.input)
        case ExecutionSuspended():
            return replace(instance, status=Status.Suspended, output=event.reason)
        case ExecutionResumed():
            return replace(instance, status=Status.Running, output=event.reason)
    return instance
