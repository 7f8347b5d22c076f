"""Schedules and their next occurrences (platform/timer.md 1 to 4)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fnhost.bindings.schema import Violation
from fnhost.bindings.timer.declaration import schedule_violations
from fnhost.bindings.timer.schedule import ScheduleError, is_frequent, parse_schedule, read_zone

WEDNESDAY = datetime(2024, 1, 31, 10, 7, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def occurrences(text: str, after: datetime = WEDNESDAY, zone: str = "UTC") -> list[str]:
    schedule, found = parse_schedule(text, ZoneInfo(zone)), []
    for _ in range(3):
        after = schedule.next(after)
        found.append(f"{after:%y-%m-%d %a %H:%M:%S}")
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/15 * * * * *", ["24-01-31 Wed 10:07:45", "24-01-31 Wed 10:08:00", "24-01-31 Wed 10:08:15"]),
        ("5/20 * * * * *", ["24-01-31 Wed 10:07:45", "24-01-31 Wed 10:08:05", "24-01-31 Wed 10:08:25"]),
        ("0 */5 * * * *", ["24-01-31 Wed 10:10:00", "24-01-31 Wed 10:15:00", "24-01-31 Wed 10:20:00"]),
        ("*/5 * * * *", ["24-01-31 Wed 10:10:00", "24-01-31 Wed 10:15:00", "24-01-31 Wed 10:20:00"]),
        ("0 5-10/2 * * * *", ["24-01-31 Wed 10:09:00", "24-01-31 Wed 11:05:00", "24-01-31 Wed 11:07:00"]),
        ("0 0 * * * *", ["24-01-31 Wed 11:00:00", "24-01-31 Wed 12:00:00", "24-01-31 Wed 13:00:00"]),
        ("0 0 */2 * * *", ["24-01-31 Wed 12:00:00", "24-01-31 Wed 14:00:00", "24-01-31 Wed 16:00:00"]),
        ("0 0 9-17 * * *", ["24-01-31 Wed 11:00:00", "24-01-31 Wed 12:00:00", "24-01-31 Wed 13:00:00"]),
        ("0 30 9 * * *", ["24-02-01 Thu 09:30:00", "24-02-02 Fri 09:30:00", "24-02-03 Sat 09:30:00"]),
        ("0 30 9 * * 1-5", ["24-02-01 Thu 09:30:00", "24-02-02 Fri 09:30:00", "24-02-05 Mon 09:30:00"]),
        ("0 30 9 * * Mon-Fri", ["24-02-01 Thu 09:30:00", "24-02-02 Fri 09:30:00", "24-02-05 Mon 09:30:00"]),
        ("0 0 22-23 * * sunday", ["24-02-04 Sun 22:00:00", "24-02-04 Sun 23:00:00", "24-02-11 Sun 22:00:00"]),
        ("0 0 0 * * 0", ["24-02-04 Sun 00:00:00", "24-02-11 Sun 00:00:00", "24-02-18 Sun 00:00:00"]),
        ("0 30 9 * Jan Mon", ["25-01-06 Mon 09:30:00", "25-01-13 Mon 09:30:00", "25-01-20 Mon 09:30:00"]),
        ("0 0 0 1,15 Jan,Jul *", ["24-07-01 Mon 00:00:00", "24-07-15 Mon 00:00:00", "25-01-01 Wed 00:00:00"]),
        ("0 0 0 31 * *", ["24-03-31 Sun 00:00:00", "24-05-31 Fri 00:00:00", "24-07-31 Wed 00:00:00"]),
        ("0 0 0 29 February *", ["24-02-29 Thu 00:00:00", "28-02-29 Tue 00:00:00", "32-02-29 Sun 00:00:00"]),
        ("0 0 0 13 * Fri", ["24-09-13 Fri 00:00:00", "24-12-13 Fri 00:00:00", "25-06-13 Fri 00:00:00"]),
        ("00:05:00", ["24-01-31 Wed 10:12:30", "24-01-31 Wed 10:17:30", "24-01-31 Wed 10:22:30"]),
        ("1.06:00:00", ["24-02-01 Thu 16:07:30", "24-02-02 Fri 22:07:30", "24-02-04 Sun 04:07:30"]),
        ("24:00:00", ["24-02-24 Sat 10:07:30", "24-03-19 Tue 10:07:30", "24-04-12 Fri 10:07:30"]),
    ],
)
def test_next_occurrences(text: str, expected: list[str]) -> None:
    """A day and a weekday that are both restricted must both match: Unix cron takes either."""
    assert occurrences(text) == expected


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 30 9 * * *", "2024-06-01T00:00:00+00:00", ["2024-06-01T09:30:00+02:00", "2024-06-02T09:30:00+02:00"]),
        ("0 30 2 * * *", "2024-03-30T12:00:00+00:00", ["2024-03-31T03:30:00+02:00", "2024-04-01T02:30:00+02:00"]),
        ("0 30 2 * * *", "2024-10-26T12:00:00+00:00", ["2024-10-27T02:30:00+02:00", "2024-10-28T02:30:00+01:00"]),
        ("0 0 3 * * *", "2024-10-27T00:30:00+00:00", ["2024-10-27T03:00:00+01:00", "2024-10-28T03:00:00+01:00"]),
    ],
    ids=["summer", "an-hour-that-is-left-out", "an-hour-that-comes-twice", "after-it"],
)
def test_cron_is_reckoned_in_local_time(text: str, after: str, expected: list[str]) -> None:
    schedule = parse_schedule(text, BERLIN)
    first = schedule.next(datetime.fromisoformat(after))
    assert [first.isoformat(), schedule.next(first).isoformat()] == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "often", "* * *", "* * * * * * *", "0 60 * * * *", "0 0 24 * * *", "0 0 0 32 * *", "0 0 0 0 * *"),
        *("0 0 0 * 13 *", "0 0 0 * * 7", "0 0 0 L * *", "0 0 0 * * 1#2", "H * * * * *", "@hourly", "0 0 0 ? * *"),
        *("0 0 0 * Foo *", "00:00:00", "-00:05:00", "0 0:1 * * * *"),
    ],
)
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ScheduleError, match="was not recognized as a valid cron expression or timespan string"):
        parse_schedule(text)


def test_a_schedule_that_never_comes_is_refused() -> None:
    with pytest.raises(ScheduleError, match="has no occurrence"):
        parse_schedule("0 0 0 31 Feb *")


@pytest.mark.parametrize(
    ("text", "expected"), [("0 * * * * *", False), ("*/59 * * * * *", True), ("00:01:00", False), ("00:00:59", True)]
)
def test_a_schedule_more_frequent_than_once_a_minute(text: str, expected: bool) -> None:
    assert is_frequent(parse_schedule(text), WEDNESDAY) is expected


def test_a_bad_schedule_is_a_violation_of_its_entry() -> None:
    (found,) = schedule_violations({"schedule": "often"})
    assert isinstance(found, Violation) and found.pointer == "/schedule"
    assert list(schedule_violations({"schedule": "0 * * * * *"})) == []


def test_time_zones() -> None:
    assert read_zone("") is None
    assert read_zone("Europe/Berlin") == BERLIN
    with pytest.raises(ScheduleError, match="WEBSITE_TIME_ZONE must be a name like Europe/Berlin, not 'Mars/North'"):
        read_zone("Mars/North")
