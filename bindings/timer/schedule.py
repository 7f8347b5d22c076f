"""When a timer is due: NCRONTAB expressions and time spans (platform/timer.md 1 to 4).

Cron expressions are reckoned in local time. Where the clocks go forward, an occurrence in the hour that is left out is
moved by that hour; where they go back, the hour that comes twice counts once for an occurrence in it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fnhost.bindings.contract import BindingError
from fnhost.bindings.schema import timespan

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LIMITS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
"""Of seconds, minutes, hours, days, months and weekdays."""
_VALUE = r"(?:\*|[0-9]+|[A-Za-z]{3,9})"
_FIELD = re.compile(rf"{_VALUE}(?:-{_VALUE})?(?:/[0-9]+)?(?:,{_VALUE}(?:-{_VALUE})?(?:/[0-9]+)?)*")
_YEARS = 50
"""How far an occurrence is looked for: the 29th of February on a Monday comes every 28 years."""


class ScheduleError(BindingError):
    """The text is no schedule."""


class Schedule(Protocol):
    """`adjusts_for_dst` and the text in `description` are told to the function and the log."""

    @property
    def description(self) -> str: ...

    @property
    def adjusts_for_dst(self) -> bool: ...

    def next(self, after: datetime) -> datetime:
        """The first occurrence later than `after`; both are instants with a zone."""


@dataclass(frozen=True, slots=True)
class IntervalSchedule:
    """A fixed time between two occurrences."""

    interval: timedelta

    @property
    def description(self) -> str:
        return f"Constant: {self.interval}"

    @property
    def adjusts_for_dst(self) -> bool:
        return False

    def next(self, after: datetime) -> datetime:
        return after + self.interval


@dataclass(frozen=True, slots=True)
class CronSchedule:
    """`expression` has six fields, seconds first; `zone` is None for the machine's own."""

    expression: str
    zone: ZoneInfo | None = None

    @property
    def description(self) -> str:
        return f"Cron: '{self.expression}'"

    @property
    def adjusts_for_dst(self) -> bool:
        return True

    def next(self, after: datetime) -> datetime:
        """Raises ScheduleError if there is none within 50 years."""
        local = after.astimezone(self.zone).replace(tzinfo=None)
        while True:
            local = self._next_local(local)
            for fold in (0, 1):
                found = self._instant(local.replace(fold=fold))
                if found > after:
                    return found

    def _instant(self, local: datetime) -> datetime:
        aware = local.replace(tzinfo=self.zone) if self.zone else local.astimezone()
        return aware.astimezone(UTC).astimezone(self.zone)

    def _next_local(self, after: datetime) -> datetime:
        from croniter import CroniterBadDateError, croniter  # takes its time to load, and few apps have a timer

        try:
            found: datetime = croniter(
                self.expression,
                after.replace(fold=0),
                ret_type=datetime,
                day_or=False,
                second_at_beginning=True,
                max_years_between_matches=_YEARS,
            ).get_next()
        except CroniterBadDateError as error:
            raise ScheduleError(f"The schedule '{self.expression}' has no occurrence.") from error
        return found


def parse_schedule(text: str, zone: ZoneInfo | None = None) -> Schedule:
    """Raises ScheduleError."""
    text = text.strip()
    if ":" in text:
        return _interval(text)
    schedule = CronSchedule(_cron(text), zone)
    schedule.next(datetime(2024, 1, 1, tzinfo=UTC))
    return schedule


def _interval(text: str) -> IntervalSchedule:
    try:
        seconds = timespan(text)
    except ValueError as error:
        raise _unknown(text) from error
    if seconds <= 0:
        raise _unknown(text)
    return IntervalSchedule(timedelta(seconds=seconds))


def _cron(text: str) -> str:
    """Six fields in the library's spelling: five have no seconds, names may be written in full."""
    from croniter import CroniterError, croniter

    fields = text.split()
    if len(fields) not in (5, 6) or not all(_FIELD.fullmatch(field) for field in fields):
        raise _unknown(text)
    fields = ["0", *fields] if len(fields) == 5 else fields
    fields[4], fields[5] = _numbered(fields[4], MONTHS, 1), _numbered(fields[5], DAYS, 0)
    if not all(_is_within(field, *limits) for field, limits in zip(fields, LIMITS, strict=True)):
        raise _unknown(text)
    try:
        croniter(" ".join(fields), second_at_beginning=True)
    except (CroniterError, ValueError, KeyError) as error:
        raise _unknown(text) from error
    return " ".join(fields)


def _is_within(field: str, lowest: int, highest: int) -> bool:
    """Whether every number of a field but its steps is in range: the library takes some that are not."""
    return all(lowest <= int(number) <= highest for number in re.findall(r"(?<![/0-9])[0-9]+", field))


def _numbered(field: str, names: tuple[str, ...], first: int) -> str:
    """Names become numbers. Sunday is 0."""

    def number(found: "re.Match[str]") -> str:
        name = found[0].lower()
        index = next((index for index, known in enumerate(names) if name.startswith(known)), None)
        return found[0] if index is None else str(first + index)

    return re.sub("[A-Za-z]+", number, field)


def _unknown(text: str) -> ScheduleError:
    return ScheduleError(
        f"The schedule expression '{text}' was not recognized as a valid cron expression or timespan string. "
        "Write six fields, {second} {minute} {hour} {day} {month} {day-of-week}, or a span like 00:05:00."
    )


def is_frequent(schedule: Schedule, now: datetime) -> bool:
    """Whether it is due more often than once a minute: its status is then not kept."""
    times = [schedule.next(now)]
    for _ in range(4):
        times.append(schedule.next(times[-1]))
    return any(later - earlier < timedelta(minutes=1) for earlier, later in pairwise(times))


def read_zone(name: str) -> ZoneInfo | None:
    """WEBSITE_TIME_ZONE. Raises ScheduleError."""
    if not name:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ScheduleError(
            f"The setting WEBSITE_TIME_ZONE must be a name like Europe/Berlin, not '{name}'."
        ) from error
