"""Typed values and frames: what goes in comes out, however the bytes are cut."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fnhost.bindings.contract import HttpRequest, HttpResponse, Json, Value
from fnhost.host.worker.values import (
    HEAD,
    MARK,
    TEXT_IN_JSON,
    Blobs,
    BrokenFrame,
    Frames,
    FrameTooLong,
    decode,
    encode,
    pack,
)

LONG = "ä" * (TEXT_IN_JSON + 1)
values = st.one_of(
    st.none(),
    st.text(),
    st.binary(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.builds(Json, st.text()),
    st.lists(st.text(), max_size=3).map(tuple),
    st.lists(st.binary(), min_size=1).map(tuple),
    st.lists(st.integers(), min_size=1).map(tuple),
    st.lists(st.floats(allow_nan=False), min_size=1).map(tuple),
)


def travel(value: Value) -> Value:
    blobs = Blobs()
    frame = pack({"data": encode(value, blobs)}, blobs)
    ((message, received),) = Frames().feed(frame)
    return decode(message["data"], received)


@given(values)
def test_a_value_travels_unchanged(value: Value) -> None:
    assert travel(value) == value
    assert type(travel(value)) is type(value)


@pytest.mark.parametrize("value", [LONG, Json(json.dumps(LONG)), "\ud800", LONG + "\ud800", b"", "", Json("null")])
def test_a_special_value_travels_unchanged(value: Value) -> None:
    assert travel(value) == value


def test_long_texts_and_all_bytes_lie_beside_the_json() -> None:
    blobs = Blobs()
    assert encode("short", blobs) == {"string": "short"}
    assert encode(LONG, blobs) == {"string": {"$b": 0, "n": len(LONG.encode())}}
    assert encode(b"x", blobs) == {"bytes": {"$b": len(LONG.encode()), "n": 1}}
    assert blobs.parts == [LONG.encode(), b"x"]


def test_a_request_is_sent_with_its_body_apart() -> None:
    blobs = Blobs()
    request = HttpRequest("GET", "http://x/", {"a": "b"}, {"q": "1"}, {"id": "2"}, b"body")
    assert encode(request, blobs) == {
        "http": {
            "method": "GET",
            "url": "http://x/",
            "headers": {"a": "b"},
            "query": {"q": "1"},
            "params": {"id": "2"},
            "body": {"bytes": {"$b": 0, "n": 4}},
        }
    }


def test_a_response_may_say_little() -> None:
    assert decode({"http": {}}, memoryview(b"")) == HttpResponse()
    answer = {"http": {"statusCode": 404, "body": {"json": "{}"}, "enableContentNegotiation": True}}
    assert decode(answer, memoryview(b"")) == HttpResponse("404", body=Json("{}"), negotiate=True)


def test_an_unknown_kind_is_named() -> None:
    with pytest.raises(ValueError, match="unknown kind 'shoe'"):
        decode({"shoe": 1}, memoryview(b""))


@given(st.lists(st.integers(1, 40)), st.binary(max_size=50))
def test_frames_may_be_cut_anywhere(cuts: list[int], body: bytes) -> None:
    blobs = Blobs()
    reference = blobs.put(body)
    stream = b"".join(pack({"n": n, "data": {"bytes": reference}}, blobs) for n in range(3))
    frames, received = Frames(), []
    for cut in [*cuts, len(stream)]:
        received += frames.feed(stream[:cut])
        stream = stream[cut:]
    assert [message["n"] for message, _ in received] == [0, 1, 2]
    assert all(decode(message["data"], beside) == body for message, beside in received)


def test_a_frame_is_its_mark_two_lengths_the_json_and_the_blobs() -> None:
    blobs = Blobs()
    blobs.put(b"one")
    blobs.put(b"two")
    frame = pack({"t": "x"}, blobs)
    assert HEAD.unpack(frame[: HEAD.size]) == (MARK, len(b'{"t":"x"}onetwo'), len(b'{"t":"x"}'))
    assert frame[HEAD.size :] == b'{"t":"x"}onetwo'


@pytest.mark.parametrize(
    ("stream", "text"),
    [
        (b"printed by a library\n", "does not begin with its mark but with b'printed by a library'"),
        (HEAD.pack(MARK, 5, 6), "a frame of 5 bytes with 6 bytes of JSON"),
        (HEAD.pack(MARK, 2**31, 6), "a frame of 2,147,483,648 bytes"),
        (HEAD.pack(MARK, 2, 2) + b"{]", "a message is not JSON"),
    ],
)
def test_a_broken_frame_is_told(stream: bytes, text: str) -> None:
    with pytest.raises(BrokenFrame, match=text):
        Frames().feed(stream)


def test_a_message_that_is_too_long_is_not_sent() -> None:
    blobs = Blobs()
    blobs.parts = [bytes(1 << 20)] * 257  # one object, not 257 MB
    with pytest.raises(FrameTooLong, match="a message to a worker may have 268,435,456"):
        pack({"t": "x"}, blobs)
