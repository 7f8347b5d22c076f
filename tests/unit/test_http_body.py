"""Bodies of requests: their content comes out the same however the bytes are cut, and what is no body is refused."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fnhost.host.web.listen.body import framing_of
from fnhost.host.web.listen.limits import Limits
from fnhost.host.web.listen.refused import Refused

LIMITS = Limits(headers=100, fields=3)


def taken(data: bytes, length: int | None, cuts: list[int]) -> tuple[bytes, bytes, bool]:
    """The content, what follows the body, and whether it is whole, when `data` comes cut at these places."""
    framing, content, rest = framing_of(length, LIMITS), b"", b""
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in pairwise(places):
        if framing.is_whole:
            rest += data[start:end]
        else:
            content += framing.take(data[start:end])
            rest = framing.rest
    return content, rest, framing.is_whole


@given(st.binary(max_size=50), st.binary(max_size=20), st.lists(st.integers(0, 1000), max_size=10))
def test_a_sized_body_ends_where_its_length_says(content: bytes, after: bytes, cuts: list[int]) -> None:
    if content:
        assert taken(content + after, len(content), cuts) == (content, after, True)


@given(
    st.lists(st.binary(min_size=1, max_size=20), max_size=5),
    st.sampled_from(["", ";a=b", ' ; q="x"']),
    st.sampled_from([b"", b"A: b\r\n", b"A: b\r\nC: d\r\n"]),
    st.binary(max_size=20),
    st.lists(st.integers(0, 1000), max_size=30),
)
def test_a_chunked_body_is_read_however_it_is_cut(
    pieces: list[bytes], extension: str, trailer: bytes, after: bytes, cuts: list[int]
) -> None:
    chunks = b"".join(f"{len(piece):X}{extension}\r\n".encode() + piece + b"\r\n" for piece in pieces)
    assert taken(chunks + b"000\r\n" + trailer + b"\r\n" + after, None, cuts) == (b"".join(pieces), after, True)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"+1\r\n",
        b"0x1\r\n",
        b"1 1\r\n",
        b"1\n",
        b"1\na\r\n",
        b"1;a\0\r\n",
        b"1\r\nab\r\n",
        b"1\r\na\n",
        b"f" * 16 + b"\r\n",
        b"1;" + b"a" * 5000,
        b"0\r\nno colon\r\n",
        b"0\r\n folded: x\r\n",
        b"0\r\nA: " + b"b" * 100 + b"\r\n",
        b"0\r\n" + b"A: b\r\n" * 4,
    ],
)
def test_what_is_no_chunk_is_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        taken(data + b"\r\n", None, [])
    with pytest.raises(Refused):
        taken(data + b"\r\n", None, list(range(len(data))))
