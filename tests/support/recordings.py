"""The conversations recorded with the real SDKs, and a stage on which a running engine holds them.

The engine asks, and the recording answers: for activities, children and entities. What the instance is told is kept
back until the recording has it come, so that each episode can be the recorded one.
"""

import asyncio
import json
import re
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from fnhost.bindings.contract import Event, Failure, Fire, Json, Outcome
from fnhost.clock import Clock, SystemClock
from fnhost.host.durable.client import DurableClient
from fnhost.host.durable.dialects.dialect import Dialect
from fnhost.host.durable.dialects.json import JSON, activity_input
from fnhost.host.durable.entities.messages import sent_request
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    Execution,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorStarted,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerFired,
    completed_id,
)
from fnhost.host.durable.model.ids import EntityId, is_entity
from fnhost.host.durable.model.instants import Instant, to_datetime
from fnhost.host.durable.model.messages import Message, ReceivedMessage
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.replay.decide import HTTP_ACTIVITY
from fnhost.host.durable.runtime.engine import Engine, EngineSettings
from fnhost.host.durable.runtime.registry import Kind
from fnhost.host.durable.storage.codec import event_of
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Log
from tests.support.engines import ALONE, PATIENCE, hub_settings, made

HISTORIES = Path(__file__).parents[1] / "histories"
RECORDED: Mapping[str, Any] = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted(HISTORIES.glob("*.json"))
}
Ends = (TaskCompleted, TaskFailed, SubOrchestrationInstanceCompleted, SubOrchestrationInstanceFailed, TimerFired)


@dataclass(frozen=True, slots=True)
class Episode:
    """One replay: what the SDK was given, and what it answered."""

    request: Mapping[str, Any]
    outcome: Outcome
    history: Sequence[HistoryEvent]
    appended: Sequence[HistoryEvent]

    @property
    def execution(self) -> str | None:
        return started(self.history).orchestration_instance.execution_id

    @property
    def _opened(self) -> int:
        return max(at for at, event in enumerate(self.history) if isinstance(event, OrchestratorStarted))

    @property
    def now(self) -> Instant:
        return self.history[self._opened].timestamp

    @property
    def told(self) -> Sequence[HistoryEvent]:
        """What is new in it."""
        return self.history[self._opened + 1 :]


def started(history: Iterable[HistoryEvent]) -> ExecutionStarted:
    return next(event for event in history if isinstance(event, ExecutionStarted))


def episodes(name: str) -> Sequence[Episode]:
    return [_episode(recorded) for recorded in RECORDED[name]["episodes"]]


def _episode(recorded: Mapping[str, Any]) -> Episode:
    history, appended = recorded["request"]["history"], recorded["host_appends"]
    return Episode(
        recorded["request"],
        outcome_of(recorded["response"]),
        tuple(map(event_of, history)),
        tuple(map(event_of, appended)),
    )


def outcome_of(response: Mapping[str, Any]) -> Outcome:
    if "raised" in response:
        return Outcome(failure=Failure(response["raised"]["message"]))
    return Outcome(returned=Json(json.dumps(response["returned"])))


class World:
    """What activities, children and entities answer: to each call, the next recorded end of a call like it."""

    def __init__(self, recorded: Sequence[Episode]) -> None:
        self._ends: defaultdict[tuple[Kind, str, str], deque[HistoryEvent | None]] = defaultdict(deque)
        for last in {episode.execution: episode for episode in recorded}.values():
            self._learn((*last.history, *last.appended))

    def _learn(self, history: Sequence[HistoryEvent]) -> None:
        ends = {
            completed_id(event): event
            for event in history
            if isinstance(event, Ends) and not isinstance(event, TimerFired)
        }
        answers = {event.name: event for event in history if isinstance(event, EventRaised)}
        for event in history:
            match event:
                case TaskScheduled(name=name):
                    self._ends["activity", name, str(activity_input(event.input))].append(ends.get(event.event_id))
                case SubOrchestrationInstanceCreated(name=name):
                    self._ends["orchestrator", name, str(event.input)].append(ends.get(event.event_id))
                case EventSent() if (request := sent_request(event)) and request.wants_result:
                    name = EntityId.of(event.instance_id).name
                    self._ends["entity", name, str(request.operation)].append(answers.get(request.id))

    @contextmanager
    def serving(self, engine: Engine) -> Iterator[None]:
        invokers = {"activity": self.activity, "orchestrator": self._child, "entity": self._entity}
        with ExitStack() as served:
            for kind, name in sorted({(kind, name) for kind, name, _ in self._ends}):
                served.enter_context(engine.serving(kind, name, invokers[kind](name)))
            yield

    async def _end(self, kind: Kind, name: str, given: str) -> HistoryEvent:
        """For ever, if none was recorded."""
        if (end := self._ends[kind, name, given].popleft()) is None:
            await asyncio.Event().wait()
        assert end is not None
        return end

    def activity(self, name: str) -> Fire:
        async def fire(event: Event) -> Outcome:
            end = await self._end("activity", name, str(event.value))
            if isinstance(end, TaskFailed):
                return Outcome(failure=Failure(json.loads(end.details or "{}")["Message"].strip()))
            assert isinstance(end, TaskCompleted)
            return Outcome(returned=None if end.result is None else Json(end.result))

        return fire

    def _child(self, name: str) -> Fire:
        async def fire(event: Event) -> Outcome:
            begun = started(map(event_of, json.loads(str(event.value))["history"]))
            end = await self._end("orchestrator", name, str(begun.input))
            if isinstance(end, SubOrchestrationInstanceFailed):
                found = re.match("Message: (.*), StackTrace: $", end.details or "")
                assert found
                return Outcome(returned=Json(json.dumps({"isDone": False, "actions": [], "error": found[1]})))
            assert isinstance(end, SubOrchestrationInstanceCompleted)
            output = json.loads(end.result or "null")
            return Outcome(returned=Json(json.dumps({"isDone": True, "actions": [], "output": output})))

        return fire

    def _entity(self, name: str) -> Fire:
        async def fire(event: Event) -> Outcome:
            batch = json.loads(str(event.value))["batch"]
            results = [await self._result(name, each) for each in batch]
            answer = {"entityExists": True, "entityState": "1", "results": results, "signals": []}
            return Outcome(returned=Json(json.dumps(answer)))

        return fire

    async def _result(self, name: str, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        if asked["isSignal"]:
            return {"isError": False, "result": "null"}
        end = await self._end("entity", name, asked["name"])
        assert isinstance(end, EventRaised)
        told = json.loads(end.input or "")
        return {"isError": "exceptionType" in told, "result": told["result"]}


class Paced(Engine):
    """An engine that keeps back what it would tell one instance, and asks the recording, not the web."""

    def __init__(self, hub: Hub, clock: Clock, execution: Execution, web: Fire) -> None:
        super().__init__(hub, clock, Log(lambda _: None), EngineSettings(), ALONE)
        self.execution, self.instance, self._web = execution, execution.instance_id, web
        self._kept: list[ReceivedMessage] = []
        self._came = asyncio.Event()

    def _deliver_to_session(self, one: ReceivedMessage) -> None:
        if one.message.target.instance_id == self.instance:
            self._keep(one)
        else:
            super()._deliver_to_session(one)

    def _dispatch_later(self, seconds: float, one: ReceivedMessage) -> None:
        self._keep(one)

    def _keep(self, one: ReceivedMessage) -> None:
        self._kept.append(one)
        self._came.set()

    async def _outcome(self, item: TaskScheduled, target: Execution) -> tuple[Dialect, Outcome]:
        if item.name != HTTP_ACTIVITY:
            return await super()._outcome(item, target)
        return JSON, await self._web(Event(item.name, activity_input(item.input), ""))

    async def kept(self, is_wanted: Callable[[Message], bool]) -> ReceivedMessage:
        """The first that was kept back and is wanted, as soon as it is there."""
        async with asyncio.timeout(PATIENCE):
            while not (found := [one for one in self._kept if is_wanted(one.message)]):
                self._came.clear()
                await self._came.wait()
        self._kept.remove(found[0])
        return found[0]

    def tell(self, batch: Iterable[ReceivedMessage]) -> None:
        for one in batch:
            self._in_flight.take(one)
            super()._deliver_to_session(one)


@dataclass(slots=True)
class RecordedClock(SystemClock):
    """The time of day is set by the test; timers run as usual."""

    at: Instant

    def now(self) -> datetime:
        return to_datetime(self.at)


@dataclass(frozen=True, slots=True)
class Stage:
    """An engine that serves one recorded instance, in the recording's time."""

    hub: Hub
    engine: Paced
    client: DurableClient
    time: RecordedClock

    async def tell(self, episode: Episode) -> None:
        """Everything that is new in the episode, at once. What a new execution begins with it has already."""
        news = [event for event in episode.told if not event.is_played and not self._goes_on(event)]
        batch = [await self._arrived(event, requests(episode.history)) for event in news]
        self.time.at = episode.now
        self.engine.tell(batch)

    def _goes_on(self, event: HistoryEvent) -> bool:
        return isinstance(event, ExecutionStarted) and event.orchestration_instance != self.engine.execution

    async def _arrived(self, event: HistoryEvent, asked: Sequence[str]) -> ReceivedMessage:
        if isinstance(event, ExecutionStarted):
            self.engine.dispatch([await self.hub.start(Message(event.orchestration_instance, event))])
        elif isinstance(event, EventRaised) and event.name not in asked:
            self.time.at = event.timestamp
            await self.client.raise_event(self.engine.instance, event.name, event.input)
        return await self.engine.kept(partial(_is_same, event, asked))

    async def recorded(self, last: Episode) -> Instance:
        """The instance when the engine has recorded this episode."""
        with self.engine.watching(self.engine.instance) as watch:
            async with asyncio.timeout(PATIENCE):
                while count((await self.hub.load(self.engine.instance)).events) < count(last.history):
                    await watch.next()
        return await self.client.expect(self.engine.instance)


def count(history: Iterable[HistoryEvent]) -> int:
    """How many episodes it has."""
    return sum(isinstance(event, OrchestratorStarted) for event in history)


def requests(history: Iterable[HistoryEvent]) -> Sequence[str]:
    """The ids of what it asked of entities."""
    sent = [event for event in history if isinstance(event, EventSent)]
    return [request.id for request in map(sent_request, sent) if request]


def _is_same(event: HistoryEvent, asked: Sequence[str], message: Message) -> bool:
    """Entities answer in order, under ids of our own."""
    told = message.event
    if isinstance(told, EventRaised) and isinstance(event, EventRaised):
        by_entity = message.sender is not None and is_entity(message.sender.instance_id)
        return by_entity if event.name in asked else told.name == event.name
    if isinstance(told, Ends) and isinstance(event, Ends):
        return type(told) is type(event) and completed_id(told) == completed_id(event)
    return type(told) is type(event)


@asynccontextmanager
async def staged(recorded: Sequence[Episode], orchestrator: Fire) -> AsyncIterator[Stage]:
    """`orchestrator` answers for the instance, the recording for the rest."""
    first, time, world = started(recorded[0].history), RecordedClock(recorded[0].now), World(recorded)
    async with made(SqliteHub(hub_settings())) as hub:
        engine = Paced(hub, time, first.orchestration_instance, world.activity(HTTP_ACTIVITY))
        with world.serving(engine), engine.serving("orchestrator", first.name, orchestrator):
            async with engine.running():
                yield Stage(hub, engine, DurableClient(engine, engine.hub, time), time)
