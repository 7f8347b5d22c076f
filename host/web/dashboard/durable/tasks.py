"""One row of a timeline: what was given to the call, and what came of it."""

import json
from typing import Any

from fnhost.host.durable.insight.failures import task_error
from fnhost.host.durable.insight.inputs import argument
from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.rows import Row
from fnhost.host.durable.insight.timeline import input_of
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    HistoryEvent,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
)
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.storage.codec import history_json
from fnhost.host.web.dashboard.durable import shapes
from fnhost.host.web.dashboard.durable.timelines import (
    row_of,
)
from fnhost.host.web.dashboard.durable.view import HubView


def task_json(view: HubView, instance: Instance, replayed: Replayed, row: Row) -> dict[str, Any]:
    """Reads source files: call it in a thread."""
    events = [replayed.events[index] for index in row.events]
    given, source = given_to(row, replayed)
    output = _output(_ended_events(row, replayed))
    failed = next(
        (event for event in reversed(events) if isinstance(event, TaskFailed | SubOrchestrationInstanceFailed)), None
    )
    if failed is None and row.state == "failed":
        failed = _failed_below(row, replayed)

    def begun(task: str) -> str | None:
        return view.insight.begun_at(instance.id, int(task)) if task.isdecimal() else None

    return {
        "task": row.task,
        "kind": row.kind,
        "name": row.name,
        "row": row_of(row, view.root, begun),
        "input": shapes.bounded(given, argument),
        "input_source": source,
        "output": shapes.bounded(output, shapes.value_of),
        "cut": shapes.cut_sizes(input=given, output=output),
        "error": shapes.error_json(task_error(failed, replayed.events), view.root) if failed else None,
        "attempts": [row_of(child, view.root, begun) for child in row.children] if not row.group else [],
        "child": row.child,
        **{"source": shapes.place_json(row.place, view.root)},
        "events": [json.loads(history_json(event)) for event in events],
    }


def _failed_below(row: Row, replayed: Replayed) -> TaskFailed | SubOrchestrationInstanceFailed | None:
    found = (replayed.events[index] for child in reversed(row.children) for index in reversed(child.events))
    return next((event for event in found if isinstance(event, TaskFailed | SubOrchestrationInstanceFailed)), None)


def _ended_events(row: Row, replayed: Replayed) -> list[HistoryEvent]:
    """Of a retry those of its last try."""
    last = next((child for child in reversed(row.children) if not child.is_wait), row) if not row.group else row
    return [replayed.events[index] for index in last.events]


def given_to(row: Row, replayed: Replayed) -> tuple[str | None, str | None]:
    """The input of a row's call as JSON text, and where it is known from: most histories do not keep it."""
    first = row.children[0] if row.children and not row.group else row
    for index in first.events:
        event = replayed.events[index]
        if isinstance(event, TaskScheduled) and event.input is not None:
            return _only(event.input), "recorded"
        if isinstance(event, SubOrchestrationInstanceCreated | EventSent) and event.input is not None:
            return event.input, "recorded"
    task = first.task.lstrip("rth")
    origin = replayed.trace.of_id.get(int(task)) if replayed.fits and replayed.trace and task.isdecimal() else None
    text = input_of(origin.action) if origin else None
    return (text, "recomputed") if text is not None else (None, None)


def _only(text: str) -> str:
    """Activities are given a list of one argument."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return json.dumps(found[0]) if isinstance(found, list) and len(found) == 1 else text


def _output(events: list[HistoryEvent]) -> str | None:
    for event in reversed(events):
        if isinstance(event, TaskCompleted | SubOrchestrationInstanceCompleted):
            return event.result
        if isinstance(event, EventRaised):
            return event.input
    return None
