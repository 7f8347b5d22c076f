"""A storage account seen through a proxy, which can refuse, fail or die between any two requests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from fnhost.bindings.storage.account import Account
from tests.support.crashing import Fuse

SERVICES = ("blob", "queue", "table")
HOPPING = frozenset({"connection", "keep-alive", "transfer-encoding", "content-encoding", "date", "server"})
AUTOMATIC = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


Forward = Callable[[web.BaseRequest], Awaitable[Answer]]
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Treatment = Callable[[web.BaseRequest, Forward], Awaitable[Answer]]


async def plain(request: web.BaseRequest, forward: Forward) -> Answer:
    return await forward(request)


@asynccontextmanager
async def proxied(account: Account, treat: Treatment = plain) -> AsyncIterator[Account]:
    """The same account at other addresses. `treat` answers each request, with or without the real one's help.

    A treatment that raises ConnectionError closes the connection without an answer.
    """
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=2.0)  # less than the emulator keeps them
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, auto_decompress=False, skip_auto_headers=AUTOMATIC)
        )
        addresses: dict[str, Any] = {}
        for service in SERVICES:
            target = URL(getattr(account, service))
            runner = web.ServerRunner(web.Server(_handler(session, target, treat)), shutdown_timeout=0.01)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await (site := web.TCPSite(runner, "127.0.0.1", 0)).start()
            addresses[service] = str(target.with_port(_port(site)))
        yield replace(account, **addresses)
    await asyncio.sleep(0)  # what was aborted is closed in the loop's next turn


def _port(site: web.TCPSite) -> int:
    server = site._server
    assert server is not None
    return int(server.sockets[0].getsockname()[1])  # type: ignore[attr-defined]


def _handler(session: aiohttp.ClientSession, target: URL, treat: Treatment) -> Handler:
    async def forward(request: web.BaseRequest) -> Answer:
        url = URL(f"http://{target.host}:{target.port}{request.raw_path}", encoded=True)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOPPING}
        async with session.request(request.method, url, headers=headers, data=await request.read() or None) as response:
            return Answer(response.status, dict(response.headers), await response.read())

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        try:
            answer = await treat(request, forward)
        except (ConnectionError, aiohttp.ClientError):
            if request.transport:
                request.transport.abort()
            return web.Response()
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOPPING}
        return web.Response(status=answer.status, headers=kept, body=answer.body)

    return handle


def dying(fuse: Fuse) -> Treatment:
    """The account as a host sees it that dies when the fuse blows."""

    async def treat(request: web.BaseRequest, forward: Forward) -> Answer:
        try:
            return await fuse.ask(lambda: forward(request), lambda answer: _changes(request, answer))
        except asyncio.CancelledError as error:
            raise ConnectionResetError("the host is dead") from error

    return treat


def _changes(request: web.BaseRequest, answer: Answer) -> bool:
    """Whether the storage is another one after this request."""
    return request.method not in ("GET", "HEAD") or b"<PopReceipt>" in answer.body
