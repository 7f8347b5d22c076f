"""One message of the Model Context Protocol over HTTP, served within the host."""

from collections.abc import Callable
from typing import Any

import httpx2
from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.types import ASGIApp, Receive, Scope, Send

from fnhost.host.web.mcp.client import HostClient
from fnhost.host.web.mcp.server import mcp_server


def server_for(host: ASGIApp, address: str, key: Callable[[], str]) -> Server[Any]:
    """A server whose tools ask `host` without a connection. `address` is the host's, as its callers know it."""
    http = httpx2.AsyncClient(transport=httpx2.ASGITransport(host), base_url=address)
    server = mcp_server(HostClient(http, key))
    server.streamable_http_app(stateless_http=True, json_response=True)
    return server.session_manager.app


async def serve(server: Server[Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one message. Nothing of it outlives the request: there is no session to keep, and no task to end."""
    manager = StreamableHTTPSessionManager(server, stateless=True, json_response=True)
    async with manager.run():
        await manager.handle_request(scope, receive, send)
