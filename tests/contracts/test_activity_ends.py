"""What becomes of an activity's end: it goes straight to its instance, is stored with it, and never lost."""

import asyncio
import json
from collections import Counter
from collections.abc import Generator, Iterable
from typing import Any

import pytest
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.bindings.contract import Event, Outcome
from fnhost.host.durable.model.history import Execution, HistoryEvent, RuntimeStatus, TaskCompleted, TaskScheduled
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.sqlite import SqliteHub
from tests.support.crashing import stepwise
from tests.support.engines import PATIENCE, Functions, Served, hub_settings, made, serving
from tests.support.sdk import SDK_WARNINGS, orchestrator

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]


class Sent:
    """A hub without transactions that remembers what was sent."""

    def __init__(self, hub: Hub) -> None:
        self._hub = stepwise(hub)
        self.events: list[HistoryEvent] = []
        self.changed = asyncio.Event()

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._hub, verb)

    async def send(self, messages: Iterable[Message], *remote_queues: Any) -> Any:
        outgoing = list(messages)
        answer = await self._hub.send(outgoing, *remote_queues)
        self.events += [message.event for message in outgoing]
        self.changed.set()
        return answer

    def ends(self) -> list[str | None]:
        return [event.result for event in self.events if isinstance(event, TaskCompleted)]


class World:
    """Functions, how often the activity was called, and a gate in it that is open unless it is closed."""

    def __init__(self) -> None:
        self.calls = Counter[str]()
        self.gate, self.reached = asyncio.Event(), asyncio.Event()
        self.gate.set()
        self.functions = Functions({"Twice": twice, "Parent": parent}, {"Work": self.work})

    async def work(self, given: str) -> str:
        self.calls[given] += 1
        self.reached.set()
        await self.gate.wait()
        return given.upper()


def twice(context: Context) -> Generator[Any, Any, Any]:
    first = yield context.call_activity("Work", "a")
    return [first, (yield context.call_activity("Work", "b"))]


def parent(context: Context) -> Generator[Any, Any, Any]:
    return (yield context.call_sub_orchestrator("Twice"))


async def test_a_result_needs_no_message_on_the_host_of_its_instance() -> None:
    world = World()
    async with made(SqliteHub(hub_settings())) as hub:
        sent: Any = Sent(hub)
        async with serving(sent, world.functions) as served:
            assert (await served.run("Twice")).output == '["A","B"]'
        assert sent.ends() == []
        assert [await hub.receive(queue) for queue in (*hub.queues, "workitems")] == [[], []]


async def test_a_result_is_stored_before_messages_that_follow_from_it_are_sent() -> None:
    """Else a host that died then would leave the parent with one result, and the child with another."""
    world = World()
    async with made(SqliteHub(hub_settings())) as hub:
        sent: Any = Sent(hub)
        async with serving(sent, world.functions) as served:
            assert (await served.run("Parent")).output == '["A","B"]'
        assert sent.ends() == [json.dumps("B")]
        assert [await hub.receive(queue) for queue in (*hub.queues, "workitems")] == [[], []]


async def test_a_result_for_a_suspended_instance_is_stored() -> None:
    world = World()
    world.gate.clear()
    async with made(SqliteHub(hub_settings())) as hub:
        sent: Any = Sent(hub)
        async with serving(sent, world.functions) as served:
            instance = await started(served, world)
            await served.client.suspend(instance, "a break")
            await served.until(instance, lambda one: one.status is RuntimeStatus.Suspended)
            world.gate.set()
            async with asyncio.timeout(PATIENCE):
                while not sent.ends():
                    sent.changed.clear()
                    await sent.changed.wait()
            await served.client.resume(instance, "go on")
            assert (await served.end(instance)).output == '["A","B"]'
    assert (sent.ends(), world.calls) == ([json.dumps("A")], {"a": 1, "b": 1})


async def test_a_recorded_activity_is_not_run_again() -> None:
    """A host died after it had recorded the end, and before it had settled the work item."""
    world = World()
    async with made(SqliteHub(hub_settings())) as hub:
        async with serving(hub, world.functions) as served:
            ended = await served.run("Twice")
            history = await served.history(ended.id)
        first = next(event for event in history if isinstance(event, TaskScheduled))
        run = Execution(ended.id, ended.execution_id)
        await hub.release(await hub.send([Message(run, first, run, 1, first.timestamp)]))
        async with serving(hub, world.functions) as served:
            await served.run("Twice")
            assert (await hub.load(ended.id)).events == history
        assert [await hub.receive(queue) for queue in (*hub.queues, "workitems")] == [[], []]
    assert world.calls == {"a": 2, "b": 2}


async def test_a_result_that_comes_while_the_host_stops_is_kept() -> None:
    """The orchestrator does not answer any more, but what the activity did was done."""
    world, episodes, stuck = World(), 0, asyncio.Event()

    async def sticking(event: Event) -> Outcome:
        nonlocal episodes
        episodes += 1
        if episodes == 2:
            stuck.set()
            await asyncio.Event().wait()
        return await orchestrator(twice)(event)

    async with made(SqliteHub(hub_settings())) as hub:
        async with serving(hub, Functions({}, world.functions.activities)) as served:
            with served.engine.serving("orchestrator", "Twice", sticking):
                instance = await served.start("Twice")
                async with asyncio.timeout(PATIENCE):
                    await stuck.wait()
        async with serving(hub, world.functions) as served:
            assert (await served.end(instance)).output == '["A","B"]'
    assert world.calls == {"a": 1, "b": 1}


async def started(served: Served, world: World) -> str:
    instance = await served.start("Twice")
    async with asyncio.timeout(PATIENCE):
        await world.reached.wait()
    return instance
