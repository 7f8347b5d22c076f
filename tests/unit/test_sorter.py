"""Order and de-duplication of what instances send to an entity."""

import itertools
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fnhost.host.durable.entities.messages import NEVER, EntityRequest
from fnhost.host.durable.entities.sorter import MessageSorter, sorter_json, sorter_of
from fnhost.host.durable.model.instants import Instant, later

WINDOW = 1800.0
START = "2025-03-04T10:20:00.0000000Z"


def at(seconds: float) -> Instant:
    return later(START, seconds)


def request(number: int, seconds: float, after: float | None, sender: str = "a", run: str = "run") -> EntityRequest:
    """The message of action `number`, sent `seconds` after the start, next to the one of `after`."""
    before = NEVER if after is None else at(after)
    return EntityRequest(
        f"{sender}-{number}",
        "op",
        parent=sender,
        parent_execution=run,
        timestamp=at(seconds),
        predecessor=before,
        action=number,
    )


def delivered(requests: Iterable[EntityRequest], window: float = WINDOW) -> list[str]:
    """The ids in the order of delivery; the sorter is written and read again after each."""
    sorter, ids = MessageSorter(), []
    for each in requests:
        sorter, ready = sorter.receive(each, window)
        assert sorter_of(sorter_json(sorter)) == sorter
        ids += [one.id for one in ready]
    return ids


FIRST, SECOND, THIRD = request(1, 1, None), request(2, 2, 1), request(3, 3, 2)


@pytest.mark.parametrize("order", list(itertools.permutations([FIRST, SECOND, THIRD])))
def test_messages_are_delivered_in_the_order_they_were_sent(order: tuple[EntityRequest, ...]) -> None:
    assert delivered(order) == ["a-1", "a-2", "a-3"]


@given(st.lists(st.sampled_from([FIRST, SECOND, THIRD]), max_size=12))
def test_nothing_is_delivered_twice_or_out_of_order(drawn: list[EntityRequest]) -> None:
    found = delivered(drawn)
    assert found == ["a-1", "a-2", "a-3"][: len(found)]
    assert len(found) == 3 or {FIRST, SECOND, THIRD} > set(drawn)


@given(st.permutations([FIRST, SECOND, request(1, 5, None), request(2, 6, 5), request(3, 7, 6)]))
def test_requests_that_an_episode_repeats_are_recognised_by_their_task_ids(drawn: list[EntityRequest]) -> None:
    """A host died after it had sent two requests; the episode, run again, stamps them anew and sends a third."""
    assert delivered(drawn) == ["a-1", "a-2", "a-3"]


def test_senders_do_not_wait_for_each_other() -> None:
    assert delivered([SECOND, request(1, 4, None, sender="b"), FIRST]) == ["b-1", "a-1", "a-2"]


def test_a_new_execution_begins_anew() -> None:
    fresh = request(0, 9, None, run="next")
    assert delivered([FIRST, THIRD, fresh]) == ["a-1", "a-3", "a-0"]


def test_clients_and_an_empty_window_are_not_ordered() -> None:
    client = EntityRequest("c", "op")
    assert delivered([client, client]) == ["c", "c"]
    assert delivered([SECOND, FIRST, FIRST], window=0) == ["a-2", "a-1", "a-1"]


def test_messages_that_waited_longer_than_the_window_are_delivered() -> None:
    other = request(1, WINDOW + 60, None, sender="b")
    assert delivered([SECOND, other]) == ["a-2", "b-1"]


def test_messages_older_than_the_window_are_not_ordered() -> None:
    other = request(1, WINDOW + 60, None, sender="b")
    assert delivered([other, SECOND, FIRST]) == ["b-1", "a-2", "a-1"]


def test_senders_that_fell_silent_are_forgotten() -> None:
    sorter, _ = MessageSorter(sent={"@x@y": at(1)}).receive(FIRST, WINDOW)
    sorter, _ = sorter.receive(request(1, WINDOW + 60, None, sender="b"), WINDOW)
    assert (list(sorter.received), sorter.sent) == (["b"], {})


def test_stamps_to_one_target_grow_and_name_the_one_before() -> None:
    sorter, first, nothing = MessageSorter().stamp("@x@y", at(1))
    sorter, second, before = sorter.stamp("@x@y", at(1))
    _, remote_queues, nothing_either = sorter.stamp("@x@z", at(1))
    assert first < second
    assert (before, remote_queues) == (first, at(1))
    assert (nothing, nothing_either) == (NEVER, NEVER)
    assert sorter_of(sorter_json(sorter)) == sorter
