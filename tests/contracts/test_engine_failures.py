"""Starts that come over a running instance, histories that are taken up again, and input that nobody can act on."""

import asyncio
import json
from collections.abc import AsyncIterator, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.azurite import Azurite
from fnhost.bindings.contract import Event, Json, Outcome
from fnhost.host.durable.client import ClientSettings, DurableClient
from fnhost.host.durable.model.history import OrchestratorCompleted, RuntimeStatus
from fnhost.host.durable.runtime.inbox import takes_one_message
from fnhost.host.durable.storage.hub import Hub
from tests.support.engines import HUBS, PATIENCE, Functions, Served, hub_settings, made, serving
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]
Steps = Generator[Any, Any, Any]


@pytest.fixture(params=("memory", "azurite"))
async def hub(request: pytest.FixtureRequest, storage: Azurite, tmp_path: Path) -> AsyncIterator[Hub]:
    async with made(HUBS[request.param](storage, tmp_path)(hub_settings(partitions=1))) as hub:
        yield hub


def answer(**members: Any) -> Outcome:
    return Outcome(returned=Json(json.dumps({"isDone": False, "actions": [[]], **members})))


async def test_a_start_over_an_instance_that_is_recorded_meanwhile_is_not_lost(hub: Hub) -> None:
    running, may_answer = asyncio.Event(), asyncio.Event()

    async def orchestrator(event: Event) -> Outcome:
        given = json.loads(str(event.value))["input"]
        if given == 1:
            running.set()
            await may_answer.wait()
            return answer(actions=[[{"actionType": 6, "externalEventName": "Never"}]])
        return answer(isDone=True, output=given)

    async with serving(hub, Functions()) as served:
        with served.engine.serving("orchestrator", "Slow", orchestrator):
            settings = ClientSettings(overridable=frozenset(RuntimeStatus))
            client = DurableClient(served.engine, served.engine.hub, settings=settings)
            await client.start("Slow", "one", "1")
            await running.wait()
            await client.start("Slow", "one", "2")
            may_answer.set()
            ended = await served.until("one", lambda found: found.output == "2")
    assert ended.status is RuntimeStatus.Completed


async def episodes(served: Served, instance: str, count: int) -> None:
    """Until so many are recorded."""
    with served.engine.watching(instance) as watch:
        async with asyncio.timeout(PATIENCE):
            while [type(e) for e in await served.history(instance)].count(OrchestratorCompleted) < count:
                await watch.next()


def retrying(context: Context) -> Steps:
    retried = context.call_activity_with_retry("Fail", df.RetryOptions(3_600_000, 2), None)
    return (yield context.task_all([retried, context.wait_for_external_event("Go")]))


def fail(_: Any) -> None:
    raise ValueError("no luck")


async def test_one_message_an_episode_while_retries_run_outlives_the_host(hub: Hub) -> None:
    functions = Functions(orchestrators={"Retrying": retrying}, activities={"Fail": fail})
    async with serving(hub, functions) as served:
        instance = await served.start("Retrying")
        await episodes(served, instance, 2)
    loaded = await hub.load(instance)
    assert takes_one_message(loaded.events)
    async with serving(hub, functions) as served:
        for name in ("First", "Second", "Third"):
            await served.client.raise_event(instance, name, "1")
        await episodes(served, instance, 5)


def test_a_history_of_another_host_takes_one_message_at_first() -> None:
    closed = OrchestratorCompleted(timestamp="2025-03-04T10:20:00.0000000Z", listed=1)
    assert not takes_one_message([closed])
    assert takes_one_message([replace(closed, listed=None)])
    assert takes_one_message([replace(closed, has_open_loops=True)])
    assert not takes_one_message([])
