"""The API of instances: the list, and what is known of each."""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fnhost import __version__
from fnhost.host.durable.client import is_known
from fnhost.host.durable.insight.failures import failure_of, task_error
from fnhost.host.durable.insight.index import IndexRow, Listing
from fnhost.host.durable.insight.inputs import argument, given_value
from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.statuses import PastStatus, merged, recomputed
from fnhost.host.durable.insight.timeline import Row, Timeline, input_of
from fnhost.host.durable.insight.waits import waits_of
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    ExecutionStarted,
    HistoryEvent,
    RuntimeStatus,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
)
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.replay.outgoing import unknown_function
from fnhost.host.durable.replay.recording import Place
from fnhost.host.durable.storage.codec import history_json
from fnhost.host.text import decoded
from fnhost.host.web.dashboard.answers import ApiError, answer, number, single
from fnhost.host.web.dashboard.durable import shapes
from fnhost.host.web.dashboard.durable.export import export_of
from fnhost.host.web.dashboard.durable.filters import read_filter
from fnhost.host.web.dashboard.durable.timelines import (
    children_of,
    find_row,
    row_of,
    shown_rows,
    timeline_json,
)
from fnhost.host.web.dashboard.durable.verbs import allowed, refusals
from fnhost.host.web.dashboard.durable.view import HubView, apart, sort_of, telling
from fnhost.host.web.files import read_served

MOST = 1000
MOST_ROWS = 2000
MOST_EVENTS = 5000
MOST_VALUES = 1000
FAR = 10**9


def instance_routes(view: HubView) -> list[BaseRoute]:
    async def listed(request: Request) -> Response:
        query = request.query_params
        wanted, top = read_filter(query, view.insight.clock), number(request, "top", 100, MOST)
        found = await view.insight.index.list(wanted, sort_of(query.get("sort", "")), top, query.get("token") or None)
        await view.notes.of(found.rows)
        return answer(listing_json(view, found))

    async def one(request: Request) -> Response:
        instance = await view.expect(request)
        return single(request, await instance_json(view, instance))

    async def timeline(request: Request) -> Response:
        replayed = await view.replayed(instance := await view.expect(request))
        folded, parent = await view.timeline(replayed), request.query_params.get("parent")
        rows = children_of(folded, parent) if parent else shown_rows(folded)
        if rows is None:
            raise ApiError(404, f"The timeline of '{instance.id}' has no row '{parent}'.")
        start, count = number(request, "from_row", 0, FAR, least=0), number(request, "rows", 500, MOST_ROWS)
        return answer(page_json(view, instance, replayed, folded, rows, start, count))

    async def task(request: Request) -> Response:
        replayed = await view.replayed(instance := await view.expect(request))
        folded, name = await view.timeline(replayed), request.path_params["task"]
        if (row := find_row(folded, name)) is None:
            raise ApiError(404, f"The timeline of '{instance.id}' has no row '{name}'.")
        return single(request, await asyncio.to_thread(task_json, view, instance, replayed, row))

    async def status_values(request: Request) -> Response:
        replayed = await view.replayed(instance := await view.expect(request))
        limit, before = number(request, "limit", 200, MOST_VALUES), request.query_params.get("before")
        values = await past_statuses(view, instance, replayed)
        wanted = [each for each in values if not before or each.at < before]
        note = replayed.note if not replayed.recording or not replayed.fits else None
        return answer({"values": [_value(each) for each in wanted[-limit:]], "more": len(wanted) > limit, "note": note})

    async def history(request: Request) -> Response:
        instance = await view.expect(request)
        if request.query_params.get("format", "events") == "export":
            return await exported(view, instance)
        events = (await view.insight.history(instance.id, instance.execution_id)).events
        start, top = number(request, "from", 0, FAR, least=0), number(request, "top", MOST_EVENTS, MOST_EVENTS)
        shown = [json.loads(history_json(event)) for event in events[start : start + top]]
        following = start + top if start + top < len(events) else None
        found = {"execution_id": instance.execution_id, "events": shown, "length": len(events), "next": following}
        return single(request, found)

    async def code(request: Request) -> Response:
        replayed = await view.replayed(instance := await view.expect(request))
        return single(request, await asyncio.to_thread(code_json, view, instance, replayed))

    return [
        Route("/instances", telling(listed)),
        Route("/instances/{id}", telling(one)),
        Route("/instances/{id}/timeline", telling(timeline)),
        Route("/instances/{id}/tasks/{task}", telling(task)),
        Route("/instances/{id}/status-values", telling(status_values)),
        Route("/instances/{id}/history", telling(history)),
        Route("/instances/{id}/code", telling(code)),
    ]


def listing_json(view: HubView, found: Listing) -> dict[str, Any]:
    kind = None if found.rows else "empty" if found.is_empty else "filtered"
    parent_of = view.insight.index.parent_of
    return {
        "items": [shapes.row_json(row, view.notes.known(row), parent_of(row.id)) for row in found.rows],
        "token": found.token,
        "counts": found.counts,
        "total": found.total,
        "complete": found.is_complete,
        "sortable": found.is_sortable,
        "kind": kind,
    }


async def instance_json(view: HubView, instance: Instance) -> dict[str, Any]:
    replayed = await view.replayed(instance)
    events = replayed.events
    waits = waits_of(events, replayed)
    error = failure_of(events, instance.output, replayed)
    shown = await asyncio.to_thread(shapes.error_json, error, view.root)
    past = await asyncio.to_thread(view.insight.store.executions, instance.id, instance.execution_id or "")
    row, note = IndexRow.of(instance), shapes.waits_note(waits)
    started = next((event for event in events if isinstance(event, ExecutionStarted)), None)
    parent = started.parent_instance if started else None
    return {
        **shapes.row_json(row, note),
        "parent": parent
        and {
            "id": parent.orchestration_instance.instance_id,
            "name": parent.name,
            "task": str(parent.task_schedule_id),
        },
        "input": shapes.bounded(instance.input, given_value),
        "output": shapes.bounded(instance.output, shapes.value_of),
        "cut": shapes.cut_sizes(input=instance.input, output=instance.output),
        "version": instance.version or None,
        "custom_status_text": instance.custom_status,
        "custom_status_bytes": shapes.status_bytes(instance.custom_status),
        "custom_status_limit": shapes.STATUS_LIMIT,
        "completed": instance.completed,
        "scheduled": instance.scheduled,
        "children": sum(isinstance(event, SubOrchestrationInstanceCreated) for event in events),
        "execution_id": instance.execution_id,
        "obstacle": obstacle(view, instance),
        "generation": len(past) + 1,
        "generations": [shapes.past_json(number, each) for number, each in enumerate(past, 1)],
        "waits": [shapes.wait_json(wait, view.root) for wait in waits],
        "error": shown,
        "allowed": allowed(instance.status),
        "refused": refusals(instance),
        "events": len(events),
        "replay": replay_json(replayed),
    }


def obstacle(view: HubView, instance: Instance) -> str | None:
    """Why it cannot go on, whatever it waits for."""
    known = view.insight.engine.names("orchestrator")
    if instance.status.is_terminal or is_known(instance.name, known):
        return None
    return unknown_function("orchestrator", instance.name, known)


def replay_json(replayed: Replayed) -> dict[str, Any]:
    state = "none" if not replayed.events else "done" if replayed.recording else "failed"
    recording = replayed.recording
    return {
        "state": state,
        "fits": replayed.fits if recording else None,
        "ms": recording.ms if recording else None,
        "sdk": recording.sdk if recording else None,
        "note": replayed.note or None,
    }


def page_json(
    view: HubView,
    instance: Instance,
    replayed: Replayed,
    timeline: Timeline,
    rows: list[Row],
    start: int,
    count: int,
) -> dict[str, Any]:
    def begun(task: str) -> str | None:
        return view.insight.begun_at(instance.id, int(task)) if task.isdecimal() else None

    return {
        "id": instance.id,
        "execution_id": instance.execution_id,
        "status": instance.status.name,
        **timeline_json(timeline, utc_now(view.insight.clock)),
        "length": len(rows),
        "from_row": start,
        "rows": [row_of(row, view.root, begun) for row in rows[start : start + count]],
        "recomputed": replayed.fits,
        "note": replayed.note or None,
    }


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


async def past_statuses(view: HubView, instance: Instance, replayed: Replayed) -> list[PastStatus]:
    store, execution = view.insight.store, instance.execution_id or ""
    recorded = await asyncio.to_thread(store.values, instance.id, execution, MOST_VALUES)
    usable = replayed.recording if replayed.fits else None
    computed = recomputed(replayed.events, usable) if usable and usable.steps else []
    values = merged(recorded, computed, replayed.events)
    if not values and instance.custom_status is not None:
        return [PastStatus(instance.updated, instance.custom_status, None, False)]
    return values


def _value(past: PastStatus) -> dict[str, Any]:
    return shapes.status_value(past.at, past.value, past.episode, is_recomputed=past.is_recomputed)


async def exported(view: HubView, instance: Instance) -> Response:
    replayed = await view.replayed(instance)
    values = await past_statuses(view, instance, replayed)
    made = {"by": f"fnhost {__version__}", "at": utc_now(view.insight.clock), "hub": view.insight.name}
    text = await apart(len(replayed.events), lambda: export_of(instance, replayed, values, made))
    name = "".join(
        letter if (letter.isascii() and letter.isalnum()) or letter in "-_." else "_" for letter in instance.id
    )
    headers = {"content-disposition": f'attachment; filename="{name[:100]}.history.json"', "cache-control": "no-store"}
    return Response(text, headers=headers, media_type="application/json")


def code_json(view: HubView, instance: Instance, replayed: Replayed) -> dict[str, Any]:
    """Reads source files: call it in a thread."""
    marks: dict[str, list[dict[str, Any]]] = {}
    for kind, place in _marked(instance, replayed):
        shown = marks.setdefault(place.file, [])
        if kind is not None:
            shown.append({"line": place.line, "kind": kind, "function": place.function, "task": None})
    files = [
        {"path": shapes.shown_file(file, view.root), "text": text, "marks": found}
        for file, found in marks.items()
        if (text := _source(view, file)) is not None
    ]
    return {"files": files, "note": replayed.note or None}


def _marked(instance: Instance, replayed: Replayed) -> list[tuple[str | None, Place]]:
    """Where it waits or failed, the innermost first; then the other files that its steps led through."""
    recording, found = replayed.recording, list[tuple[str | None, Place]]()
    if recording is None or not replayed.fits:
        return found
    if instance.status is RuntimeStatus.Failed and recording.end:
        found += [("failed", place) for place in recording.end.frames]
    elif not instance.status.is_terminal and recording.steps:
        found += [("waits", place) for place in recording.steps[-1].frames]
    known = {place.file for _, place in found}
    return [*found, *((None, place) for step in recording.steps for place in step.frames if place.file not in known)]


def _source(view: HubView, file: str) -> str | None:
    """Of a file below the app's folder alone, and none of its packages."""
    path = view.root / file
    if not path.is_relative_to(view.root) or {"site-packages", "node_modules"} & set(path.parts):
        return None
    data = read_served(view.root, path)
    return None if data is None else decoded(data)
