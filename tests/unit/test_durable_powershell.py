"""Answers of PowerShell's Durable SDKs, as their classes are written on the wire (platform/durable-powershell.md)."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from fnhost.bindings.contract import Failure, Json, Outcome
from fnhost.bindings.durable import MARKER
from fnhost.host.durable.dialects.dialect import Verdict
from fnhost.host.durable.dialects.powershell import POWERSHELL, POWERSHELL_TYPED
from fnhost.host.durable.model.history import (
    EventRaised,
    Execution,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationInstanceCreated,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
)
from fnhost.host.durable.replay.decide import Completed, Failed, OrchestrationLimits

AT = "2026-01-02T03:04:05.0000000Z"
RUN = Execution("one", "e" * 32)
HISTORY = (
    OrchestratorStarted(timestamp=AT),
    ExecutionStarted(timestamp=AT, orchestration_instance=RUN, name="Flow", input="1"),
)
RETRIES = {"firstRetryIntervalInMilliseconds": 5000, "maxNumberOfAttempts": 3, "backoffCoefficient": 2}


def answer(*actions: dict[str, Any], **members: object) -> dict[str, Any]:
    return {"IsDone": False, "Actions": [list(actions)], "Output": None, "Error": None, "CustomStatus": None, **members}


def decided(state: dict[str, Any]) -> Verdict:
    return POWERSHELL.decide(Outcome(returned=Json(json.dumps(state))), HISTORY, OrchestrationLimits())


def test_actions_are_read_under_the_names_of_net() -> None:
    found = decided(
        answer(
            {"FunctionName": "A", "Input": {"IsDone": 1, "Input": [2]}, "ActionType": 0},
            {"FunctionName": "B", "Input": "x", "RetryOptions": RETRIES, "ActionType": 1},
            {"FunctionName": "C", "InstanceId": "child", "Input": None, "ActionType": 2},
            {"FireAt": "2026-01-02T03:05:05.1234567Z", "IsCanceled": False, "ActionType": 5},
            CustomStatus={"CustomStatus": "mine"},
        )
    )
    events = found.decision.scheduled
    assert [type(event) for event in events] == [
        TaskScheduled,
        TaskScheduled,
        SubOrchestrationInstanceCreated,
        TimerCreated,
    ]
    first, _, child, timer = events
    assert isinstance(first, TaskScheduled) and json.loads(first.input or "") == [{"IsDone": 1, "Input": [2]}]
    assert isinstance(child, SubOrchestrationInstanceCreated) and child.instance_id == "child"
    assert isinstance(timer, TimerCreated) and timer.fire_at == "2026-01-02T03:05:05.1234567Z"
    assert found.decision.custom_status == '{"CustomStatus":"mine"}'


@pytest.mark.parametrize("kind", [11, 12, "WhenAny", "WhenAll"])
def test_compound_actions_hold_others(kind: int | str) -> None:
    inner = [{"FunctionName": name, "Input": None, "ActionType": 0} for name in "AB"]
    found = decided(answer({"CompoundActions": inner, "ActionType": kind}, SchemaVersion=1))
    assert [event.name for event in found.decision.scheduled if isinstance(event, TaskScheduled)] == ["A", "B"]


WAIT = {"ExternalEventName": "Go", "Reason": "ExternalEvent", "ActionType": 6}
CALL = {"FunctionName": "A", "Input": None, "ActionType": 0}
CALLED = (
    OrchestratorCompleted(timestamp=AT, listed=1),
    TaskScheduled(timestamp=AT, event_id=0, name="A", input="[null]"),
)


def replayed(history: Sequence[HistoryEvent], *actions: dict[str, Any], **members: object) -> Verdict:
    state = answer(*actions, SchemaVersion=1, **members)
    return POWERSHELL_TYPED.decide(Outcome(returned=Json(json.dumps(state))), history, OrchestrationLimits())


@pytest.mark.parametrize("kind", [None, 11, 12])
def test_done_counts_once_every_action_has_been_awaited(kind: int | None) -> None:
    action = {"CompoundActions": [WAIT], "ActionType": kind} if kind else WAIT
    assert replayed(HISTORY, action, IsDone=True).decision.finish is None
    raised = (*HISTORY, EventRaised(timestamp=AT, name="Go", input="1"))
    assert isinstance(replayed(raised, action, IsDone=True).decision.finish, Completed)


def test_a_canceled_timer_is_not_awaited() -> None:
    timer = {"FireAt": "2026-01-02T03:05:05Z", "IsCanceled": True, "ActionType": 5}
    both = {"CompoundActions": [timer], "ActionType": 12}
    for action in (timer, both):
        assert isinstance(replayed(HISTORY, action, IsDone=True).decision.finish, Completed)


def later_failure(seconds: int) -> Sequence[HistoryEvent]:
    at = f"2026-01-02T03:04:{5 + seconds:02}.0000000Z"
    failed = TaskFailed(timestamp=at, task_scheduled_id=0, reason="no", details="")
    return (*HISTORY, *CALLED, OrchestratorStarted(timestamp=at), failed)


@pytest.mark.parametrize("kind", [11, 12])
def test_a_call_is_retried_inside_a_compound(kind: int) -> None:
    inner = {**CALL, "RetryOptions": RETRIES, "ActionType": 1}
    found = replayed(later_failure(1), {"CompoundActions": [inner, WAIT], "ActionType": kind}, IsDone=True).decision
    timer = found.scheduled[0]
    assert isinstance(timer, TimerCreated) and timer.fire_at == "2026-01-02T03:04:11.0000000Z"
    assert found.finish is None


def test_a_failure_has_its_answer_in_its_text() -> None:
    state = answer(CustomStatus="before", Error="it went wrong")
    failure = Failure(f"it went wrong{MARKER}{json.dumps(state)}")
    found = POWERSHELL.decide(Outcome(failure=failure), HISTORY, OrchestrationLimits())
    assert isinstance(found.decision.finish, Failed) and found.decision.finish.reason.endswith(": it went wrong")
    assert found.decision.custom_status == '"before"'


@pytest.mark.parametrize("returned", [None, "no JSON", "[]", '{"IsDone": true}', '{"Actions": [1]}'])
def test_what_is_no_answer_fails_the_instance(returned: str | None) -> None:
    found = POWERSHELL.decide(Outcome(returned=returned), HISTORY, OrchestrationLimits())
    assert isinstance(found.decision.finish, Failed) and found.failures


def test_the_external_sdk_is_told_the_type_of_each_event_first() -> None:
    own, typed = (json.loads(str(dialect.part(HISTORY[1]))) for dialect in (POWERSHELL, POWERSHELL_TYPED))
    assert next(iter(typed.items())) == ("$type", "DurableTask.Core.History.ExecutionStartedEvent, DurableTask.Core")
    assert {name: value for name, value in typed.items() if name != "$type"} == own
