"""An entity from message to answer: its stored state, its batches, its locks, what it tells others."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Json, Outcome
from fnhost.bindings.formats import compact
from fnhost.host.durable.entities.entity import (
    Batch,
    Entity,
    EntityBatchResult,
    OperationResult,
    Signal,
    all_failed,
    continue_message,
    done,
    entity_text,
    is_early,
    next_batch,
    payload,
    read_batch_result,
    read_entity,
    received,
)
from fnhost.host.durable.entities.messages import NEVER, EntityRequest, read_request, release_text, request_json
from fnhost.host.durable.model.errors import InvalidWorkerResponse, UnreadableRecord
from fnhost.host.durable.model.history import EventRaised, Execution
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import Instant, later
from fnhost.host.durable.model.messages import Message

TESTS = Path(__file__).parents[1]
VECTORS: Any = json.loads((TESTS / "vectors" / "entity-state.json").read_text("utf-8"))
STATES: Any = VECTORS["schedulerState"]
RECORDED: Any = {
    path.stem: recorded
    for path in sorted((TESTS / "histories").glob("*.json"))
    if (recorded := json.loads(path.read_text("utf-8")))["kind"] == "entity"
}
NOW = "2025-03-04T10:20:09.1234567Z"
WINDOW = 1800.0
US = Execution("@counter@a", "run")
A, B = EntityId("counter", "a"), EntityId("counter", "b")


def raised(name: str, input: str | None = None, now: Instant = NOW) -> EventRaised:
    return EventRaised(timestamp=now, name=name, input=input)


def told(entity: Entity, *requests: EntityRequest) -> Entity:
    for each in requests:
        entity = received(entity, raised(each.event_name, compact(request_json(each))), WINDOW)
    return entity


def released(entity: Entity, parent: str, lock: str, now: Instant = NOW) -> Entity:
    return received(entity, raised("release", release_text(parent, lock), now), WINDOW)


def signal(id: str) -> EntityRequest:
    return EntityRequest(id, "add", is_signal=True, input="5")


def call(id: str, parent: str, seconds: float = 0) -> EntityRequest:
    return EntityRequest(id, "get", parent=parent, parent_execution="run", timestamp=later(NOW, seconds))


def lock(
    id: str, parent: str, seconds: float = 0, *, over: tuple[EntityId, ...] = (A,), position: int = 0
) -> EntityRequest:
    return replace(call(id, parent, seconds), operation=None, lock_set=over, position=position)


def ids(batch: Batch) -> list[str]:
    return [each.id for each in batch.requests]


def answered(
    *texts: str, exists: bool = True, state: str | None = "5", signals: tuple[Signal, ...] = ()
) -> EntityBatchResult:
    return EntityBatchResult(exists, state, tuple(map(OperationResult, texts)), signals)


def said(message: Message) -> Any:
    assert isinstance(message.event, EventRaised)
    return message.target, message.event.name, json.loads(message.event.input or "null")


# --- as it is stored --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATES)
def test_states_are_read_and_written_as_the_platform_does(name: str) -> None:
    assert json.loads(entity_text(read_entity(json.dumps(STATES[name])))) == STATES[name]


def test_all_that_an_entity_holds_is_kept() -> None:
    entity = told(Entity(exists=True, state='"x"', locked_by="order-42", suspended=True), signal("1"))
    entity = told(released(entity, "order-43", "old"), lock("2", "order-44", over=(A, B)))
    assert read_entity(entity_text(entity)) == entity


def test_a_host_that_does_not_write_whether_it_exists_is_understood() -> None:
    assert read_entity('{"state":"5","sorter":{}}') == Entity(exists=True, state="5")
    assert read_entity('{"sorter":{}}') == read_entity(None) == Entity()


@pytest.mark.parametrize("text", ["{", "5", '{"queue":[1]}', '{"sorter":5}'])
def test_an_unreadable_state_is_reported(text: str) -> None:
    with pytest.raises(UnreadableRecord, match="This is"):
        read_entity(text)


def test_custom_statuses_are_the_platforms() -> None:
    busy = told(Entity(exists=True, locked_by="order-42"), signal("1"), signal("2"))
    shown = {"empty": Entity(), "exists": Entity(exists=True), "busy": busy}
    assert {name: json.loads(entity.custom_status) for name, entity in shown.items()} == VECTORS["customStatus"]


# --- batches ----------------------------------------------------------------------------------------------------------


def test_operations_are_taken_in_their_order_up_to_the_limit() -> None:
    entity = told(Entity(), *map(signal, "abc"))
    assert ids(next_batch(entity, 2)) == ["a", "b"]
    rest, _ = done(entity, US, next_batch(entity, 2), answered("1", "2"), NOW)
    assert ids(next_batch(rest, 2)) == ["c"]


def test_a_request_in_the_queue_is_not_queued_again() -> None:
    assert ids(next_batch(told(Entity(), signal("a"), signal("a")), 9)) == ["a"]


def test_a_delayed_request_is_not_ordered() -> None:
    late = replace(call("late", "p", 5), predecessor=later(NOW, 4), due=later(NOW, 1))
    assert ids(next_batch(told(Entity(), late), 9)) == ["late"]


def test_a_suspended_entity_waits_until_it_may_continue() -> None:
    entity = told(Entity(suspended=True), signal("a"))
    assert ids(next_batch(entity, 9)) == []
    message = continue_message(US, NOW)
    assert isinstance(message.event, EventRaised)
    assert ids(next_batch(received(entity, message.event, WINDOW), 9)) == ["a"]


def test_events_of_another_name_change_nothing() -> None:
    assert received(Entity(), raised("other", "{}"), WINDOW) == Entity()


def test_a_message_that_cannot_be_read_says_so() -> None:
    for event in (raised("op", "{"), raised("op", "{}"), raised("release", "[]")):
        with pytest.raises(UnreadableRecord, match="This "):
            received(Entity(), event, WINDOW)


@pytest.mark.parametrize(("seconds", "early"), [(60, True), (0.05, False), (-1, False)])
def test_a_delayed_request_may_come_early(seconds: float, early: bool) -> None:
    assert is_early(raised(f"op@{later(NOW, seconds)}"), NOW) is early


@pytest.mark.parametrize("name", ["op", "op@soon", "release", "continue"])
def test_nothing_else_comes_early(name: str) -> None:
    assert not is_early(raised(name), NOW)


# --- the entity function ----------------------------------------------------------------------------------------------


def requests_of(batch: list[Any]) -> list[EntityRequest]:
    return [
        EntityRequest(str(number), each["name"], is_signal=each["isSignal"], input=each["input"], parent="p")
        for number, each in enumerate(batch)
    ]


@pytest.mark.parametrize("name", RECORDED)
def test_a_batch_is_given_as_the_sdks_know_it(name: str) -> None:
    request = RECORDED[name]["request"]
    entity = Entity(exists=request["exists"], state=request["state"])
    us = EntityId(request["self"]["name"], request["self"]["key"])
    found = json.loads(payload(us, entity, requests_of(request["batch"])))
    assert found == request | {"batch": [{"input": None} | each for each in request["batch"]]}


@pytest.mark.parametrize("name", RECORDED)
def test_the_answers_of_the_sdks_are_carried_out(name: str) -> None:
    request, returned = RECORDED[name]["request"], RECORDED[name]["response"]["returned"]
    operations = tuple(requests_of(request["batch"]))
    answer = read_batch_result(Outcome(returned=Json(json.dumps(returned))), operations)
    before = Entity(exists=request["exists"], state=request["state"], queue=operations)
    after, outbox = done(before, US, Batch(operations), answer, NOW)
    assert (after.exists, after.queue) == (returned["entityExists"], ())
    assert after.state == (returned.get("entityState") if returned["entityExists"] else None)
    calls = [number for number, each in enumerate(request["batch"]) if not each["isSignal"]]
    answers = [message for message in outbox if message.target.instance_id == "p"]
    assert [said(message)[1] for message in answers] == [str(number) for number in calls]
    for message, number in zip(answers, calls, strict=True):
        told, result = said(message)[2], returned["results"][number]
        assert told["result"] == result.get("result", "null")
        assert ("exceptionType" in told) is result["isError"]


@pytest.mark.parametrize(
    ("returned", "why"),
    [
        (None, "nothing"),
        (Json("{"), "not JSON"),
        (Json("[]"), "not complete"),
        (Json('{"entityExists":true,"entityState":"1","results":[]}'), "0 operations of 1"),
    ],
)
def test_an_answer_that_no_sdk_would_give_is_refused(returned: Any, why: str) -> None:
    with pytest.raises(InvalidWorkerResponse, match=why):
        read_batch_result(Outcome(returned=returned), [signal("a")])


def test_a_time_out_fails_every_operation_of_the_batch() -> None:
    entity = told(Entity(exists=True, state="5"), call("a", "p"), signal("b"))
    batch = next_batch(entity, 9)
    after, outbox = done(entity, US, batch, all_failed(entity, batch.operations, "Timeout value of 00:00:01"), NOW)
    assert (after.state, after.queue) == ("5", ())
    expected = {"result": "Timeout value of 00:00:01", "exceptionType": "Error"}
    assert [said(each) for each in outbox] == [(Execution("p", "run"), "a", expected)]


def test_signals_to_others_are_stamped_one_after_the_other() -> None:
    signals = (Signal(B, "add", "1"), Signal(B, "add", None))
    entity = told(Entity(), signal("a"))
    after, outbox = done(entity, US, next_batch(entity, 9), answered("null", signals=signals), NOW)
    targets, names, texts = zip(*map(said, outbox), strict=True)
    first, second = [read_request(json.dumps(text)) for text in texts]
    assert (set(targets), set(names)) == ({Execution("@counter@b")}, {"op"})
    assert (first.is_signal, first.parent, first.input, second.input) == (True, "@counter@a", "1", None)
    assert (first.predecessor, second.predecessor) == (NEVER, first.timestamp)
    assert after.sorter.sent == {"@counter@b": second.timestamp}


# --- locks ------------------------------------------------------------------------------------------------------------


def test_a_lock_request_ends_a_batch_and_takes_the_entity() -> None:
    entity = told(Entity(), signal("a"), lock("l", "p"), signal("b"))
    batch = next_batch(entity, 9)
    assert ids(batch) == ["a", "l"]
    held, outbox = done(entity, US, batch, answered("null"), NOW)
    assert held.locked_by == "p"
    assert said(outbox[-1]) == (Execution("p", "run"), "l", VECTORS["responses"]["lockAcquired"])
    assert ids(next_batch(held, 9)) == []


def test_while_it_is_held_only_the_holder_is_served() -> None:
    held = told(Entity(locked_by="p"), signal("a"), call("b", "q"), call("c", "p"), lock("l", "q", 1))
    assert ids(next_batch(held, 9)) == ["c"]
    free = released(held, "p", "some lock")
    assert ids(next_batch(free, 9)) == ["a", "b", "c", "l"]


def test_a_release_counts_once_and_only_for_the_holder() -> None:
    held = Entity(locked_by="p")
    assert released(held, "q", "1").locked_by == "p"
    again = replace(released(held, "p", "1"), locked_by="p")
    assert released(again, "p", "1").locked_by == "p"
    assert released(again, "p", "2").locked_by is None


def test_a_released_lock_is_never_taken() -> None:
    early = released(Entity(), "p", "l")
    assert ids(next_batch(told(early, lock("l", "p")), 9)) == []
    waiting = told(Entity(locked_by="q"), lock("l", "p"))
    assert ids(next_batch(released(released(waiting, "p", "l"), "q", "k"), 9)) == []


def test_old_releases_are_forgotten() -> None:
    entity = released(released(Entity(), "p", "old"), "p", "new", later(NOW, 1801))
    assert list(entity.released) == ["new"]


def test_a_lock_request_goes_on_to_the_next_entity() -> None:
    entity = told(Entity(), lock("l", "p", over=(A, B)))
    held, (message,) = done(entity, US, next_batch(entity, 9), None, NOW)
    target, name, text = said(message)
    onward = read_request(json.dumps(text))
    assert (held.locked_by, target, name) == ("p", Execution("@counter@b"), "op")
    assert (onward.position, onward.parent, onward.timestamp) == (1, "p", NEVER)
    other = told(Entity(), onward)
    _, (last,) = done(other, Execution("@counter@b", "run"), next_batch(other, 9), None, NOW)
    assert said(last) == (Execution("p", "run"), "l", VECTORS["responses"]["lockAcquired"])


def test_a_lock_request_that_comes_twice_is_not_taken_twice() -> None:
    entity = told(Entity(), lock("l", "p", over=(B, A), position=1))
    held, _ = done(entity, US, next_batch(entity, 9), None, NOW)
    again = told(held, lock("l", "p", over=(B, A), position=1))
    assert ids(next_batch(again, 9)) == []
    assert ids(next_batch(released(again, "p", "l"), 9)) == []
