"""What an orchestration does from start to end, over every hub: the real SDK, the real engine, the real storage."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Generator
from datetime import datetime, timedelta
from typing import Any

import azure.durable_functions as df
import pytest
from aiohttp import web
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.azurite import Azurite
from fnhost.bindings.contract import Event, Outcome
from fnhost.host.durable.client import UnknownFunction
from fnhost.host.durable.model.errors import AlreadyExists
from fnhost.host.durable.model.history import (
    EventRaised,
    ExecutionCompleted,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    SubOrchestrationInstanceCreated,
    TaskCompleted,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from fnhost.host.durable.model.instants import later
from fnhost.host.durable.model.states import Instance, Query
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.errors import WorkerCrashed
from fnhost.host.system.ports import free_port
from tests.support.engines import HUBS, PATIENCE, Functions, Served, hub_settings, made, serving
from tests.support.sdk import SDK_WARNINGS, activity, orchestrator

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]
Steps = Generator[Any, Any, Any]


class Gates:
    """Where activities wait until a test lets them pass."""

    def __init__(self) -> None:
        self._reached: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._opened: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def wait(self, name: str) -> str:
        self._reached[name].set()
        await self._opened[name].wait()
        return name

    async def reached(self, name: str) -> None:
        async with asyncio.timeout(PATIENCE):
            await self._reached[name].wait()

    def open(self, name: str) -> None:
        self._opened[name].set()


GATES = Gates()
CALLS: Counter[str] = Counter()
"""How often each activity call came; the keys are the tests' own."""


def echo(value: Any) -> Any:
    return value


def fail(text: str) -> None:
    raise ValueError(text)


def flaky(given: dict[str, Any]) -> str:
    """Fails as often as it is told to."""
    CALLS[given["key"]] += 1
    if CALLS[given["key"]] <= given["fails"]:
        raise ValueError(f"try {CALLS[given['key']]}")
    return f"after {CALLS[given['key']]}"


def chain(context: Context) -> Steps:
    first = yield context.call_activity("Echo", "a")
    second = yield context.call_activity("echo", first + "b")
    return [first, second, context.instance_id]


def fan(context: Context) -> Steps:
    return (yield context.task_all([context.call_activity("Echo", number) for number in range(context.get_input())]))


def event_or_timer(context: Context) -> Steps:
    alarm = context.create_timer(context.current_utc_datetime + timedelta(seconds=context.get_input()))
    event = context.wait_for_external_event("Approval")
    winner = yield context.task_any([event, alarm])
    if winner is alarm:
        return "too late"
    alarm.cancel()
    return event.result


def timer(context: Context) -> Steps:
    due = context.current_utc_datetime + timedelta(milliseconds=context.get_input())
    yield context.create_timer(due)
    return [due.isoformat(), context.current_utc_datetime.isoformat()]


def busy_then_event(context: Context) -> Steps:
    yield context.call_activity("Gate", context.instance_id)
    return (yield context.wait_for_external_event("Go"))


def one_event(context: Context) -> Steps:
    return (yield context.wait_for_external_event("Go"))


def parent(context: Context) -> Steps:
    own = yield context.call_sub_orchestrator("Child", 1)
    named = yield context.call_sub_orchestrator("Child", 2, f"{context.instance_id}-named")
    return [own, named]


def child(context: Context) -> Steps:
    doubled = yield context.call_activity("Echo", context.get_input() * 2)
    return [context.instance_id, context.parent_instance_id, doubled]


def retrying(context: Context) -> Steps:
    options = df.RetryOptions(1, context.get_input()["attempts"])
    return (yield context.call_activity_with_retry("Flaky", options, context.get_input()))


def retrying_child(context: Context) -> Steps:
    return (yield context.call_sub_orchestrator_with_retry("Once", df.RetryOptions(1, 3), context.get_input()))


def once(context: Context) -> Steps:
    return (yield context.call_activity("Flaky", context.get_input()))


def counting(context: Context) -> Steps:
    so_far = context.get_input() or []
    context.set_custom_status(len(so_far))
    if not so_far:
        yield context.call_activity("Gate", context.instance_id)
    event = yield context.wait_for_external_event("Go")
    if len(so_far) == 2:
        return [*so_far, event]
    return context.continue_as_new([*so_far, event])


def spinning(context: Context) -> Steps:
    yield context.continue_as_new(None)


def stages(context: Context) -> Steps:
    context.set_custom_status({"stage": "first", "über": "ß"})
    yield context.call_activity("Gate", context.instance_id)
    context.set_custom_status({"stage": "last"})
    return "done"


def wordy(context: Context) -> Steps:
    yield context.call_activity("Echo", 1)
    context.set_custom_status("x" * context.get_input())
    return "said"


def catching(context: Context) -> Steps:
    try:
        yield context.call_activity("Fail", "no luck")
    except Exception as error:
        return str(error)


def failing(context: Context) -> Steps:
    yield context.call_activity("Fail", "no luck")


def raising(context: Context) -> Steps:
    yield context.call_activity("Echo", 1)
    raise ValueError("my own fault")


def failing_parent(context: Context) -> Steps:
    try:
        yield context.call_sub_orchestrator("Failing")
    except Exception as error:
        return str(error)


def unknown_activity(context: Context) -> Steps:
    try:
        yield context.call_activity("Missing", 1)
    except Exception as error:
        return str(error)


def unknown_child(context: Context) -> Steps:
    try:
        yield context.call_sub_orchestrator("Missing", 1)
    except Exception as error:
        return str(error)


def calling_http(context: Context) -> Steps:
    given = context.get_input()
    return (yield context.call_http("POST", given["uri"], given["content"], {"X-Mine": "a"}))


def twins(context: Context) -> Steps:
    """Two children that want the same id: the second may not start while the first runs."""
    shared = f"{context.instance_id}-shared"
    first = context.call_sub_orchestrator("Waiting", "first", shared)
    second = context.call_sub_orchestrator("Waiting", "second", shared)
    try:
        yield context.task_any([first, second])
        yield context.task_all([first, second])
    except Exception as error:
        return str(error)


def waiting(context: Context) -> Steps:
    yield context.call_activity("Gate", context.instance_id)
    return context.get_input()


FUNCTIONS = Functions(
    orchestrators={
        "Chain": chain,
        "Fan": fan,
        "EventOrTimer": event_or_timer,
        "Timer": timer,
        "BusyThenEvent": busy_then_event,
        "OneEvent": one_event,
        "Parent": parent,
        "Child": child,
        "Retrying": retrying,
        "RetryingChild": retrying_child,
        "Once": once,
        "Counting": counting,
        "Stages": stages,
        "Wordy": wordy,
        "Catching": catching,
        "Failing": failing,
        "Raising": raising,
        "FailingParent": failing_parent,
        "UnknownActivity": unknown_activity,
        "UnknownChild": unknown_child,
        "CallingHttp": calling_http,
        "Twins": twins,
        "Waiting": waiting,
    },
    activities={"Echo": echo, "Fail": fail, "Flaky": flaky, "Gate": GATES.wait},
)


@pytest.fixture(scope="module", params=HUBS)
async def served(
    request: pytest.FixtureRequest, storage: Azurite, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    opened = HUBS[request.param](storage, tmp_path_factory.mktemp("hub"))
    async with (
        made(opened(hub_settings())) as hub,
        serving(hub, FUNCTIONS, EngineSettings(activity_crashes=3)) as served,
    ):
        yield served


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> str:
    """An id of the test's own."""
    return f"{request.node.originalname}-{request.node.callspec.id}"


def output(instance: Instance) -> Any:
    assert instance.status is RuntimeStatus.Completed, f"{instance.id} is {instance.status.name}: {instance.output}"
    return json.loads(instance.output or "null")


def kinds(events: tuple[HistoryEvent, ...]) -> list[type[HistoryEvent]]:
    framing = (OrchestratorStarted, OrchestratorCompleted)
    return [type(event) for event in events if not isinstance(event, framing)]


def has_status(status: RuntimeStatus) -> Callable[[Instance], bool]:
    return lambda instance: instance.status is status


# Activities


async def test_activities_run_one_after_the_other(served: Served, instance: str) -> None:
    ended = await served.run("Chain", instance=instance)
    assert output(ended) == ["a", "ab", instance]
    assert kinds(await served.history(instance)) == [
        ExecutionStarted,
        *(TaskScheduled, TaskCompleted) * 2,
        ExecutionCompleted,
    ]


async def test_the_row_tells_the_life_of_an_instance(served: Served, instance: str) -> None:
    ended = await served.run("Chain", "given", instance)
    assert (ended.name, ended.input, ended.custom_status) == ("Chain", '"\\"given\\""', None)
    assert ended.completed is not None
    assert ended.created <= ended.completed <= ended.updated


async def test_activities_fan_out_and_results_come_back_in_order(served: Served, instance: str) -> None:
    assert output(await served.run("Fan", 40, instance)) == list(range(40))
    scheduled = [event.event_id for event in await served.history(instance) if isinstance(event, TaskScheduled)]
    assert scheduled == list(range(40))


async def test_an_empty_list_of_tasks_is_done_at_once(served: Served, instance: str) -> None:
    assert output(await served.run("Fan", 0, instance)) in ([], None)


# Timers


async def test_a_timer_fires_at_its_time_and_not_before(served: Served, instance: str) -> None:
    due, now = map(datetime.fromisoformat, output(await served.run("Timer", 150, instance)))
    assert due <= now < due + timedelta(seconds=5)
    events = await served.history(instance)
    created = next(event for event in events if isinstance(event, TimerCreated))
    fired = next(event for event in events if isinstance(event, TimerFired))
    assert fired.fire_at == created.fire_at


async def test_a_timer_in_the_past_fires_at_once(served: Served, instance: str) -> None:
    due, now = map(datetime.fromisoformat, output(await served.run("Timer", -60_000, instance)))
    assert due + timedelta(seconds=60) <= now


async def test_a_timer_wins_over_an_event_that_does_not_come(served: Served, instance: str) -> None:
    assert output(await served.run("EventOrTimer", 0.1, instance)) == "too late"


async def test_an_event_wins_and_the_cancelled_timer_does_not_keep_the_instance_open(
    served: Served, instance: str
) -> None:
    await served.start("EventOrTimer", 3600, instance)
    await served.until(instance, has_status(RuntimeStatus.Running))
    await served.client.raise_event(instance, "Approval", '{"by":"me"}')
    assert output(await served.end(instance)) == {"by": "me"}


# External events


async def test_an_event_that_comes_before_it_is_waited_for_is_kept(served: Served, instance: str) -> None:
    await served.client.start("BusyThenEvent", instance)
    await GATES.reached(instance)
    await served.client.raise_event(instance, "Go", "1")
    GATES.open(instance)
    assert output(await served.end(instance)) == 1


async def test_an_event_that_comes_while_it_is_waited_for_resumes_the_code(served: Served, instance: str) -> None:
    await served.client.start("OneEvent", instance)
    await served.until(instance, has_status(RuntimeStatus.Running))
    await served.client.raise_event(instance, "Go", "[1,2]")
    assert output(await served.end(instance)) == [1, 2]


async def test_an_event_may_come_right_after_the_start(served: Served, instance: str) -> None:
    await served.client.start("OneEvent", instance)
    await served.client.raise_event(instance, "Go", '"at once"')
    assert output(await served.end(instance)) == "at once"


async def test_an_event_without_a_waiter_changes_nothing(served: Served, instance: str) -> None:
    await served.client.start("OneEvent", instance)
    await served.client.raise_event(instance, "Other", "1")
    await served.client.raise_event(instance, "Go", "2")
    assert output(await served.end(instance)) == 2
    assert [event.name for event in await served.history(instance) if isinstance(event, EventRaised)][-1] == "Go"


async def test_two_events_with_equal_data_both_count(served: Served, instance: str) -> None:
    await served.client.start("Counting", instance)
    await GATES.reached(instance)
    for _ in range(3):
        await served.client.raise_event(instance, "Go", '"same"')
    GATES.open(instance)
    lost = await served.until(instance, lambda one: one.custom_status == "1")
    assert lost.status is RuntimeStatus.Running


# Sub-orchestrations


async def test_children_have_ids_of_their_own_and_know_their_parent(served: Served, instance: str) -> None:
    own, named = output(await served.run("Parent", instance=instance))
    started = (await served.client.expect(instance)).execution_id
    assert own == [f"{started}:0", instance, 2]
    assert named == [f"{instance}-named", instance, 4]
    for child_id, *_ in (own, named):
        assert (await served.client.expect(child_id)).status is RuntimeStatus.Completed


async def test_a_child_with_the_id_of_a_running_instance_fails_at_its_parent(served: Served, instance: str) -> None:
    await served.client.start("Twins", instance)
    shared = f"{instance}-shared"
    await served.until(instance, lambda one: one.status.is_terminal or one.updated > one.created)
    GATES.open(shared)
    ended = await served.end(instance)
    assert "running already" in output(ended)
    assert output(await served.end(shared)) == "first"


# Retries


async def test_an_activity_is_tried_again_until_it_succeeds(served: Served, instance: str) -> None:
    given = {"key": instance, "fails": 2, "attempts": 3}
    assert output(await served.run("Retrying", given, instance)) == "after 3"
    assert CALLS[instance] == 3


async def test_an_activity_that_never_succeeds_fails_its_caller(served: Served, instance: str) -> None:
    given = {"key": instance, "fails": 9, "attempts": 2}
    ended = await served.run("Retrying", given, instance)
    assert ended.status is RuntimeStatus.Failed
    assert "Activity function 'Flaky' failed:  ValueError: try 2" in (ended.output or "")
    timers = [event for event in await served.history(instance) if isinstance(event, TimerFired)]
    assert (CALLS[instance], len(timers)) == (2, 2)


async def test_a_child_is_tried_again_as_a_new_instance(served: Served, instance: str) -> None:
    given = {"key": instance, "fails": 1}
    assert output(await served.run("RetryingChild", given, instance)) == "after 2"
    created = [event for event in await served.history(instance) if isinstance(event, SubOrchestrationInstanceCreated)]
    assert [(await served.client.expect(event.instance_id)).status for event in created] == [
        RuntimeStatus.Failed,
        RuntimeStatus.Completed,
    ]


# Continue as new


async def test_events_are_carried_into_the_next_execution(served: Served, instance: str) -> None:
    await served.client.start("Counting", instance)
    await GATES.reached(instance)
    first = (await served.client.expect(instance)).execution_id
    GATES.open(instance)
    await served.until(instance, lambda one: one.custom_status is None and one.updated > one.created)
    await suspended(served, instance)
    for number in (1, 2, 3):
        await served.client.raise_event(instance, "Go", str(number))
    await served.client.resume(instance, "go on")
    ended = await served.end(instance)
    assert sorted(output(ended)) == [1, 2, 3]
    assert (ended.custom_status, ended.execution_id == first) == ("2", False)


async def suspended(served: Served, instance: str) -> Instance:
    await served.client.suspend(instance, "a break")
    return await served.until(instance, has_status(RuntimeStatus.Suspended))


# Custom status


async def test_a_custom_status_shows_at_once_and_stays_at_the_end(served: Served, instance: str) -> None:
    await served.client.start("Stages", instance)
    shown = await served.until(instance, lambda one: one.custom_status is not None)
    assert (shown.status, json.loads(shown.custom_status or "")) == (
        RuntimeStatus.Running,
        {"stage": "first", "über": "ß"},
    )
    GATES.open(instance)
    assert (await served.end(instance)).custom_status == '{"stage":"last"}'


async def test_a_custom_status_that_is_too_large_fails_in_words(served: Served, instance: str) -> None:
    small = await served.run("Wordy", 8000, f"{instance}-small")
    large = await served.run("Wordy", 9000, f"{instance}-large")
    assert (small.status, len(small.custom_status or "")) == (RuntimeStatus.Completed, 8002)
    assert (large.status, large.custom_status) == (RuntimeStatus.Failed, None)
    assert "must not exceed 16 KB" in (large.output or "")


# Failures


async def test_a_failure_can_be_caught(served: Served, instance: str) -> None:
    caught = output(await served.run("Catching", instance=instance))
    assert caught.startswith("Activity function 'Fail' failed:  ValueError: no luck")


async def test_a_failure_that_is_not_caught_fails_the_orchestration(served: Served, instance: str) -> None:
    ended = await served.run("Failing", instance=instance)
    assert ended.status is RuntimeStatus.Failed
    reason = "Orchestrator function 'Failing' failed: Activity function 'Fail' failed:  ValueError: no luck"
    assert (ended.output or "").startswith(reason)


async def test_an_orchestrator_that_raises_fails_with_its_own_message(served: Served, instance: str) -> None:
    ended = await served.run("Raising", instance=instance)
    assert (ended.status, ended.output) == (
        RuntimeStatus.Failed,
        "Orchestrator function 'Raising' failed: my own fault",
    )


async def test_a_child_that_fails_fails_at_its_parent(served: Served, instance: str) -> None:
    caught = output(await served.run("FailingParent", instance=instance))
    assert caught.startswith("Orchestrator function 'Failing' failed: Activity function 'Fail' failed:")


async def test_a_call_of_an_unknown_activity_fails(served: Served, instance: str) -> None:
    caught = output(await served.run("UnknownActivity", instance=instance))
    assert caught.startswith("The function 'Missing' doesn't exist, is disabled, or is not an activity function.")


async def test_a_call_of_an_unknown_orchestrator_fails(served: Served, instance: str) -> None:
    caught = output(await served.run("UnknownChild", instance=instance))
    assert caught.startswith("The function 'Missing' doesn't exist, is disabled, or is not an orchestrator function.")


async def test_an_unknown_orchestrator_cannot_be_started(served: Served, instance: str) -> None:
    with pytest.raises(UnknownFunction):
        await served.client.start("Missing", instance)
    assert await served.client.find(instance) is None


async def test_changed_code_of_a_running_instance_is_non_deterministic(served: Served, instance: str) -> None:
    def version(name: str) -> Callable[[Context], Steps]:
        def changing(context: Context) -> Steps:
            yield context.call_activity(name, f"{context.instance_id}")

        return changing

    with served.engine.serving("orchestrator", "Changing", orchestrator(version("Gate"))):
        await served.client.start("Changing", instance)
        await GATES.reached(instance)
        with served.engine.serving("orchestrator", "Changing", orchestrator(version("Echo"))):
            GATES.open(instance)
            ended = await served.end(instance)
    assert ended.status is RuntimeStatus.Failed
    assert (ended.output or "").startswith(
        "Non-Deterministic workflow detected: a previous execution scheduled an activity task with sequence ID 0 "
        "and name 'Gate' (version '')"
    )


# Workers


async def test_an_orchestrator_whose_worker_dies_is_run_again(served: Served, instance: str) -> None:
    inner, deaths = orchestrator(chain), iter(range(3))

    async def mortal(event: Event) -> Outcome:
        if next(deaths, None) is not None:
            raise WorkerCrashed("The worker died.")
        return await inner(event)

    with served.engine.serving("orchestrator", "Mortal", mortal):
        assert output(await served.run("Mortal", instance=instance)) == ["a", "ab", instance]


async def test_an_activity_whose_worker_dies_is_run_again_but_not_for_ever(served: Served, instance: str) -> None:
    async def mortal(event: Event) -> Outcome:
        CALLS[instance] += 1
        if CALLS[instance] > 1 and event.value == '"once"':
            return await activity(echo)(event)
        raise WorkerCrashed("The worker died.")

    def calling(context: Context) -> Steps:
        once = yield context.call_activity("Mortal", "once")
        try:
            yield context.call_activity("Mortal", "always")
        except Exception as error:
            return [once, str(error)]

    with (
        served.engine.serving("activity", "Mortal", mortal),
        served.engine.serving("orchestrator", "CallingMortal", orchestrator(calling)),
    ):
        once, text = output(await served.run("CallingMortal", instance=instance))
    assert (once, CALLS[instance]) == ("once", 5)
    assert "It happened 3 times in a row." in text


# HTTP


async def test_http_is_called_by_the_host(served: Served, instance: str, unused_port: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        text = f"{request.method} {request.headers['X-Mine']} {await request.text()}"
        return web.Response(text=text, status=202, headers={"Location": "elsewhere", "Retry-After": "60"})

    app = web.Application()
    app.router.add_route("*", "/it", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", unused_port).start()
    try:
        given = {"uri": f"http://127.0.0.1:{unused_port}/it", "content": {"a": 1}}
        found = output(await served.run("CallingHttp", given, instance))
    finally:
        await runner.cleanup()
    assert (found["statusCode"], found["content"]) == (202, 'POST a {"a": 1}')
    assert found["headers"]["Location"] == "elsewhere"


async def test_http_without_an_answer_is_a_failure(served: Served, instance: str, unused_port: int) -> None:
    given = {"uri": f"http://127.0.0.1:{unused_port}/it", "content": None}
    ended = await served.run("CallingHttp", given, instance)
    assert ended.status is RuntimeStatus.Failed
    assert "BuiltIn::HttpActivity" in (ended.output or "")


@pytest.fixture
def unused_port() -> int:
    return free_port()


# Control


async def test_a_terminated_instance_ends_and_what_was_under_way_is_dropped(served: Served, instance: str) -> None:
    await served.client.start("BusyThenEvent", instance)
    await GATES.reached(instance)
    await served.client.terminate(instance, "no more")
    ended = await served.end(instance)
    assert (ended.status, ended.output) == (RuntimeStatus.Terminated, "no more")
    events = await served.history(instance)
    GATES.open(instance)
    assert output(await served.run("Chain", instance=f"{instance}-after")) == ["a", "ab", f"{instance}-after"]
    assert await served.history(instance) == events


async def test_an_endless_continue_as_new_can_be_terminated(served: Served, instance: str) -> None:
    begun = asyncio.Event()

    async def spin(event: Event) -> Outcome:
        begun.set()
        await asyncio.sleep(0)
        return await orchestrator(spinning)(event)

    with served.engine.serving("orchestrator", instance, spin):
        await served.client.start(instance, instance)
        await begun.wait()
        await served.client.terminate(instance, "enough")
        found = await served.end(instance)
    assert (found.status, found.output) == (RuntimeStatus.Terminated, "enough")


async def test_a_terminated_child_fails_at_its_parent(served: Served, instance: str) -> None:
    def calling(context: Context) -> Steps:
        try:
            yield context.call_sub_orchestrator("OneEvent", None, f"{context.instance_id}-child")
        except Exception as error:
            return str(error)

    with served.engine.serving("orchestrator", "CallingOneEvent", orchestrator(calling)):
        await served.client.start("CallingOneEvent", instance)
        await served.until(f"{instance}-child", has_status(RuntimeStatus.Running))
        await served.client.terminate(f"{instance}-child", "no more")
        assert output(await served.end(instance)).startswith("no more")


async def test_a_suspended_instance_holds_its_messages_until_it_is_resumed(served: Served, instance: str) -> None:
    await served.client.start("OneEvent", instance)
    await served.until(instance, has_status(RuntimeStatus.Running))
    assert (await suspended(served, instance)).output == "a break"
    await served.client.raise_event(instance, "Go", "7")
    assert output(await served.run("Chain", instance=f"{instance}-after")) == ["a", "ab", f"{instance}-after"]
    assert (await served.client.expect(instance)).status is RuntimeStatus.Suspended
    await served.client.resume(instance, "go on")
    assert output(await served.end(instance)) == 7


async def test_a_suspended_instance_can_be_terminated(served: Served, instance: str) -> None:
    await served.client.start("OneEvent", instance)
    await served.until(instance, has_status(RuntimeStatus.Running))
    await suspended(served, instance)
    await served.client.terminate(instance, None)
    assert (await served.end(instance)).status is RuntimeStatus.Terminated


async def test_the_id_of_a_running_instance_cannot_be_started_again(served: Served, instance: str) -> None:
    await served.client.start("OneEvent", instance)
    with pytest.raises(AlreadyExists):
        await served.client.start("Chain", instance)
    await served.client.raise_event(instance, "Go", "1")
    assert (await served.end(instance)).name == "OneEvent"


async def test_an_id_that_has_ended_can_be_started_again(served: Served, instance: str) -> None:
    first = await served.run("Chain", instance=instance)
    second = await served.run("Fan", 2, instance)
    assert (output(second), second.name) == ([0, 1], "Fan")
    assert second.execution_id != first.execution_id
    assert kinds(await served.history(instance))[0] is ExecutionStarted


async def test_a_terminated_id_can_be_started_again_while_its_activity_still_runs(
    served: Served, instance: str
) -> None:
    await served.client.start("BusyThenEvent", instance)
    await GATES.reached(instance)
    await served.client.terminate(instance, "no more")
    await served.end(instance)
    await served.client.start("OneEvent", instance)
    await served.until(instance, has_status(RuntimeStatus.Running))
    GATES.open(instance)
    await served.client.raise_event(instance, "Go", "1")
    assert output(await served.end(instance)) == 1


async def test_many_at_once_do_not_disturb_each_other(served: Served, instance: str) -> None:
    names = [f"{instance}-{number}" for number in range(30)]
    ended = await asyncio.gather(*(served.run("Chain", instance=name) for name in names))
    assert [output(one)[2] for one in ended] == names
    page = await served.client.list(Query(prefix=f"{instance}-", statuses=frozenset({RuntimeStatus.Completed})))
    assert len(page.instances) == 30


async def test_a_large_payload_arrives_whole(served: Served, instance: str) -> None:
    def carrying(context: Context) -> Steps:
        whole = yield context.call_activity("Echo", context.get_input())
        return whole[::-1]

    text = "äb" * 40_000
    with served.engine.serving("orchestrator", "Carrying", orchestrator(carrying)):
        ended = await served.run("Carrying", text, instance)
    assert output(ended) == text[::-1]


async def test_episodes_follow_each_other_in_time(served: Served, instance: str) -> None:
    await served.run("Chain", instance=instance)
    times = [event.timestamp for event in await served.history(instance) if isinstance(event, OrchestratorStarted)]
    assert times == sorted(times)
    assert times[-1] <= later(times[0], PATIENCE)
