"""The API of instances: the list, and what is known of each."""

import asyncio
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fnhost import __version__
from fnhost.host.durable.insight.index import Listing
from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.rows import Row, Timeline
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.storage.codec import history_json
from fnhost.host.web.dashboard.answers import ApiError, answer, number, single
from fnhost.host.web.dashboard.durable import shapes
from fnhost.host.web.dashboard.durable.code import code_json
from fnhost.host.web.dashboard.durable.details import MOST_VALUES, instance_json, past_statuses, value_json
from fnhost.host.web.dashboard.durable.export import export_of
from fnhost.host.web.dashboard.durable.filters import read_filter
from fnhost.host.web.dashboard.durable.tasks import task_json
from fnhost.host.web.dashboard.durable.timelines import (
    children_of,
    find_row,
    row_of,
    shown_rows,
    timeline_json,
)
from fnhost.host.web.dashboard.durable.view import HubView, apart, sort_of, telling

MOST = 1000
MOST_ROWS = 2000
MOST_EVENTS = 5000
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
        return answer(
            {"values": [value_json(each) for each in wanted[-limit:]], "more": len(wanted) > limit, "note": note}
        )

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
