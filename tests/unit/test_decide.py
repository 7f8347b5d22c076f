"""Every answer that the real SDKs gave, decided on again (durable-replay-protocol.md 14)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bindings.contract import Failure, Json, Outcome
from host.durable.actions import read_answer
from host.durable.codec import event_of
from host.durable.decide import decide
from host.durable.entity_messages import sent_request
from host.durable.history import (
    EventSent,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationInstanceCreated,
)

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
        listed.append(len(read_answer(outcome).actions))


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
        decision = decide(episode.history, read_answer(episode.outcome))
        now = [event.timestamp for event in episode.history if isinstance(event, OrchestratorStarted)][-1]
        decided = [comparable(event) for event in decision.events(now)]
        assert decided == [comparable(event) for event in episode.appended]
