"""Replays without storage: the recorded conversations, driven episode by episode."""

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from fnhost.bindings.contract import Failure, Json, Outcome
from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
)
from fnhost.host.durable.replay.replayer import RecordedHistory, Replayer, RunOrchestrator
from fnhost.host.durable.storage.codec import history_json
from tests.support.recordings import RECORDED, Episode, episodes, started

pytestmark = pytest.mark.anyio

SINGLE = sorted(
    name
    for name, recorded in RECORDED.items()
    if recorded["kind"] == "orchestrator" and len({each.execution for each in episodes(name)}) == 1
)
"""Recordings without continue-as-new, where each replay is an episode."""


def kinds(events: Sequence[HistoryEvent]) -> list[tuple[type, int]]:
    return [(type(event), event.event_id) for event in events]


def counted(history: Sequence[HistoryEvent], listed: Sequence[int]) -> tuple[HistoryEvent, ...]:
    """With the number of actions that each past answer held, which recordings of another host lack."""
    counts = iter(listed)
    return tuple(
        replace(event, listed=next(counts)) if isinstance(event, OrchestratorCompleted) else event for event in history
    )


@pytest.mark.parametrize("name", SINGLE)
async def test_each_recorded_episode_is_decided_as_it_was(name: str) -> None:
    listed = list[int]()
    for episode in episodes(name):
        past, opening = divided(episode)
        run, payloads = answering(episode)
        decided = await Replayer(run).replay(RecordedHistory.of(counted(past, listed)), opening)
        played = [replace(event, is_played=not isinstance(event, OrchestratorStarted)) for event in opening]
        assert kinds(decided.events) == kinds((*played, *episode.appended))
        assert [len(json.loads(payload)["history"]) for payload in payloads] == [len(episode.history)]
        closed = decided.events[-1]
        assert isinstance(closed, OrchestratorCompleted) and closed.listed is not None
        listed.append(closed.listed)


def answering(episode: Episode) -> tuple[RunOrchestrator, list[str]]:
    """An orchestrator that answers as was recorded, and the payloads that it is given."""
    payloads = list[str]()

    async def run(name: str, payload: str, instance: str) -> Outcome:
        payloads.append(payload)
        return episode.outcome

    return run, payloads


def divided(episode: Episode) -> tuple[Sequence[HistoryEvent], Sequence[HistoryEvent]]:
    """What was recorded before the episode, and what it opens with."""
    opened = max(at for at, event in enumerate(episode.history) if isinstance(event, OrchestratorStarted))
    return episode.history[:opened], episode.history[opened:]


async def test_a_history_of_texts_is_a_history() -> None:
    past, _ = divided(episodes("py-activity-chain")[-1])
    texts = [history_json(event) for event in past]
    assert RecordedHistory.of_texts(texts).events == tuple(past)


async def test_continue_as_new_runs_until_an_execution_waits() -> None:
    answers = iter(
        [
            {"isDone": True, "actions": [[{"actionType": 4, "input": 1}]], "customStatus": "first"},
            {"isDone": False, "actions": [[{"actionType": 0, "functionName": "A", "input": "1"}]]},
        ]
    )

    async def run(function: str, payload: str, instance: str) -> Outcome:
        return Outcome(returned=Json(json.dumps(next(answers))))

    begun = started(episodes("py-activity-chain")[0].history)
    opening = (OrchestratorStarted(timestamp=begun.timestamp), begun)
    decided = await Replayer(run).replay(RecordedHistory(), opening)
    assert decided.execution_id != begun.orchestration_instance.execution_id
    assert decided.custom_status == '"first"', "a status outlives continue-as-new until the new execution sets one"
    assert [type(event) for event in decided.events] == [
        OrchestratorStarted,
        ExecutionStarted,
        TaskScheduled,
        OrchestratorCompleted,
    ]
    assert [type(message.event) for message in decided.messages] == [TaskScheduled]


async def test_work_that_cannot_be_done_fails_at_once() -> None:
    actions = [{"actionType": 2, "functionName": "Missing", "input": "1"}]

    async def run(function: str, payload: str, instance: str) -> Outcome:
        return Outcome(returned=Json(json.dumps({"isDone": False, "actions": [actions]})))

    begun = started(episodes("py-activity-chain")[0].history)
    replayer = Replayer(run, unavailable=lambda event: f"no {event.event_id}")
    decided = await replayer.replay(RecordedHistory(), (OrchestratorStarted(timestamp=begun.timestamp), begun))
    assert any(isinstance(event, SubOrchestrationInstanceCreated) for event in decided.events)
    assert [getattr(message.event, "reason", "") for message in decided.messages] == ["no 0"]


async def test_an_answer_that_no_sdk_gives_fails_the_instance_and_says_why() -> None:
    async def run(function: str, payload: str, instance: str) -> Outcome:
        return Outcome(returned=Json("[]"))

    begun = started(episodes("py-activity-chain")[0].history)
    decided = await Replayer(run).replay(RecordedHistory(), (OrchestratorStarted(timestamp=begun.timestamp), begun))
    assert "has no list of actions" in decided.failures[0]
    end = decided.events[-2]
    assert isinstance(end, ExecutionCompleted) and end.orchestration_status is RuntimeStatus.Failed


async def test_what_user_code_raises_is_no_failure_of_the_host() -> None:
    async def run(function: str, payload: str, instance: str) -> Outcome:
        return Outcome(failure=Failure("ImportError: no such module"))

    begun = started(episodes("py-activity-chain")[0].history)
    decided = await Replayer(run).replay(RecordedHistory(), (OrchestratorStarted(timestamp=begun.timestamp), begun))
    assert decided.failures == ()
