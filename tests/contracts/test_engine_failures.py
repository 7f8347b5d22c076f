"""Starts that come over a running instance, histories that are taken up again, and input that nobody can act on."""

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import azure.durable_functions as df
import pytest
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.azurite import Azurite
from fnhost.bindings.contract import Event, Failure, Json, Outcome
from fnhost.bindings.durable import MARKER
from fnhost.host.durable.client import ClientSettings, DurableClient
from fnhost.host.durable.model.errors import RecordRefused
from fnhost.host.durable.model.history import (
    Execution,
    OrchestratorCompleted,
    RuntimeStatus,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
)
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import later, utc_now
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.model.states import Checkpoint, HistoryState, Instance
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.runtime.inbox import takes_one_message
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.errors import FunctionNotLoadable, WorkerCrashed, WorkerStopped
from fnhost.host.logging.log import Log, Record
from tests.support.engines import HUBS, PATIENCE, Functions, Served, hub_settings, made, serving
from tests.support.sdk import SDK_WARNINGS, entity

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


def shrinking(context: Context) -> Steps:
    """Waits that list no new action: the host cannot tell at which message user code goes on."""
    retry = df.RetryOptions(1, 2)
    first = context.call_activity_with_retry("Hopeless", retry, "first")
    second = context.call_activity_with_retry("Hopeless", retry, "second")
    quick, slow = context.call_activity("Echo", "quick"), context.call_activity("Held", "slow")
    yield context.task_any([first, second, quick, slow])
    yield context.task_any([first, second, slow])
    results = [(yield context.call_activity("Echo", "after"))]
    for task in (first, second):
        try:
            results.append((yield task))
        except Exception:
            results.append("failed")
    return results


async def test_messages_that_pile_up_over_a_restart_are_taken_one_by_one_while_retries_run(hub: Hub) -> None:
    tries: Counter[str] = Counter()

    async def hopeless(name: str) -> None:
        """Held before the restart and after it, when its work item is delivered again; then it fails."""
        tries[name] += 1
        if tries[name] <= 2:
            await asyncio.Event().wait()
        raise ValueError("no luck")

    async def held(_: str) -> None:
        await asyncio.Event().wait()

    functions = Functions({"Shrinking": shrinking}, {"Echo": lambda given: given, "Hopeless": hopeless, "Held": held})
    async with serving(hub, functions) as served:
        instance = await served.start("Shrinking")
        await episodes(served, instance, 2)
    state = await hub.load(instance)
    us = Execution(instance, state.execution_id)
    ids = sorted(event.event_id for event in state.events if isinstance(event, TaskScheduled))
    first, second, _, slow = ids
    ends: list[TaskFailed | TaskCompleted] = [
        TaskFailed(timestamp=utc_now(), task_scheduled_id=first, reason="no luck", details=""),
        TaskFailed(timestamp=utc_now(), task_scheduled_id=second, reason="no luck", details=""),
        TaskCompleted(timestamp=utc_now(), task_scheduled_id=slow, result='"slow"'),
    ]
    await hub.release(await hub.send([Message(us, end, us) for end in ends]))
    async with serving(hub, functions) as served:
        ended = await served.end(instance)
    assert ended.output == '["after","failed","failed"]'


def test_a_history_of_another_host_takes_one_message_first() -> None:
    closed = OrchestratorCompleted(timestamp="2025-03-04T10:20:00.0000000Z", listed=1)
    assert not takes_one_message([closed])
    assert takes_one_message([replace(closed, listed=None)])
    assert takes_one_message([replace(closed, has_open_loops=True)])
    assert not takes_one_message([])


# Input that nobody can act on


async def run_answers(hub: Hub, *answers: Outcome, input: str | None = None) -> tuple[Instance, Served]:
    """What an instance comes to whose orchestrator gives these answers, one an episode."""
    left = iter(answers)

    async def orchestrator(event: Event) -> Outcome:
        return next(left)

    functions = Functions(activities={"Echo": lambda given: given})
    async with serving(hub, functions) as served:
        with served.engine.serving("orchestrator", "Scripted", orchestrator):
            return await served.end(await served.client.start("Scripted", None, input)), served


def call(**members: Any) -> Outcome:
    """An answer that lists one action."""
    return answer(actions=[[members]])


def retried(first: float, **options: Any) -> Outcome:
    options = {"firstRetryIntervalInMilliseconds": first, "maxNumberOfAttempts": 3, **options}
    return call(actionType=1, functionName="Missing", input="1", retryOptions=options)


IMPOSSIBLE = {
    "an unknown action": (call(actionType=99), "asked for action 99"),
    "no action at all": (answer(actions=[["what?"]]), "not lists of objects"),
    "an incomplete action": (call(actionType=0), "is not complete: 'functionName'"),
    "a time that is none": (call(actionType=5, fireAt="soon"), "impossible value"),
    "an HTTP request that is none": (call(actionType=8, httpRequest="GET"), "impossible value"),
    "a status with half a character": (answer(customStatus="x" * 18_000 + "\ud800"), "must not exceed 16 KB"),
}


@pytest.mark.parametrize("case", IMPOSSIBLE)
async def test_an_answer_that_nobody_can_act_on_fails_its_instance(hub: Hub, case: str) -> None:
    given, reason = IMPOSSIBLE[case]
    ended, served = await run_answers(hub, given)
    assert ended.status is RuntimeStatus.Failed
    assert reason in (ended.output or "")
    assert served.said(f"Instance {ended.id} failed") == 1


@pytest.mark.parametrize(
    "options",
    ({"backoffCoefficient": 1e300}, {"maxRetryIntervalInMilliseconds": 1e300, "backoffCoefficient": 1e300}),
    ids=("ends at the longest interval", "ends the instance"),
)
async def test_a_backoff_without_end(hub: Hub, options: Any) -> None:
    given = retried(1, **options)
    is_hopeless = len(options) == 2

    async def orchestrator(event: Event) -> Outcome:
        return given

    async with serving(hub, Functions()) as served:
        with served.engine.serving("orchestrator", "Retrying", orchestrator):
            instance = await served.client.start("Retrying")
            if is_hopeless:
                ended = await served.end(instance)
                assert "cannot act on its answer" in (ended.output or "")
            else:
                await episodes(served, instance, 4)
                timers = [e.fire_at for e in await served.history(instance) if isinstance(e, TimerCreated)]
                assert len(timers) == 2 and timers[1] > later(utc_now(), 5 * 86400)


async def test_lone_surrogates_become_replacement_characters(hub: Hub) -> None:
    script = [
        answer(
            actions=[[{"actionType": 0, "functionName": "Echo", "input": '"\ud800"'}]], customStatus={"a": "\ud800"}
        ),
        answer(
            actions=[[{"actionType": 0, "functionName": "Echo", "input": '"\ud800"'}]],
            isDone=True,
            output=["\udfff", "\ud83d\ude00", "é"],
            customStatus="\ud800",
        ),
    ]
    ended, _ = await run_answers(hub, *script)
    assert ended.output == '["\ufffd","😀","é"]'
    assert ended.custom_status == '"\ufffd"'
    stored = await hub.load(ended.id)
    assert [event.result for event in stored.events if isinstance(event, TaskCompleted)] == ['"\ufffd"']


async def test_numbers_that_are_not_finite_are_written_as_strings(hub: Hub) -> None:
    ended, _ = await run_answers(hub, answer(isDone=True, output=[float("nan"), float("inf"), -float("inf"), 1.5]))
    assert ended.output == '["NaN","Infinity","-Infinity",1.5]'


@pytest.mark.parametrize(
    ("instance", "reason"),
    [("@a@b", "must not start with @"), ("a/b", "must not contain"), ("x" * 257, "must not exceed 256")],
)
async def test_a_child_under_an_id_that_nothing_may_have_fails_at_its_parent(
    hub: Hub, instance: str, reason: str
) -> None:
    def parent(context: Context) -> Steps:
        try:
            yield context.call_sub_orchestrator("Child", None, instance)
        except Exception as error:
            return str(error)

    def child(context: Context) -> Steps:
        yield context.call_activity("Echo", 1)

    async with serving(hub, Functions({"Parent": parent, "Child": child})) as served:
        ended = await served.run("Parent")
    assert reason in (ended.output or "")


async def test_entities_that_cannot_exist_are_refused_in_words(hub: Hub) -> None:
    def caller(context: Context) -> Steps:
        context.signal_entity(df.EntityId("Counter", "a/b"), "add", 1)
        try:
            yield context.call_entity(df.EntityId("Counter", "k" * 600), "get")
        except Exception as error:
            return str(error)

    async with serving(hub, Functions({"Caller": caller})) as served:
        ended = await served.run("Caller")
    assert "must not exceed 512 characters" in (ended.output or "")
    assert served.said("A signal of instance") == 1


async def test_code_that_raises_in_a_part_already_played_gives_its_own_error(hub: Hub) -> None:
    first = answer(actions=[[{"actionType": 0, "functionName": "Echo", "input": "1"}]], customStatus="kept")
    raised = json.dumps({"isDone": False, "actions": [[]], "error": "KeyError: 'id'"})
    ended, served = await run_answers(hub, first, Outcome(failure=Failure(f"KeyError: 'id'{MARKER}{raised}")))
    assert ended.output == "Orchestrator function 'Scripted' failed: KeyError: 'id'"
    assert ended.custom_status == '"kept"'
    assert served.said("Non-Deterministic workflow detected") == 1


async def test_an_input_that_the_python_sdk_cannot_read_is_explained(hub: Hub) -> None:
    text = "the JSON object must be str, bytes or bytearray, not int"
    raised = json.dumps({"isDone": False, "actions": [[]], "error": text})
    ended, served = await run_answers(hub, Outcome(failure=Failure(f"TypeError: {text}{MARKER}{raised}")), input="5")
    assert ended.output == f"Orchestrator function 'Scripted' failed: {text}"
    assert served.said("its input is 5, and get_input() of the Python SDK reads only JSON objects") == 1


# Functions that cannot be loaded


async def test_instances_wait_for_a_function_that_cannot_be_loaded(hub: Hub) -> None:
    tried = asyncio.Event()

    async def broken(event: Event) -> Outcome:
        tried.set()
        raise FunctionNotLoadable("SyntaxError: invalid syntax (Flow/__init__.py, line 3)")

    async def mended(event: Event) -> Outcome:
        return answer(isDone=True, output="mended")

    async with serving(hub, Functions()) as served:
        with served.engine.serving("orchestrator", "Flow", broken):
            instances = [await served.client.start("Flow") for _ in range(3)]
            await asyncio.wait_for(tried.wait(), PATIENCE)
        with served.engine.serving("orchestrator", "Flow", mended):
            ended = [await served.end(instance) for instance in instances]
    assert [each.output for each in ended] == ['"mended"'] * 3
    assert served.said("cannot be loaded; instances that need it wait until its file is mended") == 1


# Records that storage refuses


class Refusing:
    """A hub that refuses to record what holds a text."""

    def __init__(self, hub: Hub, text: str) -> None:
        self._hub, self._text = hub, text
        self.transactions = None
        self.refused = 0

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._hub, verb)

    async def record(self, checkpoint: Checkpoint) -> HistoryState:
        if self._text in str(checkpoint.instance.output):
            self.refused += 1
            raise RecordRefused("The property value exceeds the maximum allowed size.")
        return await self._hub.record(checkpoint)


async def test_a_record_that_storage_refuses_for_ever_fails_its_instance(hub: Hub) -> None:
    refusing = Refusing(hub, "too much")
    ended, _ = await run_answers(cast(Hub, refusing), *[answer(isDone=True, output="too much")] * 3)
    assert ended.status is RuntimeStatus.Failed
    assert "refuses to record this episode: The property value exceeds" in (ended.output or "")
    assert refusing.refused == 3


# Messages that cannot be read


async def test_an_unreadable_message_is_put_aside_and_the_others_are_served(tmp_path: Path) -> None:
    settings, path, records = hub_settings(), tmp_path / "hub.db", list[Record]()
    async with SqliteHub(settings, path) as hub:
        await hub.create()
    with closing(sqlite3.connect(path)) as connection, connection:
        insert = "INSERT INTO messages (queue, due, held_until, body) VALUES (?, '', '', ?)"
        connection.executemany(insert, [("control-00", "{"), ("control-00", "{}"), ("workitems", "no JSON")])

    def greeting(context: Context) -> Steps:
        return (yield context.call_activity("Echo", "hello"))

    async with made(SqliteHub(settings, path, log=Log(records.append))) as hub:
        functions = Functions({"Greeting": greeting}, {"Echo": lambda given: given})
        async with serving(hub, functions) as served:
            assert (await served.run("Greeting")).output == '"hello"'
        assert not await hub.receive("control-00")
    assert sum("cannot be read and is put aside" in record.message for record in records) == 3


# Entities


async def test_an_operation_that_fails_on_a_signal_is_logged(hub: Hub) -> None:
    def failing(context: df.DurableEntityContext) -> None:
        raise ValueError("no such operation")

    async with serving(hub, Functions()) as served:
        with served.engine.serving("entity", "Counter", entity(failing)):
            await served.client.signal(EntityId("counter", "a"), "dance", None)
            await served.until("@counter@a", lambda found: True)
    text = "The operation 'dance' of entity @counter@a, which was signalled, failed: no such operation"
    assert served.said(text) == 1


async def test_an_entity_that_ends_its_worker_again_and_again_fails_its_operations_alone(hub: Hub) -> None:
    async def crashing(event: Event) -> Outcome:
        raise WorkerCrashed("The worker process ended: exit code 7")

    def caller(context: Context) -> Steps:
        try:
            yield context.call_entity(df.EntityId("Counter", "a"), "get")
        except Exception as error:
            return str(error)

    settings = EngineSettings(episode_crashes=2)
    async with serving(hub, Functions({"Caller": caller}), settings) as served:
        with served.engine.serving("entity", "Counter", crashing):
            ended = await served.run("Caller")
    assert ended.status is RuntimeStatus.Completed
    assert "exit code 7 It happened 2 times in a row" in (ended.output or "")


async def test_an_orchestrator_that_ends_its_worker_again_and_again_fails_its_instance_alone(hub: Hub) -> None:
    crashes = list[int | None]()

    async def crashing(event: Event) -> Outcome:
        crashes.append(event.crashes)
        raise WorkerCrashed("The worker process ended: exit code 7")

    def innocent(context: Context) -> Steps:
        return (yield context.call_activity("Echo", "hello"))

    functions = Functions({"Innocent": innocent}, {"Echo": lambda given: given})
    async with serving(hub, functions, EngineSettings(episode_crashes=3)) as served:
        with served.engine.serving("orchestrator", "Killer", crashing):
            killer = await served.start("Killer")
            assert (await served.run("Innocent")).output == '"hello"'
            ended = await served.end(killer)
    assert ended.status is RuntimeStatus.Failed
    assert "It happened 3 times in a row" in (ended.output or "")
    assert crashes == [0, 1, 2]


async def test_a_worker_that_the_host_stops_counts_for_nothing(hub: Hub) -> None:
    stops = iter(range(4))

    async def stopped(event: Event) -> Outcome:
        if next(stops, None) is not None:
            raise WorkerStopped("The worker process was stopped.")
        return answer(isDone=True, output="done")

    async with serving(hub, Functions(), EngineSettings(episode_crashes=2)) as served:
        with served.engine.serving("orchestrator", "Reloaded", stopped):
            assert (await served.run("Reloaded")).output == '"done"'


# Rewind


async def test_an_instance_whose_retries_ran_out_tries_again_when_it_is_rewound(hub: Hub) -> None:
    is_mended = False

    def flaky(_: Any) -> str:
        if not is_mended:
            raise ValueError("no luck")
        return "luck"

    def trying(context: Context) -> Steps:
        first = yield context.call_activity("Echo", "first")
        return [first, (yield context.call_activity_with_retry("Flaky", df.RetryOptions(1, 2), None))]

    def parent(context: Context) -> Steps:
        return (yield context.call_sub_orchestrator_with_retry("Trying", df.RetryOptions(1, 2)))

    functions = Functions({"Trying": trying, "Parent": parent}, {"Echo": lambda given: given, "Flaky": flaky})
    async with serving(hub, functions) as served:
        for name in ("Trying", "Parent"):
            is_mended = False
            instance = await served.start(name)
            assert (await served.end(instance)).status is RuntimeStatus.Failed
            is_mended = True
            await served.client.rewind(instance, "mended")
            ended = await served.until(instance, lambda found: found.status is not RuntimeStatus.Pending)
            ended = await served.end(instance)
            assert (ended.status, ended.output) == (RuntimeStatus.Completed, '["first","luck"]')


async def test_text_of_clients_is_made_well_formed(hub: Hub) -> None:
    def waiting(context: Context) -> Steps:
        return [context.get_input(), (yield context.wait_for_external_event("Go"))]

    async with serving(hub, Functions({"Waiting": waiting})) as served:
        instance = await served.client.start("Waiting", None, json.dumps(json.dumps("\ud800"), ensure_ascii=False))
        await served.client.raise_event(instance, "Go", '"a\udfff"')
        ended = await served.end(instance)
        assert ended.status is RuntimeStatus.Completed
        assert "a\ufffd" in (ended.output or "")
        other = await served.client.start("Waiting", None, None)
        await served.client.terminate(other, "enough \ud800")
        assert (await served.end(other)).output == "enough \ufffd"
