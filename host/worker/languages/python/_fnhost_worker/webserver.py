"""HTTP that the app serves itself, with azurefunctions-extensions-http-fastapi or its like.

The host sends requests here and their invocations beside them (platform/worker-protocol.md 6.6). They meet by their id.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import sys
from typing import Any

BASE = "azurefunctions.extensions.base"
"""The package that knows which extension the app has imported, and the types of its requests."""
ID_HEADER = "x-ms-invocation-id"
ADDRESS = "127.0.0.1"
PATIENCE = 30.0
"""Seconds in which the request of an invocation must come."""


def extension() -> Any | None:
    """The base package, if the app has imported an extension that serves HTTP."""
    base = sys.modules.get(BASE)
    return base if base is not None and base.HttpV2FeatureChecker.http_v2_enabled() else None


def is_request(hint: Any) -> bool:
    """Whether an annotation is the type of the extension's requests."""
    base = extension()
    return base is not None and bool(base.RequestTrackerMeta.check_type(hint))


class _Meeting:
    """A request and its invocation, whichever comes first."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.request: asyncio.Future[Any] = loop.create_future()
        self.response: asyncio.Future[Any] = loop.create_future()


class WebServer:
    """The extension's server, in the worker's event loop."""

    def __init__(self, base: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._base, self._loop = base, loop
        self._meetings: dict[str, _Meeting] = {}
        self._serving: asyncio.Task[None] | None = None
        self.address = ""

    def start(self) -> None:
        module = importlib.import_module(self._base.ModuleTrackerMeta.get_module())
        app = module.WebApp()

        async def serve(request: Any) -> Any:
            return await self._serve(request)

        serve.__annotations__ = {"request": self._base.RequestTrackerMeta.get_request_type()}
        app.route(serve)
        with socket.create_server((ADDRESS, 0)) as listener:
            port = listener.getsockname()[1]
        self._serving = self._loop.create_task(module.WebServer(ADDRESS, port, app).serve())
        self.address = f"http://{ADDRESS}:{port}"

    async def _serve(self, request: Any) -> Any:
        invocation = request.headers.get(ID_HEADER, "")
        meeting = self._meeting(invocation)
        meeting.request.set_result(request)
        try:
            return await meeting.response
        finally:
            self._meetings.pop(invocation, None)

    def _meeting(self, invocation: str) -> _Meeting:
        return self._meetings.setdefault(invocation, _Meeting(self._loop))

    async def request_of(self, invocation: str, params: dict[str, str]) -> Any:
        """The request, with the route parameters of the host. Raises TimeoutError."""
        request = await asyncio.wait_for(self._meeting(invocation).request, PATIENCE)
        self._base.RequestTrackerMeta.get_synchronizer().sync_route_params(request, params)
        return request

    def answer(self, invocation: str, response: Any) -> None:
        """What the function has returned is the response."""
        meeting = self._meetings.get(invocation)
        if meeting and not meeting.response.done():
            meeting.response.set_result(response)

    def fail(self, invocation: str) -> None:
        """The host answers for a function that has failed: here nobody reads any more."""
        meeting = self._meetings.pop(invocation, None)
        if meeting:
            meeting.response.cancel()
