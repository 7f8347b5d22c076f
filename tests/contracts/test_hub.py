"""What every hub promises, verb by verb. A new hub is one more line in HUBS."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from fnhost.azurite import Azurite
from fnhost.bindings.storage import parse
from fnhost.host.durable.model.errors import AlreadyExists, Conflict, InvalidToken
from fnhost.host.durable.model.history import (
    ContinueAsNew,
    EventRaised,
    EventSent,
    Execution,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    GenericEvent,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    ParentInstance,
    RuntimeStatus,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from fnhost.host.durable.model.instants import FIRST_INSTANT, LAST_INSTANT, Instant, later, utc_now
from fnhost.host.durable.model.messages import WORK_ITEMS, Message, ReceivedMessage
from fnhost.host.durable.model.states import (
    Checkpoint,
    HistoryState,
    Instance,
    Progress,
    PurgeResult,
    Query,
    fold,
    pending,
)
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.hub import Hub, HubSettings, all_of
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Log

pytestmark = pytest.mark.anyio

Open = Callable[[HubSettings], AbstractAsyncContextManager[Hub]]
HUBS: dict[str, Callable[[Azurite], Open]] = {
    "azurite": lambda storage: lambda settings: AzureHub(settings, parse(storage.connection_string), Log()),
    "sqlite": lambda storage: lambda settings: SqliteHub(settings),
}
AT = "2025-03-04T10:20:00.1234567Z"


@pytest.fixture(params=HUBS)
def opened(request: pytest.FixtureRequest, storage: Azurite) -> Open:
    return HUBS[request.param](storage)


def settings(**values: Any) -> HubSettings:
    defaults: dict[str, Any] = {"name": f"T{uuid.uuid4().hex[:20]}", "hidden": 60.0, "keep_inputs": True}
    return HubSettings(**(defaults | values))


@asynccontextmanager
async def made(opened: Open, settings: HubSettings) -> AsyncIterator[Hub]:
    async with opened(settings) as hub:
        await hub.create()
        yield hub
        await hub.delete()


@pytest.fixture
async def hub(opened: Open) -> AsyncIterator[Hub]:
    async with made(opened, settings()) as hub:
        yield hub


@pytest.fixture
async def quick_hub(opened: Open) -> AsyncIterator[Hub]:
    """A hub whose holds end after a second."""
    async with made(opened, settings(hidden=1.0)) as hub:
        yield hub


def execution(instance: str = "order-42") -> Execution:
    return Execution(instance, uuid.uuid4().hex)


def started(run: Execution, **values: Any) -> ExecutionStarted:
    fields: dict[str, Any] = {"timestamp": AT, "name": "Hello", "input": '{"n":1}', "generation": 0}
    return ExecutionStarted(**(fields | {"orchestration_instance": run} | values))


def start(run: Execution, **values: Any) -> Message:
    return Message(run, started(run, **values))


def raised(name: str = "Approval", instance: str = "order-42", **values: Any) -> Message:
    return Message(Execution(instance), EventRaised(timestamp=AT, name=name, input="true", **values))


def opening(run: Execution, **values: Any) -> tuple[HistoryEvent, ...]:
    return (OrchestratorStarted(timestamp=AT), started(run, **values), OrchestratorCompleted(timestamp=AT, listed=0))


def checkpoint(
    since: HistoryState, run: Execution, *events: HistoryEvent, custom_status: str | None = None
) -> Checkpoint:
    past = since.events if run.execution_id == since.execution_id else ()
    instance = fold(None, (*past, *events), custom_status)
    assert instance is not None and run.execution_id is not None
    return Checkpoint(since, run.execution_id, events, instance)


async def first_from(hub: Hub, queues: Sequence[str] | None = None) -> ReceivedMessage:
    """The next message that shows itself in one of the queues; nothing tells when, so this looks again and again."""
    async with asyncio.timeout(15):
        while True:
            for queue in hub.queues if queues is None else queues:
                if found := await hub.receive(queue):
                    return found[0]
            await asyncio.sleep(0.05)


async def visible(hub: Hub) -> list[ReceivedMessage]:
    """What every control queue gives now."""
    return [one for queue in hub.queues for one in await hub.receive(queue)]


# --- messages --------------------------------------------------------------------------------------------------------


async def test_what_is_sent_is_in_our_hands_and_hidden_from_others(hub: Hub) -> None:
    message = raised()
    (ours,) = await hub.send([message])
    assert (ours.message, ours.deliveries) == (message, 0)
    assert ours.queue in hub.queues
    assert await visible(hub) == []


async def test_what_was_sent_shows_itself_when_our_hold_ends(quick_hub: Hub) -> None:
    (ours,) = await quick_hub.send([raised()])
    again = await first_from(quick_hub)
    assert (again.id, again.queue, again.message, again.deliveries) == (ours.id, ours.queue, ours.message, 1)


async def test_what_was_sent_can_be_settled_with_the_receipt_of_sending(quick_hub: Hub) -> None:
    first, second = await quick_hub.send([raised("first"), raised("second")])
    await quick_hub.settle([first])
    assert (await first_from(quick_hub)).id == second.id
    assert await visible(quick_hub) == []


async def test_a_received_message_is_hidden_until_released(hub: Hub) -> None:
    await hub.release(await hub.send([raised()]))
    received = await first_from(hub)
    assert await visible(hub) == []
    await hub.release([received])
    (again,) = await visible(hub)
    assert (again.id, received.deliveries, again.deliveries) == (received.id, 1, 2)


async def test_a_release_can_be_for_later(hub: Hub) -> None:
    received = await hub.send([raised("soon"), raised("late")])
    await hub.release(received[:1], after=1)
    await hub.release(received[1:], after=60)
    assert await visible(hub) == []
    assert (await first_from(hub)).id == received[0].id
    assert await visible(hub) == []


async def test_a_renewed_message_stays_hidden(quick_hub: Hub) -> None:
    held, watched = await quick_hub.send([raised("held"), raised("watched")])
    await quick_hub.renew([held])
    seen: list[str] = []
    async with asyncio.timeout(15):
        while seen.count(watched.id) < 2:
            await quick_hub.renew([held])
            seen += [one.id for one in await visible(quick_hub)]
    assert held.id not in seen
    await quick_hub.settle([held])


async def test_a_settled_message_is_gone_and_settling_may_happen_twice(hub: Hub) -> None:
    await hub.release(await hub.send([raised()]))
    received = await first_from(hub)
    await hub.settle([received])
    await hub.settle([received])
    await hub.renew([received])
    await hub.release([received])
    assert await visible(hub) == []


async def test_a_message_that_another_received_since_is_not_ours_to_settle(hub: Hub) -> None:
    (old,) = await hub.send([raised()])
    stale = replace(old)
    await hub.release([old])
    await first_from(hub)
    await hub.settle([stale])
    await hub.renew([stale])
    await hub.release([stale])
    assert await visible(hub) == []


async def test_all_messages_of_an_instance_are_in_one_control_queue(hub: Hub) -> None:
    run = execution("order-42")
    sent = await hub.send([raised(), start(run), Message(run, TaskCompleted(timestamp=AT, task_scheduled_id=0))])
    assert len({one.queue for one in sent}) == 1


async def test_messages_come_in_the_order_of_sending(hub: Hub) -> None:
    for number in range(5):
        await hub.release(await hub.send([raised(str(number))]))
    events = [one.message.event for one in await visible(hub)]
    assert [event.name for event in events if isinstance(event, EventRaised)] == ["0", "1", "2", "3", "4"]


async def test_at_most_32_messages_come_at_once(hub: Hub) -> None:
    sent = await hub.send(raised(str(number)) for number in range(40))
    await hub.release(sent)
    first = await visible(hub)
    second = await visible(hub)
    assert (len(first), len(second)) == (32, 8)
    assert {one.id for one in (*first, *second)} == {one.id for one in sent}


async def test_work_items_have_their_own_queue_and_come_one_by_one(hub: Hub) -> None:
    run = execution()
    items = [
        Message(run, TaskScheduled(timestamp=AT, event_id=number, name="SayHello", input='["x"]'), run, 3)
        for number in range(2)
    ]
    sent = await hub.send(items)
    assert {one.queue for one in sent} == {WORK_ITEMS}
    await hub.release(sent)
    assert await visible(hub) == []
    received = [*await hub.receive(WORK_ITEMS), *await hub.receive(WORK_ITEMS)]
    assert sorted((one.message for one in received), key=lambda one: one.event.event_id) == items
    assert await hub.receive(WORK_ITEMS) == []


PARENT = ParentInstance("Parent", Execution("p", "e"), 3)
CHILD = Execution("child", "c" * 32)
TRAVELLERS = [
    Message(CHILD, started(CHILD, generation=None, parent_instance=PARENT, tags={"a": "é"}), Execution("p", "e"), 2),
    Message(CHILD, TaskCompleted(timestamp=AT, task_scheduled_id=1, result='"é\\u0000"'), CHILD, 1),
    Message(CHILD, TaskFailed(timestamp=AT, task_scheduled_id=1, reason="r", details="d"), CHILD, 1),
    Message(CHILD, SubOrchestrationInstanceCompleted(timestamp=AT, task_scheduled_id=3, result="1"), CHILD, 1),
    Message(CHILD, SubOrchestrationInstanceFailed(timestamp=AT, task_scheduled_id=3, reason="r", details=""), CHILD, 1),
    Message(CHILD, TimerFired(timestamp=AT, timer_id=2, fire_at=AT), CHILD, 1),
    Message(Execution("child"), ExecutionTerminated(timestamp=AT, input="enough")),
    Message(Execution("child"), ExecutionSuspended(timestamp=AT, reason="wait")),
    Message(Execution("child"), ExecutionResumed(timestamp=AT, reason=None)),
    Message(Execution("child"), GenericEvent(timestamp=AT, data="rewind")),
    Message(Execution("@counter@日本"), EventRaised(timestamp=AT, name="op", input='{"op":"￾"}')),
]


@pytest.mark.parametrize("message", TRAVELLERS, ids=lambda message: type(message.event).__name__)
async def test_messages_arrive_as_they_were_sent(hub: Hub, message: Message) -> None:
    await hub.release(await hub.send([message]))
    assert (await first_from(hub)).message == message


def delayed(at: Instant) -> Sequence[Message]:
    run, entity = execution(), Execution("@counter@a")
    return [
        Message(run, TimerFired(timestamp=AT, timer_id=2, fire_at=at), run, 1),
        start(run, scheduled_start_time=at),
        Message(entity, EventRaised(timestamp=AT, name=f"op@{at}", input="{}")),
    ]


async def test_delayed_messages_are_not_seen_early_nor_much_later(quick_hub: Hub) -> None:
    due = later(utc_now(), 2.2)
    sent = await quick_hub.send(delayed(due))
    waiting = {one.id for one in sent}
    async with asyncio.timeout(15):
        while waiting:
            for one in await visible(quick_hub):
                assert due <= utc_now() <= later(due, 5)
                waiting.discard(one.id)
                await quick_hub.settle([one])


async def test_a_delayed_message_that_is_due_is_held_like_any_other(hub: Hub) -> None:
    await hub.send(delayed(later(utc_now(), -5)))
    assert await visible(hub) == []


async def test_a_delay_may_be_longer_than_the_queue_can_wait(hub: Hub) -> None:
    await hub.send(delayed(later(utc_now(), 30 * 86400)))
    assert await visible(hub) == []


@pytest.mark.parametrize("size", [20_000, 40_000, 200_000])
async def test_large_messages_arrive_whole(hub: Hub, size: int) -> None:
    run = execution("日本 order")
    message = Message(run, TaskCompleted(timestamp=AT, task_scheduled_id=0, result='"' + "é" * size + '"'), run, 1)
    await hub.release(await hub.send([message]))
    assert (await first_from(hub)).message == message


# --- starting --------------------------------------------------------------------------------------------------------


async def test_a_start_makes_the_instance_pending_and_hands_back_its_message(hub: Hub) -> None:
    run = execution()
    received = await hub.start(start(run, tags={"a": "b"}, version="1.0", generation=None))
    event = received.message.event
    assert isinstance(event, ExecutionStarted) and received.is_new
    assert event == started(run, tags={"a": "b"}, version="1.0", generation=0)
    found = await hub.find("order-42")
    assert found is not None
    assert found == replace(pending(event, AT), updated=found.updated)
    assert found.status is RuntimeStatus.Pending
    await hub.release([received])
    assert (await first_from(hub)).message == received.message


async def test_a_start_of_a_living_instance_is_refused_and_writes_nothing(hub: Hub) -> None:
    first = execution()
    await hub.start(start(first))
    with pytest.raises(AlreadyExists) as refusal:
        await hub.start(start(execution()))
    assert refusal.value.status is RuntimeStatus.Pending
    found = await hub.find("order-42")
    assert found and found.execution_id == first.execution_id


async def test_a_start_may_replace_what_it_is_told_to_replace(hub: Hub) -> None:
    await hub.start(start(execution()))
    second = execution()
    received = await hub.start(start(second, input="2"), overridable=RuntimeStatus)
    assert not received.is_new
    found = await hub.find("order-42")
    assert found and (found.execution_id, found.input, found.generation) == (second.execution_id, "2", 1)


async def test_a_finished_instance_starts_anew_with_nothing_of_the_old(hub: Hub) -> None:
    first, second = execution(), execution()
    await hub.start(start(first))
    await hub.record(checkpoint(HistoryState(), first, *finished(first), custom_status='"old"'))
    await hub.start(start(second))
    found = await hub.find("order-42")
    assert found and (found.status, found.generation, found.execution_id) == (
        RuntimeStatus.Pending,
        1,
        second.execution_id,
    )
    assert (found.output, found.custom_status, found.completed) == (None, None, None)


def finished(run: Execution, result: str | None = '"done"') -> tuple[HistoryEvent, ...]:
    end = ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Completed, result=result)
    return (*opening(run)[:2], end, OrchestratorCompleted(timestamp=AT, listed=0))


async def test_a_large_input_can_be_read_before_the_instance_runs(hub: Hub) -> None:
    for size in (35_000, 300_000):
        run = execution(f"large-{size}")
        await hub.start(start(run, input='"' + "x" * size + '"'))
        found = await hub.find(run.instance_id)
        assert found and found.input == '"' + "x" * size + '"'


# --- history ---------------------------------------------------------------------------------------------------------

EVENTS: Sequence[HistoryEvent] = (
    OrchestratorStarted(timestamp=AT),
    started(Execution("order-42", "e" * 32), parent_instance=PARENT, tags={"a": "b"}, is_played=True, correlation="c"),
    TaskScheduled(timestamp=AT, event_id=0, name="SayHello", input='["日本"]'),
    TaskScheduled(timestamp=AT, event_id=1, name="SayHello", version=None),
    SubOrchestrationInstanceCreated(timestamp=AT, event_id=2, name="Child", instance_id="e:2", input="1"),
    TimerCreated(timestamp=AT, event_id=3, fire_at="2025-03-04T10:25:00.0000001Z"),
    EventSent(timestamp=AT, event_id=4, instance_id="@counter@a", name="op", input="{}"),
    OrchestratorCompleted(timestamp=AT, listed=5),
    OrchestratorStarted(timestamp=AT),
    TaskCompleted(timestamp=AT, task_scheduled_id=0, result='"é\\n"', is_played=True),
    TaskFailed(timestamp=AT, task_scheduled_id=1, reason="it's", details=""),
    SubOrchestrationInstanceCompleted(timestamp=AT, task_scheduled_id=2),
    SubOrchestrationInstanceFailed(timestamp=AT, task_scheduled_id=2, reason="r", details="d"),
    TimerFired(timestamp=AT, timer_id=3, fire_at="2025-03-04T10:25:00.0000001Z"),
    EventRaised(timestamp=AT, name="Approval", input="true"),
    EventRaised(timestamp=AT, name="Nothing", input=None),
    ExecutionSuspended(timestamp=AT, reason="wait"),
    ExecutionResumed(timestamp=AT, reason="go"),
    ExecutionTerminated(timestamp=AT, input="enough"),
    ContinueAsNew(timestamp=AT, event_id=5, result="1"),
    GenericEvent(timestamp=AT, data="rewind"),
    ExecutionCompleted(timestamp=AT, event_id=6, orchestration_status=RuntimeStatus.Terminated, result="enough"),
    OrchestratorCompleted(timestamp=AT),
)


async def test_history_is_loaded_as_it_was_recorded(hub: Hub) -> None:
    run = Execution("order-42", "e" * 32)
    after = await hub.record(checkpoint(HistoryState(), run, *EVENTS, custom_status='{"é":1}'))
    assert await hub.load("order-42") == after
    assert (after.execution_id, after.events, after.custom_status) == (run.execution_id, EVENTS, '{"é":1}')


async def test_history_grows(hub: Hub) -> None:
    run = execution()
    state = await hub.record(checkpoint(HistoryState(), run, *opening(run)))
    for number in range(3):
        state = await hub.record(checkpoint(state, run, *episode(str(number)), custom_status=str(number)))
    assert await hub.load("order-42") == state
    assert len(state.events) == 12
    assert state.custom_status == "2"


def episode(name: str) -> tuple[HistoryEvent, ...]:
    return (
        OrchestratorStarted(timestamp=AT),
        EventRaised(timestamp=AT, name=name),
        OrchestratorCompleted(timestamp=AT, listed=0),
    )


async def test_inputs_of_what_was_scheduled_are_kept_only_when_asked_for(opened: Open) -> None:
    run = execution()
    scheduled = TaskScheduled(timestamp=AT, event_id=0, name="SayHello", input='["x"]')
    async with made(opened, settings(keep_inputs=False)) as hub:
        await hub.record(checkpoint(HistoryState(), run, *opening(run), scheduled))
        assert (await hub.load("order-42")).events[-1] == replace(scheduled, input=None)


async def test_nothing_recorded_is_an_empty_state(hub: Hub) -> None:
    assert await hub.load("order-42") == HistoryState()
    assert await hub.find("order-42") is None


async def test_a_record_on_an_old_state_is_refused_and_writes_nothing(hub: Hub) -> None:
    run = execution()
    old = await hub.record(checkpoint(HistoryState(), run, *opening(run)))
    new = await hub.record(checkpoint(old, run, *episode("new"), custom_status='"new"'))
    before = await hub.find("order-42")
    for since in (old, HistoryState()):
        with pytest.raises(Conflict):
            await hub.record(checkpoint(since, run, *opening(run), *episode("old"), custom_status='"old"'))
    assert await hub.load("order-42") == new
    assert await hub.find("order-42") == before


async def test_of_many_who_record_at_once_one_wins(hub: Hub) -> None:
    run = execution()
    state = await hub.record(checkpoint(HistoryState(), run, *opening(run)))
    answers = await asyncio.gather(
        *(hub.record(checkpoint(state, run, *episode(str(number)))) for number in range(6)), return_exceptions=True
    )
    (won,) = [answer for answer in answers if isinstance(answer, HistoryState)]
    assert sum(isinstance(answer, Conflict) for answer in answers) == 5
    assert await hub.load("order-42") == won


async def test_what_earlier_executions_took_is_remembered(hub: Hub) -> None:
    run, following = execution(), execution()
    state = await hub.record(checkpoint(HistoryState(), run, *opening(run)))
    state = await hub.record(replace(checkpoint(state, following, *opening(following)), seen=("a1", "b2")))
    assert (state.seen, await hub.load("order-42")) == (("a1", "b2"), state)
    state = await hub.record(checkpoint(state, following, *episode("more")))
    assert (state.seen, await hub.load("order-42")) == (("a1", "b2"), state)
    last = execution()
    state = await hub.record(checkpoint(state, last, *opening(last)))
    assert (state.seen, await hub.load("order-42")) == ((), state)


async def test_a_long_checkpoint_is_recorded_whole(hub: Hub) -> None:
    run = execution()
    many = [EventRaised(timestamp=AT, name=str(number), input="x" * 500) for number in range(250)]
    state = await hub.record(checkpoint(HistoryState(), run, *opening(run), *many, OrchestratorCompleted(timestamp=AT)))
    state = await hub.record(checkpoint(state, run, *episode("more")))
    assert await hub.load("order-42") == state
    assert len(state.events) == 3 + 250 + 1 + 3


async def test_a_new_execution_replaces_the_history_of_the_old(hub: Hub) -> None:
    first, second = execution(), execution()
    state = await hub.record(checkpoint(HistoryState(), first, *opening(first), *episode("old"), *episode("old")))
    state = await hub.record(checkpoint(state, second, *opening(second, input='{"n":2}')))
    assert await hub.load("order-42") == state
    assert (state.execution_id, state.events) == (second.execution_id, opening(second, input='{"n":2}'))
    found = await hub.find("order-42")
    assert found and (found.execution_id, found.input, found.status) == (
        second.execution_id,
        '{"n":2}',
        RuntimeStatus.Running,
    )
    state = await hub.record(checkpoint(state, second, *episode("new")))
    assert await hub.load("order-42") == state


async def test_a_history_can_be_rewritten_under_the_same_execution(hub: Hub) -> None:
    run = execution()
    state = await hub.record(checkpoint(HistoryState(), run, *finished(run)))
    blank = GenericEvent(timestamp=AT, data="Rewound: ExecutionCompleted")
    events = tuple(blank if isinstance(event, ExecutionCompleted) else event for event in state.events)
    state = await hub.record(replace(checkpoint(state, run), events=events, rewritten=True))
    assert await hub.load("order-42") == state
    assert state.events == events
    state = await hub.record(checkpoint(state, run, *episode("new")))
    assert await hub.load("order-42") == state


async def test_an_id_used_again_by_a_parent_has_nothing_of_the_old_run(hub: Hub) -> None:
    first, second = execution(), execution()
    state = await hub.record(checkpoint(HistoryState(), first, *finished(first)))
    await hub.record(checkpoint(state, second, *opening(second)))
    found = await hub.find("order-42")
    assert found and (found.status, found.output, found.completed) == (RuntimeStatus.Running, None, None)


async def test_large_values_come_back_whole(hub: Hub) -> None:
    run = execution("日本 order")
    text = '"' + "é😀" * 40_000 + '"'
    events = (
        *opening(run, input=text)[:2],
        TaskCompleted(timestamp=AT, task_scheduled_id=0, result=text),
        TaskFailed(timestamp=AT, task_scheduled_id=0, reason=text, details=text),
        ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Completed, result=text),
        OrchestratorCompleted(timestamp=AT),
    )
    state = await hub.record(checkpoint(HistoryState(), run, *events))
    assert (await hub.load(run.instance_id)).events == state.events == events
    found = await hub.find(run.instance_id)
    assert found and (found.input, found.output) == (text, text)
    assert [listed async for listed in all_of(hub, Query())] == [found]


async def test_many_large_values_fit_into_one_checkpoint(hub: Hub) -> None:
    run = execution()
    many = [TaskCompleted(timestamp=AT, task_scheduled_id=number, result="é" * 30_000) for number in range(120)]
    state = await hub.record(checkpoint(HistoryState(), run, *opening(run), *many, OrchestratorCompleted(timestamp=AT)))
    assert (await hub.load("order-42")).events == state.events


# --- the instance's row ----------------------------------------------------------------------------------------------


async def test_the_row_says_what_the_record_said(hub: Hub) -> None:
    run = Execution("order-42", "e" * 32)
    said = checkpoint(HistoryState(), run, *EVENTS, custom_status='{"é":1}')
    await hub.record(said)
    assert await hub.find("order-42") == said.instance


async def test_a_custom_status_can_be_unset(hub: Hub) -> None:
    run = execution()
    state = await hub.record(checkpoint(HistoryState(), run, *opening(run), custom_status="1"))
    state = await hub.record(checkpoint(state, run, *episode("x")))
    found = await hub.find("order-42")
    assert found and found.custom_status is None
    assert (await hub.load("order-42")).custom_status is None


async def test_a_result_that_is_null_hides_the_reason_of_an_earlier_suspension(hub: Hub) -> None:
    run = execution()
    paused = (*opening(run), ExecutionSuspended(timestamp=AT, reason="wait"), ExecutionResumed(timestamp=AT))
    state = await hub.record(checkpoint(HistoryState(), run, *paused))
    end = ExecutionCompleted(timestamp=AT, event_id=0, orchestration_status=RuntimeStatus.Completed)
    await hub.record(checkpoint(state, run, end))
    found = await hub.find("order-42")
    assert found and (found.status, found.output) == (RuntimeStatus.Completed, None)


async def test_a_row_that_was_left_behind_can_be_mended(hub: Hub) -> None:
    run = execution()
    state = await hub.record(checkpoint(HistoryState(), run, *finished(run), custom_status='"x"'))
    await hub.start(start(execution(), input="2"))
    after = await hub.record(checkpoint(state, run, custom_status=state.custom_status))
    assert after.events == state.events
    assert await hub.load("order-42") == after
    assert await hub.find("order-42") == fold(None, state.events, '"x"')


IDS = ["日本語", "it's", "100% & more", "a+b", "@counter@a", "a/b\\c#d?e^f", "x'); DROP", "Ünïcode 😀", "k" * 256]


@pytest.mark.parametrize("instance", IDS)
async def test_any_id_is_kept_apart(hub: Hub, instance: str) -> None:
    run, other = execution(instance), execution(f"{instance}x")
    await hub.release([await hub.start(start(run)), await hub.start(start(other))])
    assert {one.message.target for one in await visible(hub)} == {run, other}
    state = await hub.record(checkpoint(HistoryState(), run, *opening(run)))
    assert await hub.load(instance) == state
    assert [found.id async for found in all_of(hub, Query(prefix=instance))] == [instance, f"{instance}x"]
    assert (await hub.purge(instance)).instances == 1
    assert await hub.find(instance) is None
    assert await hub.load(instance) == HistoryState()
    assert await hub.find(f"{instance}x") is not None


# --- lists -----------------------------------------------------------------------------------------------------------


def row(instance: str, status: RuntimeStatus, minute: int) -> tuple[Execution, tuple[HistoryEvent, ...]]:
    run, at = execution(instance), f"2025-03-04T10:{minute:02}:00.0000005Z"
    events: list[HistoryEvent] = [started(run, timestamp=at)]
    if status is not RuntimeStatus.Running:
        events.append(ExecutionCompleted(timestamp=at, event_id=0, orchestration_status=status, result="1"))
    return run, tuple(events)


@pytest.fixture
async def full_hub(hub: Hub) -> Hub:
    rows = [
        row("@counter@a", RuntimeStatus.Running, 0),
        row("a-1", RuntimeStatus.Completed, 1),
        row("a-2", RuntimeStatus.Failed, 2),
        row("a.3", RuntimeStatus.Running, 3),
        row("b", RuntimeStatus.Terminated, 4),
    ]
    for run, events in rows:
        await hub.record(checkpoint(HistoryState(), run, *events))
    return hub


def minute(number: int) -> Instant:
    return f"2025-03-04T10:{number:02}:00.0000005Z"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Query(), ["@counter@a", "a-1", "a-2", "a.3", "b"]),
        (Query(statuses=frozenset({RuntimeStatus.Failed, RuntimeStatus.Terminated})), ["a-2", "b"]),
        (Query(statuses=frozenset({RuntimeStatus.Pending})), []),
        (Query(created_from=minute(2)), ["a-2", "a.3", "b"]),
        (Query(created_to=minute(1)), ["@counter@a", "a-1"]),
        (Query(created_from=minute(1)[:-2] + "6Z"), ["a-2", "a.3", "b"]),
        (Query(created_from=minute(1), created_to=minute(3), statuses=frozenset({RuntimeStatus.Completed})), ["a-1"]),
        (Query(prefix="a-"), ["a-1", "a-2"]),
        (Query(prefix="a"), ["a-1", "a-2", "a.3"]),
        (Query(prefix="@counter@"), ["@counter@a"]),
        (Query(prefix="x"), []),
        (Query(prefix="'"), []),
        (Query(prefix="a\U0010ffff"), []),
        (Query(prefix="a\ud7ff"), []),
        (Query(prefix="\uffff"), []),
        (Query(prefix="a" * 2000), []),
        (Query(prefix="a", created_from=FIRST_INSTANT, created_to=LAST_INSTANT), ["a-1", "a-2", "a.3"]),
        (Query(created_from=LAST_INSTANT), []),
        (Query(created_to=FIRST_INSTANT), []),
    ],
)
async def test_lists_hold_what_was_asked_for_in_order(full_hub: Hub, query: Query, expected: list[str]) -> None:
    assert [found.id async for found in all_of(full_hub, query)] == expected


async def test_lists_come_page_by_page(full_hub: Hub) -> None:
    ids: list[str] = []
    token: str | None = None
    while True:
        page = await full_hub.list(Query(statuses=frozenset({RuntimeStatus.Running, RuntimeStatus.Failed})), 2, token)
        assert len(page.instances) <= 2
        ids += [instance.id for instance in page.instances]
        if (token := page.token) is None:
            break
    assert ids == ["@counter@a", "a-2", "a.3"]


@pytest.mark.parametrize("prefix", ["\U0010ffff", "\ud7ff", "\uffff", "\U0001f600", "é"])
async def test_any_prefix_finds_its_ids(hub: Hub, prefix: str) -> None:
    for name in (f"{prefix}1", f"{prefix}2", "other"):
        run, events = row(name, RuntimeStatus.Completed, 1)
        await hub.record(checkpoint(HistoryState(), run, *events))
    assert [found.id async for found in all_of(hub, Query(prefix=prefix))] == [f"{prefix}1", f"{prefix}2"]


async def test_a_page_ends_when_it_is_large(opened: Open) -> None:
    async with made(opened, settings(page=100_000)) as hub:
        for number in range(6):
            await hub.start(start(execution(f"i-{number}"), input=json.dumps("x" * 45_000)))
        sizes, token = [], None
        while True:
            page = await hub.list(Query(), 4, token)
            sizes.append([found.id for found in page.instances])
            if (token := page.token) is None:
                break
    assert sizes == [["i-0", "i-1"], ["i-2", "i-3"], ["i-4", "i-5"]]


async def test_an_instance_larger_than_a_page_has_one_of_its_own(opened: Open) -> None:
    async with made(opened, settings(page=10)) as hub:
        for number in range(3):
            await hub.start(start(execution(f"i-{number}")))
        assert [found.id async for found in all_of(hub, Query())] == ["i-0", "i-1", "i-2"]


@pytest.mark.parametrize("token", ["", "x", "%%%", "bnVsbA==", "W10=", "e30=", "eyJodWIiOiBbXX0=", "A" * 100_000])
async def test_a_token_of_nobody_is_refused(full_hub: Hub, token: str) -> None:
    with pytest.raises(InvalidToken, match="not one that this task hub has given"):
        await full_hub.list(Query(), 2, token)


async def test_a_token_of_another_hub_is_refused(opened: Open, full_hub: Hub) -> None:
    token = (await full_hub.list(Query(), 2)).token
    assert token
    async with made(opened, settings()) as other:
        with pytest.raises(InvalidToken):
            await other.list(Query(), 2, token)


async def test_lists_can_leave_out_inputs(full_hub: Hub) -> None:
    async def inputs(query: Query) -> set[str | None]:
        return {found.input async for found in all_of(full_hub, query)}

    assert await inputs(Query(with_input=True)) == {'{"n":1}'}
    assert await inputs(Query(with_input=False)) == {None}


async def test_a_listed_instance_is_the_one_that_is_found(full_hub: Hub) -> None:
    listed: list[Instance] = [found async for found in all_of(full_hub, Query())]
    assert listed == [await full_hub.find(instance.id) for instance in listed]


# --- purge, delete, owners -------------------------------------------------------------------------------------------


async def test_a_purge_removes_an_instance_and_no_other(hub: Hub) -> None:
    text = '"' + "x" * 100_000 + '"'
    for instance in ("order-42", "order-420", "order-42/1"):
        run = execution(instance)
        await hub.start(start(run, input=text))
        state = await hub.record(checkpoint(HistoryState(), run, *opening(run, input=text)))
        await hub.record(checkpoint(state, run, *[EventRaised(timestamp=AT, name="x")] * 150))
    purged = await hub.purge("order-42")
    assert purged.instances == 1
    assert purged.rows >= 153
    assert (await hub.find("order-42"), await hub.load("order-42")) == (None, HistoryState())
    for instance in ("order-420", "order-42/1"):
        found = await hub.find(instance)
        assert found and found.input == text
        assert len((await hub.load(instance)).events) == 153


async def test_a_purge_of_nothing_counts_nothing(hub: Hub) -> None:
    assert await hub.purge("order-42") == PurgeResult(0, 0)


async def test_a_purged_instance_can_be_recorded_anew_but_not_gone_on_with(hub: Hub) -> None:
    run = execution()
    state = await hub.record(checkpoint(HistoryState(), run, *opening(run)))
    await hub.purge("order-42")
    with pytest.raises(Conflict):
        await hub.record(checkpoint(state, run, *episode("x")))
    await hub.record(checkpoint(HistoryState(), run, *opening(run)))


async def test_a_deleted_hub_can_be_made_again_and_is_empty(hub: Hub) -> None:
    await hub.release([await hub.start(start(execution()))])
    await hub.delete()
    await hub.create()
    await hub.create()
    assert await hub.find("order-42") is None
    assert await visible(hub) == []


async def test_every_queue_has_a_row_for_its_owner(hub: Hub) -> None:
    free = await hub.partition_leases()
    assert [row.queue for row in free] == list(hub.queues)
    assert {(row.owner, row.next_owner, row.until, row.is_draining) for row in free} == {(None, None, None, False)}


async def test_a_free_queue_can_be_owned_and_given_back(hub: Hub) -> None:
    for owner in ("me", None):
        first, *_ = await hub.partition_leases()
        assert await hub.update_partition_lease(replace(first, owner=owner, since=AT, renewed=AT, until=later(AT, 30)))


async def test_a_host_reserves_the_hub_as_often_as_it_likes(hub: Hub) -> None:
    for _ in range(2):
        assert await hub.acquire_app_lease(60)
    await hub.release_app_lease()
    await hub.release_app_lease()
    assert await hub.acquire_app_lease(60)


async def test_a_message_for_elsewhere_is_visible_at_once_and_not_in_our_hands(hub: Hub) -> None:
    assert await hub.send([raised()], hub.queues) == []
    assert (await first_from(hub)).message == raised()


async def test_a_message_for_elsewhere_waits_until_it_is_due(hub: Hub) -> None:
    due = later(utc_now(), 2)
    timer = Message(execution(), TimerFired(timestamp=AT, timer_id=0, fire_at=due))
    assert await hub.send([timer, raised()], hub.queues) == []
    assert (await first_from(hub)).message == raised()
    assert (await first_from(hub)).message == timer
    assert utc_now() >= due


async def test_a_work_item_is_held_whoever_serves_its_instance(hub: Hub) -> None:
    run = execution()
    item = Message(run, TaskScheduled(timestamp=AT, event_id=0, name="Work"), run)
    (held,) = await hub.send([item], hub.queues)
    assert (held.queue, held.message) == (WORK_ITEMS, item)
    assert await hub.send([item], {WORK_ITEMS}) == []
    assert (await first_from(hub, [WORK_ITEMS])).message == item


# --- transactions ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def sqlite_hub() -> AsyncIterator[SqliteHub]:
    async with SqliteHub(settings()) as hub:
        await hub.create()
        yield hub


async def test_a_hub_with_transactions_sends_records_and_settles_at_once(sqlite_hub: SqliteHub) -> None:
    run = execution()
    (done,) = await sqlite_hub.send([raised()])
    first = checkpoint(HistoryState(), run, *opening(run))
    state, (sent,) = await sqlite_hub.commit(Progress([raised("next")], [done], first))
    assert state == await sqlite_hub.load("order-42")
    assert await visible(sqlite_hub) == []
    await sqlite_hub.release([done, sent])
    (left,) = await visible(sqlite_hub)
    assert left.message == raised("next")


async def test_of_what_conflicts_nothing_is_done(sqlite_hub: SqliteHub) -> None:
    run = execution()
    (done,) = await sqlite_hub.send([raised()])
    stale = checkpoint(HistoryState(), run, *opening(run))
    await sqlite_hub.record(stale)
    with pytest.raises(Conflict):
        await sqlite_hub.commit(Progress([raised("next")], [done], stale))
    await sqlite_hub.release([done])
    (left,) = await visible(sqlite_hub)
    assert left.message == raised()
