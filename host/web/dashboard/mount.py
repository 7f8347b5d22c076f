"""The door of the dashboard: an ASGI app under `/runtime/dashboard`, asked before the app's own routes."""

from collections.abc import Callable, Sequence

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from fnhost.host.web.dashboard.answers import refusal
from fnhost.host.web.dashboard.api import api
from fnhost.host.web.dashboard.login import MOST_BYTES, Login
from fnhost.host.web.dashboard.pages import page_or_file
from fnhost.host.web.dashboard.safety import FOREIGN, READING, guarded, is_foreign, new_token, refuse
from fnhost.host.web.keys import Keys
from fnhost.host.web.listen.guards import JSON_LIMIT, ClientLeft, TooLarge, read_body, serve_bounded

PATH = "/runtime/dashboard"
API = "/api/v1"
LOGIN = "/login"
NO_KEY = "This host demands keys: open the dashboard in a browser and give the master key."


class Dashboard:
    """`opened` is called with each request that is admitted: there is somebody who looks.

    `keys` are those of a host that demands them: then the master key opens the dashboard.
    """

    def __init__(self, routes: Sequence[BaseRoute], opened: Callable[[], None], keys: Keys | None = None) -> None:
        self.token = new_token()
        self._api, self._opened = api(routes), opened
        self._login = Login(keys, f"{PATH}/") if keys else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, send = scope["path"][len(PATH) :], guarded(send)
        is_api = path == API or path.startswith(f"{API}/")
        if answer := await self._refusal(scope, receive, path, is_api=is_api):
            return await answer(scope, receive, send)
        self._opened()
        if is_api:
            root = scope["path"][: len(PATH) + len(API)]
            return await serve_bounded(self._api, JSON_LIMIT, {**scope, "root_path": root}, receive, send)
        await (await self._page(scope, path))(scope, receive, send)

    async def _refusal(self, scope: Scope, receive: Receive, path: str, *, is_api: bool) -> Response | None:
        if self._login and not self._login.admits(scope):
            return await self._unknown(self._login, scope, receive, path, is_api=is_api)
        reason = refuse(scope, self.token, is_page=not is_api)
        return refusal(403, reason) if reason else None

    async def _unknown(self, login: Login, scope: Scope, receive: Receive, path: str, *, is_api: bool) -> Response:
        """The answer to somebody who has not shown the master key."""
        if path == LOGIN and scope["method"] == "POST":
            if is_foreign(scope):
                return refusal(403, FOREIGN)
            try:
                return login.enter(scope, await read_body(receive, MOST_BYTES))
            except (ClientLeft, TooLarge):
                return refusal(413, "This is no key.")
        return refusal(401, NO_KEY) if is_api else login.page()

    async def _page(self, scope: Scope, path: str) -> Response:
        if scope["method"] not in READING:
            return refusal(405, "Pages are only read.")
        if not path:
            return RedirectResponse(f"{PATH}/")
        return await page_or_file(path[1:], self.token)
