"""Text at the borders: whatever it holds, it is shown, kept and never obeyed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fnhost.host.text import decoded, encoded, has_colours, json_line, printable

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Lone surrogates, NUL and separators among it."""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, 你好 🎉", "Grüße, 你好 🎉"),
        ("a\tb\nc", "a\tb\nc"),
        ("one\r\ntwo", "one\ntwo"),
        ("back\rover", "back\\rover"),
        ("bell\x07 nul\x00", "bell\\x07 nul\\x00"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("\x1b[31mred\x1b[0m", "\x1b[31mred\x1b[0m"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u2028b\x85c", "a\\u2028b\\x85c"),
        ("\u202ereversed", "\\u202ereversed"),
        ("half \ud83d", "half \\ud83d"),
    ],
)
def test_what_a_terminal_would_obey_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(ANY_TEXT, st.sampled_from(["utf-8", "ascii", "cp1252", "utf-16", "no such encoding"]))
def test_every_text_has_bytes_in_every_encoding(text: str, encoding: str) -> None:
    assert isinstance(encoded(printable(text), encoding), bytes)


@given(st.binary())
def test_every_bytes_have_a_text_that_can_be_encoded(data: bytes) -> None:
    encoded(decoded(data)).decode("utf-8")


def test_a_byte_that_is_no_utf8_stays_visible() -> None:
    assert decoded(b"caf\xe9") == "caf\\xe9"


@given(ANY_TEXT)
def test_a_json_line_is_one_line_and_means_the_same(text: str) -> None:
    line = json_line({"message": text})
    assert len(line.splitlines()) == 1
    assert line.encode("utf-8")
    assert json.loads(line) == {"message": _joined(text)}


def _joined(text: str) -> str:
    """Two escapes of surrogates that make a pair are one character to every reader of JSON."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def test_colours_are_recognised() -> None:
    assert has_colours("\x1b[1;31mred")
    assert not has_colours("\x1b[2J")
