"""The Model Context Protocol at an address of the host, as streamable HTTP."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from fnhost.bindings.http.request import read_header
from fnhost.bindings.http.response import TEXT, HttpReply
from fnhost.host.web.keys import HOST, MASTER, Keys
from fnhost.host.web.listen.guards import refuse_origin, reply
from fnhost.host.web.listen.names import HostNames
from fnhost.host.web.mcp.missing import missing_packages

if TYPE_CHECKING:
    from mcp.server import Server

ONLY_POST = HttpReply(405, ((b"allow", b"POST"),))
"""There are no sessions and no streams: each message is a request with an answer of its own."""


class McpEndpoint:
    """The ASGI app. Its tools ask `host`, the ASGI app that serves everything else of this host.

    Pages of other machines are refused, those of --cors too. Nothing of the protocol is imported before the first
    message.
    """

    def __init__(self, host: ASGIApp, names: HostNames, keys: Keys) -> None:
        self._host, self._names, self._keys = host, names, keys
        self._server: Server[Any] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (refusal := self._refusal(scope)) is not None:
            return await reply(scope, send, refusal)
        if self._server is None:
            if missing := missing_packages():
                return await reply(scope, send, HttpReply(501, (TEXT,), missing.encode()))
            await asyncio.to_thread(import_module, "fnhost.host.web.mcp.http")  # takes its time; others are served
        from fnhost.host.web.mcp import http

        self._server = self._server or http.server_for(self._host, str(Request(scope).base_url), self._master)
        await http.serve(self._server, scope, receive, send)

    def _refusal(self, scope: Scope) -> HttpReply | None:
        origin = read_header(scope, b"origin")
        if origin is not None and not self._names.admits_origin(origin):
            return refuse_origin(origin)
        return None if scope["method"] == "POST" else ONLY_POST

    def _master(self) -> str:
        return self._keys.of(HOST)[MASTER]
