"""Answers of PowerShell's Durable SDKs, as their classes are written on the wire (platform/durable-powershell.md)."""

import json
from typing import Any

import pytest

from fnhost.bindings.contract import Failure, Json, Outcome
from fnhost.bindings.durable import MARKER
from fnhost.host.durable.dialects.dialect import Verdict
from fnhost.host.durable.dialects.powershell import POWERSHELL, POWERSHELL_TYPED
from fnhost.host.durable.model.history import (
    Execution,
    ExecutionStarted,
    OrchestratorStarted,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
)
from fnhost.host.durable.replay.decide import Failed, OrchestrationLimits

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
