"""Every answer that the real SDKs gave, decided on again (platform/conformance.md 4)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Failure, Json, Outcome
from fnhost.bindings.formats import compact
from fnhost.host.durable.entities.messages import NEVER, EntityRequest, request_json, sent_request
from fnhost.host.durable.model.history import (
    EventSent,
    Execution,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationInstanceCreated,
)
from fnhost.host.durable.replay.actions import (
    Action,
    CallEntity,
    LockEntities,
    OrchestratorState,
    read_orchestrator_state,
)
from fnhost.host.durable.replay.decide import decide
from fnhost.host.durable.storage.codec import event_of

HISTORIES = Path(__file__).parents[1] / "histories"
KEPT = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(HISTORIES.glob("*.json"))}
ORCHESTRATIONS = [name for name, recorded in KEPT.items() if recorded["kind"] == "orchestrator"]


@dataclass(frozen=True)
class Episode:
    """One answer of an SDK. `history` ends with what the orchestrator was told."""

    history: Sequence[HistoryEvent]
    outcome: Outcome
    appended: Sequence[HistoryEvent]


def episodes(name: str) -> Iterator[Episode]:
    """The host remembers how many actions each episode listed; the recordings do not say, but their answers do."""
    execution, listed = None, list[int]()
    for recorded in KEPT[name]["episodes"]:
        history = [event_of(event) for event in recorded["request"]["history"]]
        outcome = outcome_of(recorded["response"])
        if execution != (execution := execution_of(history)):
            listed = []
        yield Episode(with_counts(history, listed), outcome, [event_of(each) for each in recorded["host_appends"]])
        listed.append(len(read_orchestrator_state(outcome).actions))


def outcome_of(response: Mapping[str, Any]) -> Outcome:
    if "raised" in response:
        return Outcome(failure=Failure(response["raised"]["message"]))
    return Outcome(returned=Json(json.dumps(response["returned"])))


def execution_of(history: Sequence[HistoryEvent]) -> str | None:
    started = next(event for event in history if isinstance(event, ExecutionStarted))
    return started.orchestration_instance.execution_id


def with_counts(history: Sequence[HistoryEvent], listed: Sequence[int]) -> Sequence[HistoryEvent]:
    counts = iter(listed)
    return [
        replace(event, listed=next(counts)) if isinstance(event, OrchestratorCompleted) else event for event in history
    ]


def comparable(event: HistoryEvent) -> HistoryEvent:
    """The model host of the recordings chose other ids of requests, order stamps and versions of children."""
    match event:
        case OrchestratorCompleted():
            return replace(event, listed=None)
        case SubOrchestrationInstanceCreated():
            return replace(event, version="")
        case EventSent() if request := sent_request(event):
            fields = ("operation", "is_signal", "input", "parent", "parent_execution", "lock_set", "position")
            return replace(event, input=str([getattr(request, name) for name in fields]))
    return event


@pytest.mark.parametrize("name", ORCHESTRATIONS)
def test_every_answer_leads_to_the_recorded_events(name: str) -> None:
    for episode in episodes(name):
        decision = decide(episode.history, read_orchestrator_state(episode.outcome))
        now = [event.timestamp for event in episode.history if isinstance(event, OrchestratorStarted)][-1]
        decided = [comparable(event) for event in decision.events(now)]
        assert decided == [comparable(event) for event in episode.appended]


# --- requests to entities ---------------------------------------------------------------------------------------------

NOW, LATER = "2025-03-04T10:20:00.1234567Z", "2025-03-04T11:20:00.1234567Z"
ONE = CallEntity("@counter@one", "add", "1", is_signal=True)
OTHER = CallEntity("@counter@other", "get", None)
BEGUN = (
    OrchestratorStarted(timestamp=NOW),
    ExecutionStarted(timestamp=NOW, orchestration_instance=Execution("order-42", "run"), name="O"),
)


def asked(actions: Sequence[Action], history: Sequence[HistoryEvent] = BEGUN) -> list[EntityRequest]:
    decision = decide(history, OrchestratorState(tuple(actions)))
    return [
        request for event in decision.scheduled if isinstance(event, EventSent) and (request := sent_request(event))
    ]


def test_requests_to_one_entity_are_stamped_one_after_the_other() -> None:
    first, other, second = asked([ONE, OTHER, ONE])
    assert first.timestamp < second.timestamp
    assert [each.predecessor for each in (first, other, second)] == [NEVER, NEVER, first.timestamp]
    assert [each.action for each in (first, other, second)] == [0, 1, 2]


def test_an_episode_that_is_run_again_asks_for_the_same() -> None:
    assert asked([ONE, OTHER]) == asked([ONE, OTHER])
    first, later = asked([ONE]), asked([ONE], (OrchestratorStarted(timestamp=LATER), BEGUN[1]))
    assert [(each.id, each.action) for each in first] == [(each.id, each.action) for each in later]


def test_a_request_follows_the_recorded_one() -> None:
    """Whoever recorded it, with whatever stamp."""
    theirs = EntityRequest("their-id", "add", is_signal=True, timestamp=LATER, action=None)
    sent = EventSent(
        timestamp=NOW, event_id=0, instance_id="@counter@one", name="op", input=compact(request_json(theirs))
    )
    closed = OrchestratorCompleted(timestamp=NOW, listed=1)
    (second,) = asked([ONE, ONE], (*BEGUN, sent, closed, OrchestratorStarted(timestamp=NOW)))
    assert second.predecessor == LATER
    assert second.timestamp > LATER


def test_a_delayed_signal_is_not_ordered() -> None:
    (found,) = asked([CallEntity("@counter@one", "add", "1", is_signal=True, due=LATER)])
    assert (found.event_name, found.timestamp, found.predecessor) == (f"op@{LATER}", NEVER, NEVER)


def test_a_lock_request_names_each_entity_once_in_order() -> None:
    (found,) = asked([LockEntities((("Acct", "b"), ("acct", "b"), ("Acct", "a")))])
    assert [str(entity) for entity in found.lock_set] == ["@acct@a", "@acct@b"]
