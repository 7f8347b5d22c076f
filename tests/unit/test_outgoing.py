"""The messages that carry a decision out."""

import pytest

from fnhost.host.durable.model.history import (
    Execution,
    ExecutionStarted,
    HistoryEvent,
    ParentInstance,
    Scheduling,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.replay.decide import Completed, Continued, Failed, Finish
from fnhost.host.durable.replay.outgoing import (
    activity_completed,
    activity_failed,
    activity_result_message,
    end_message,
    refusal,
    scheduled_messages,
    unknown_function,
)
from fnhost.host.durable.storage import codec

AT, LATER = "2024-05-01T10:00:00.0000000Z", "2024-05-01T10:00:05.0000000Z"
US, PARENT = Execution("i", "e"), ParentInstance("P", Execution("p", "x"), 3)
STARTED = ExecutionStarted(timestamp=AT, orchestration_instance=US, name="O")
CHILD = ExecutionStarted(timestamp=AT, orchestration_instance=US, name="O", parent_instance=PARENT)
ACTIVITY = TaskScheduled(timestamp=AT, event_id=0, name="A", input="[1]")


def sent(event: Scheduling) -> Message:
    (message,) = scheduled_messages(STARTED, 2, [event], AT)
    return message


def ended(started: ExecutionStarted, finish: Finish | None) -> HistoryEvent | None:
    return next((message.event for message in end_message(started, finish, LATER)), None)


def test_an_activity_is_sent_as_it_was_decided() -> None:
    assert sent(ACTIVITY) == Message(US, ACTIVITY, US, 2, AT)


def test_a_timer_fires_at_its_own_instance() -> None:
    fired = TimerFired(timestamp=AT, timer_id=1, fire_at=LATER)
    assert sent(TimerCreated(timestamp=AT, event_id=1, fire_at=LATER)) == Message(US, fired, US, 2, AT)


def test_a_child_knows_its_parent_and_is_the_same_however_often_it_is_sent() -> None:
    created = SubOrchestrationInstanceCreated(timestamp=AT, event_id=3, name="C", instance_id="c", input="1")
    first, again = sent(created), sent(created)
    assert first == again
    assert isinstance(first.event, ExecutionStarted)
    assert first.event.parent_instance == ParentInstance("O", US, 3)
    assert (first.target.instance_id, first.event.name, first.event.input) == ("c", "C", "1")


@pytest.mark.parametrize("failed", [False, True])
def test_the_result_of_an_activity_carries_its_call_id(failed: bool) -> None:
    end = activity_failed(ACTIVITY, "E: no", "", LATER) if failed else activity_completed(ACTIVITY, "1", LATER)
    message = activity_result_message(sent(ACTIVITY), end)
    assert (message.target, message.sender, message.episode, message.call_id) == (US, US, 2, AT)
    assert codec.open_envelope(codec.envelope(message, 1, "a")) == codec.Envelope(message, 1)


def test_messages_of_other_hosts_have_no_call_id() -> None:
    message = activity_result_message(Message(US, ACTIVITY, US, 2), activity_completed(ACTIVITY, None, LATER))
    assert message.call_id is None
    assert "AskedAt" not in codec.envelope(message, 1, "a")


def test_a_parent_gets_the_result_of_its_child() -> None:
    assert ended(CHILD, Completed("1")) == SubOrchestrationInstanceCompleted(
        timestamp=LATER, task_scheduled_id=3, result="1"
    )
    assert ended(CHILD, Failed("no", "why")) == SubOrchestrationInstanceFailed(
        timestamp=LATER, task_scheduled_id=3, reason="no", details="why"
    )


@pytest.mark.parametrize(("started", "finish"), [(STARTED, Completed("1")), (CHILD, None), (CHILD, Continued("1", ()))])
def test_no_result_is_sent_without_an_end_or_a_parent(started: ExecutionStarted, finish: Finish | None) -> None:
    assert ended(started, finish) is None


def test_a_child_that_may_not_start_fails_at_its_parent() -> None:
    (message,) = refusal(CHILD, "taken", LATER)
    assert message.target == PARENT.orchestration_instance
    assert isinstance(message.event, SubOrchestrationInstanceFailed)
    assert message.event.reason == "taken"


def test_an_unknown_function_is_named_with_those_that_are_known() -> None:
    assert unknown_function("activity", "X", ["B", "A"]) == (
        "The function 'X' doesn't exist, is disabled, or is not an activity function. "
        "Additional info: The following are the known activity functions: 'A', 'B'."
    )
    assert unknown_function("orchestrator", "X", []).endswith("No orchestrator functions are currently registered!")
