"""Text and JSON as durable state holds them."""

import json

import pytest

from fnhost.host.durable.entities.messages import RequestCache
from fnhost.host.durable.model.text import MAX_VALUE_BYTES, compacted, json_text, too_large, well_formed
from fnhost.host.durable.replay.hints import input_hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("é€😀", "é€😀"),
        ("a\ud800b", "a\ufffdb"),
        ("\udfff", "\ufffd"),
        ("\ud83d\ude00", "😀"),
        ("\x00\u2028", "\x00\u2028"),
    ],
)
def test_text_is_made_well_formed(text: str, expected: str) -> None:
    assert well_formed(text) == expected
    well_formed(text).encode()


def test_json_is_compact_well_formed_and_finite() -> None:
    value = {"a\ud800": [float("nan"), (float("-inf"), 1.0)], "b": None}
    assert json_text(value) == '{"a\ufffd":["NaN",["-Infinity",1.0]],"b":null}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{ "a" : [1, "\\ud800"] }', '{"a":[1,"\ufffd"]}'),
        ("<plain \ud800>", "<plain \ufffd>"),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_what_is_no_json_is_kept_as_it_is(text: str, expected: str) -> None:
    assert compacted(text) == expected


def test_a_value_has_a_bound() -> None:
    assert too_large(None, "It") is None
    assert too_large("é" * (MAX_VALUE_BYTES // 2), "It") is None
    assert "It is 104,857,602 bytes long" in (too_large("é" * (MAX_VALUE_BYTES // 2 + 1), "It") or "")


def test_the_cache_of_requests_is_bounded_by_bytes() -> None:
    cache = RequestCache(max_bytes=100_000)
    texts = [json.dumps({"id": str(number), "op": "add", "input": "x" * 9_000}) for number in range(50)]
    for text in texts:
        assert cache.read(text).operation == "add"
    assert cache.bytes <= 100_000
    assert cache.read(texts[-1]) is cache.read(texts[-1])
    huge = json.dumps({"id": "huge", "input": "x" * 200_000})
    assert cache.read(huge).id == "huge"
    assert cache.bytes <= 100_000


def test_hints_are_given_for_inputs_that_the_sdk_cannot_read_alone() -> None:
    not_bytes = "the JSON object must be str, bytes or bytearray, not list"
    assert "its input is [1]" in (input_hint(not_bytes, "[1]") or "")
    assert input_hint(not_bytes, '{"a":1}') is None, "the error comes from elsewhere"
    no_value = "Expecting value: line 1 column 1 (char 0)"
    assert 'its input is "hello"' in (input_hint(no_value, '"hello"') or "")
    assert input_hint(no_value, None) is None
    assert input_hint("no luck", "5") is None
