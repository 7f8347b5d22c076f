"""The protobuf form, read and written by the stubs of durabletask: their field numbers are the framework's."""

import base64
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import pytest
from durabletask.internal import orchestrator_service_pb2 as dt
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from fnhost.bindings.contract import Failure, Json, Outcome, Value
from fnhost.host.durable.dialects.protobuf.dialect import PROTOBUF
from fnhost.host.durable.dialects.protobuf.events import event_message
from fnhost.host.durable.dialects.protobuf.values import failure_of_text, instant_of, timestamp
from fnhost.host.durable.entities.entity import Batch, Entity, EntityBatchResult, done
from fnhost.host.durable.entities.messages import EntityRequest, sent_request
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.history import (
    EVENTS,
    EventRaised,
    EventSent,
    Execution,
    ExecutionCompleted,
    ExecutionStarted,
    FailureDetails,
    HistoryEvent,
    OrchestratorStarted,
    RuntimeStatus,
    SubOrchestrationInstanceCreated,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
)
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.replay.decide import Decision, OrchestrationLimits
from fnhost.host.durable.replay.replayer import Episode, RecordedHistory, Replayer
from fnhost.host.durable.storage.codec import event_columns, event_of_row

pytestmark = pytest.mark.anyio
NOW, EARLIER = "2025-03-04T10:20:09.1234567Z", "2025-03-04T10:20:08.0000000Z"
US = Execution("abc", "run")
LIMITS = OrchestrationLimits(version="7")
BEGUN: Sequence[HistoryEvent] = (
    OrchestratorStarted(timestamp=NOW),
    ExecutionStarted(timestamp=EARLIER, orchestration_instance=US, name="Hello", input='"x"', tags={"a": "b"}),
)
INNER = FailureDetails("E", "inside")
BROKEN = FailureDetails("ValueError", "no", "in line 1", INNER, True, {"code": 5.0})


def text(value: str) -> StringValue:
    return StringValue(value=value)


def answered(*actions: dt.OrchestratorAction, **members: Any) -> Outcome:
    response = dt.OrchestratorResponse(instanceId="abc", actions=actions, **members)
    return Outcome(returned=base64.b64encode(response.SerializeToString()).decode())


def decided(*actions: dt.OrchestratorAction, history: Sequence[HistoryEvent] = BEGUN, **members: Any) -> Decision:
    verdict = PROTOBUF.decide(answered(*actions, **members), history, LIMITS)
    assert not verdict.failures
    return verdict.decision


def ending(**members: Any) -> dt.OrchestratorAction:
    return dt.OrchestratorAction(id=9, completeOrchestration=dt.CompleteOrchestrationAction(**members))


async def replayed(*outcomes: Outcome) -> tuple[Episode, list[Any]]:
    """One episode that begins an execution, and what its orchestrator was asked."""
    answers, asked = iter(outcomes), list[Any]()

    async def run(name: str, payload: str, instance: str) -> Outcome:
        asked.append(dt.OrchestratorRequest.FromString(base64.b64decode(payload)))
        return next(answers)

    return await Replayer(run, LIMITS, dialect=PROTOBUF).replay(RecordedHistory(), BEGUN), asked


# --- what is sent -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EVENTS.values(), ids=lambda kind: kind.__name__)
def test_every_event_has_a_message(kind: type[HistoryEvent]) -> None:
    values = {"fire_at": NOW, "orchestration_instance": US, "orchestration_status": RuntimeStatus.Failed}
    values |= {"name": "n", "instance_id": "i", "task_scheduled_id": 5, "timer_id": 5}
    own = {each.name: values[each.name] for each in fields(kind) if each.name in values}
    given: dict[str, Any] = {"timestamp": NOW, "event_id": 3, **own}
    message = dt.HistoryEvent.FromString(event_message(kind(**given)).SerializeToString())
    assert (message.eventId, message.timestamp.nanos) == (3, 123456700)
    named = message.WhichOneof("eventType")
    assert named is not None and named.lower() == kind.__name__.lower()


def test_failures_and_tags_are_told_in_full() -> None:
    failed = TaskFailed(timestamp=NOW, task_scheduled_id=1, reason="r", failure_details=BROKEN)
    told = dt.HistoryEvent.FromString(event_message(failed).SerializeToString()).taskFailed.failureDetails
    assert (told.errorType, told.errorMessage, told.stackTrace.value) == ("ValueError", "no", "in line 1")
    assert told.innerFailure.errorMessage == "inside" and told.isNonRetriable
    assert told.properties["code"].number_value == 5
    started = dt.HistoryEvent.FromString(event_message(BEGUN[1]).SerializeToString()).executionStarted
    assert dict(started.tags) == {"a": "b"} and not started.HasField("version")


def test_a_failure_of_the_host_is_told_by_its_reason() -> None:
    failed = TaskFailed(timestamp=NOW, task_scheduled_id=1, reason="The function 'x' doesn't exist")
    told = event_message(failed).task_failed.failure_details
    assert (told.error_type, told.error_message) == ("(unknown)", "The function 'x' doesn't exist")


async def test_a_history_that_was_kept_is_the_past_of_a_request() -> None:
    scheduled = TaskScheduled(timestamp=NOW, event_id=0, name="Say", input='"long"')
    past = (*BEGUN, scheduled)
    parts = [PROTOBUF.part(event) for event in past]
    opening = (OrchestratorStarted(timestamp=NOW), TaskCompleted(timestamp=NOW, task_scheduled_id=0, result="1"))
    payload = PROTOBUF.episode(BEGUN[1], parts, opening, LIMITS)  # type: ignore[arg-type]
    asked = dt.OrchestratorRequest.FromString(base64.b64decode(payload))
    assert asked.instanceId == "abc"
    assert [each.WhichOneof("eventType") for each in asked.pastEvents] == [
        "orchestratorStarted",
        "executionStarted",
        "taskScheduled",
    ]
    assert not asked.pastEvents[2].taskScheduled.HasField("input")
    assert [each.WhichOneof("eventType") for each in asked.newEvents] == ["orchestratorStarted", "taskCompleted"]
    assert asked.entityParameters.entityMessageReorderWindow.seconds == 1800


@pytest.mark.parametrize("at", [NOW, "0001-01-01T00:00:00.0000000Z", "9999-12-31T23:59:59.9999999Z"])
def test_times_are_exact(at: str) -> None:
    assert instant_of(timestamp(at)) == at


def test_nanoseconds_beyond_a_second_are_carried() -> None:
    assert instant_of(Timestamp(seconds=5, nanos=-100)) == "1970-01-01T00:00:04.9999999Z"
    assert instant_of(Timestamp(seconds=5, nanos=2_000_000_100)) == "1970-01-01T00:00:07.0000001Z"


def test_times_beyond_the_calendar_are_its_ends() -> None:
    assert instant_of(Timestamp(seconds=10**12)) == "9999-12-31T23:59:59.9999999Z"
    assert instant_of(Timestamp(seconds=-(10**12))) == "0001-01-01T00:00:00.0000000Z"


@pytest.mark.parametrize(
    ("given", "sent"),
    [(None, None), ('"a"', '"a"'), ('{"a": [1, 2]}', '{"a":[1,2]}'), ("no JSON", "no JSON")],
)
def test_activities_get_json_text(given: str | None, sent: str | None) -> None:
    assert PROTOBUF.activity_input(TaskScheduled(timestamp=NOW, name="Say", input=given), US) == sent


@pytest.mark.parametrize(
    ("said", "kind", "message"),
    [
        ("ValueError: no: really", "ValueError", "no: really"),
        ("System.InvalidOperationException: bad", "System.InvalidOperationException", "bad"),
        ("no colon", "(unknown)", "no colon"),
        ("The function took too long: 5 s", "(unknown)", "The function took too long: 5 s"),
        ("Exception of type 'My.Error' was thrown.", "My.Error", ""),
    ],
)
def test_a_failure_of_an_activity_is_split(said: str, kind: str, message: str) -> None:
    failed = PROTOBUF.activity_failed(TaskScheduled(timestamp=NOW, event_id=4, name="Say"), Failure(said, "st"), NOW)
    assert failed.failure_details == FailureDetails(kind, message, "st")
    assert failed.reason == "Function 'Say' failed with an unhandled exception."


# --- what comes back --------------------------------------------------------------------------------------------------


def test_actions_become_events_under_their_ids() -> None:
    fire_at = Timestamp(seconds=253402300799, nanos=999999900)
    decision = decided(
        dt.OrchestratorAction(id=7, createTimer=dt.CreateTimerAction(fireAt=fire_at)),
        dt.OrchestratorAction(id=3, scheduleTask=dt.ScheduleTaskAction(name="Say", input=text("1"), tags={"k": "v"})),
        dt.OrchestratorAction(id=5, createSubOrchestration=dt.CreateSubOrchestrationAction(name="Child")),
        dt.OrchestratorAction(
            id=6,
            sendEvent=dt.SendEventAction(instance=dt.OrchestrationInstance(instanceId="o"), name="n", data=text("2")),
        ),
    )
    task, child, sent, timer = decision.scheduled
    assert task == TaskScheduled(timestamp=NOW, event_id=3, name="Say", input="1", tags={"k": "v"})
    assert isinstance(child, SubOrchestrationInstanceCreated)
    assert (child.instance_id, child.version, bool(child.child_execution_id)) == ("run:5", "7", True)
    assert sent == EventSent(timestamp=NOW, event_id=6, instance_id="o", name="n", input="2")
    assert timer == TimerCreated(timestamp=NOW, event_id=7, fire_at="9999-12-31T23:59:59.9999999Z")
    assert decision.finish is None and decision.next_id == 8


def test_a_child_that_is_called_again_under_its_id_is_another_call() -> None:
    call = dt.OrchestratorAction(id=1, createSubOrchestration=dt.CreateSubOrchestrationAction(name="C", instanceId="c"))
    first = decided(call).scheduled[0]
    second = decided(call, history=(*BEGUN, first)).scheduled[0]
    assert isinstance(first, SubOrchestrationInstanceCreated) and isinstance(second, SubOrchestrationInstanceCreated)
    assert first.child_execution_id == decided(call).scheduled[0].child_execution_id  # type: ignore[union-attr]
    assert first.child_execution_id != second.child_execution_id


@pytest.mark.parametrize(
    ("said", "stored", "clears"),
    [({}, None, False), ({"customStatus": text("")}, None, True), ({"customStatus": text("1")}, "1", False)],
)
def test_an_empty_custom_status_is_none(said: dict[str, Any], stored: str | None, clears: bool) -> None:
    decision = decided(**said)
    assert (decision.custom_status, decision.clears_status, decision.keeps_status) == (stored, clears, False)


async def test_a_status_outlives_continue_as_new_unless_it_is_cleared() -> None:
    again = ending(orchestrationStatus=dt.ORCHESTRATION_STATUS_CONTINUED_AS_NEW, result=text("2"))
    end = ending(orchestrationStatus=dt.ORCHESTRATION_STATUS_COMPLETED)
    for said, left in (({}, '"busy"'), ({"customStatus": text("")}, None)):
        first = answered(again, customStatus=text('"busy"'))
        episode, asked = await replayed(first, answered(end, **said))
        assert episode.custom_status == left
        assert asked[1].newEvents[1].executionStarted.input.value == "2" and not asked[1].pastEvents


async def test_continue_as_new_takes_events_along_and_a_new_version() -> None:
    carried = [
        dt.HistoryEvent(eventId=-1, eventRaised=dt.EventRaisedEvent(name="go", input=text("1"))),
        dt.HistoryEvent(eventId=-1, orchestratorStarted=dt.OrchestratorStartedEvent()),
    ]
    again = ending(
        orchestrationStatus=dt.ORCHESTRATION_STATUS_CONTINUED_AS_NEW, carryoverEvents=carried, newVersion=text("8")
    )
    _, asked = await replayed(answered(again), answered())
    assert [each.WhichOneof("eventType") for each in asked[1].newEvents][2:] == ["eventRaised"]
    assert asked[1].newEvents[1].executionStarted.version.value == "8"


async def test_a_failed_orchestration_keeps_its_details() -> None:
    told = dt.TaskFailureDetails(errorType="E", errorMessage="m", stackTrace=text("s"), isNonRetriable=True)
    episode, _ = await replayed(
        answered(ending(orchestrationStatus=dt.ORCHESTRATION_STATUS_FAILED, failureDetails=told))
    )
    end = next(event for event in episode.events if isinstance(event, ExecutionCompleted))
    assert (end.orchestration_status, end.result) == (RuntimeStatus.Failed, "E: m")
    assert end.failure_details == FailureDetails("E", "m", "s", None, True)
    assert not episode.failures


async def test_an_orchestrator_that_did_not_answer_has_failed() -> None:
    episode, _ = await replayed(Outcome(failure=Failure("ImportError: gone", "trace")))
    end = next(event for event in episode.events if isinstance(event, ExecutionCompleted))
    assert end.result == "Function 'Hello' failed with an unhandled exception."
    assert end.failure_details and end.failure_details.inner_failure == FailureDetails("ImportError", "gone", "trace")


@pytest.mark.parametrize("returned", [None, "", "no base64", Json("5"), base64.b64encode(b"\xff\xff").decode(), 5])
def test_what_is_no_answer_fails_the_instance(returned: Value) -> None:
    verdict = PROTOBUF.decide(Outcome(returned=returned), BEGUN, LIMITS)
    assert verdict.decision.finish and "not that of a Durable Functions SDK" in verdict.failures[0]


@pytest.mark.parametrize(
    "action",
    [
        dt.OrchestratorAction(id=1),
        dt.OrchestratorAction(id=1, terminateOrchestration=dt.TerminateOrchestrationAction(instanceId="x")),
        dt.OrchestratorAction(id=1, rewindOrchestration=dt.RewindOrchestrationAction()),
        dt.OrchestratorAction(id=1, sendEntityMessage=dt.SendEntityMessageAction()),
        ending(orchestrationStatus=dt.ORCHESTRATION_STATUS_PENDING),
    ],
    ids=["empty", "terminate", "rewind", "entity", "no end"],
)
def test_actions_that_nobody_may_ask_for_fail_the_instance(action: dt.OrchestratorAction) -> None:
    verdict = PROTOBUF.decide(answered(action), BEGUN, LIMITS)
    assert verdict.failures and verdict.decision.finish and not verdict.decision.scheduled


@pytest.mark.parametrize(
    ("message", "why"),
    [
        ({"entityOperationCalled": dt.EntityOperationCalledEvent(requestId="r")}, "'' is no id of an entity"),
        (
            {"entityOperationSignaled": dt.EntityOperationSignaledEvent(targetInstanceId=text("counter"))},
            "'counter' is no id of an entity",
        ),
        ({"entityUnlockSent": dt.EntityUnlockSentEvent(targetInstanceId=text("@counter"))}, "like @name@key"),
        ({"entityLockRequested": dt.EntityLockRequestedEvent(lockSet=["@a@b", "b"])}, "'b' is no id of an entity"),
        ({"entityLockRequested": dt.EntityLockRequestedEvent(lockSet=["@a@b"], position=-1)}, "the lock -1 of 1"),
        ({"entityLockRequested": dt.EntityLockRequestedEvent()}, "the lock 0 of 0"),
    ],
)
def test_a_message_to_no_entity_fails_the_instance(message: dict[str, Any], why: str) -> None:
    verdict = PROTOBUF.decide(answered(entity_action(1, **message)), BEGUN, LIMITS)
    assert not verdict.decision.scheduled and why in verdict.failures[0]


def test_a_status_that_there_is_not_is_named() -> None:
    verdict = PROTOBUF.decide(answered(ending(orchestrationStatus=99)), BEGUN, LIMITS)
    assert "ended with the status 99, which is none" in verdict.failures[0]


def test_an_answer_in_json_holds_the_same_text() -> None:
    returned = answered(ending(orchestrationStatus=dt.ORCHESTRATION_STATUS_COMPLETED, result=text("1"))).returned
    decision = PROTOBUF.decide(Outcome(returned=Json(f'"{returned}"')), BEGUN, LIMITS).decision
    assert decision.finish is not None


# --- entities ---------------------------------------------------------------------------------------------------------


def entity_action(id: int, **message: Any) -> dt.OrchestratorAction:
    return dt.OrchestratorAction(id=id, sendEntityMessage=dt.SendEntityMessageAction(**message))


def test_messages_to_entities_keep_their_ids_and_their_order() -> None:
    call = dt.EntityOperationCalledEvent(requestId="r1", operation="get", targetInstanceId=text("@Counter@K"))
    later = Timestamp(seconds=1800000000)
    signal = dt.EntityOperationSignaledEvent(
        requestId="r2", operation="add", input=text("1"), targetInstanceId=text("@counter@K"), scheduledTime=later
    )
    lock = dt.EntityLockRequestedEvent(criticalSectionId="c", lockSet=["@counter@K", "@counter@L"], position=0)
    unlock = dt.EntityUnlockSentEvent(criticalSectionId="c", targetInstanceId=text("@counter@L"))
    events = decided(
        entity_action(1, entityOperationCalled=call),
        entity_action(2, entityOperationSignaled=signal),
        entity_action(3, entityLockRequested=lock),
        entity_action(4, entityUnlockSent=unlock),
    ).scheduled
    assert all(isinstance(event, EventSent) for event in events)
    called, signaled, locked = (sent_request(event) for event in events[:3])  # type: ignore[arg-type]
    assert called and signaled and locked
    assert (called.id, called.parent, called.parent_execution, called.wants_result) == ("r1", "abc", "run", True)
    assert (signaled.id, signaled.is_signal, signaled.due) == ("r2", True, "2027-01-15T08:00:00.0000000Z")
    assert locked.lock_set == (EntityId("counter", "K"), EntityId("counter", "L")) and locked.is_lock
    assert locked.predecessor == called.timestamp < locked.timestamp
    released = events[3]
    assert isinstance(released, EventSent) and (released.instance_id, released.name) == ("@counter@L", "release")


REQUESTS = tuple(EntityRequest(f"r{n}", "op", input="1", parent="abc", parent_execution="run") for n in range(3))


def batch_result(*results: dt.OperationResult, **members: Any) -> EntityBatchResult:
    result = dt.EntityBatchResult(completionToken="t", results=results, **members)
    returned = base64.b64encode(result.SerializeToString()).decode()
    return PROTOBUF.batch_result(Outcome(returned=returned), REQUESTS)


def succeeded(value: str) -> dt.OperationResult:
    return dt.OperationResult(success=dt.OperationResultSuccess(result=text(value)))


def test_a_batch_is_sent_with_the_state_if_there_is_one() -> None:
    us = EntityId("counter", "K")
    for entity, has_state in ((Entity(exists=True, state="5"), True), (Entity(state="5"), False)):
        sent = dt.EntityBatchRequest.FromString(base64.b64decode(PROTOBUF.batch(us, entity, REQUESTS)))
        assert sent.instanceId == "@counter@K" and sent.HasField("entityState") is has_state
        first = sent.operations[0]
        assert (first.requestId, first.operation, first.input.value) == ("r0", "op", "1")


def test_operations_without_a_result_stay_in_the_queue() -> None:
    answer = batch_result(succeeded("1"), entityState=text("6"))
    entity = Entity(queue=(*REQUESTS, EntityRequest("lock", lock_set=(EntityId("counter", "K"),), parent="x")))
    after, sent = done(entity, Execution("@counter@K", "e"), Batch(REQUESTS, entity.queue[3]), answer, NOW)
    assert [each.id for each in after.queue] == ["r1", "r2", "lock"] and after.locked_by is None
    assert (after.exists, after.state, len(sent)) == (True, "6", 1)


def test_a_batch_that_failed_fails_what_has_no_result() -> None:
    answer = batch_result(succeeded("1"), failureDetails=dt.TaskFailureDetails(errorType="E", errorMessage="m"))
    assert [each.is_error for each in answer.results] == [False, True, True] and not answer.exists
    after, sent = done(Entity(queue=REQUESTS), Execution("@counter@K", "e"), Batch(REQUESTS), answer, NOW)
    assert not after.queue
    answers = [each.event.input for each in sent if isinstance(each.event, EventRaised)]
    assert answers[0] == '{"result":"1"}'
    assert answers[1] and '"exceptionType":"E","failureDetails":{"ErrorType":"E","ErrorMessage":"m"' in answers[1]


def test_an_entity_starts_orchestrations_and_signals_others_later() -> None:
    later = Timestamp(seconds=1800000000)
    start = dt.StartNewOrchestrationAction(instanceId="new", name="Hello", input=text("1"), scheduledTime=later)
    signal = dt.SendSignalAction(instanceId="@Other@k", name="add", scheduledTime=later)
    actions = [dt.OperationAction(id=1, startNewOrchestration=start), dt.OperationAction(id=2, sendSignal=signal)]
    answer = batch_result(*[succeeded("1")] * 3, actions=actions)
    _, sent = done(Entity(queue=REQUESTS), Execution("@counter@K", "e"), Batch(REQUESTS), answer, NOW)
    others = {each.target.instance_id: each for each in sent if each.target.instance_id != "abc"}
    started = others["new"].event
    assert isinstance(started, ExecutionStarted) and (started.name, started.input) == ("Hello", "1")
    assert others["new"].visible_at == others["@other@k"].visible_at == "2027-01-15T08:00:00.0000000Z"


def test_a_batch_without_any_result_is_no_answer() -> None:
    with pytest.raises(InvalidWorkerResponse, match="answered 0 operations of 3"):
        batch_result()
    with pytest.raises(InvalidWorkerResponse, match="does not know"):
        batch_result(succeeded("1"), actions=[dt.OperationAction(id=1)])


# --- storage ----------------------------------------------------------------------------------------------------------


def test_a_row_keeps_failure_details_and_tags() -> None:
    for event in (
        TaskFailed(timestamp=NOW, event_id=-1, task_scheduled_id=1, reason="r", failure_details=BROKEN),
        ExecutionCompleted(timestamp=NOW, orchestration_status=RuntimeStatus.Failed, failure_details=BROKEN),
        TaskScheduled(timestamp=NOW, event_id=2, name="Say", tags={"a": "b"}),
    ):
        row = event_columns(event)
        assert event_of_row(row) == event
    assert (
        '"ErrorType":"ValueError","ErrorMessage":"no"'
        in event_columns(TaskFailed(timestamp=NOW, task_scheduled_id=1, failure_details=BROKEN))["FailureDetails"]
    )


def test_a_text_of_a_failure_is_its_details() -> None:
    assert str(failure_of_text("ValueError: no")) == "ValueError: no"
