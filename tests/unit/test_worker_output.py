"""Lines of what a worker prints: whole, marked, bounded, and in linear time."""

import time
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fnhost.host.worker.output import UNKNOWN, Line, LineSplitter, Ran, RecentInvocations


def split(*pieces: bytes, longest: int = 64) -> list[Line]:
    splitter = LineSplitter(longest)
    lines = [line for piece in pieces for line in splitter.feed(piece)]
    return [*lines, *splitter.end()] if splitter.has_unfinished else lines


def texts(lines: Iterable[Line]) -> list[str]:
    return [line.text for line in lines]


@pytest.mark.parametrize(
    ("printed", "lines"),
    [
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\r\ntwo", ["one", "two"]),
        (b"\n\n", ["", ""]),
        (b"", []),
        (b"10 %\r20 %\r30 %\n", ["30 %"]),
        (b"\r10 %\r     \r\n", ["     "]),
        (b"caf\xe9 \xe2\x82\xac\n", ["caf\\xe9 €"]),
        ("sep \u2028 nul \0\n".encode(), ["sep \u2028 nul \0"]),
    ],
)
def test_lines(printed: bytes, lines: list[str]) -> None:
    assert texts(split(printed)) == lines
    assert texts(split(*(bytes([byte]) for byte in printed))) == lines


def test_a_mark_says_whose_a_line_is() -> None:
    assert split(b"\x1eid-1\x1fone\n\x1eid-2\x1ftwo\nnobody's\n") == [
        Line("one", "id-1"),
        Line("two", "id-2"),
        Line("nobody's"),
    ]


def test_a_mark_within_a_line_ends_what_stands_before_it() -> None:
    assert split(b"raw\x1eid-1\x1fpart\x1eid-2\x1f\n") == [Line("raw"), Line("part", "id-1"), Line("", "id-2")]


def test_a_line_that_its_invocation_goes_on_with_is_one() -> None:
    assert split(b"\x1eid-1\x1f.", b"\x1eid-1\x1f.", b"\x1eid-1\x1f\n") == [Line("..", "id-1")]


def test_what_only_looks_like_a_mark_is_text() -> None:
    assert texts(split(b"\x1eno end\n", b"\x1e\x1f\n")) == ["\x1eno end", "\x1e\x1f"]


def test_a_progress_bar_keeps_its_mark() -> None:
    assert split(b"\x1eid-1\x1f10 %", b"\r20 %", b"\r30 %\n") == [Line("30 %", "id-1")]


def test_a_line_that_is_too_long_is_cut_at_a_character_and_keeps_its_mark() -> None:
    euros = "€" * 8
    assert split(b"\x1eid\x1f" + euros.encode() + b"\n", longest=14) == [
        Line("€€€", "id", is_cut=True),
        Line("€€€", "id", is_cut=True),
        Line("€€", "id"),
    ]


def test_a_line_of_exactly_the_longest_size_is_whole() -> None:
    assert split(b"x" * 64 + b"\n") == [Line("x" * 64)]


@given(st.lists(st.text("ab€\n\x1e", max_size=40)), st.integers(8, 200))
def test_nothing_is_lost_however_it_is_fed(pieces: list[str], longest: int) -> None:
    """The texts are those that were printed, cut or not, in any division into reads."""
    data = "".join(pieces).encode()
    fed = split(*(piece.encode() for piece in pieces), longest=longest)
    assert fed == split(data, longest=longest)
    joined = "".join(line.text + ("" if line.is_cut else "\n") for line in fed)
    assert joined.rstrip("\n") == data.decode().rstrip("\n")


@pytest.mark.parametrize("byte", [b"x", b"\r", b"\x1e", b"\x80"])
def test_twice_the_bytes_take_at_most_some_three_times_as_long(byte: bytes) -> None:
    def seconds(count: int) -> float:
        splitter, started = LineSplitter(), time.process_time()
        for _ in range(count):
            for _line in splitter.feed(byte * 32_768):
                pass
        return time.process_time() - started

    seconds(5)
    once = min(seconds(40) for _ in range(3))
    assert min(seconds(80) for _ in range(3)) < 3 * once + 0.05


def test_invocations_are_forgotten_in_their_order() -> None:
    recent = RecentInvocations(limit=2)
    for number in range(3):
        recent.add(str(number), Ran(f"F{number}", "order-1"))
    assert [recent.find(str(number)) for number in range(3)] == [UNKNOWN, Ran("F1", "order-1"), Ran("F2", "order-1")]
