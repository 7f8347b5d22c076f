"""Where the body of a request ends, and what of the bytes on the wire is its content (RFC 9112, 6 and 7)."""

import re
from collections.abc import Callable
from typing import Protocol, TypeAlias

from fnhost.host.web.listen.head import FIELDS
from fnhost.host.web.listen.limits import Limits
from fnhost.host.web.listen.refused import Refused

CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*+(?:;[^\x00-\x08\x0a-\x1f\x7f]*+)?+")
LONGEST_LINE = 4096

Step: TypeAlias = Callable[[bytes, int, list[bytes]], int]


class Framing(Protocol):
    """Takes bytes as they come, and gives what belongs to the body.

    `rest` is what follows the body once `is_whole`; it belongs to the next request.
    """

    is_whole: bool
    rest: bytes

    def take(self, data: bytes) -> bytes:
        """Raises Refused."""


class Sized:
    """A body with a Content-Length of `left` bytes."""

    __slots__ = ("_left", "is_whole", "rest")

    def __init__(self, left: int) -> None:
        self._left, self.is_whole, self.rest = left, not left, b""

    def take(self, data: bytes) -> bytes:
        if len(data) < self._left:
            self._left -= len(data)
            return data
        left, self._left, self.is_whole = self._left, 0, True
        if len(data) == left:
            return data
        self.rest = data[left:]
        return data[:left]


class Chunked:
    """A body in chunks. Their extensions and the fields of the trailer are checked and dropped."""

    def __init__(self, limits: Limits) -> None:
        self.is_whole, self.rest = False, b""
        self._limits = limits
        self._kept = b""
        self._left = 0
        self._step: Step = self._size_line
        self._trailer_size = self._trailer_fields = 0

    def take(self, data: bytes) -> bytes:
        """Raises Refused."""
        data, position = self._kept + data, 0
        content: list[bytes] = []
        while not self.is_whole and (end := self._step(data, position, content)) >= 0:
            position = end
        left = data[position:]
        self.rest, self._kept = (left, b"") if self.is_whole else (b"", left)
        return b"".join(content)

    # Each step returns where the next begins, or -1 when its bytes have not all come.

    def _size_line(self, data: bytes, position: int, content: list[bytes]) -> int:
        end = _line_end(data, position)
        if end < 0:
            return -1
        found = CHUNK_LINE.fullmatch(data, position, end)
        if found is None:
            raise Refused(400, "The size of a chunk is not valid.")
        self._left = int(found[1], 16)
        self._step = self._data if self._left else self._trailer_line
        return end + 2

    def _data(self, data: bytes, position: int, content: list[bytes]) -> int:
        piece = data[position : position + self._left]
        if not piece:
            return -1
        content.append(piece)
        self._left -= len(piece)
        if not self._left:
            self._step = self._data_end
        return position + len(piece)

    def _data_end(self, data: bytes, position: int, content: list[bytes]) -> int:
        end = data[position : position + 2]
        if end == b"\r\n":
            self._step = self._size_line
            return position + 2
        if b"\r\n".startswith(end):
            return -1
        raise Refused(400, "A chunk is longer than its size.")

    def _trailer_line(self, data: bytes, position: int, content: list[bytes]) -> int:
        end = _line_end(data, position)
        if end > position:
            self._count_field(data[position : end + 2])
        self.is_whole = end == position
        return end + 2 if end >= 0 else -1

    def _count_field(self, line: bytes) -> None:
        self._trailer_size += len(line)
        self._trailer_fields += 1
        if self._trailer_size > self._limits.headers or self._trailer_fields > self._limits.fields:
            raise Refused(431, "The trailer of the request is too long.")
        if not FIELDS.fullmatch(line):
            raise Refused(400, "A field in the trailer of the request is not valid.")


def _line_end(data: bytes, position: int) -> int:
    end = data.find(b"\r\n", position)
    if (end if end >= 0 else len(data)) - position > LONGEST_LINE:
        raise Refused(400, "A line between the chunks of the request is too long.")
    return end


def framing_of(length: int | None, limits: Limits) -> Framing:
    """How the body of a request is framed; `length` as in its head."""
    return Chunked(limits) if length is None else Sized(length)
