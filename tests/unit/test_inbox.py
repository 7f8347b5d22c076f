"""Which messages begin, continue or miss an execution."""

from dataclasses import replace

from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    Execution,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ParentInstance,
    RuntimeStatus,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    TaskCompleted,
    TaskScheduled,
)
from fnhost.host.durable.model.messages import Message, ReceivedMessage
from fnhost.host.durable.model.states import HistoryState, Instance, fold
from fnhost.host.durable.runtime.inbox import admit, next_batch

US = Execution("i", "e")
AT = "2024-05-01T10:00:00.0000000Z"
START = ExecutionStarted(timestamp=AT, orchestration_instance=US, name="O")
DONE = TaskCompleted(timestamp=AT, task_scheduled_id=0, result="1")


def received(event: ExecutionStarted | TaskCompleted, deliveries: int = 1) -> ReceivedMessage:
    return ReceivedMessage(Message(US, event), "control-00", type(event).__name__, "r", deliveries)


def row() -> Instance:
    found = fold(None, (START,), None)
    assert found
    return found


def test_a_start_that_is_delivered_again_is_dropped() -> None:
    start = received(START)
    admission = admit(HistoryState("e", (START,)), row(), [start])
    assert (admission.accepted, admission.dropped) == ([], [start])


def test_an_execution_begins_again_after_a_crash_in_its_first_checkpoint() -> None:
    start, early = received(START), received(DONE)
    admission = admit(HistoryState("e", (), "version"), row(), [early, start])
    assert (admission.accepted, admission.early, admission.dropped) == ([start], [early], [])


def test_a_child_begins_again_after_a_crash_in_its_first_checkpoint() -> None:
    start = received(replace(START, parent_instance=ParentInstance("P", Execution("p", "x"), 0)))
    assert admit(HistoryState("e", ()), row(), [start]).accepted == [start]


def test_the_start_of_a_child_that_continued_as_new_is_dropped() -> None:
    parent = ParentInstance("P", Execution("p", "x"), 0)
    now = replace(START, orchestration_instance=Execution(US.instance_id, "next"), parent_instance=parent)
    first = received(replace(START, parent_instance=parent))
    admission = admit(HistoryState("next", (now,)), None, [first])
    assert (admission.dropped, admission.refused, admission.accepted) == ([first], [], [])


def test_of_two_calls_with_one_task_id_the_later_one_counts() -> None:
    """A crash undid the episode that made the earlier one."""

    def start(call: str, asked: str) -> ExecutionStarted:
        parent = ParentInstance("P", Execution("p", "x"), 0, "", call, asked)
        return replace(START, orchestration_instance=Execution(US.instance_id, call), parent_instance=parent)

    earlier, later = start("c1", AT), start("c2", "2024-05-01T10:00:01.0000000Z")
    ended = ExecutionCompleted(timestamp=AT, event_id=1, orchestration_status=RuntimeStatus.Completed)
    for history in ((earlier,), (earlier, ended)):
        assert admit(HistoryState("c1", history), None, [received(later)]).accepted
    for history in ((later,), (later, ended)):
        assert admit(HistoryState("c2", history), None, [received(earlier)]).dropped
        assert admit(HistoryState("c2", history), None, [received(later)]).dropped


def test_the_result_of_a_child_must_belong_to_the_recorded_call() -> None:
    call = SubOrchestrationInstanceCreated(
        timestamp=AT, event_id=0, name="C", instance_id="e:0", child_execution_id="c2"
    )
    end = SubOrchestrationInstanceCompleted(timestamp=AT, task_scheduled_id=0, result="1")

    def told(call_id: str | None) -> ReceivedMessage:
        return ReceivedMessage(Message(US, end, Execution("e:0", "x"), call_id=call_id), "control-00", "1")

    state = HistoryState("e", (START, call))
    assert admit(state, None, [told("c1")]).dropped
    assert admit(state, None, [told("c2")]).accepted
    assert admit(state, None, [told(None)]).accepted, "other hosts do not say"


def test_the_answer_of_an_entity_waits_until_its_request_is_recorded() -> None:
    answer = EventRaised(timestamp=AT, name="request", input='{"result":"1"}')
    message = ReceivedMessage(Message(US, answer, Execution("@counter@a", "x")), "control-00", "1", "r", 1)
    asked = EventSent(
        timestamp=AT, event_id=0, instance_id="@counter@a", name="op", input='{"op":"get","id":"request"}'
    )
    assert admit(HistoryState("e", (START,)), None, [message]).early == [message]
    assert admit(HistoryState("e", (START, asked)), None, [message]).accepted == [message]


def test_the_start_of_a_child_is_not_taken_with_earlier_messages() -> None:
    def start(number: int) -> ReceivedMessage:
        return received(replace(START, parent_instance=ParentInstance("P", Execution("p", "x"), number)))

    first, done, second = start(0), received(DONE), start(1)
    assert next_batch([first, done, second], one_at_a_time=False, suspended=False) == [first, done]
    assert next_batch([second], one_at_a_time=False, suspended=False) == [second]


def test_a_result_for_an_episode_that_a_crash_undid_is_dropped() -> None:
    scheduled = TaskScheduled(timestamp=AT, event_id=0, name="A")
    state = HistoryState("e", (START, scheduled))
    undone, ours, foreign = (
        ReceivedMessage(Message(US, DONE, US, 1, asked), "control-00", str(asked), "r")
        for asked in ("before", AT, None)
    )
    admission = admit(state, row(), [undone, ours])
    assert (admission.dropped, admission.accepted) == ([undone], [ours])
    assert admit(state, row(), [foreign]).accepted == [foreign]


def test_a_result_waits_until_its_call_is_recorded() -> None:
    early = received(DONE)
    assert admit(HistoryState("e", (START,)), row(), [early]).early == [early]


def test_a_result_counts_once() -> None:
    scheduled = TaskScheduled(timestamp=AT, event_id=0, name="A")
    first, again = received(DONE), received(DONE)
    admission = admit(HistoryState("e", (START, scheduled)), row(), [first, again])
    assert (admission.accepted, admission.dropped) == ([first], [again])
    assert admit(HistoryState("e", (START, scheduled, DONE)), row(), [again]).dropped == [again]


def test_a_call_that_is_scheduled_again_under_its_id_takes_another_result() -> None:
    again = "2024-05-01T10:00:05.0000000Z"
    calls = [TaskScheduled(timestamp=at, event_id=0, name="A") for at in (AT, again)]
    history = (START, calls[0], DONE, calls[1])
    results = [ReceivedMessage(Message(US, DONE, call_id=at), "control-00", at, "r", 1) for at in (AT, again)]
    admission = admit(HistoryState("e", history), row(), results)
    assert (admission.accepted, admission.dropped) == ([results[1]], [results[0]])
    assert admit(HistoryState("e", (*history, DONE)), row(), results[1:]).dropped == results[1:]


def test_a_start_by_an_entity_has_no_row() -> None:
    sent = ReceivedMessage(Message(US, START, Execution("@counter@k", "x")), "control-00", "id", "r", 2)
    assert admit(HistoryState(), None, [sent]).accepted == [sent]
    assert admit(HistoryState(), None, [received(START, 2)]).early


def test_suspended_instances_take_only_terminate_and_resume() -> None:
    resumed = ReceivedMessage(Message(US, ExecutionResumed(timestamp=AT)), "control-00", "r", "r")
    done = received(DONE)
    assert next_batch([done, resumed], one_at_a_time=False, suspended=True) == [resumed]
    assert next_batch([done], one_at_a_time=False, suspended=True) == []
    assert next_batch([resumed, done], one_at_a_time=False, suspended=False) == [resumed]


def test_only_one_message_is_taken_while_a_loop_runs() -> None:
    first, second = received(DONE), received(DONE)
    assert next_batch([first, second], one_at_a_time=True, suspended=False) == [first]
