"""Taking back the failures of an execution, so that it goes on from before them. Pure (platform/task-hub.md 3.7)."""

from collections.abc import Sequence
from dataclasses import dataclass

from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    GenericEvent,
    HistoryEvent,
    RuntimeStatus,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskFailed,
    TaskScheduled,
)


@dataclass(frozen=True, slots=True)
class Rewound:
    """As many events as before, so that ordinals stay. `children` failed too, and are to be rewound in their turn."""

    events: tuple[HistoryEvent, ...]
    children: tuple[str, ...]


def rewound(events: Sequence[HistoryEvent]) -> Rewound:
    """Failed activities are scheduled again by the next replay; failed children are only awaited again."""
    tasks = {event.task_scheduled_id for event in events if isinstance(event, TaskFailed)}
    failed = {event.task_scheduled_id for event in events if isinstance(event, SubOrchestrationInstanceFailed)}
    created = [event for event in events if isinstance(event, SubOrchestrationInstanceCreated)]
    return Rewound(
        tuple(_blank(event) if _is_failure(event, tasks) else event for event in events),
        tuple(event.instance_id for event in created if event.event_id in failed),
    )


def _is_failure(event: HistoryEvent, failed_tasks: set[int]) -> bool:
    match event:
        case TaskFailed() | SubOrchestrationInstanceFailed():
            return True
        case TaskScheduled():
            return event.event_id in failed_tasks
        case ExecutionCompleted():
            return event.orchestration_status is RuntimeStatus.Failed
    return False


def _blank(event: HistoryEvent) -> GenericEvent:
    return GenericEvent(
        timestamp=event.timestamp,
        event_id=event.event_id,
        is_played=event.is_played,
        data=f"Rewound: {type(event).__name__}",
    )
