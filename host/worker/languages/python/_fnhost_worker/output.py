"""`sys.stdout` and `sys.stderr` that say whose line it is, where it is known: it begins with `\\x1e<id>\\x1f`.

The mark goes into the pipe with its line, so what is printed keeps its order beside what C code and child processes
write there, and is not lost when the process ends at once.
"""

from __future__ import annotations

import io
import sys
import threading
from typing import Any, Tuple

from .context import QUIET, current_invocation
from .forks import on_fork

LONGEST_PENDING = 8192
"""Characters of a line without an end that are kept back; more go out."""
MOST_PENDING = 256
"""Lines without an end, of so many threads and invocations, that are kept back."""
Key = Tuple[int, str]


class MarkedStream(io.TextIOWrapper):
    """A text stream as Python's own, but lines of different threads and invocations are never mixed.

    A line goes out when it ends; what has no end goes out with `flush`, as always.
    """

    def __init__(self, stream: Any) -> None:
        super().__init__(stream.detach(), encoding="utf-8", errors="backslashreplace", line_buffering=True)
        self.mode = "w"  # type: ignore[misc]  # what Python's own streams have
        self._pending: dict[Key, str] = {}
        self._begun: Key | None = None
        """Whose line without an end stands last in the pipe."""
        self._lock = threading.RLock()

    def write(self, text: str) -> int:
        if not isinstance(text, str) or self.closed:
            return super().write(text)  # raises what a stream of Python's raises
        if QUIET.get():
            return len(text)
        key = (threading.get_ident(), current_invocation())
        whole = self._pending.pop(key, "") + text
        end = whole.rfind("\n") + 1 if len(whole) < LONGEST_PENDING else len(whole)
        if end < len(whole):
            self._pending[key] = whole[end:]
        if end:
            self._put(key, whole[:end])
        if len(self._pending) > MOST_PENDING:
            self._put_pending()
        return len(text)

    def flush(self) -> None:
        if getattr(self, "_pending", None) and not self.closed:
            self._put_pending()
        super().flush()

    def end_line(self, invocation: str) -> None:
        """An invocation is over: what it printed on this thread without an end is a line."""
        if not self._pending and self._begun is None:
            return
        key = (threading.get_ident(), invocation)
        rest = self._pending.pop(key, "")
        if rest or self._begun == key:
            self._put(key, rest + "\n")

    def reset_after_fork(self) -> None:
        """Another thread of the parent may have held the lock."""
        self._lock = threading.RLock()

    def _put_pending(self) -> None:
        for key in list(self._pending):
            text = self._pending.pop(key, "")
            if text:
                self._put(key, text)

    def _put(self, key: Key, text: str) -> None:
        mark = f"\x1e{key[1]}\x1f" if key[1] else ""
        with self._lock:
            begin = "\n" if self._begun not in (None, key) else ""
            self._begun = None if text.endswith("\n") else key
            lines = mark + text[:-1].replace("\n", "\n" + mark) + text[-1] if mark else text
            super().write(begin + lines)


def open_streams() -> tuple[MarkedStream, ...]:
    """Put them in the place of Python's own."""
    streams = []
    for name in ("stdout", "stderr"):
        own = getattr(sys, name)
        if own is not None:
            marked = MarkedStream(own)
            setattr(sys, name, marked)
            setattr(sys, f"__{name}__", marked)
            streams.append(marked)
            on_fork(marked.reset_after_fork)
    return tuple(streams)
