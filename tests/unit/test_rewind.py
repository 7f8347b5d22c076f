"""Which events of a failed execution are taken back."""

from fnhost.host.durable.model.history import (
    Execution,
    ExecutionCompleted,
    ExecutionStarted,
    GenericEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
)
from fnhost.host.durable.replay.rewind import rewound

AT = "2025-03-04T10:20:00.1234567Z"
BEGUN = OrchestratorStarted(timestamp=AT)
STARTED = ExecutionStarted(timestamp=AT, orchestration_instance=Execution("order-42", "run"), name="Hello")
CLOSED = OrchestratorCompleted(timestamp=AT, listed=1)
FAILED = ExecutionCompleted(timestamp=AT, event_id=4, orchestration_status=RuntimeStatus.Failed, result="no luck")


def blank(kind: str, event_id: int = -1) -> GenericEvent:
    return GenericEvent(timestamp=AT, event_id=event_id, data=f"Rewound: {kind}")


def test_failed_activities_are_taken_back_with_what_scheduled_them() -> None:
    good, bad = TaskScheduled(timestamp=AT, event_id=0, name="A"), TaskScheduled(timestamp=AT, event_id=1, name="B")
    result = TaskCompleted(timestamp=AT, task_scheduled_id=0, result="1")
    failure = TaskFailed(timestamp=AT, task_scheduled_id=1, reason="no luck")
    found = rewound((BEGUN, STARTED, good, bad, CLOSED, BEGUN, result, failure, FAILED, CLOSED))
    back = (blank("TaskScheduled", 1), CLOSED, BEGUN, result, blank("TaskFailed"), blank("ExecutionCompleted", 4))
    assert found.events == (BEGUN, STARTED, good, *back, CLOSED)
    assert found.children == ()


def test_failed_children_are_awaited_again_and_named() -> None:
    first, second = [
        SubOrchestrationInstanceCreated(timestamp=AT, event_id=number, name="Child", instance_id=f"child-{number}")
        for number in (0, 1)
    ]
    result = SubOrchestrationInstanceCompleted(timestamp=AT, task_scheduled_id=0)
    failure = SubOrchestrationInstanceFailed(timestamp=AT, task_scheduled_id=1, reason="no luck")
    found = rewound((BEGUN, STARTED, first, second, CLOSED, BEGUN, result, failure, FAILED, CLOSED))
    back = (blank("SubOrchestrationInstanceFailed"), blank("ExecutionCompleted", 4))
    assert found.events == (BEGUN, STARTED, first, second, CLOSED, BEGUN, result, *back, CLOSED)
    assert found.children == ("child-1",)


def test_a_good_end_stays() -> None:
    done = ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Completed)
    assert rewound((BEGUN, STARTED, done, CLOSED)).events == (BEGUN, STARTED, done, CLOSED)
