"""Requests to entities as texts, in the platform's forms (platform/entities.md 2)."""

import json
from pathlib import Path
from typing import Any

import pytest

from fnhost.host.durable.entities.messages import (
    LOCKED,
    NEVER,
    EntityRequest,
    answer_text,
    read_request,
    release_text,
    request_json,
    sent_request,
)
from fnhost.host.durable.model.errors import UnreadableRecord
from fnhost.host.durable.model.history import EventSent
from fnhost.host.durable.model.ids import EntityId, is_entity

VECTORS: Any = json.loads((Path(__file__).parents[1] / "vectors" / "entity-state.json").read_text("utf-8"))
REQUESTS: Any = VECTORS["requestMessages"]
AT = "2025-03-04T10:20:08.1234567Z"
RUN = "5f0e7d3b2a1c4d5e8f90a1b2c3d4e5f6"
LOCK = "77777777-0000-0000-0000-555555555555"


@pytest.mark.parametrize("name", [name for name in REQUESTS if name != "delayedSignal"])
def test_requests_are_read_and_written_as_the_platform_does(name: str) -> None:
    assert request_json(read_request(json.dumps(REQUESTS[name]))) == REQUESTS[name]


def test_a_delayed_request_names_its_time_with_all_digits() -> None:
    found = read_request(json.dumps(REQUESTS["delayedSignal"]))
    assert found.event_name == VECTORS["eventNames"]["scheduledRequest"]
    assert request_json(found) == REQUESTS["delayedSignal"] | {"due": "2025-03-04T10:30:00.0000000Z"}


def test_a_call_is_read_in_full() -> None:
    call = EntityRequest(
        "99999999-0000-0000-0000-555555555555", "get", parent="order-42", parent_execution=RUN, timestamp=AT
    )
    assert read_request(json.dumps(REQUESTS["call"])) == call
    assert (call.event_name, call.wants_result, call.is_lock) == ("op", True, False)


def test_a_lock_request_names_its_entities_in_lower_case() -> None:
    found = read_request('{"op":null,"id":"1","lockset":[{"name":"Acct","key":"B"}],"pos":1}')
    assert (found.lock_set, found.position, found.is_lock) == ((EntityId("acct", "B"),), 1, True)
    assert not found.wants_result


@pytest.mark.parametrize(
    "text", [None, "1", "{", "[]", '{"op":"x"}', '{"id":"1","Timestamp":"soon"}', '{"id":1,"lockset":3}']
)
def test_an_unreadable_request_is_reported(text: str | None) -> None:
    with pytest.raises(UnreadableRecord, match="This is"):
        read_request(text)


def test_answers_and_releases_have_the_platforms_form() -> None:
    assert json.loads(answer_text("5")) == VECTORS["responses"]["result"]
    assert json.loads(answer_text(LOCKED)) == VECTORS["responses"]["lockAcquired"]
    assert json.loads(answer_text("boom", is_error=True)) == VECTORS["responses"]["errorV1"]
    assert json.loads(answer_text(None)) == {"result": "null"}
    assert json.loads(release_text("order-42", LOCK)) == VECTORS["release"]


@pytest.mark.parametrize(
    ("instance", "name", "key"),
    [("@counter@a", "counter", "a"), ("@Counter@A@b", "counter", "A@b"), ("@counter@", "counter", "")],
)
def test_an_id_is_a_name_in_lower_case_and_a_key(instance: str, name: str, key: str) -> None:
    assert EntityId.of(instance) == EntityId(name, key)
    assert str(EntityId(name.upper(), key)) == f"@{name}@{key}"


def test_only_entities_begin_with_an_at() -> None:
    assert [is_entity(each) for each in ("@a@b", "a@b", "")] == [True, False, False]


def sent(target: str, name: str, text: str | None) -> EventSent:
    return EventSent(timestamp=AT, event_id=0, instance_id=target, name=name, input=text)


def test_requests_are_found_among_what_an_orchestration_sent() -> None:
    known = json.dumps(REQUESTS["call"])
    assert sent_request(sent("@counter@a", "op", known)) == read_request(known)
    others = [("@counter@a", "release", known), ("order-43", "op", known), ("@counter@a", "op", "not JSON")]
    assert [sent_request(sent(*each)) for each in others] == [None, None, None]


def test_never_is_before_every_time() -> None:
    assert NEVER < AT
