"""Which events of a failed execution are taken back."""

from fnhost.host.durable.model.history import (
    Execution,
    ExecutionCompleted,
    ExecutionStarted,
    GenericEvent,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
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


LATER = "2025-03-04T10:20:05.1234567Z"
AGAIN = "2025-03-04T10:20:06.1234567Z"
LAST = "2025-03-04T10:20:07.1234567Z"


def retried(*, is_last_good: bool) -> tuple[HistoryEvent, ...]:
    """Two attempts of activity A, the first of which fails."""
    end: HistoryEvent = TaskCompleted(timestamp=AGAIN, task_scheduled_id=2, result="1")
    return (
        *(BEGUN, STARTED, TaskScheduled(timestamp=AT, event_id=0, name="A"), CLOSED),
        OrchestratorStarted(timestamp=LATER),
        TaskFailed(timestamp=LATER, task_scheduled_id=0, reason="no luck"),
        TimerCreated(timestamp=LATER, event_id=1, fire_at=AGAIN),
        CLOSED,
        OrchestratorStarted(timestamp=AGAIN),
        TimerFired(timestamp=AGAIN, timer_id=1, fire_at=AGAIN),
        TaskScheduled(timestamp=AGAIN, event_id=2, name="A"),
        CLOSED,
        OrchestratorStarted(timestamp=LAST),
        end if is_last_good else TaskFailed(timestamp=LAST, task_scheduled_id=2, reason="no luck"),
    )


def test_an_activity_whose_retries_ran_out_is_tried_anew_from_its_first_attempt() -> None:
    timer = TimerCreated(timestamp=LAST, event_id=3, fire_at=LAST)
    fired = TimerFired(timestamp=LAST, timer_id=3, fire_at=LAST)
    history = (*retried(is_last_good=False), timer, CLOSED, OrchestratorStarted(timestamp=LAST), fired, FAILED, CLOSED)
    left = [event for event in rewound(history).events if not isinstance(event, GenericEvent)]
    assert {type(event) for event in left} == {OrchestratorStarted, ExecutionStarted, OrchestratorCompleted}
    assert len(rewound(history).events) == len(history)


def test_an_activity_that_succeeded_after_a_retry_stays() -> None:
    user_timer = TimerCreated(timestamp=LAST, event_id=3, fire_at="2025-03-04T11:20:05.1234567Z")
    history = (*retried(is_last_good=True), user_timer, FAILED, CLOSED)
    assert rewound(history).events == (*history[:-2], blank("ExecutionCompleted", 4), CLOSED)


def test_of_a_child_whose_retries_ran_out_the_last_attempt_is_awaited_again() -> None:
    first, second = [
        SubOrchestrationInstanceCreated(timestamp=AT, event_id=number, name="Child", instance_id=f"child-{number}")
        for number in (0, 2)
    ]
    history = (
        *(BEGUN, STARTED, first, CLOSED, OrchestratorStarted(timestamp=LATER)),
        SubOrchestrationInstanceFailed(timestamp=LATER, task_scheduled_id=0, reason="no luck"),
        *(TimerCreated(timestamp=LATER, event_id=1, fire_at=AGAIN), CLOSED, OrchestratorStarted(timestamp=AGAIN)),
        *(TimerFired(timestamp=AGAIN, timer_id=1, fire_at=AGAIN), second, CLOSED, OrchestratorStarted(timestamp=LAST)),
        SubOrchestrationInstanceFailed(timestamp=LAST, task_scheduled_id=2, reason="no luck"),
        *(TimerCreated(timestamp=LAST, event_id=3, fire_at=LAST), CLOSED, OrchestratorStarted(timestamp=LAST)),
        *(TimerFired(timestamp=LAST, timer_id=3, fire_at=LAST), FAILED, CLOSED),
    )
    found = rewound(history)
    assert found.children == ("child-2",)
    assert found.events[: history.index(second) + 3] == history[: history.index(second) + 3]
    removed = [event.data for event in found.events if isinstance(event, GenericEvent)]
    kinds = ("SubOrchestrationInstanceFailed", "TimerCreated", "TimerFired", "ExecutionCompleted")
    assert removed == [f"Rewound: {kind}" for kind in kinds]


def test_a_child_that_is_gone_is_called_again() -> None:
    call = SubOrchestrationInstanceCreated(timestamp=AT, event_id=0, name="Child", instance_id="child")
    failure = SubOrchestrationInstanceFailed(timestamp=AT, task_scheduled_id=0, reason="no luck")
    found = rewound((BEGUN, STARTED, call, CLOSED, BEGUN, failure, FAILED, CLOSED), {"child"})
    assert found.events[2] == blank("SubOrchestrationInstanceCreated", 0)


def test_attempts_under_one_id_are_all_taken_back() -> None:
    """As durabletask for Python schedules its retries."""
    history = (
        *(BEGUN, STARTED, TaskScheduled(timestamp=AT, event_id=1, name="A"), CLOSED),
        OrchestratorStarted(timestamp=LATER),
        TaskFailed(timestamp=LATER, task_scheduled_id=1, reason="no luck"),
        TimerCreated(timestamp=LATER, event_id=2, fire_at=AGAIN),
        CLOSED,
        OrchestratorStarted(timestamp=AGAIN),
        TimerFired(timestamp=AGAIN, timer_id=2, fire_at=AGAIN),
        TaskScheduled(timestamp=AGAIN, event_id=1, name="A"),
        CLOSED,
        OrchestratorStarted(timestamp=LAST),
        TaskFailed(timestamp=LAST, task_scheduled_id=1, reason="no luck"),
        *(FAILED, CLOSED),
    )
    left = [type(event) for event in rewound(history).events if not isinstance(event, GenericEvent)]
    assert left == [
        *(OrchestratorStarted, ExecutionStarted, OrchestratorCompleted),
        *(OrchestratorStarted, OrchestratorCompleted) * 3,
    ]
