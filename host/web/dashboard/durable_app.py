"""Instances and entities of the app in service: their API belongs to its task hub, and is not loaded without one."""

from typing import Any

from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send

from fnhost.host.web.admin.api import ActiveAppProvider
from fnhost.host.web.dashboard.answers import ApiError, answer

NONE: dict[str, dict[str, Any]] = {
    "/instances": {"counts": {}, "total": 0, "complete": True, "sortable": True},
    "/entities": {"names": []},
}
STARTING = "The app is being loaded. Try again in a moment."
NO_DURABLE = "The app that is served has no durable functions."


def durable_routes(provider: ActiveAppProvider) -> list[BaseRoute]:
    """To be the last: it is asked for every path that no other route has."""

    async def durable(scope: Scope, receive: Receive, send: Send) -> None:
        view = provider.view
        if view and view.durable:
            return await view.durable(scope, receive, send)
        await _without(scope, is_starting=view is None)(scope, receive, send)

    return [Mount("", app=durable)]


def _without(scope: Scope, *, is_starting: bool) -> Response:
    """Lists are empty, and say why. Raises ApiError for the rest."""
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    if path in NONE and scope["method"] in ("GET", "HEAD"):
        kind = "starting" if is_starting else "none"
        return answer({"items": [], "token": None, "kind": kind, **NONE[path]})
    if path.startswith(tuple(f"{each}/" for each in NONE)) or path in NONE:
        raise ApiError(503, STARTING) if is_starting else ApiError(404, NO_DURABLE)
    raise ApiError(404, f"There is nothing at {scope['method']} {scope['path']}.")
