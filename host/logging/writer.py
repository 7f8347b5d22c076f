"""A thread that writes lines to a file, so that nobody else ever waits for a reader, a terminal or a disk."""

import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self, TextIO

from fnhost.host.text import encoded

BACKLOG = 4_000_000
"""Characters that may wait for the file, with those being written; whatever comes then is left out, and counted."""
FLUSH_DELAY = 0.05
"""Seconds for which a line waits for others: each waking of the thread takes time from the event loop."""
END_PATIENCE = 0.5
"""Seconds that the last lines have at the end."""
READER_POLL = 1.0
"""Seconds between two looks at a file that was opened without blocking and takes nothing."""


class RawFile(Protocol):
    def write(self, data: memoryview, /) -> int | None:
        """How many bytes were taken; None if it would have to wait. Raises OSError."""

    def fileno(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Output:
    """Where lines go. `name` is what messages call it."""

    name: str
    file: RawFile
    encoding: str = "utf-8"
    is_terminal: bool = False


class Nowhere:
    """A standard output that was closed before the host started."""

    def write(self, data: memoryview, /) -> int:
        return len(data)

    def fileno(self) -> int:
        return -1


def standard_output(stream: TextIO | None, name: str = "the console") -> Output:
    """`stream` without its buffers: what it holds is written first."""
    if stream is None:
        return Output(name, Nowhere())
    with suppress(OSError):
        stream.flush()
    return Output(name, getattr(stream.buffer, "raw", stream.buffer), stream.encoding, stream.isatty())


class BackgroundWriter:
    """`write` never waits and never raises.

    A file that takes nothing for a while (a pipe that is not read, a stopped terminal, a full disk) costs the lines
    that come beyond the backlog; a line that tells how many and why stands where they would have stood. A file that
    refuses is reported once on stderr, and tried again with whatever comes next.
    """

    def __init__(self, output: Output, backlog: int = BACKLOG) -> None:
        self._output, self._backlog = output, backlog
        self._left_out: Callable[[int, str], str] = _left_out
        self._lock = threading.RLock()
        """Reentrant: `close` may run in a signal handler, between any two bytecodes of `write`."""
        self._changed = threading.Condition(self._lock)
        self._is_closing = False
        self._closing = threading.Lock()
        """Held until `close`: to wait for it with a time limit costs less than any other way."""
        self._closing.acquire()
        self._waiting: list[str] = []
        self._size = 0
        self._refused = 0
        """Lines that came while the backlog was full."""
        self._unwritten = 0
        """Lines that the file refused."""
        self._reason = ""
        self._is_line_begun = False
        self._is_idle = False
        self._thread = threading.Thread(target=self._run, name=f"write {output.name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self.close()

    @property
    def is_terminal(self) -> bool:
        return self._output.is_terminal

    def tell_left_out(self, line: Callable[[int, str], str]) -> None:
        """How to write the line that tells how many lines are missing, and why."""
        self._left_out = line

    def write(self, text: str) -> None:
        """`text` is one or more whole lines."""
        with self._lock:
            if self._refused or self._size >= self._backlog:
                self._refused += text.count("\n")
                return
            self._waiting.append(text)
            self._size += len(text)
            if self._is_idle:
                self._is_idle = False
                self._changed.notify()

    def close(self, patience: float = END_PATIENCE) -> bool:
        """Write what waits, for so many seconds at most. Whether all of it is written."""
        with self._changed:
            if not self._is_closing:
                self._is_closing = True
                self._closing.release()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(patience)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while self._wait():
            if self._closing.acquire(timeout=FLUSH_DELAY):
                self._closing.release()
            self._write_waiting()

    def _write_waiting(self) -> None:
        text, refused = self._take()
        self._put(text, refused)
        with self._lock:
            self._size -= len(text)

    def _wait(self) -> bool:
        """Until there is something to write; False when there will not be."""
        with self._changed:
            while not (self._waiting or self._refused or self._is_closing):
                self._is_idle = True
                self._changed.wait()
            return bool(self._waiting or self._refused)

    def _take(self) -> tuple[str, int]:
        """What waits, and how many lines were left out after it."""
        with self._changed:
            texts, refused = self._waiting, self._refused
            self._waiting, self._refused = [], 0
        return "".join(texts), refused

    def _put(self, text: str, refused: int) -> None:
        if self._unwritten:
            text = self._left_out(self._unwritten, self._reason) + text
        after = self._left_out(refused, f"{self._output.name} is not being read") if refused else ""
        data = memoryview(encoded(text + after, self._output.encoding))
        try:
            self._write_all(b"\n" if self._is_line_begun and self._unwritten else b"", data)
        except (OSError, ValueError) as error:
            self._note_failure(error, text.count("\n") + refused)
        else:
            self._unwritten, self._reason = 0, ""

    def _write_all(self, *parts: bytes | memoryview) -> None:
        for part in parts:
            left = memoryview(part)
            while left:
                count = self._output.file.write(left)
                if count is None:
                    select.select([], [self._output.file], [], READER_POLL)
                elif count:
                    self._is_line_begun = left[count - 1] != ord("\n")
                    left = left[count:]

    def _note_failure(self, error: Exception, lines: int) -> None:
        """All of a batch counts as unwritten, though its beginning may have gone out."""
        if not self._unwritten:
            cause = getattr(error, "strerror", None) or str(error)
            self._reason = f"{self._output.name} could not be written ({cause})"
            self._say(
                f"Cannot write to {self._output.name}: {cause}. Lines are left out until it can be written again."
            )
        else:
            lines -= 1  # the line that would have told of the others
        self._unwritten += lines

    def _say(self, sentence: str) -> None:
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.write(f"{sentence}\n")
            sys.stderr.flush()


def _left_out(count: int, reason: str) -> str:
    return f"{count} lines were left out: {reason}.\n"
