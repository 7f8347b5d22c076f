"""The API below `/runtime/dashboard/api/v1`: routes of several modules, one shape of errors."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from fnhost.host.web.dashboard.answers import NO_STORE, ApiError, answer_error
from fnhost.host.web.dashboard.live import MOST_TOPICS, LiveEvents, event_stream

HANDLERS = {ApiError: answer_error, HTTPException: answer_error, Exception: answer_error}


def api(routes: Sequence[BaseRoute]) -> Starlette:
    """`routes` are relative to the API: `Route("/instances/{id:path}", ...)`. An endpoint may raise ApiError."""
    return Starlette(routes=routes, exception_handlers=HANDLERS)


def event_routes(live: LiveEvents) -> list[Route]:
    async def events(request: Request) -> Response:
        topics = [topic for topic in request.query_params.get("topics", "").split(",") if topic]
        if not 0 < len(topics) <= MOST_TOPICS:
            raise ApiError(400, f"Name 1 to {MOST_TOPICS} topics, with commas between: events?topics=app,invocations")
        last_id = request.headers.get("last-event-id") or request.query_params.get("last_event_id", "")

        body = event_stream(live, topics, last_id)
        return StreamingResponse(body, media_type="text/event-stream", headers=NO_STORE)

    return [Route("/events", events)]
