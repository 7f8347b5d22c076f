"""A storage that goes away delays what runs, loses none of it, and is spoken of once."""

import asyncio
import json
import os
import signal
from collections.abc import Container, Generator
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.azurite import Azurite
from fnhost.bindings.storage import parse
from fnhost.host.durable.model.errors import HubUnreachable
from fnhost.host.durable.model.history import Execution, ExecutionStarted, RuntimeStatus
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.retrying import ClientHub
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Level, Log
from tests.support.crashing import stepwise
from tests.support.engines import HUBS, PATIENCE, Functions, Served, hub_settings, made, serving
from tests.support.outages import Switch, unreachable
from tests.support.proxies import proxied
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]
ALL = ("receive", "send", "settle", "release", "load", "record", "find", "start", "create")
AWAY, BACK = "wait until it is back", "answers again"
QUICK = EngineSettings(shortest_poll=0.005, longest_poll=0.02)


def everything(context: Context) -> Generator[Any, Any, Any]:
    """Activities, a child, an event, and a second execution."""
    given = context.get_input()
    context.set_custom_status(given)
    doubled = yield context.task_all([context.call_activity("Double", number) for number in range(3)])
    child = yield context.call_sub_orchestrator("Child", given)
    if given:
        return context.continue_as_new(given - 1)
    event = yield context.wait_for_external_event("Go")
    return [doubled, child, event]


def child(context: Context) -> Generator[Any, Any, Any]:
    return (yield context.call_activity("Double", context.get_input()))


FUNCTIONS = Functions({"Everything": everything, "Child": child}, {"Double": lambda number: number * 2})


async def expect_everything(served: Served) -> None:
    instance = await served.start("Everything", 1)
    await served.until(instance, lambda found: found.custom_status is None and found.status is RuntimeStatus.Running)
    await served.client.raise_event(instance, "Go", "1")
    ended = await served.end(instance)
    assert (ended.status, json.loads(ended.output or "null")) == (RuntimeStatus.Completed, [[0, 2, 4], 0, 1])


async def lived(last: int) -> int:
    """See one orchestration through while one answer is lost. How many operations there were."""
    count = 0

    def is_lost(verb: str) -> bool:
        nonlocal count
        count += verb not in ("receive", "load", "find")
        return count == last and verb not in ("receive", "load", "find")

    async with made(SqliteHub(hub_settings())) as hub:
        async with serving(unreachable(stepwise(hub), is_lost), FUNCTIONS, QUICK) as served:
            await expect_everything(served)
            assert served.said(AWAY, Level.ERROR) <= 1
    return count


async def test_any_answer_may_be_lost() -> None:
    needed = await lived(0)
    await asyncio.gather(*(lived(last) for last in range(1, needed + 1)))


@pytest.mark.parametrize("kind", HUBS)
async def test_a_repeated_start_is_the_same_start(kind: str, storage: Azurite, tmp_path: Path) -> None:
    run = Execution("order-42", "e")
    event = ExecutionStarted(timestamp=utc_now(), orchestration_instance=run, name="Child", input="1")
    async with made(HUBS[kind](storage, tmp_path)(hub_settings(partitions=1))) as hub:
        first = await hub.start(Message(run, event))
        async with serving(hub, FUNCTIONS, QUICK) as served:
            served.engine.dispatch([first])
            ended = await served.end("order-42")
            served.engine.dispatch([await hub.start(Message(run, event))])
            await served.run("Child", 1)
            assert await hub.find("order-42") == ended


@pytest.mark.parametrize("silent", [("record",), ("receive", "send"), ALL], ids=["tables", "queues", "all"])
async def test_an_unreachable_storage_is_waited_for_and_reported_once(silent: Container[str]) -> None:
    """A part of it may answer all the time."""
    switch = Switch()
    async with made(SqliteHub(hub_settings())) as hub:
        away = unreachable(stepwise(hub), lambda _: False, lambda verb: switch.is_off and verb in silent)
        async with serving(away, FUNCTIONS, QUICK) as served:
            await expect_gone_and_back(served, switch)


async def test_a_failing_account_is_waited_for_and_reported_once(storage: Azurite) -> None:
    account, switch, settings = parse(storage.connection_string), Switch(), hub_settings(hidden=1.0, partitions=1)
    async with made(AzureHub(settings, account, Log())), proxied(account, switch.treat) as failing:
        async with AzureHub(settings, failing, Log()) as seen:
            async with serving(seen, FUNCTIONS, EngineSettings(hidden=1.0)) as served:
                await expect_gone_and_back(served, switch)


async def test_a_storage_that_is_stopped_is_noticed_by_whoever_waits(storage: Azurite) -> None:
    """It takes connections, as a stopped process does, and answers nothing."""
    settings, loop = hub_settings(partitions=1), asyncio.get_running_loop()
    async with made(AzureHub(settings, parse(storage.connection_string), Log())) as hub:
        async with serving(hub, FUNCTIONS, client_hub=ClientHub(hub)) as served:
            began = loop.time()
            os.kill(storage.pid, signal.SIGSTOP)
            try:
                asked = asyncio.create_task(served.start("Child", 1))
                await said(served, AWAY)
                with pytest.raises(HubUnreachable, match=r"no answer in 5 seconds.*Is Azurite running\?"):
                    await asked
                assert loop.time() - began < 8
            finally:
                os.kill(storage.pid, signal.SIGCONT)
            await said(served, BACK)
            await expect_everything(served)


async def expect_gone_and_back(served: Served, switch: Switch) -> None:
    """Five orchestrations are asked for before, five while the storage is away."""
    before = [asyncio.create_task(expect_everything(served)) for _ in range(5)]
    await asyncio.sleep(0)
    switch.is_off = True
    await said(served, AWAY)
    during = [asyncio.create_task(expect_everything(served)) for _ in range(5)]
    await asyncio.sleep(0)
    switch.is_off = False
    await asyncio.gather(*before, *during)
    assert (served.said(AWAY, Level.ERROR), served.said(BACK)) == (1, 1)
    assert [
        record.message for record in served.records if record.level >= Level.ERROR and AWAY not in record.message
    ] == []


async def said(served: Served, text: str) -> None:
    """Wait until the log says so."""
    came = asyncio.Event()
    served.engine.log.add(lambda record: came.set() if text in record.message else None)
    async with asyncio.timeout(PATIENCE):
        await came.wait()
