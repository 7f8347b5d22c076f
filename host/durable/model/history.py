"""The events of an orchestration, and the state of an instance folded from them.

Rules from platform/replay.md 3 and platform/task-hub.md 2.1 and 3. Field names are the platform's in snake
case, so that `codec` can derive every outside form from these classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, ClassVar, TypeAlias

from fnhost.host.durable.model.instants import Instant


class RuntimeStatus(IntEnum):
    """The platform's names and numbers (platform/replay.md 3.2)."""

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


TERMINAL = frozenset({RuntimeStatus.Completed, RuntimeStatus.Failed, RuntimeStatus.Canceled, RuntimeStatus.Terminated})


@dataclass(frozen=True, slots=True)
class Execution:
    """One run of an instance. Without `execution_id` it means whichever run is current."""

    instance_id: str
    execution_id: str | None = None


@dataclass(frozen=True, slots=True)
class ParentInstance:
    """The caller of a sub-orchestration, and its task id there.

    `child_execution_id` is the child's first one and identifies the call, `called_at` is when it was made: a crash may
    undo an episode, and the next may make another call with the same task id. Other hosts leave them out.
    """

    name: str
    orchestration_instance: Execution
    task_schedule_id: int
    version: str = ""
    child_execution_id: str | None = None
    called_at: Instant | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FailureDetails:
    """A failure with its parts apart, as SDKs that speak protobuf tell and want it. `properties` are JSON values."""

    error_type: str
    error_message: str
    stack_trace: str | None = None
    inner_failure: "FailureDetails | None" = None
    is_non_retriable: bool = False
    properties: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"{self.error_type}: {self.error_message}"


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
    parent_instance: ParentInstance | None = None
    tags: Mapping[str, str] | None = None
    correlation: str | None = None
    scheduled_start_time: Instant | None = None
    generation: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionCompleted(HistoryEvent):
    number = 1
    orchestration_status: RuntimeStatus
    result: str | None = None
    failure_details: FailureDetails | None = None


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
    tags: Mapping[str, str] | None = None


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
    failure_details: FailureDetails | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SubOrchestrationInstanceCreated(HistoryEvent):
    """`child_execution_id`: see Parent."""

    number = 7
    name: str
    version: str | None = ""
    instance_id: str
    input: str | None = None
    tags: Mapping[str, str] | None = None
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
    failure_details: FailureDetails | None = None


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
    """Two members of this host's own, never sent to a worker (platform/replay.md 6.2).

    `listed` is how many actions the answer of this episode held; None in histories that another host wrote.
    `has_open_loops` is True when a retry, a polled HTTP call or a split timer was unfinished after it, else None.
    """

    number = 13
    listed: int | None = None
    has_open_loops: bool | None = field(default=None, compare=False)


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
    orchestration_status: RuntimeStatus = RuntimeStatus.ContinuedAsNew
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
