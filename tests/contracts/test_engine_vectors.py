"""The conversations recorded with the real SDKs, held by a running engine (platform/conformance.md 4)."""

import asyncio
import datetime
import json
import re
import uuid
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import azure.durable_functions as df
import pytest

from fnhost.bindings.contract import Event, Failure, Json, Outcome
from fnhost.bindings.formats import compact
from fnhost.host.durable.client import Finished
from fnhost.host.durable.entities.entity import read_entity
from fnhost.host.durable.entities.messages import EntityRequest, request_json, sent_request
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    Execution,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    TaskCompleted,
    TaskFailed,
)
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.storage.codec import event_of
from fnhost.host.durable.storage.sqlite import SqliteHub
from tests.support import node
from tests.support.engines import PATIENCE, POLL, Functions, hub_settings, made, serving
from tests.support.recordings import RECORDED, Episode, episodes, requests, staged
from tests.support.sdk import SDK_WARNINGS, orchestrator
from tests.support.workers import bench

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]

ORCHESTRATIONS = {name for name, recorded in RECORDED.items() if recorded["kind"] == "orchestrator"}
ENTITIES = {name for name, recorded in RECORDED.items() if recorded["kind"] == "entity"}
PAYLOADS = {"js2-traps", "js3-traps", "py-traps"}
"""Single payloads made by hand, most of them wrong on purpose: what no engine sends."""
NOT_RUN = {
    "py-custom-object": "needs a class which the recording does not hold",
    "py-activity-failure-caught": "returns the first 80 letters of a text that has a blank more on the platform (7.1)",
    "js3-activity-failure-caught": "the same",
}
PROGRAMS = {name for name in ORCHESTRATIONS if name.startswith("py-")} - NOT_RUN.keys()
OTHER_EPISODES = {
    "js3-retry-fan-out": "the recording's host tells several things at once while retries run, ours one (6.2)",
    "py-retry-fan-out": "the same",
    "py-retry-all": "the same",
    "py-can-events": "the recording's host begins a new execution with what came meanwhile, ours at once",
}
"""Where another host is free to cut its episodes otherwise, and the recording's did."""


class Recording:
    """An orchestrator that answers as the SDK did, replay by replay."""

    def __init__(self, recorded: Sequence[Episode]) -> None:
        self._left = iter(recorded)
        self.asked: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

    async def __call__(self, event: Event) -> Outcome:
        self.asked.put_nowait(json.loads(str(event.value)))
        episode = next(self._left, None)
        return episode.outcome if episode else Outcome(failure=Failure("This replay was not recorded."))


class Program:
    """The recorded program, run by the SDK."""

    def __init__(self, source: str) -> None:
        names: dict[str, Any] = {"df": df, "dt": datetime, "LOG": []}
        exec(source, names)
        self._fire = orchestrator(list(names.values())[-1])
        self.asked: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.answers: list[Outcome] = []

    async def __call__(self, event: Event) -> Outcome:
        self.asked.put_nowait(json.loads(str(event.value)))
        self.answers.append(await self._fire(event))
        return self.answers[-1]


async def play(name: str, player: Recording | Program | node.Program) -> None:
    """Hold the recorded conversation; every question of the engine must be the recorded one."""
    recorded = episodes(name)
    async with staged(recorded, player) as stage:
        for episode in recorded:
            await stage.tell(episode)
            async with asyncio.timeout(PATIENCE):
                asked = await player.asked.get()
            assert comparable(asked) == comparable(episode.request)
        assert ended(await stage.recorded(recorded[-1])) == RECORDED[name]["final"]
    assert player.asked.empty()


@pytest.mark.parametrize("name", sorted(ORCHESTRATIONS - OTHER_EPISODES.keys()))
async def test_the_engine_asks_as_was_recorded(name: str) -> None:
    await play(name, Recording(episodes(name)))


@pytest.mark.parametrize("name", sorted(PROGRAMS - OTHER_EPISODES.keys()))
async def test_the_sdk_answers_as_was_recorded(name: str) -> None:
    program = Program(RECORDED[name]["orchestrator_source"])
    await play(name, program)
    assert list(map(told, program.answers)) == [told(each.outcome) for each in episodes(name)]


Call = Callable[[str, str], Awaitable[Outcome]]


@pytest.fixture(scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mapping[str, Call]]:
    """For each line of the JavaScript SDK a worker with all its recorded programs."""
    js2, js3 = (node.write_recorded(tmp_path_factory.mktemp(sdk), sdk) for sdk in node.MODELS)
    async with bench(js2, **node.NODE) as v3, node.registered(js3) as v4:
        assert (v3.failures, v4.failures) == ({}, {})
        yield {"js2": v3.call, "js3": v4.call}


@pytest.mark.parametrize("name", node.names_of("orchestrator", "js", (*OTHER_EPISODES, *NOT_RUN)))
async def test_the_javascript_sdk_answers_as_was_recorded(workers: Mapping[str, Call], name: str) -> None:
    program = node.Program(partial(workers[name[:3]], name))
    await play(name, program)
    assert list(map(told_in_any_schema, program.answers)) == [told_in_any_schema(e.outcome) for e in episodes(name)]


def told_in_any_schema(outcome: Outcome) -> Any:
    """The SDK answers in the newest schema that it and its host know; the recording's host knew one less."""
    answer = told(outcome)
    return answer and {**answer, "schemaVersion": 0}


@pytest.mark.parametrize("name", node.names_of("entity", "js"))
async def test_a_javascript_entity_answers_as_was_recorded(workers: Mapping[str, Call], name: str) -> None:
    outcome = await workers[name[:3]](name, json.dumps(RECORDED[name]["request"]))
    assert timeless(told(outcome)) == timeless(RECORDED[name]["response"]["returned"])


def timeless(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """An entity's answer but for the times it took."""
    results = [{**each, "duration": 0, "startTime": 0} for each in answer["results"]]
    return {**answer, "results": results}


@pytest.mark.parametrize("name", sorted(PROGRAMS & OTHER_EPISODES.keys()))
async def test_other_episodes_come_to_the_same_end(name: str) -> None:
    recorded, program = episodes(name), Program(RECORDED[name]["orchestrator_source"])
    async with staged(recorded, program) as stage:
        for episode in recorded:
            await stage.tell(episode)
        assert ended(await stage.client.wait(stage.engine.instance, PATIENCE, POLL)) == RECORDED[name]["final"]


@pytest.mark.parametrize("name", sorted(OTHER_EPISODES))
async def test_the_excepted_recordings_do_differ_in_their_episodes(name: str) -> None:
    with pytest.raises((AssertionError, Finished)):
        await play(name, Recording(episodes(name)))


class Recorded:
    """An entity that answers one batch as the SDK did, after one that gives it the state it had."""

    def __init__(self, recorded: Mapping[str, Any]) -> None:
        before = {"entityExists": True, "entityState": recorded["request"]["state"], "signals": []}
        prepared = {**before, "results": [{"isError": False, "result": "null"}]}
        self._answers = deque([prepared] * recorded["request"]["exists"] + [recorded["response"]["returned"]])
        self.asked: list[Any] = []

    async def __call__(self, event: Event) -> Outcome:
        self.asked.append(json.loads(str(event.value)))
        return Outcome(returned=Json(json.dumps(self._answers.popleft())))


@pytest.mark.parametrize("name", sorted(ENTITIES))
async def test_entities_are_asked_as_was_recorded(name: str) -> None:
    request, answer = RECORDED[name]["request"], RECORDED[name]["response"]["returned"]
    after = answer["entityState"] if answer["entityExists"] else None
    entity, recorded = EntityId(**request["self"]), Recorded(RECORDED[name])
    async with made(SqliteHub(hub_settings())) as hub, serving(hub, Functions()) as served:
        with served.engine.serving("entity", entity.name, recorded):
            if request["exists"]:
                await served.client.signal(entity, "prepare", None)
                await served.until(str(entity), lambda found: state_of(found) == request["state"])
            served.engine.dispatch(await served.engine.hub.send(list(map(partial(message, entity), request["batch"]))))
            await served.until(str(entity), lambda found: len(recorded.asked) > request["exists"])
            await served.until(str(entity), lambda found: state_of(found) == after)
    assert recorded.asked[-1] == request


def message(entity: EntityId, asked: Mapping[str, Any]) -> Message:
    request = EntityRequest(uuid.uuid4().hex, asked["name"], asked["isSignal"], asked["input"], parent="caller")
    text = compact(request_json(request))
    return Message(Execution(str(entity)), EventRaised(timestamp=utc_now(), name=request.event_name, input=text))


def state_of(entity: Instance) -> str | None:
    found = read_entity(entity.input)
    return found.state if found.exists else None


def test_every_recording_is_played() -> None:
    kinds = Counter(recorded["kind"] for recorded in RECORDED.values())
    assert kinds == {"orchestrator": len(ORCHESTRATIONS), "entity": len(ENTITIES), "cases": len(PAYLOADS)}
    assert OTHER_EPISODES.keys() - PROGRAMS == {"js3-retry-fan-out"}


def ended(instance: Instance) -> Mapping[str, Any]:
    status = value(instance.custom_status)
    return {"runtimeStatus": instance.status.name, "result": single(instance.output), "customStatus": status}


def told(outcome: Outcome) -> Any:
    """What an orchestrator returned; how it failed is its host's to tell."""
    return json.loads(single(outcome.returned.text) or "") if isinstance(outcome.returned, Json) else None


def comparable(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """Times, ids of executions and of requests aside, and the schemas that a host of ours knows."""
    history = [event_of(event) for event in request["history"]]
    asked = requests(history)
    return {**request, "upperSchemaVersionNew": 0, "history": [alike(event, asked) for event in history]}


def alike(event: HistoryEvent, asked: Sequence[str]) -> HistoryEvent:
    """`asked` are the ids of the requests to entities: their places stand for them."""
    event = replace(event, timestamp="")
    match event:
        case ExecutionStarted(orchestration_instance=us):
            return replace(event, orchestration_instance=Execution(us.instance_id))
        case OrchestratorCompleted():
            return replace(event, listed=None)
        case SubOrchestrationInstanceCreated():
            return replace(event, version="", instance_id=re.sub("^[0-9a-f]{32}:", "ours:", event.instance_id))
        case EventSent():
            return replace(event, input=asked_alike(event, asked))
        case EventRaised(name=name) if name in asked:
            return replace(event, name=f"answer {asked.index(name)}", input=compact(value(event.input)))
        case TaskCompleted() | SubOrchestrationInstanceCompleted():
            return replace(event, result=compact(value(event.result)))
        case TaskFailed():
            return replace(event, reason=single(event.reason), details=single(event.details))
    return event


def asked_alike(event: EventSent, asked: Sequence[str]) -> str:
    request = sent_request(event)
    if request is None:
        return str(asked.index(json.loads(event.input or "")["id"]))
    return str(
        (request.operation, request.is_signal, request.input, request.parent, request.lock_set, request.position)
    )


def value(text: str | None) -> Any:
    return json.loads(text or "null")


def single(text: str | None) -> str | None:
    """The platform's texts of failures have a second blank (platform/replay.md 7.1)."""
    return text and re.sub('(failed: |"Message":") ', r"\1", text)
