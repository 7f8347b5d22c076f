"""A host that is killed between any two storage operations loses nothing: the next one comes to the same end."""

import asyncio
import json
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import Any

import pytest
from aiohttp import web
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.azurite import Azurite
from fnhost.bindings.storage import parse
from fnhost.host.durable.model.errors import AlreadyExists
from fnhost.host.durable.model.history import SubOrchestrationInstanceCreated
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Log
from tests.support import programs
from tests.support.clocks import FastClock
from tests.support.crashing import Fuse, killed, stepwise
from tests.support.engines import Functions, Served, hub_settings, made, serving
from tests.support.lives import HIDDEN, QUICK, SPEED, Life, check_history, live, on_azure, on_sqlite
from tests.support.programs import Tree
from tests.support.proxies import Answer, Forward, proxied
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]

EVERY = 6
"""Which requests to Azure Storage are tried as the last one."""
ACT: Tree = ["act", 1, 0]
SCENARIOS: dict[str, Sequence[Tree]] = {
    "chain": [["do", ["act", 1, 0]], ["status", "half"], ["do", ["act", 2, 0]]],
    "fan": [["do", ["all", [["act", number, 0] for number in range(4)]]], ["do", ["act", "after", 0]]],
    "any": [["drain", [["act", 1, 2], ["timer", 1], ["event", "Go"]]], ["do", ["act", 2, 0]]],
    "race": [["race", [["act", 1, 0], ["act", 2, 0], ["event", "Go"]]], ["do", ["act", 3, 0]]],
    "timeout": [["timeout", ["event", "Go"]], ["do", ["timer", 1]]],
    "failure": [["do", ["fail", 0]], ["do", ["all", [["fail", 0], ["act", 1, 0]]]], ["throw"]],
    "retry": [["do", ["retry", "a", 1, 3, "ok"]], ["do", ["retry", "b", None, 2, "never"]]],
    "sub": [["do", ["sub", [["do", ACT]], None]], ["do", ["sub", [["throw"]], "named"]]],
    "again": [["do", ACT], ["status", 1], ["again", [["do", ["act", 2, 0]], ["again", [["do", ["act", 3, 0]]]]]]],
    "sub again": [["do", ["sub", [["do", ACT], ["again", [["do", ["act", 2, 0]]]]], None]], ["do", ["act", 3, 0]]],
    "retried sub": [["do", ["retried sub", "a", 1, [["do", ACT]]]]],
    "same child twice": [["do", ["sub", [["do", ACT]], "same"]], ["do", ["sub", [["do", ["act", 2, 0]]], "same"]]],
}


@pytest.mark.parametrize("at_once", (True, False))
@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_a_host_may_die_after_any_operation(scenario: str, at_once: bool) -> None:
    async with on_sqlite(at_once=at_once) as world:
        functions = programs.functions()
        needed = await live(world, Life(SCENARIOS[scenario]), functions)
        for last in range(1, needed + 1):
            await live(world, Life(SCENARIOS[scenario]), functions, last)


@pytest.mark.parametrize("scenario", ("chain", "any", "sub again"))
async def test_a_host_may_die_after_any_request(scenario: str, storage: Azurite) -> None:
    """A sample of them: each death costs a second, in which another host goes on."""
    account = parse(storage.connection_string)

    async def lived(*deaths: int) -> int:
        async with on_azure(account) as world:
            return await live(world, Life(SCENARIOS[scenario]), programs.functions(), *deaths)

    needed = await lived()
    await asyncio.gather(*(lived(last) for last in range(1, needed, EVERY)))


class Changing:
    """Orchestrators that call a child with what the world says just then."""

    def __init__(self) -> None:
        self.world = "before"
        self.functions = Functions({"Parent": self.parent, "Child": self.child}, {"Echo": lambda value: value})

    def parent(self, context: Context) -> Generator[Any, Any, Any]:
        return (yield context.call_sub_orchestrator("Child", self.world))

    def child(self, context: Context) -> Generator[Any, Any, Any]:
        return (yield context.call_activity("Echo", context.get_input()))


async def test_the_recorded_call_of_a_child_counts_after_a_crash_undid_another() -> None:
    async with made(SqliteHub(hub_settings(hidden=HIDDEN, keep_inputs=True), clock=(clock := FastClock(SPEED)))) as hub:
        for last in range(1, 12):
            changing, instance = Changing(), f"parent-{last}"

            async def script(served: Served, instance: str = instance) -> Instance:
                with suppress(AlreadyExists):
                    await served.start("Parent", None, instance)
                return await served.end(instance)

            await killed(stepwise(hub), changing.functions, script, Fuse(last), settings=QUICK, clock=clock)
            changing.world = "afterwards"
            ended = await killed(stepwise(hub), changing.functions, script, Fuse(), settings=QUICK, clock=clock)
            history = (await hub.load(instance)).events
            (call,) = [event for event in history if isinstance(event, SubOrchestrationInstanceCreated)]
            assert ended and ended.output and ended.output == json.loads(call.input or "")


def adding_up(context: Context) -> Generator[Any, Any, Any]:
    """Ends at 1 + 2 + 4; takes one event in each execution."""
    total = context.get_input() + (yield context.wait_for_external_event("Add"))
    return total if total >= 7 else context.continue_as_new(total)


@pytest.mark.parametrize("at_once", (True, False))
async def test_an_event_counts_once_over_continue_as_new(at_once: bool) -> None:
    functions, asked = Functions({"AddingUp": adding_up}), set[str]()
    async with made(SqliteHub(hub_settings(hidden=HIDDEN), clock=(clock := FastClock(SPEED)))) as hub:
        for last in range(1, 15):

            async def script(served: Served, instance: str = f"sum-{last}") -> Instance:
                if instance not in asked:
                    asked.add(instance)
                    await asyncio.shield(asyncio.create_task(add_up(served, instance)))
                return await served.end(instance)

            for fuse in (Fuse(last), Fuse()):
                seen = hub if at_once else stepwise(hub)
                ended = await killed(seen, functions, script, fuse, settings=QUICK, clock=clock)
            assert ended and ended.output == "7"


async def add_up(served: Served, instance: str) -> None:
    await served.start("AddingUp", 0, instance)
    for number in (1, 2, 4):
        await served.client.raise_event(instance, "Add", str(number))


def wide(context: Context) -> Generator[Any, Any, Any]:
    """Continues as new with more work than one transaction can record."""
    if (given := context.get_input()) == 0:
        return context.continue_as_new((yield context.call_activity("Echo", 1)))
    return sum((yield context.task_all([context.call_activity("Echo", given) for _ in range(120)])))


async def test_an_execution_begins_again_after_a_crash_in_its_first_record(storage: Azurite) -> None:
    account, settings = parse(storage.connection_string), hub_settings(hidden=1.0, partitions=1)
    functions = Functions({"Wide": wide}, {"Echo": lambda value: value})
    how, fuse = EngineSettings(hidden=1.0, shortest_poll=0.02, longest_poll=0.1), Fuse()

    async def tearing(request: web.BaseRequest, forward: Forward) -> Answer:
        if not fuse.blown.is_set():
            answer = await forward(request)
            if b'"IsCheckpointComplete":false' not in await request.read():
                return answer
        fuse.blown.set()
        raise ConnectionResetError("the host is dead")

    async def script(served: Served) -> Instance:
        return await served.end(await served.start("Wide", 0, "wide"))

    async with made(AzureHub(settings, account, Log())) as hub:
        async with proxied(account, tearing) as dead, AzureHub(settings, dead, Log()) as seen:
            assert await killed(seen, functions, script, fuse, hub, settings=how) is None
        assert (torn := await hub.load("wide")).opening and not torn.events
        async with serving(hub, functions, how) as served:
            assert (await served.end("wide")).output == "120"
        check_history((await hub.load("wide")).events)
