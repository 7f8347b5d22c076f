"""The door of the dashboard: an ASGI app under `/runtime/dashboard`, asked before the app's own routes."""

from collections.abc import Callable, Sequence

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from fnhost.host.web.dashboard.answers import refusal
from fnhost.host.web.dashboard.api import api
from fnhost.host.web.dashboard.pages import page_or_file
from fnhost.host.web.dashboard.safety import READING, guarded, new_token, refuse
from fnhost.host.web.listen.guards import JSON_LIMIT, serve_bounded

PATH = "/runtime/dashboard"
API = "api/v1"


class Dashboard:
    """`opened` is called with each request that is not refused: there is somebody who looks."""

    def __init__(self, routes: Sequence[BaseRoute], opened: Callable[[], None]) -> None:
        self.token = new_token()
        self._api, self._opened = api(routes), opened

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, send = scope["path"][len(PATH) :], guarded(send)
        is_api = path == f"/{API}" or path.startswith(f"/{API}/")
        if reason := refuse(scope, self.token, is_page=not is_api):
            return await refusal(403, reason)(scope, receive, send)
        self._opened()
        if is_api:
            root = scope["path"][: len(PATH) + len(API) + 1]
            return await serve_bounded(self._api, JSON_LIMIT, {**scope, "root_path": root}, receive, send)
        await (await self._page(scope, path))(scope, receive, send)

    async def _page(self, scope: Scope, path: str) -> Response:
        if scope["method"] not in READING:
            return refusal(405, "Pages are only read.")
        if not path:
            return RedirectResponse(f"{PATH}/")
        return await page_or_file(path[1:], self.token)
