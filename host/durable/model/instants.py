"""Instants: UTC times as fixed-width texts whose order is the order of times."""

from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from fnhost.clock import SYSTEM_CLOCK, Clock

Instant: TypeAlias = str
"""A UTC time as `yyyy-MM-ddTHH:mm:ss.fffffffZ`: always seven digits, so that the order of texts is the order of times,
and nothing is lost between episodes."""


FIRST_INSTANT: Instant = "0001-01-01T00:00:00.0000000Z"
LAST_INSTANT: Instant = "9999-12-31T23:59:59.9999999Z"


def utc_now(clock: Clock = SYSTEM_CLOCK) -> Instant:
    return instant(clock.now())


def instant(at: datetime) -> Instant:
    utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return utc.isoformat(timespec="microseconds")[:26] + "0Z"


def parse_instant(text: str) -> Instant:
    """Any ISO 8601 time, brought to seven digits and to UTC, which it is without an offset. Raises ValueError.

    A time that an offset moves out of the calendar is the first or last instant, as .NET's ToUniversalTime has it.
    """
    if not text.isascii():
        raise ValueError(f"{text!r} is no time")
    head, _, fraction = text.strip().removesuffix("Z").partition(".")
    if fraction.isdigit() or (not fraction and head[10:].count("-") == 0 and "+" not in head):
        return f"{datetime.fromisoformat(head).isoformat(timespec='seconds')}.{fraction[:7]:0<7}Z"
    at = datetime.fromisoformat(text)
    try:
        return instant(at if at.tzinfo else at.replace(tzinfo=UTC))
    except OverflowError:
        return FIRST_INSTANT if at.year == 1 else LAST_INSTANT


def to_datetime(at: Instant) -> datetime:
    return datetime.fromisoformat(at[:26] + "+00:00")


def later(at: Instant, seconds: float) -> Instant:
    return instant(to_datetime(at) + timedelta(seconds=seconds))


def next_tick(at: Instant) -> Instant:
    """The soonest time that is later, by the microsecond."""
    return later(at, 0.000001)
