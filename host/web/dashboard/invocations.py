"""The API of invocations: a list, each with its values, its exception and its log lines, and sending one again."""

import asyncio
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fnhost.host.logging.log import Log
from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.admin.api import ActiveAppProvider
from fnhost.host.web.dashboard.answers import ApiError, answer, number, read_members, single
from fnhost.host.web.dashboard.calls import Caller
from fnhost.host.web.dashboard.exceptions import read_exception
from fnhost.host.web.dashboard.lines import recent_lines
from fnhost.host.web.dashboard.payloads import KeptRequest, shown, shown_request, shown_response
from fnhost.host.web.dashboard.recording import MOST_INVOCATIONS, InvocationHistory, RecordedInvocation, shown_row

GONE = "This invocation is no longer kept, or never was one."
STATES = ("running", "succeeded", "failed")


def invocation_routes(
    history: InvocationHistory, log: Log, provider: ActiveAppProvider, caller: Caller, root: Path
) -> list[Route]:
    def wanted(request: Request) -> RecordedInvocation:
        """Raises ApiError."""
        if row := history.find(request.path_params["id"]):
            return row
        raise ApiError(410, GONE, f"The last {MOST_INVOCATIONS:,} are kept, from the first opened page on.")

    async def listed(request: Request) -> Response:
        limit = number(request, "limit", 100, 1_000)
        rows = [row for row in history if is_wanted(row, request)]
        if after := request.query_params.get("after"):
            rows = rows_after(rows, after, history)
        following = rows[limit - 1].id if len(rows) > limit else None
        return answer({"items": list(map(shown_row, rows[:limit])), "next": following, "dropped": history.dropped})

    async def one(request: Request) -> Response:
        row = wanted(request)
        lines, lost = recent_lines(log, lambda record: record.invocation == row.id, row.number - 1)
        exception = await asyncio.to_thread(read_exception, row.exception, row.stack, root) if row.exception else None
        return single(request, shown_invocation(row) | {"exception": exception, "logs": lines, "logs_lost": lost})

    async def again(request: Request) -> Response:
        row, members = wanted(request), await read_members(request)
        changes = members.get("changes") or {}
        if not isinstance(changes, dict):
            raise ApiError(400, "The member 'changes' of the body has to be an object.")
        return answer(await caller.again(serving(provider), row, changes), 202)

    async def of_instance(request: Request) -> Response:
        id, after = request.path_params["id"], number(request, "after", 0, sys.maxsize, least=0)
        own = {row.id for row in history if row.instance == id}
        lines, lost = recent_lines(log, lambda record: record.instance == id or record.invocation in own, after)
        return answer({"items": lines, "lost": lost})

    return [
        Route("/instances/{id}/logs", of_instance),
        Route("/invocations", listed),
        Route("/invocations/{id}", one),
        Route("/invocations/{id}/again", again, methods=["POST"]),
    ]


def serving(provider: ActiveAppProvider) -> ActiveApp:
    """The app in service. Raises ApiError."""
    view = provider.view
    if view is None or view.state != "Running":
        raise ApiError(503, "No version of the app is in service.", "GET app tells what is wrong with it.")
    return view


def is_wanted(row: RecordedInvocation, request: Request) -> bool:
    """Whether a row is what the query asks for. Raises ApiError."""
    query = request.query_params
    result, function, text = query.get("result", ""), query.get("fn", "").lower(), query.get("q", "").lower()
    if result and result not in STATES:
        raise ApiError(400, f"The parameter 'result' has to be one of {', '.join(STATES)}.")
    if function and row.function.lower() != function:
        return False
    if (instance := query.get("instance")) and row.instance != instance:
        return False
    if query.get("episodes", "") == "false" and row.is_episode:
        return False
    is_slow = (row.duration_ms or 0) >= _slow(query.get("slower", ""))
    shown = shown_row(row)
    return is_slow and (not result or shown["state"] == result) and (not text or text in _searched(shown))


def _slow(text: str) -> float:
    try:
        return float(text or 0)
    except ValueError as error:
        raise ApiError(400, "The parameter 'slower' has to be a number of milliseconds.") from error


def _searched(shown: dict[str, Any]) -> str:
    return " ".join(str(shown[name] or "") for name in ("id", "function", "what", "error", "instance")).lower()


def rows_after(rows: list[RecordedInvocation], after: str, history: InvocationHistory) -> list[RecordedInvocation]:
    """Those that are older than the invocation `after`; all if it is gone: then there is none that is older."""
    last = history.find(after)
    return [] if last is None else [row for row in rows if row.number < last.number]


def shown_invocation(row: RecordedInvocation) -> dict[str, Any]:
    """`kept` is false for what ran before a page was opened: its values are not known."""
    trigger = row.trigger_value
    is_request = isinstance(trigger, KeptRequest)
    return {
        **shown_row(row),
        "kept": trigger is not None or row.event is not None or row.has_values,
        "request": shown_request(trigger) if isinstance(trigger, KeptRequest) else None,
        "response": shown_response(row.response) if row.response else None,
        "trigger_value": None if is_request else shown(trigger),
        "inputs": _shown_values(row.inputs.items()),
        "outputs": _shown_values(row.outputs.items()),
        "returned": shown(row.returned),
        "metadata": _metadata(row),
    }


def _shown_values(values: Iterable[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, "value": shown(value)} for name, value in values]


def _metadata(row: RecordedInvocation) -> dict[str, Any]:
    return {} if row.event is None else {name: str(value) for name, value in row.event.metadata.items()}
