"""What every binding type promises: it refuses a bad entry by name, opens and closes without a leak, and stops in two
phases; and what an output writes, the trigger of the same service fires. Over real storage."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from fnhost.azurite import Azurite
from fnhost.bindings.contract import Adapter, Binding, Event, Fire, Input, Outcome, Output, Trigger, Value
from fnhost.bindings.durable import DurableServices, HubEndpoints
from fnhost.bindings.http.trigger import HttpSettings, RouteTable
from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage import parse
from fnhost.bindings.storage.services import HostState, StorageServices, storage_accounts
from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.durable.runtime.registry import FunctionRegistry
from fnhost.host.load.app import load
from tests.support.storage import fresh

pytestmark = pytest.mark.anyio

SOUND: Mapping[str, Mapping[str, Any]] = {
    "httpTrigger": {},
    "timerTrigger": {"schedule": "0 0 0 1 1 *"},
    "queueTrigger": {"queueName": "NAME"},
    "queue": {"queueName": "NAME"},
    "blobTrigger": {"path": "NAME/{file}"},
    "blob": {"path": "NAME/file"},
    "table": {"tableName": "NAME"},
    "durableClient": {},
    "orchestrationTrigger": {},
    "activityTrigger": {},
    "entityTrigger": {},
    "manualTrigger": {},
    "warmupTrigger": {},
    "http": {},
}
"""An entry of every type that is served; NAME is a name of the test alone."""
BAD: Mapping[str, Mapping[str, Any]] = {
    "httpTrigger": {"methods": "get"},
    "timerTrigger": {"schedule": "often"},
    "queueTrigger": {"queueName": 5},
    "queue": {"queueName": "{open"},
    "blobTrigger": {"path": "Upper/{name}"},
    "blob": {},
    "table": {"tableName": "t", "take": "all"},
    "durableClient": {"taskHub": 1},
    "orchestrationTrigger": {"orchestration": 1},
    "activityTrigger": {"activity": 1},
    "entityTrigger": {"entityName": 1},
}
TRIGGERS = [name for name in SOUND if binding_types()[name].is_trigger]
PAIRS = {"queue": "queueTrigger", "blob": "blobTrigger"}


@dataclass
class Starter:
    """Takes what is started; the engine's own tests run it."""

    started: list[str] = field(default_factory=list)

    async def start(self, name: str, instance: str | None = None, input: str | None = None) -> str:
        self.started.append(name)
        return instance or name


@dataclass
class Bench:
    """Opens adapters as a host does."""

    services: Mapping[type, object]
    said: list[str]
    name: str = field(default_factory=lambda: fresh("n"))

    def open(self, type: str, direction: Any = "in") -> Adapter:
        found = binding_types()[type]
        properties = json.loads(json.dumps(SOUND[type]).replace("NAME", self.name))
        binding = Binding("it", found.key, direction, None, properties)
        assert found.open and found.services in (None, *self.services)
        return found.open(self.services.get(cast(Any, found.services)), "Fn", binding, (binding,))

    def trigger(self, type: str) -> Trigger:
        return cast(Trigger, self.open(type))


@pytest.fixture
async def bench(storage: Azurite) -> AsyncIterator[Bench]:
    async with opened(storage.connection_string) as bench:
        yield bench


@asynccontextmanager
async def opened(connection: str) -> AsyncIterator[Bench]:
    said: list[str] = []
    async with AsyncExitStack() as stack:
        accounts = await stack.enter_async_context(storage_accounts(lambda _: parse(connection), SYSTEM_CLOCK))
        storage = StorageServices(
            accounts=accounts,
            host=HostState(fresh("host"), "0f8fad5b-d9cb-469f-a165-70867728950e"),
            clock=SYSTEM_CLOCK,
            section=lambda name: {},
            singleton={},
            time_zone="",
            is_development=True,
            report=lambda function, level, text: said.append(text),
        )
        durable = DurableServices(FunctionRegistry(), Starter(), HubEndpoints("http://localhost:7071", "Hub"))
        services = {StorageServices: storage, DurableServices: durable, RouteTable: RouteTable(HttpSettings())}
        yield Bench(services, said)


@asynccontextmanager
async def listening(trigger: Trigger, fire: Fire) -> AsyncIterator[tuple["asyncio.Task[None]", asyncio.Event]]:
    stopping = asyncio.Event()
    task = asyncio.create_task(trigger.listen(fire, stopping))
    try:
        yield task, stopping
    finally:
        task.cancel()
        await asyncio.wait([task])


async def succeed(event: Event) -> Outcome:
    return Outcome()


def test_every_type_that_is_served_is_tried() -> None:
    assert set(SOUND) == set(binding_types().names)


@pytest.mark.parametrize("type", BAD)
def test_a_bad_entry_is_refused_by_name(tmp_path: Path, type: str) -> None:
    found = binding_types()[type]
    entry = {"name": "wrong", "type": type, "direction": "in" if found.is_trigger else "out", **BAD[type]}
    others = [] if found.is_trigger else [{"name": "req", "type": "httpTrigger"}]
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "Fn").mkdir()
    (tmp_path / "Fn" / "__init__.py").touch()
    (tmp_path / "Fn" / "function.json").write_text(json.dumps({"bindings": [*others, entry]}))
    (problem,) = load(tmp_path, {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}).problems
    assert problem.function == "Fn"
    assert problem.message.startswith(f"Unable to configure binding 'wrong' of type '{type}'.")
    assert problem.pointer.startswith(f"/bindings/{len(others)}")


@pytest.mark.parametrize("type", TRIGGERS)
async def test_a_trigger_that_is_stopped_returns_and_leaves_nothing(storage: Azurite, type: str) -> None:
    before = asyncio.all_tasks()
    async with opened(storage.connection_string) as bench, listening(bench.trigger(type), succeed) as (task, stopping):
        await asyncio.sleep(0)
        stopping.set()
        async with asyncio.timeout(20):
            await task
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("type", TRIGGERS)
async def test_a_trigger_that_is_cancelled_ends_at_once(storage: Azurite, type: str) -> None:
    before = asyncio.all_tasks()
    async with opened(storage.connection_string) as bench, listening(bench.trigger(type), succeed) as (task, _):
        await asyncio.sleep(0)
        task.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait([task])
        assert task.cancelled()
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("type", [name for name in SOUND if not binding_types()[name].is_trigger])
async def test_inputs_and_outputs_open_and_close(bench: Bench, type: str) -> None:
    for direction in binding_types()[type].directions - {"inout"}:
        adapter = bench.open(type, direction)
        assert hasattr(adapter, "write" if direction == "out" else "read")


class Gate:
    """A function that waits until it is let through, and then succeeds."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.open = asyncio.Event()

    async def __call__(self, event: Event) -> Outcome:
        self.events.put_nowait(event)
        await self.open.wait()
        return Outcome()


@pytest.mark.parametrize("output", PAIRS)
async def test_what_an_output_writes_its_trigger_fires(bench: Bench, output: str) -> None:
    gate = Gate()
    gate.open.set()
    async with listening(bench.trigger(PAIRS[output]), gate), asyncio.timeout(20):
        await cast(Output, bench.open(output, "out")).write("written", Event("Fn", None, ""))
        event = await gate.events.get()
    assert (event.function, text_of(event.value), event.deliveries) == ("Fn", "written", 1)
    assert event.id and event.renewal and event.reason


def text_of(value: Value) -> object:
    return value.decode() if isinstance(value, bytes) else value


@pytest.mark.parametrize("output", PAIRS)
async def test_what_was_taken_is_settled_before_a_stopped_trigger_returns(bench: Bench, output: str) -> None:
    gate = Gate()
    async with listening(bench.trigger(PAIRS[output]), gate) as (task, stopping), asyncio.timeout(20):
        await cast(Output, bench.open(output, "out")).write("written", Event("Fn", None, ""))
        await gate.events.get()
        stopping.set()
        done, _ = await asyncio.wait([task], timeout=0.2)
        assert not done
        gate.open.set()
        await task
    async with listening(bench.trigger(PAIRS[output]), gate) as (task, stopping):
        await cast(Output, bench.open(output, "out")).write("next", Event("Fn", None, ""))
        async with asyncio.timeout(20):
            assert text_of((await gate.events.get()).value) == "next"


@pytest.mark.parametrize("output", PAIRS)
async def test_what_a_cancelled_trigger_had_taken_comes_again(bench: Bench, output: str) -> None:
    gate = Gate()
    async with asyncio.timeout(20):
        async with listening(bench.trigger(PAIRS[output]), gate):
            await cast(Output, bench.open(output, "out")).write("written", Event("Fn", None, ""))
            await gate.events.get()
        async with listening(bench.trigger(PAIRS[output]), gate):
            again = await gate.events.get()
    assert (text_of(again.value), again.deliveries) == ("written", 2)


async def test_a_blob_is_read_as_it_was_written(bench: Bench) -> None:
    blob = cast(Input, bench.open("blob", "in"))
    assert await blob.read(Event("Fn", None, "")) is None
    await cast(Output, bench.open("blob", "out")).write("text", Event("Fn", None, ""))
    assert await blob.read(Event("Fn", None, "")) == "text"
