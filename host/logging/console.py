"""The console and the JSON lines: log records as the official tool prints them, and as data.

Rules from platform/console-and-logs.md.
"""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import get_args

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.logging.events import (
    HOST_CATEGORY,
    AppStarted,
    FunctionsListed,
    HostMessage,
    HostStarting,
    Level,
    LinesLeftOut,
    LogEvent,
    UserLog,
    WorkerOutput,
)
from fnhost.host.logging.levels import LevelFilter
from fnhost.host.logging.log import Record
from fnhost.host.logging.writer import BackgroundWriter
from fnhost.host.terminal.links import linked
from fnhost.host.terminal.style import Style
from fnhost.host.text import SGR, has_colours, json_line, printable

LOCK_ACQUIRED = "Host lock lease acquired by instance ID"
"""Shown whatever the levels are, as the start of an app is: editors wait for both."""
COLOURS = {Level.WARNING: "\x1b[33m", Level.ERROR: "\x1b[31m", Level.CRITICAL: "\x1b[31;1m"}
FAINT = "\x1b[2m"
"""Of the host's own lines, so that those of the user's code stand out."""
RESET = "\x1b[0m"
CLEAR = "\x1b[H\x1b[2J\x1b[3J"
THEIRS = (UserLog, WorkerOutput)
"""What the user's code says."""
UNSTAMPED = (HostStarting, FunctionsListed)
"""What stands on the console without a time, apart from the lines around it."""
INDENT = "    "
_LIKE_OURS = re.compile(rf"\n(?=[ \t]*(?:{SGR}[ \t]*)*\[\d{{4}}-\d\d-\d\dT)")
"""The end of a line whose next one begins like a record."""


class RecordWriter:
    """What the console and JSON output share: each makes lines of records, and a writer takes them."""

    def __init__(self, writer: BackgroundWriter, clock: Clock = SYSTEM_CLOCK) -> None:
        self._writer, self._clock, self._stamp = writer, clock, TimeStamp()
        writer.tell_left_out(self._left_out)

    def __call__(self, record: Record) -> None:
        self._writer.write(self.line(record))

    def line(self, record: Record) -> str:
        raise NotImplementedError

    def print(self, text: str = "") -> None:
        """A text for people that is no record."""
        raise NotImplementedError

    def set_levels(self, levels: Mapping[str, str]) -> None:
        """`logging.logLevel` of host.json: a level by category prefix, the longest prefix counts."""

    def _left_out(self, count: int, reason: str) -> str:
        return self.line(Record(0, self._clock.now(), LinesLeftOut(count=count, reason=reason)))


class Console(RecordWriter):
    """The lines of those records that are to be shown."""

    def __init__(
        self,
        writer: BackgroundWriter,
        *,
        verbose: bool = False,
        levels: Mapping[str, str] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        style: Style | None = None,
    ) -> None:
        super().__init__(writer, clock)
        self._verbose, self._style = verbose, style or Style(colours=writer.is_terminal)
        self.set_levels(levels or {})

    def set_levels(self, levels: Mapping[str, str]) -> None:
        self._filter = LevelFilter(levels, verbose=self._verbose)

    def __call__(self, record: Record) -> None:
        event = record.event
        if isinstance(event, UNSTAMPED):
            self.print(f"\n{event.message}\n")
        elif event.level >= self._filter.lowest(event.category) or _is_always_shown(record):
            self._writer.write(self.line(record))

    @property
    def is_terminal(self) -> bool:
        return self._writer.is_terminal

    def clear(self) -> None:
        """Empty a terminal, with what it has scrolled away."""
        self._writer.write(CLEAR)

    def print(self, text: str = "") -> None:
        """A line without time and level."""
        safe = printable(text)
        self._writer.write(f"{linked(safe) if self._style.links else safe}\n")

    def line(self, record: Record) -> str:
        event = record.event
        text = f"[{self._stamp(record.at)}Z] {shown(event.message)}"
        if not self._style.colours:
            return f"{text}\n"
        colour = COLOURS.get(event.level, "" if isinstance(event, THEIRS) else FAINT)
        return f"{colour}{text}{RESET if colour or has_colours(text) else ''}\n"


def _is_always_shown(record: Record) -> bool:
    event = record.event
    return isinstance(event, AppStarted) or (isinstance(event, HostMessage) and event.message.startswith(LOCK_ACQUIRED))


def shown(message: str) -> str:
    """A message as the console shows it: no control but colours, and no second line that passes for a record.

    The lines of one message stand below each other, as the official tool prints them. One that begins like a record,
    with a time in brackets, is indented.
    """
    if message.isprintable():
        return message
    return _LIKE_OURS.sub(f"\n{INDENT}", printable(message))


class TimeStamp:
    """`2024-05-01T08:00:00.123` of a time in UTC. The text of a second is made once, as most lines share theirs."""

    def __init__(self) -> None:
        self._begin = self._end = datetime.min.replace(tzinfo=UTC)
        self._text = ""

    def __call__(self, at: datetime) -> str:
        if not self._begin <= at < self._end:
            self._begin = at.replace(microsecond=0)
            self._end = self._begin + timedelta(seconds=1)
            self._text = self._begin.strftime("%Y-%m-%dT%H:%M:%S")
        return f"{self._text}.{at.microsecond // 1000:03}"


class JsonLines(RecordWriter):
    """Each record as one JSON object a line: the members of every record, then the fields of its event."""

    def print(self, text: str = "") -> None:
        """As a message of the host that is no record: nothing but JSON comes out here."""
        if stripped := text.strip():
            event = HostMessage(level=Level.INFORMATION, category=HOST_CATEGORY, message=stripped)
            self._writer.write(self.line(Record(0, self._clock.now(), event)))

    def line(self, record: Record) -> str:
        return f"{json_line(record_members(record, self._stamp(record.at)))}\n"


def record_members(record: Record, time: str) -> dict[str, object]:
    """A record as JSON has it (docs/logging.md). `time` is that of the record in UTC, without an offset."""
    event = record.event
    return {
        "time": f"{time}+00:00",
        "level": event.level.name.title(),
        "category": event.category,
        "message": event.message,
        "function": event.function,
        "invocation": event.invocation,
        "instance": event.instance,
        "event": event.kind,
        "number": record.number,
        **{name: getattr(event, name) for name in OWN_FIELDS[event.kind]},
    }


COMMON_FIELDS = frozenset({"level", "category", "message", "function", "invocation", "instance"})
"""Fields of an event that are members of every JSON line already."""
OWN_FIELDS = {
    kind.kind: tuple(each.name for each in fields(kind) if each.name not in COMMON_FIELDS)
    for kind in get_args(LogEvent)
}
