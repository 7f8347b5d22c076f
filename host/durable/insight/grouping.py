"""Many rows that are alike as one: fan-outs and loops. Pure, and linear in the number of rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from fnhost.host.durable.insight.rows import Group, Row, State, Timeline

FAN_OUT = 20
"""Rows of one name that begin in one episode and are more are a fan-out."""
LOOP = 50
"""Rows of a repeating pattern that are more are a loop."""
LONGEST_PATTERN = 5


def grouped(timeline: Timeline) -> Timeline:
    """The same with fan-outs and loops as rows of their own, whose `group` says what they hold."""
    return replace(timeline, rows=tuple(_loops(list(_fan_outs(timeline.rows)))))


def _fan_outs(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows of one kind, name and episode stand beside each other: the order is that of their begin."""
    for _, members in groupby(rows, key=lambda row: (row.kind, row.name, row.episode, row.start)):
        found = list(members)
        yield from ([_group("fan_out", found)] if len(found) > FAN_OUT and found[0].kind != "signal" else found)


def _loops(rows: Sequence[Row]) -> Iterator[Row]:
    runs = _runs([(row.kind, row.name) for row in rows])
    at = 0
    while at < len(rows):
        period, length = runs[at]
        if length > LOOP:
            whole = length - length % period
            yield _group("loop", list(rows[at : at + whole]), period)
            at += whole
        else:
            yield rows[at]
            at += 1


def _runs(names: Sequence[object]) -> list[tuple[int, int]]:
    """For each place the period of the longest repetition that begins there, and how many rows it has."""
    best = [(1, 0)] * len(names)
    for period in range(1, LONGEST_PATTERN + 1):
        same = 0
        for at in range(len(names) - 1 - period, -1, -1):
            same = same + 1 if names[at] == names[at + period] else 0
            if same and same + period > best[at][1]:
                best[at] = (period, same + period)
    return best


def _group(kind: str, members: list[Row], period: int = 1) -> Row:
    first = members[0]
    group = group_of(members, period)
    names = " → ".join(group.pattern)
    row = Row(f"{kind[0]}{first.task}", "fan_out", names, first.start, first.episode)
    row.kind = "loop" if kind == "loop" else "fan_out"
    row.label = f"\u00d7{group.repeats or group.count:,} {names}"
    row.state = _state(group)
    row.end = None if group.open else max((each.end for each in members if each.end), default=None)
    row.place, row.children, row.group = first.place, members, group
    row.error = next((each.error for each in members if each.state == "failed"), None)
    for each in members:
        each.parent = row
    return row


def _state(group: Group) -> State:
    if group.open:
        return "open"
    if group.failed:
        return "failed"
    return "done" if group.done else "cancelled"


def group_of(members: Sequence[Row], period: int = 1) -> Group:
    ended = sorted((each.ms, each.task) for each in members if each.ms is not None and each.state != "cancelled")
    times = [ms for ms, _ in ended]
    states = [each.state for each in members]
    return Group(
        count=len(members),
        done=states.count("done"),
        failed=states.count("failed"),
        open=states.count("open"),
        cancelled=states.count("cancelled"),
        median_ms=times[len(times) // 2] if times else None,
        p95_ms=times[min(len(times) - 1, len(times) * 95 // 100)] if times else None,
        slowest_ms=times[-1] if times else None,
        slowest=ended[-1][1] if ended else None,
        first_failed=next((each.task for each in members if each.state == "failed"), None),
        pattern=tuple(each.name for each in members[:period]),
        repeats=len(members) // period if period > 1 or len(members) > LOOP else 0,
    )
