"""What entities do from start to end, over every hub: the real SDK, the real engine, the real storage.

The Python SDK can neither lock nor delay; there a script answers as the JavaScript SDK would.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Generator
from contextlib import contextmanager
from typing import Any

import pytest
from azure.durable_functions import DurableEntityContext, EntityId
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.azurite import Azurite
from fnhost.bindings.contract import Event, Failure, Json, Outcome
from fnhost.host.durable.client import UnknownEntity
from fnhost.host.durable.entities.entity import Entity, EntityLimits, read_entity
from fnhost.host.durable.model.history import (
    EventRaised,
    Execution,
    ExecutionStarted,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
)
from fnhost.host.durable.model.ids import EntityId as Id
from fnhost.host.durable.model.instants import later, utc_now
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.model.states import Checkpoint, Instance
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.errors import TimedOut
from fnhost.host.logging.log import Level
from tests.support.engines import HUBS, PATIENCE, Functions, Served, hub_settings, made, serving
from tests.support.scripts import call, lock, release, scripted, wait
from tests.support.sdk import SDK_WARNINGS, entity, orchestrator

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]
Steps = Generator[Any, Any, Any]
BATCH = 3


# --- user code --------------------------------------------------------------------------------------------------------


def counter(context: DurableEntityContext) -> None:
    value = context.get_state(lambda: 0)
    match context.operation_name:
        case "add":
            context.set_state(value + context.get_input())
        case "set":
            context.set_state(context.get_input())
        case "get":
            context.set_result(value)
        case "end":
            context.destruct_on_exit()
        case _:
            raise ValueError(f"what is {context.operation_name}?")


def caller(context: Context) -> Steps:
    """Signals, calls, is told of an error."""
    us = EntityId("Counter", context.get_input())
    context.signal_entity(us, "add", 3)
    first = yield context.call_entity(us, "get")
    yield context.call_entity(us, "add", 2)
    second = yield context.call_entity(us, "get")
    try:
        yield context.call_entity(us, "dance")
    except Exception as error:
        return [first, second, str(error)]


def adder(context: Context) -> Steps:
    yield context.call_entity(EntityId("Counter", context.get_input()), "add", 1)
    context.signal_entity(EntityId("Counter", context.get_input()), "add", 1)


def stranger(context: Context) -> Steps:
    return (yield context.call_entity(EntityId("Nothing", "x"), "get"))


FUNCTIONS = Functions({"Caller": caller, "Adder": adder, "Stranger": stranger})

# --- an engine --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=HUBS)
async def served(
    request: pytest.FixtureRequest, storage: Azurite, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    opened = HUBS[request.param](storage, tmp_path_factory.mktemp("hub"))
    settings = EngineSettings(entities=EntityLimits(batch=BATCH))
    async with made(opened(hub_settings())) as hub, serving(hub, FUNCTIONS, settings) as served:
        with served.engine.serving("entity", "Counter", entity(counter)):
            yield served


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """An entity of the test's own; its case matters."""
    return f"{request.node.originalname}-K"


def entity_of(instance: Instance) -> Entity:
    return read_entity(instance.input)


async def holds(served: Served, key: str, state: Any, name: str = "counter") -> Instance:
    """The entity as soon as it has this state and nobody waits for it."""

    def is_so(found: Instance) -> bool:
        known = entity_of(found)
        return known.state == json.dumps(state) and not known.queue

    return await served.until(f"@{name}@{key}", is_so)


async def signal(served: Served, key: str, operation: str, input: Any = None, name: str = "counter") -> None:
    """As the Python SDK's client does, which sends JSON in a JSON string."""
    await served.client.signal(Id(name, key), operation, None if input is None else json.dumps(json.dumps(input)))


def output(instance: Instance) -> Any:
    assert instance.status is RuntimeStatus.Completed, instance.output
    return json.loads(instance.output or "null")


# --- calls and signals ------------------------------------------------------------------------------------------------


async def test_an_orchestration_signals_calls_and_is_told_of_errors(served: Served, key: str) -> None:
    ended = await served.run("Caller", key)
    assert output(ended) == [3, 5, "what is dance?"]


async def test_clients_signal_and_read(served: Served, key: str) -> None:
    us = Id("counter", key)
    assert await served.client.read_entity(us) is None
    await signal(served, key, "add", 4)
    await signal(served, key, "add", 5)
    await holds(served, key, 9)
    found = await served.client.read_entity(us)
    assert found and (found.exists, found.state) == (True, "9")


async def test_the_state_is_stored_as_input_without_past_operations(served: Served, key: str) -> None:
    await signal(served, key, "add", 4)
    row = await holds(served, key, 4)
    assert (row.name, row.status, row.custom_status) == (row.id, RuntimeStatus.Running, '{"entityExists":true}')
    assert json.loads(row.input or "") == {"exists": True, "state": "4", "sorter": {}}
    opened, started, closed = await served.history(row.id)
    assert isinstance(opened, OrchestratorStarted) and isinstance(closed, OrchestratorCompleted)
    assert isinstance(started, ExecutionStarted) and (started.name, started.input) == (row.id, row.input)
    assert started.orchestration_instance == Execution(row.id, row.execution_id)
    await signal(served, key, "add", 1)
    after = await holds(served, key, 5)
    assert after.execution_id != row.execution_id
    assert after.created > row.created
    assert len(await served.history(row.id)) == 3


async def test_a_deleted_entity_keeps_an_empty_row_and_can_come_back(served: Served, key: str) -> None:
    await signal(served, key, "add", 4)
    await holds(served, key, 4)
    await signal(served, key, "end")
    row = await served.until(f"@counter@{key}", lambda found: found.custom_status == "{}")
    assert (row.status, row.input) == (RuntimeStatus.Running, '{"sorter":{}}')
    assert await served.client.read_entity(Id("counter", key)) is None
    await signal(served, key, "add", 1)
    await holds(served, key, 1)


async def test_many_orchestrations_share_one_entity(served: Served, key: str) -> None:
    await asyncio.gather(*(served.run("Adder", key) for _ in range(20)))
    await holds(served, key, 40)


async def test_a_purged_entity_begins_anew(served: Served, key: str) -> None:
    await signal(served, key, "add", 4)
    await holds(served, key, 4)
    assert (await served.client.purge(f"@counter@{key}")).instances == 1
    await signal(served, key, "add", 1)
    await holds(served, key, 1)


async def test_records_that_storage_lost_are_written_again(served: Served, key: str) -> None:
    """An emulator that is killed comes back with the state of a few seconds before."""
    hub = served.engine.hub
    await signal(served, key, "add", 1)
    row = await holds(served, key, 1)
    before = await hub.load(row.id)
    await signal(served, key, "add", 1)
    await holds(served, key, 2)
    now = await hub.load(row.id)
    await hub.record(Checkpoint(now, row.execution_id or "", before.events, row))
    await signal(served, key, "add", 1)
    await holds(served, key, 3)


async def test_a_client_cannot_signal_an_unknown_entity(served: Served) -> None:
    with pytest.raises(UnknownEntity, match="'nothing' doesn't exist"):
        await served.client.signal(Id("nothing", "x"), "add", None)


async def test_a_call_of_an_unknown_entity_fails(served: Served) -> None:
    ended = await served.run("Stranger")
    assert ended.status is RuntimeStatus.Failed
    assert "The function 'nothing' doesn't exist, is disabled, or is not an entity function." in (ended.output or "")


async def test_an_entity_cannot_be_terminated(served: Served, key: str) -> None:
    await signal(served, key, "add", 1)
    await holds(served, key, 1)
    await served.client.terminate(f"@counter@{key}", "no more")
    await signal(served, key, "add", 1)
    assert (await holds(served, key, 2)).status is RuntimeStatus.Running


async def test_a_delayed_signal_comes_in_time(served: Served, key: str) -> None:
    due = later(utc_now(), 1.0)
    delayed = {"actionType": 10, "instanceId": f"@Counter@{key}", "operation": "add", "input": "1", "fireAt": due}
    with served.engine.serving("orchestrator", key, scripted(lambda _: delayed)):
        assert output(await served.run(key)) == []
        row = await holds(served, key, 1)
    assert row.created >= later(due, -0.1)


async def test_an_unreadable_message_is_dropped_and_logged(served: Served, key: str) -> None:
    target = Execution(f"@counter@{key}")
    message = Message(target, EventRaised(timestamp=utc_now(), name="op", input='{"op":"add"}'))
    served.engine.dispatch(await served.engine.hub.send([message]))
    await signal(served, key, "add", 1)
    await holds(served, key, 1)
    assert served.said(f"A message for {target.instance_id} is dropped. This is no request", Level.ERROR) == 1


# --- batches ----------------------------------------------------------------------------------------------------------


class Watched:
    """An entity that waits before its first batch, and tells how large each was."""

    def __init__(self, *outcomes: Outcome | Exception) -> None:
        self.sizes: list[int] = []
        self.reached, self.opened = asyncio.Event(), asyncio.Event()
        self._outcomes = list(outcomes)
        self._fire = entity(counter)

    async def __call__(self, event: Event) -> Outcome:
        self.sizes.append(len(json.loads(str(event.value))["batch"]))
        self.reached.set()
        await self.opened.wait()
        match self._outcomes.pop(0) if self._outcomes else None:
            case Exception() as error:
                raise error
            case Outcome() as outcome:
                return outcome
        return await self._fire(event)


@contextmanager
def watched(served: Served, name: str, *outcomes: Outcome | Exception) -> Generator[Watched, None, None]:
    found = Watched(*outcomes)
    with served.engine.serving("entity", name, found):
        yield found


async def test_operations_that_come_during_a_batch_form_the_next_ones(served: Served, key: str) -> None:
    with watched(served, "batched") as door:
        await signal(served, key, "add", 1, "batched")
        await asyncio.wait_for(door.reached.wait(), PATIENCE)
        for _ in range(2 * BATCH + 1):
            await signal(served, key, "add", 1, "batched")
        door.opened.set()
        row = await holds(served, key, 2 * BATCH + 2, "batched")
    assert door.sizes == [1, BATCH, BATCH, 1]
    assert row.custom_status == '{"entityExists":true}'


async def test_a_batch_that_fails_as_a_whole_is_tried_again(served: Served, key: str) -> None:
    with watched(served, "moody", Outcome(failure=Failure("ImportError: no such module")), Outcome()) as door:
        door.opened.set()
        await signal(served, key, "add", 1, "moody")
        await holds(served, key, 1, "moody")
    assert door.sizes == [1, 1, 1]
    assert served.said(f"The entity @moody@{key} did not answer: ImportError: no such module", Level.ERROR) == 1


async def test_a_timed_out_batch_fails_at_its_callers(served: Served, key: str) -> None:
    with watched(served, "slow", TimedOut("Timeout value of 00:00:01 exceeded.")) as door:
        door.opened.set()

        def waiting(context: Context) -> Steps:
            return (yield context.call_entity(EntityId("slow", key), "get"))

        with served.engine.serving("orchestrator", key, orchestrator(waiting)):
            ended = await served.run(key)
    assert ended.status is RuntimeStatus.Failed
    assert "Timeout value of 00:00:01 exceeded." in (ended.output or "")


async def test_signals_wait_for_their_function(served: Served, key: str) -> None:
    def early(context: Context) -> Steps:
        context.signal_entity(EntityId("Late", key), "add", 7)
        yield context.call_entity(EntityId("Counter", key), "get")

    with served.engine.serving("orchestrator", key, orchestrator(early)):
        await served.run(key)
    with served.engine.serving("entity", "Late", entity(counter)):
        await holds(served, key, 7, "late")


async def test_entities_signal_each_other(served: Served, key: str) -> None:
    """As the JavaScript SDK answers: the Python SDK cannot."""

    async def relay(event: Event) -> Outcome:
        asked = json.loads(str(event.value))["batch"]
        signals = [{"target": {"name": "Counter", "key": key}, "name": "add", "input": json.dumps("1")} for _ in asked]
        results = [{"isError": False, "duration": 0} for _ in asked]
        members = {"entityExists": True, "entityState": "1", "results": results, "signals": signals}
        return Outcome(returned=Json(json.dumps(members)))

    with served.engine.serving("entity", "Relay", relay):
        for _ in range(5):
            await signal(served, key, "pass", None, "relay")
        row = await holds(served, key, 5)
    assert list(entity_of(row).sorter.received) == [f"@relay@{key}"]


# --- locks ------------------------------------------------------------------------------------------------------------


async def test_the_holder_of_locks_has_the_entities_alone(served: Served, key: str) -> None:
    one, other = f"{key}-1", f"{key}-2"
    increment = scripted(
        lock(other, one),
        call(one, "get"),
        call(one, "set", lambda results: results[1] + 1),
        call(other, "add", 2),
        release,
    )
    with served.engine.serving("orchestrator", key, increment):
        ended = await asyncio.gather(*(served.run(key) for _ in range(8)))
        rows = [await holds(served, one, 8), await holds(served, other, 16)]
    assert sorted(output(each)[1] for each in ended) == list(range(8))
    assert [entity_of(row).locked_by for row in rows] == [None, None]


async def free_again(served: Served, key: str) -> None:
    """Somebody else can have it."""
    with served.engine.serving("orchestrator", f"{key}-next", scripted(lock(key), call(key, "get"), release)):
        assert len(output(await served.run(f"{key}-next"))) == 2


async def test_an_unreleased_lock_ends_with_its_orchestration(served: Served, key: str) -> None:
    with served.engine.serving("orchestrator", key, scripted(lock(key))):
        await served.run(key)
    await free_again(served, key)


async def test_a_lock_ends_when_the_orchestration_is_terminated(served: Served, key: str) -> None:
    with served.engine.serving("orchestrator", key, scripted(lock(key), wait("Never"))):
        instance = await served.start(key)
        await served.until(f"@counter@{key}", lambda found: entity_of(found).locked_by == instance)
        await served.client.terminate(instance, None)
        await served.end(instance)
    await free_again(served, key)


async def test_an_orchestration_terminated_while_it_waits_never_gets_the_lock(served: Served, key: str) -> None:
    with served.engine.serving("orchestrator", key, scripted(lock(key), wait("Go"), release)):
        holder = await served.start(key)
        await served.until(f"@counter@{key}", lambda found: entity_of(found).locked_by == holder)
        waiter = await served.start(key)
        await served.until(f"@counter@{key}", lambda found: len(entity_of(found).queue) == 1)
        await served.client.terminate(waiter, None)
        await served.end(waiter)
        await served.client.raise_event(holder, "Go", '{"result":"1"}')
        await served.end(holder)
    await free_again(served, key)


# --- rewind -----------------------------------------------------------------------------------------------------------


async def test_a_rewound_parent_goes_on_with_its_rewound_child(served: Served, key: str) -> None:
    calls: defaultdict[str, int] = defaultdict(int)

    async def luck(event: Event) -> Outcome:
        kind = json.loads(str(event.value))
        calls[kind] += 1
        lucky = calls[kind] > 1 or kind == "good"
        return Outcome(returned=Json('"luck"')) if lucky else Outcome(failure=Failure("ValueError: no luck"))

    def parent(context: Context) -> Steps:
        first = yield context.call_activity(f"{key}-luck", "good")
        second = yield context.call_sub_orchestrator(f"{key}-child")
        return [first, second]

    def child(context: Context) -> Steps:
        return (yield context.call_activity(f"{key}-luck", "bad"))

    with (
        served.engine.serving("activity", f"{key}-luck", luck),
        served.engine.serving("orchestrator", key, orchestrator(parent)),
        served.engine.serving("orchestrator", f"{key}-child", orchestrator(child)),
    ):
        failed = await served.run(key)
        assert failed.status is RuntimeStatus.Failed
        await served.client.rewind(failed.id, "try again")
        ended = await served.end(failed.id)
    assert output(ended) == ["luck", "luck"]
    assert ended.execution_id == failed.execution_id
    assert calls == {"good": 1, "bad": 2}
