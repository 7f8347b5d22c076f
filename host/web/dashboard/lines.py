"""Log records as the lines that pages show."""

from collections.abc import Callable
from typing import Any, Literal

from fnhost.host.logging.events import InvocationEnded, InvocationException, InvocationStarted, UserLog, WorkerOutput
from fnhost.host.logging.log import Log, Record
from fnhost.host.web.dashboard.answers import time_text

MOST_LINES = 5_000
"""Lines of one answer, the last ones."""
Source = Literal["user", "print", "host"]


def log_line(record: Record) -> dict[str, Any]:
    """`source` tells what user code logs or prints from what the host says of it."""
    event = record.event
    return {
        "number": record.number,
        "at": time_text(record.at),
        "level": event.level.name.title(),
        "category": event.category,
        "source": _source(record),
        "text": event.message,
        "function": event.function,
        "invocation": event.invocation or None,
        "instance": event.instance or None,
    }


def _source(record: Record) -> Source:
    match record.event:
        case UserLog():
            return "user"
        case WorkerOutput():
            return "print"
    return "host"


def is_own(record: Record) -> bool:
    """Whether it is one of the host's own three records of each invocation, which pages show in another form."""
    return isinstance(record.event, (InvocationStarted, InvocationEnded, InvocationException))


def recent_lines(log: Log, is_wanted: Callable[[Record], bool], since: int = 0) -> tuple[list[dict[str, Any]], int]:
    """The lines of records after the number `since`, and how many records there were that are no longer kept."""
    records, lost = log.recent.since(since)
    found = [record for record in records if is_wanted(record)]
    return [log_line(record) for record in found[-MOST_LINES:]], lost
