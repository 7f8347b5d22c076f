"""Timelines as pages of rows (docs/dashboard-api.md)."""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from fnhost.host.durable.insight.grouping import grouped
from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.rows import Group, Row, Timeline
from fnhost.host.durable.insight.timeline import fold
from fnhost.host.durable.model.instants import Instant
from fnhost.host.web.dashboard.durable.shapes import place_json

KEPT = 8
SHOWN_MEMBERS = 20
"""Failed and open members of a group that are shown without being asked for, of each at most so many."""
MOST_EPISODES = 500
FOLDED = frozenset({"fan_out", "loop"})
Begun = Callable[[str], Instant | None]
"""When the activity of a row began to run here."""


class Timelines:
    """Folded once for all pages of the same history."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Replayed, Timeline]] = OrderedDict()

    def of(self, replayed: Replayed) -> Timeline:
        """May take a while for a long history."""
        found = self._kept.get(id(replayed))
        if found is None or found[0] is not replayed:
            found = self._kept[id(replayed)] = replayed, timeline_of(replayed)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found[1]


def timeline_of(replayed: Replayed) -> Timeline:
    return grouped(fold(replayed.events, replayed.trace, replayed.places))


def shown_rows(timeline: Timeline) -> list[Row]:
    """Children behind their parents; of groups only the members that nobody should have to look for."""
    return [row for top in timeline.rows for row in _with_children(top)]


def _with_children(row: Row) -> Iterator[Row]:
    yield row
    for child in _urgent(row.children) if row.kind in FOLDED else row.children:
        yield from _with_children(child)


def _urgent(members: Sequence[Row]) -> list[Row]:
    failed = [row for row in members if row.state == "failed" or _has_failed(row)][:SHOWN_MEMBERS]
    opened = [row for row in members if row.state == "open"][:SHOWN_MEMBERS]
    wanted = set(failed) | set(opened)
    return [row for row in members if row in wanted]


def _has_failed(row: Row) -> bool:
    return any(child.state == "failed" and not child.is_wait for child in row.children)


def children_of(timeline: Timeline, task: str) -> list[Row] | None:
    """All below a row; None if there is no such row."""
    parent = find_row(timeline, task)
    return [row for child in parent.children for row in _with_children(child)] if parent else None


def find_row(timeline: Timeline, task: str) -> Row | None:
    return next((row for row in timeline.all_rows() if row.task == task), None)


def timeline_json(timeline: Timeline, now: Instant) -> dict[str, Any]:
    """All but the rows."""
    episodes = timeline.episodes
    step = max(1, -(-len(episodes) // MOST_EPISODES))
    finish = timeline.finish
    return {
        "name": timeline.name,
        "now": now,
        "begin": timeline.begin,
        "end": finish.at if finish else None,
        "last": timeline.last,
        "events": len(timeline.owners),
        "episodes": [
            {"n": each.number, "start": each.start, "end": each.end, "messages": each.messages}
            for each in episodes[::step]
        ],
        "episode_count": len(episodes),
        "bands": [
            {"kind": "suspended", "start": each.start, "end": each.end, "reason": each.reason}
            for each in timeline.bands
        ],
        "marks": [
            {"kind": "event", "task": each.task, "name": each.name, "at": each.at, "taken": each.taken}
            for each in timeline.marks
        ],
        "finish": finish and {"at": finish.at, "kind": finish.kind, "text": finish.text and finish.text[:300]},
    }


def row_of(row: Row, root: Path, begun: Begun) -> dict[str, Any]:
    running = begun(row.task) if row.kind == "activity" else None
    place = place_json(row.place, root)
    return {
        "task": row.task,
        "kind": row.kind,
        "name": row.name,
        "label": row.label or row.name,
        "parent": row.parent.task if row.parent else None,
        "start": row.start,
        "running": running if running and running >= row.start else None,
        "end": row.end,
        "due": row.due,
        "state": row.state,
        "attempts": row.attempt if row.kind == "retry" else None,
        "attempt": row.attempt,
        "of": row.of,
        "child": row.child,
        "file": place["file"],
        "line": place["line"],
        "function": place["function"],
        "has_input": row.has_input,
        "has_output": row.has_output,
        "error": row.error,
        "is_skewed": row.is_skewed,
        "is_wait": row.is_wait,
        "events": row.events,
        "children": len(row.children),
        "group": row.group and group_json(row.group),
    }


def group_json(group: Group) -> dict[str, Any]:
    return {
        "count": group.count,
        "done": group.done,
        "failed": group.failed,
        "open": group.open,
        "cancelled": group.cancelled,
        "median_ms": group.median_ms,
        "p95_ms": group.p95_ms,
        "slowest_ms": group.slowest_ms,
        "slowest": group.slowest,
        "first_failed": group.first_failed,
        "pattern": list(group.pattern),
        "repeats": group.repeats,
    }
