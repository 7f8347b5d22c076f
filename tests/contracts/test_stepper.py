"""Quiet replays in a real worker with the real SDK: the same answers, and where each step stands."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Event, Failure, Json, Outcome
from fnhost.host.durable.insight.replays import NOBODY, Replays
from fnhost.host.durable.insight.statuses import recomputed
from fnhost.host.durable.insight.waits import waits_of
from fnhost.host.durable.model.history import (
    Execution,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    TaskCompleted,
    TaskScheduled,
)
from fnhost.host.durable.model.instants import Instant, later
from fnhost.host.durable.replay.actions import read_orchestrator_state
from fnhost.host.durable.replay.decide import OrchestrationLimits
from fnhost.host.durable.replay.recording import Recording, read_recording
from fnhost.host.errors import CannotObserve
from fnhost.host.worker import Invocation, ObserveMode
from tests.support.recordings import RECORDED, outcome_of
from tests.support.workers import Bench, bench, write_app, write_function

pytestmark = pytest.mark.anyio
LACKING = ("py-custom-object", "py-is-replaying")
"""They need a class, or a list, which the recording does not hold."""
PYTHON = sorted(
    name
    for name, recorded in RECORDED.items()
    if recorded["kind"] == "orchestrator" and recorded["sdk"].startswith("python") and name not in LACKING
)
TRIGGER = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
STARTED = 12
HEAD = """
import datetime as dt
import json
import azure.durable_functions as df
"""
PROGRAMS = {
    "Helper": """
def ask(context):
    number = yield context.call_activity("Step", 1)
    return number


def orchestrate(context):
    print("printed"); import logging; logging.warning("logged")
    context.set_custom_status({"step": 1})
    first = yield from ask(context)
    context.set_custom_status({"step": 2})
    yield context.wait_for_external_event("Go")
""",
    "Raises": """
def orchestrate(context):
    order = {}
    yield context.call_activity("Step", 1)
    return order["id"]
""",
    "Endless": """
def orchestrate(context):
    yield context.call_activity("Step", 1)
    while True:
        pass
""",
    "Marked": """
def orchestrate(context):
    import threading
    marks = "pydev_do_not_trace", "is_pydev_daemon_thread"
    context.set_custom_status([getattr(threading.current_thread(), mark, False) for mark in marks])
    yield context.call_activity("Step", 1)
""",
    "Waits": """
def orchestrate(context):
    timer = context.create_timer(context.current_utc_datetime + dt.timedelta(days=1))
    yield context.task_any([timer, context.wait_for_external_event("Approval")])
""",
}
"""Each a function in a file of its own: the line numbers begin behind the imports."""
FIRST_LINE = HEAD.count("\n") + 1


def line_in(name: str, text: str) -> int:
    lines = PROGRAMS[name].splitlines()
    return FIRST_LINE + next(number for number, line in enumerate(lines) if text in line)


@pytest.fixture(scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    root = write_app(tmp_path_factory.mktemp("stepper"))
    for name in PYTHON:
        text = RECORDED[name]["orchestrator_source"]
        function = re.findall(r"^def (\w+)", text, re.MULTILINE)[-1]
        source = f"{HEAD}{text}\nmain = df.Orchestrator.create({function})\n"
        write_function(root / name, source, TRIGGER)
    for name, source in PROGRAMS.items():
        write_function(root / name, f"{HEAD}{source}\nmain = df.Orchestrator.create(orchestrate)\n", TRIGGER)
    async with bench(root) as running:
        assert not running.failures
        yield running


async def observed(worker: Bench, name: str, payload: str, mode: ObserveMode = "yields", limit: float = 5) -> Any:
    function = next(function for function in worker.app.functions if function.name == name)
    event = Event(name, payload, "test")
    invocation = Invocation(f"look-{next(worker.ids)}", function, {function.trigger.name: payload}, event)
    return await worker.pool.observe(invocation, mode, limit)


def quiet(request: Mapping[str, Any]) -> str:
    """As `replays.quiet_payload` makes it."""
    history = request["history"]
    last = next(event for event in reversed(history) if event["EventType"] == STARTED)
    return json.dumps({**request, "history": [*history, last]})


@pytest.mark.parametrize("mode", ["yields", "answer"])
@pytest.mark.parametrize("name", PYTHON)
async def test_the_answer_is_that_of_an_episode(worker: Bench, name: str, mode: ObserveMode) -> None:
    for episode in RECORDED[name]["episodes"]:
        payload, outcome = quiet(episode["request"]), outcome_of(episode["response"])
        if mode == "answer" and outcome.failure:
            with pytest.raises(CannotObserve):
                await observed(worker, name, payload, mode)
            continue
        found = await observed(worker, name, payload, mode)
        assert found["mode"] == mode
        assert read_recording(found).answer == read_orchestrator_state(outcome)


@pytest.mark.parametrize("name", PYTHON)
async def test_every_action_belongs_to_one_step(worker: Bench, name: str) -> None:
    for episode in RECORDED[name]["episodes"]:
        recording = read_recording(await observed(worker, name, quiet(episode["request"])))
        events = [step.event for step in recording.steps]
        assert events == sorted(events)
        for before, after in zip(recording.steps, recording.steps[1:], strict=False):
            assert before.before <= before.after == after.before
        for step in recording.steps:
            assert "yield" in step.frames[0].source, "a step ends at a yield of the source"


def at(seconds: float) -> Instant:
    return later("2026-01-01T00:00:00.0000000Z", seconds)


def history(name: str, *, is_done: bool) -> Sequence[HistoryEvent]:
    """Of one that has called Step and, if it is done, has the result."""
    started = ExecutionStarted(timestamp=at(0), orchestration_instance=Execution("one", "run"), name=name, version="")
    opened = [OrchestratorStarted(timestamp=at(0)), started]
    if name == "Waits":
        return [*opened, OrchestratorCompleted(timestamp=at(0), listed=1)]
    called = TaskScheduled(timestamp=at(0), event_id=0, name="Step", input=None)
    first = [*opened, called, OrchestratorCompleted(timestamp=at(0), listed=1)]
    if not is_done:
        return first
    result = TaskCompleted(timestamp=at(4), task_scheduled_id=0, result="1")
    return [*first, OrchestratorStarted(timestamp=at(5)), result, OrchestratorCompleted(timestamp=at(5), listed=2)]


@pytest.fixture
def replays(worker: Bench) -> Iterator[Replays]:
    made = Replays(OrchestrationLimits())

    async def observe(name: str, payload: str, seconds: float) -> Mapping[str, Any]:
        found: Mapping[str, Any] = await observed(worker, name, payload, limit=seconds)
        return found

    with made.lending(observe):
        yield made


async def test_a_helper_is_a_frame_and_the_innermost_comes_first(worker: Bench, replays: Replays) -> None:
    found = await replays.of(history("Helper", is_done=False))
    assert found.recording and found.fits, found.note
    (step,) = found.recording.steps
    assert [(place.function, place.line) for place in step.frames] == [
        ("ask", line_in("Helper", "call_activity")),
        ("orchestrate", line_in("Helper", "yield from")),
    ]
    assert Path(step.frames[0].file).name == "__init__.py"


async def test_a_wait_has_its_line_and_past_statuses_are_found(worker: Bench, replays: Replays) -> None:
    events = history("Helper", is_done=True)
    found = await replays.of(events)
    (wait,) = waits_of(events, found)
    assert (wait.kind, wait.name, wait.since, wait.task) == ("event", "Go", at(5), "w1")
    assert wait.place and wait.place.line == line_in("Helper", '"Go"')
    assert found.recording
    statuses = [(each.at, each.value, each.episode) for each in recomputed(events, found.recording)]
    assert statuses == [(at(0), '{"step":1}', 0), (at(5), '{"step":2}', 1)]


async def test_all_parts_of_a_race_are_waited_for(worker: Bench, replays: Replays) -> None:
    events = history("Waits", is_done=False)
    waits = waits_of(events, await replays.of(events))
    assert [(wait.kind, wait.name) for wait in waits] == [("timer", "timer"), ("event", "Approval")]


async def test_what_was_raised_has_its_place(worker: Bench, replays: Replays) -> None:
    found = await replays.of(history("Raises", is_done=True))
    assert found.recording and found.recording.end
    end = found.recording.end
    assert (end.is_raised, end.text) == (True, "KeyError: 'id'")
    assert (end.frames[0].function, end.frames[0].line) == ("orchestrate", line_in("Raises", "order["))


async def test_a_replay_logs_and_prints_nothing(worker: Bench, replays: Replays) -> None:
    await replays.of(history("Helper", is_done=False))
    await observed(worker, "Waits", quiet_payload_of("Waits"))  # an answer follows what was said before it
    said = [record.message for record in worker.heard.records]
    assert not [text for text in said if "printed" in text or "logged" in text]


def quiet_payload_of(name: str) -> str:
    episode = RECORDED["py-no-yield"]["episodes"][0]
    return quiet(episode["request"])


async def test_a_replay_that_takes_too_long_is_ended_and_the_worker_lives(worker: Bench, replays: Replays) -> None:
    found = await replays.of(history("Endless", is_done=True), 0.2)
    assert "longer than 0.2 s" in found.note and found.recording is None
    again = await replays.of(history("Helper", is_done=False))
    assert again.recording, again.note


async def test_a_debugger_leaves_replays_alone(worker: Bench, replays: Replays) -> None:
    """By these marks of debugpy, set before the thread starts: seen with it on Python 3.9 to 3.13."""
    found = await replays.of(history("Marked", is_done=False))
    assert found.recording and found.recording.steps[0].custom_status == "[true,true]"


async def test_an_episode_does_not_wait_for_a_replay(worker: Bench, replays: Replays) -> None:
    looking = asyncio.create_task(replays.of(history("Endless", is_done=True), 2))
    request = RECORDED["py-activity-chain"]["episodes"][0]["request"]
    outcome = await worker.call("py-activity-chain", json.dumps(request))
    assert outcome.failure is None and not looking.done()
    await looking


async def test_another_history_than_the_codes_is_told(worker: Bench, replays: Replays) -> None:
    events = [
        TaskScheduled(timestamp=event.timestamp, event_id=0, name="Other")
        if isinstance(event, TaskScheduled)
        else event
        for event in history("Helper", is_done=True)
    ]
    found = await replays.of(events)
    assert not found.fits and "does not fit" in found.note
    assert [(wait.kind, wait.is_recomputed) for wait in waits_of(events[:4], found)] == [("activity", False)]


async def test_the_newest_version_of_the_app_is_asked(replays: Replays) -> None:
    async def gone(name: str, payload: str, seconds: float) -> Mapping[str, Any]:
        raise LookupError(name)

    events = history("Helper", is_done=False)
    assert (await replays.of(events)).recording
    with replays.lending(gone):
        assert (await replays.of(events)).note == NOBODY
    assert (await replays.of(events)).recording


async def test_without_a_worker_that_can_the_history_alone_speaks() -> None:
    found = await Replays(OrchestrationLimits()).of(history("Helper", is_done=False))
    assert found.recording is None and found.note
    waits = waits_of(found.events, found)
    assert [(wait.kind, wait.name, wait.place) for wait in waits] == [("activity", "Step", None)]


def test_a_recording_that_is_none_is_refused() -> None:
    from fnhost.host.durable.model.errors import InvalidWorkerResponse

    with pytest.raises(InvalidWorkerResponse):
        read_recording({"steps": [{"event": 1}], "answer": "{}"})


def test_an_answer_alone_is_a_recording() -> None:
    text = '{"isDone": true, "actions": [], "output": 1}'
    found = read_recording({"mode": "answer", "answer": text, "note": "no steps"})
    assert found == Recording(read_orchestrator_state(Outcome(returned=Json(text))), note="no steps")
    assert read_orchestrator_state(Outcome(failure=Failure("x"))).worker_failure
