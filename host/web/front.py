"""The ASGI app that the server serves: one door for all that comes over HTTP (platform/http.md 1).

It speaks raw ASGI, because every request of every function passes here.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fnhost.bindings.contract import BindingError
from fnhost.bindings.http.constraints import SlowConstraint
from fnhost.bindings.http.request import query_pairs, read_header
from fnhost.bindings.http.response import (
    FAILED,
    NOT_FOUND,
    TEXT,
    TOO_LARGE,
    TOO_MANY,
    UNAUTHORIZED,
    BadResponse,
    Header,
    HttpReply,
)
from fnhost.bindings.http.trigger import HttpRoute
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.errors import FnhostError
from fnhost.host.logging.log import MOST_SEEN, Log
from fnhost.host.text import encoded
from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.admin.api import admin
from fnhost.host.web.cors import Cors
from fnhost.host.web.files import read_served
from fnhost.host.web.home import home_page
from fnhost.host.web.keys import Keys
from fnhost.host.web.listen.guards import (
    JSON_LIMIT,
    SAFE,
    ClientLeft,
    read_body,
    read_length,
    refuse_name,
    refuse_origin,
    reply,
    serve_bounded,
)
from fnhost.host.web.listen.names import HostNames
from fnhost.host.web.mcp.endpoint import McpEndpoint
from fnhost.host.web.stream import ClientStream

WEBHOOKS = "/runtime/webhooks"
DASHBOARD = "/runtime/dashboard"
RESERVED = frozenset({"/ad", "/ru"})
"""How the paths begin that are the host's own: `/admin` and `/runtime`."""
LOOK = 0.1
WEBHOOK_METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "OPTIONS"})
GUARDED = ("/admin", f"{WEBHOOKS}/durabletask")
"""Where pages of other sites may change nothing. Webhooks of other extensions are called as on the platform."""
NOT_RUNNING = HttpReply(503, (TEXT,), b"Function host is not running.")
CHUNKED = (
    "The request body was dropped: it came in chunks, without Content-Length, and the platform hands such a body to no "
    "function. Let the client send a Content-Length."
)


class Front:
    """Serves the generation that is showing; requests wait up to `patience` seconds while there is none.

    While the one that is showing is in error, they are answered 503 at once, with its problems.
    """

    def __init__(
        self,
        root: Path,
        log: Log,
        keys: Keys,
        *,
        enable_auth: bool = False,
        cors: Cors | None = None,
        names: HostNames | None = None,
        host_id: str = "",
        patience: float = 30.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.view: ActiveApp | None = None
        self.refused: tuple[str, ...] = ()
        """What keeps the version that was saved last from service."""
        self._serving: ActiveApp | None = None
        self._changed = asyncio.Event()
        self._offline = root / "app_offline.htm"
        self._is_offline, self._look_again = False, 0.0
        self._log = log
        self._guard = keys if enable_auth else None
        self._cors = cors
        self._names = names or HostNames()
        self._patience = patience
        self._clock = clock
        self.dashboard: ASGIApp | None = None
        """Has rules of its own for who may ask, and serves while there is no app, too."""
        tools = McpEndpoint(self, self._names, keys)
        self._admin = admin(self, keys, host_id, clock.monotonic, log, tools, with_keys=enable_auth)

    @contextmanager
    def showing(self, view: ActiveApp) -> Iterator[None]:
        """Requests go to `view` while inside. Entering the next view before this one is left replaces it."""
        self._show(view)
        try:
            yield
        finally:
            if self.view is view:
                self._show(None)

    def _show(self, view: ActiveApp | None) -> None:
        self.view = view
        self._serving = view if view is not None and view.state == "Running" else None
        if view is not None:
            self._changed.set()
        else:
            self._changed.clear()

    async def wait(self) -> ActiveApp | None:
        """The view that serves, as soon as there is one; None when the app is in error, or patience is over."""
        try:
            async with self._clock.timeout(self._patience):
                while self.view is None:
                    await self._changed.wait()
        except TimeoutError:
            return None
        return self._serving

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if refusal := refuse_name(scope, self._names):
            return await reply(scope, send, refusal)
        is_reserved = scope["path"][:3].lower() in RESERVED
        if is_reserved and self.dashboard and is_under(scope["path"], DASHBOARD):
            return await self.dashboard(scope, receive, send)
        if self._is_offline or self._clock.monotonic() >= self._look_again:
            if page := await self._offline_page():
                return await reply(scope, send, page)
        if (origin := read_header(scope, b"origin")) is not None:
            if answer := self._answer_origin(scope, origin):
                return await reply(scope, send, answer)
            if self._cors is not None:
                send = adding(self._cors.headers(origin), send)
        if is_reserved and is_under(scope["path"], "/admin"):
            return await self._administer(scope, receive, send)
        await self._serve(scope, receive, send)

    def _answer_origin(self, scope: Scope, origin: str) -> HttpReply | None:
        """The answer to a page's preflight, or to one that may not change what it asks to change."""
        if self._cors is not None and (answer := self._cors.preflight(scope, origin)):
            return answer
        is_guarded = scope["method"] not in SAFE and any(is_under(scope["path"], start) for start in GUARDED)
        if not is_guarded or self._names.admits_origin(origin) or (self._cors and self._cors.headers(origin)):
            return None
        return refuse_origin(origin)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        view = self._serving or await self.wait()
        if view is None:
            return await reply(scope, send, self._not_running())
        if view.routes.settings.headers:
            send = adding(view.routes.settings.headers, send)
        if is_under(scope["path"], WEBHOOKS):
            return await self._hand_on(view, scope, receive, send)
        try:
            with view.use:
                response = await self._call(view, scope, receive, send)
        except ClientLeft:
            return
        if response is None:
            return
        if (observer := self._log.observer) is not None:
            observer.replied(response.status, response.headers, response.body)
        await reply(scope, send, response)

    def _not_running(self) -> HttpReply:
        """With the problems of the app, unless keys are demanded: they tell of files and settings."""
        errors = self.view.errors if self.view and self._guard is None else ()
        text = "\n".join(("Function host is not running.", *errors))
        return HttpReply(503, (TEXT,), encoded(text)) if errors else NOT_RUNNING

    async def _administer(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_ping = scope["path"].lower() == "/admin/host/ping"
        if self._guard and not is_ping and not self._guard.is_master(read_key(scope)):
            return await reply(scope, send, UNAUTHORIZED)
        await serve_bounded(self._admin, JSON_LIMIT, scope, receive, send)

    async def _hand_on(self, view: ActiveApp, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"][len(WEBHOOKS) + 1 :].partition("/")[0]
        webhook = view.webhooks.get(name.lower())
        if webhook is None or scope["method"] not in WEBHOOK_METHODS:
            return await reply(scope, send, NOT_FOUND)
        if self._guard and not self._guard.admits_extension(name.lower(), read_key(scope)):
            return await reply(scope, send, UNAUTHORIZED)
        mount = scope["path"][: len(WEBHOOKS) + 1 + len(name)]
        limit = min(JSON_LIMIT, view.routes.settings.body_limit)
        await serve_bounded(webhook, limit, {**scope, "root_path": mount}, receive, send)

    async def _call(self, view: ActiveApp, scope: Scope, receive: Receive, send: Send) -> HttpReply | None:
        """What is to be answered; None when a response was sent. Raises ClientLeft, ResponseCut."""
        routes = view.routes
        try:
            found = routes.match(scope["method"], scope["path"])
        except SlowConstraint as error:
            self._log.error("Host.Http", str(error))
            return FAILED
        if found is None:
            is_home = scope["path"] == "/" and scope["method"] == "GET"
            return self._home(view) if is_home else NOT_FOUND
        route, params = found
        if refusal := self._refusal(route, scope):
            return refusal
        limit, gate = routes.settings.body_limit, routes.gate
        if not gate.has_limits:
            return await self._run(route, params, limit, scope, receive, send)
        if gate.is_full:
            return TOO_MANY
        return await gate.run(lambda: self._run(route, params, limit, scope, receive, send))

    def _home(self, view: ActiveApp) -> HttpReply:
        return home_page(view, is_listed=self._guard is None, dashboard=DASHBOARD if self.dashboard else "")

    def _refusal(self, route: HttpRoute, scope: Scope) -> HttpReply | None:
        """Without keys the local caller is an administrator, but not for anonymous routes (platform/app-files.md 5)."""
        if self._guard is None:
            return NOT_FOUND if route.is_disabled and route.level == "anonymous" else None
        key = read_key(scope)
        if route.is_disabled and not self._guard.is_master(key):
            return NOT_FOUND
        return None if self._guard.admits(route.level, route.function, key) else UNAUTHORIZED

    async def _run(
        self, route: HttpRoute, params: dict[str, str], limit: int, scope: Scope, receive: Receive, send: Send
    ) -> HttpReply | None:
        """Raises ClientLeft, ResponseCut."""
        length = read_length(scope)
        if length > limit:
            return TOO_LARGE
        stream, body = None, None
        if route.is_streamed:
            stream = ClientStream(scope, receive, send, limit, MOST_SEEN if self._log.observer else 0)
        elif length:
            body = await read_body(receive, limit)
        elif read_header(scope, b"transfer-encoding") is not None:
            self._log.warning(f"Function.{route.function}", CHUNKED, route.function)
        try:
            answer = await route.answer(scope, params, body, stream)
        except BadResponse as error:
            text = f"The response of function '{route.function}' cannot be sent. {error}"
            self._log.error(f"Function.{route.function}", text, route.function)
            answer = FAILED
        except (FnhostError, BindingError):
            answer = FAILED  # the invocation has said in the log what failed
        return answer if stream is None else self._concluded(stream, answer)

    def _concluded(self, stream: ClientStream, answer: HttpReply) -> HttpReply | None:
        """Raises ResponseCut."""
        if (observer := self._log.observer) is not None:
            observer.streamed(stream.request_body, stream.status, stream.headers, stream.response_body)
        return stream.conclude(answer)

    async def _offline_page(self) -> HttpReply | None:
        """Looked for ten times a second at most while it is not there: every request passes here."""
        self._look_again = self._clock.monotonic() + LOOK
        page = await asyncio.to_thread(read_served, self._offline.parent, self._offline)
        self._is_offline = page is not None
        return None if page is None else HttpReply(503, ((b"content-type", b"text/html"),), page)


def is_under(path: str, start: str) -> bool:
    return path[: len(start)].lower() == start and path[len(start) : len(start) + 1] in ("", "/")


def read_key(scope: Scope) -> str:
    """The key a request carries: the header wins over the query (platform/keys-and-admin.md 1)."""
    key = read_header(scope, b"x-functions-key")
    if key is not None:
        return key
    pairs = query_pairs(scope["query_string"].decode("latin-1"))
    return next((value for name, value in pairs if name.lower() == "code"), "")


def adding(headers: tuple[Header, ...], send: Send) -> Send:
    """Send with `headers` in front; what the response has under the same names is dropped (platform/http.md 6.2)."""
    names = {name.lower() for name, _ in headers}

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message.get("headers", ()) if pair[0].lower() not in names]
            message = {**message, "headers": [*headers, *kept]}
        await send(message)

    return sending
