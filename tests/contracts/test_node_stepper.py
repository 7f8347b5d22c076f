"""Quiet replays in a real Node worker, with both lines of the SDK: the same answers as an episode's, and the lines."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Event
from fnhost.host.app import Function
from fnhost.host.durable.replay.actions import read_orchestrator_state
from fnhost.host.durable.replay.recording import read_recording
from fnhost.host.errors import CannotObserve
from fnhost.host.worker import Invocation
from tests.support import node
from tests.support.recordings import RECORDED
from tests.support.workers import Heard, bench

pytestmark = pytest.mark.anyio
Observe = Callable[[str, str], Awaitable[Mapping[str, Any]]]
Call = Callable[..., Awaitable[Any]]
NAMES = [
    f"{sdk}-{program}"
    for sdk in node.MODELS
    for program in ("activity-chain", "fan-out-fan-in", "orchestrator-raises", "retry-then-success", "timer-long")
]
STARTED = 12
MAPPED = """
const df = require('durable-functions');
df.app.orchestration('Mapped', function* (context) {
    console.log('printed'); context.log('logged');
    context.df.setCustomStatus({ step: 1 });
    const first = yield context.df.callActivity('Step', 1);
    context.df.setCustomStatus({ step: 2 });
    yield context.df.waitForExternalEvent('Go');
});
df.app.orchestration('Raises', function* (context) {
    yield context.df.callActivity('Step', 1);
    throw new TypeError('no such luck');
});
"""


def invocation(function: Function, payload: str) -> Invocation:
    event = Event(function.name, payload, "test")
    return Invocation(f"look-{function.name}-{len(payload)}", function, {function.trigger.name: payload}, event)


@pytest.fixture(scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mapping[str, tuple[Observe, Call]]]:
    js2, js3 = (node.write_recorded(tmp_path_factory.mktemp(sdk), sdk) for sdk in node.MODELS)
    async with bench(js2, **node.NODE) as v3, node.registered(js3) as v4:

        async def observe_v3(name: str, payload: str) -> Mapping[str, Any]:
            function = next(function for function in v3.app.functions if function.name == name)
            return await v3.pool.observe(invocation(function, payload), "yields", 5)

        async def observe_v4(name: str, payload: str) -> Mapping[str, Any]:
            return await v4.channel.observe(invocation(v4.functions[name], payload), "yields", 5)

        yield {"js2": (observe_v3, v3.call), "js3": (observe_v4, v4.call)}


@pytest.mark.parametrize("name", NAMES)
async def test_the_answer_is_that_of_an_episode(workers: Mapping[str, tuple[Observe, Call]], name: str) -> None:
    observe, call = workers[name[:3]]
    for episode in RECORDED[name]["episodes"]:
        payload = json.dumps(episode["request"])
        found = await observe(name, payload)
        recording = read_recording(found)
        assert recording.answer == read_orchestrator_state(await call(name, payload))
        assert found["mode"] == "yields"
        assert all("yield" in step.frames[0].source for step in recording.steps)
        assert not recording.steps or recording.steps[-1].after == len(recording.answer.actions)


@pytest.fixture(scope="module")
async def mapped(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Observe, Heard]]:
    """A program as a compiler of TypeScript leaves it: its lines are those of another file, one lower each."""
    root = tmp_path_factory.mktemp("mapped")
    mappings = "AAAA" + ";AACA" * (MAPPED.count("\n") + 1)
    source_map = {"version": 3, "sources": ["index.ts"], "names": [], "mappings": mappings}
    compiled = f"{MAPPED}//# sourceMappingURL=index.js.map\n"
    files = {"src/index.js": compiled, "src/index.js.map": json.dumps(source_map), "src/index.ts": MAPPED}
    async with node.registered(node.write_v4(root, files)) as worker:
        assert not worker.failures

        async def observe(name: str, payload: str) -> Mapping[str, Any]:
            return await worker.channel.observe(invocation(worker.functions[name], payload), "yields", 5)

        yield observe, worker.heard


def payload_of(name: str) -> str:
    """Step was called and has returned."""
    at = "2026-01-01T00:00:00.0000000Z"
    common = {"EventId": -1, "IsPlayed": False, "Timestamp": at}
    history = [
        {**common, "EventType": STARTED},
        {**common, "EventType": 0, "Name": name, "Input": None},
        {**common, "EventType": 4, "EventId": 0, "Name": "Step"},
        {**common, "EventType": 13},
        {**common, "EventType": STARTED},
        {**common, "EventType": 5, "TaskScheduledId": 0, "Result": "1"},
        {**common, "EventType": 13},
        {**common, "EventType": STARTED},
    ]
    rest = {"instanceId": "one", "isReplaying": True, "parentInstanceId": None, "upperSchemaVersion": 1}
    return json.dumps({**rest, "history": history, "input": None, "upperSchemaVersionNew": 3})


async def test_the_line_is_that_of_the_source(mapped: tuple[Observe, Heard]) -> None:
    observe, heard = mapped
    recording = read_recording(await observe("Mapped", payload_of("Mapped")))
    lines = MAPPED.splitlines()
    found = [(step.frames[0].file.rsplit("/", 1)[1], lines[step.frames[0].line - 1]) for step in recording.steps]
    assert [file for file, _ in found] == ["index.ts", "index.ts"]
    assert "callActivity" in found[0][1] and "waitForExternalEvent" in found[1][1]
    assert [(step.event, step.custom_status) for step in recording.steps] == [(1, '{"step":1}'), (5, '{"step":2}')]
    assert not [record for record in heard.records if "printed" in record.message or "logged" in record.message]


async def test_under_a_debugger_no_replay_runs_into_its_breakpoints(tmp_path: Path) -> None:
    async with node.registered(node.write_v4(tmp_path, {"src/index.js": MAPPED})) as worker:
        assert (await worker.channel.debug({}, lambda: False))["url"]
        with pytest.raises(CannotObserve, match="debugger"):
            await worker.channel.observe(invocation(worker.functions["Mapped"], payload_of("Mapped")), "yields", 5)


async def test_what_was_thrown_has_its_line(mapped: tuple[Observe, Heard]) -> None:
    recording = read_recording(await mapped[0]("Raises", payload_of("Raises")))
    assert recording.end and (recording.end.text, recording.end.event) == ("TypeError: no such luck", 5)
    assert "throw new" in MAPPED.splitlines()[recording.end.frames[0].line - 1]
