"""What a worker process prints, as lines, each with the invocation that printed it where the worker says so.

A worker marks a line by beginning it with `\\x1e<invocation id>\\x1f`. The mark stands in the pipe itself, so lines
keep their order beside those of C code and of child processes, which have none.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from fnhost.host.text import decoded

LONGEST_LINE = 64 * 1024
"""Bytes after which a line is cut; what follows is the next line."""
MARK = re.compile(rb"\x1e([!-~]{1,100})\x1f")
MARK_BEGIN = 0x1E
REMEMBERED = 500
"""How many invocations are known after they ended: their last lines may come later than their answers."""


@dataclass(frozen=True, slots=True)
class Line:
    """`invocation` is empty where nobody said whose it is; `is_cut` means that the next one continues it."""

    text: str
    invocation: str = ""
    is_cut: bool = False


class LineSplitter:
    """Cuts a stream of bytes into lines, in time and memory linear in what is fed, whatever it holds.

    A carriage return takes the line back to its beginning, as on a terminal: of a progress bar only the last state
    is a line.
    """

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._unfinished = bytearray()

    def feed(self, data: bytes) -> Iterator[Line]:
        *whole, rest = data.split(b"\n")
        for piece in whole:
            yield from self._extend(piece)
            yield from self.end()
            self._unfinished.clear()
        yield from self._extend(rest)

    def end(self) -> Iterator[Line]:
        """The line that is not finished; an empty one too."""
        yield from _lines(bytes(self._unfinished), is_cut=False)

    @property
    def has_unfinished(self) -> bool:
        return bool(self._unfinished)

    def _extend(self, piece: bytes) -> Iterator[Line]:
        for start in range(0, len(piece), self._longest):
            before = len(self._unfinished)
            self._unfinished += piece[start : start + self._longest]
            self._take_back(max(0, before - 1))
            while len(self._unfinished) > self._longest:
                yield from self._cut()

    def _take_back(self, start: int) -> None:
        """Drop what a carriage return after `start` overwrites. One at the very end may belong to a line's end."""
        found = self._unfinished.rfind(b"\r", start, len(self._unfinished) - 1)
        if found >= 0:
            self._unfinished[: found + 1] = _last_mark(self._unfinished[:found])

    def _cut(self) -> Iterator[Line]:
        """The first part of a line that is too long, up to a whole character; the rest keeps its mark."""
        end = self._longest
        while end > self._longest - 4 and self._unfinished[end] & 0xC0 == 0x80:
            end -= 1
        part = bytes(self._unfinished[:end])
        yield from _lines(part, is_cut=True)
        self._unfinished[:end] = _last_mark(part)


def _last_mark(data: bytes | bytearray) -> bytes:
    marks = [match[0] for match in MARK.finditer(data)] if MARK_BEGIN in data else []
    return bytes(marks[-1]) if marks else b""


def _lines(raw: bytes, is_cut: bool) -> Iterator[Line]:
    """One, or more where the marks of several invocations stand within: what had no end before a mark ends there."""
    text, invocation = raw, ""
    if MARK_BEGIN in raw:
        text, *marked = MARK.split(raw)
        for mark, following in zip(marked[::2], marked[1::2], strict=True):
            if text and mark.decode("ascii") != invocation:
                yield Line(_last_state(text), invocation)
                text = b""
            text, invocation = text + following, mark.decode("ascii")
    yield Line(_last_state(text), invocation, is_cut)


def _last_state(raw: bytes) -> str:
    return decoded(raw.rstrip(b"\r").rpartition(b"\r")[2])


class Ran(NamedTuple):
    """What an invocation ran, and for which durable instance."""

    function: str = ""
    instance: str = ""


UNKNOWN = Ran()


class RecentInvocations:
    """What the last invocations of a worker ran, by their ids."""

    def __init__(self, limit: int = REMEMBERED) -> None:
        self._limit = limit
        self._known: OrderedDict[str, Ran] = OrderedDict()

    def add(self, invocation: str, ran: Ran) -> None:
        self._known[invocation] = ran
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def find(self, invocation: str) -> Ran:
        return self._known.get(invocation, UNKNOWN) if invocation else UNKNOWN
