"""A storage account seen through a proxy, which can refuse, fail or die between any two requests."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

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
    """`is_cut`: the connection ends in the middle of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    is_cut: bool = False


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
        if answer.is_cut:
            return await _cut(request, replace(answer, headers=kept))
        return web.Response(status=answer.status, headers=kept, body=answer.body)

    return handle


async def _cut(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers={**answer.headers, "Content-Length": "100000"})
    await response.prepare(request)
    await response.write(answer.body[: len(answer.body) // 2])
    if request.transport:
        request.transport.abort()
    return response


Fault = Literal["refused", "busy", "throttled", "failed after", "reset before", "reset after", "cut", "slow"]
FAULTS: Sequence[Fault] = get_args(Fault)


class Faults:
    """A storage account of which this share of requests goes wrong, in all ways in turn; none when `share` is 0.

    What is refused has had no effect; what fails, is reset or is cut after it has.
    """

    def __init__(self, share: float, seed: int) -> None:
        self.share, self.count = share, 0
        self._random = random.Random(seed)

    async def treat(self, request: web.BaseRequest, forward: Forward) -> Answer:
        if self._random.random() >= self.share:
            return await forward(request)
        self.count += 1
        return await self.fail(self._random.choice(FAULTS), request, forward)

    async def fail(self, fault: Fault, request: web.BaseRequest, forward: Forward) -> Answer:
        match fault:
            case "refused":
                return Answer(500, {}, b"")
            case "busy":
                return Answer(503, {"Retry-After": "1"}, b"")
            case "throttled":
                return Answer(429, {}, b"")
            case "reset before":
                raise ConnectionResetError
        answer = await forward(request)
        match fault:
            case "failed after":
                return Answer(500, {}, b"")
            case "reset after":
                raise ConnectionResetError
            case "cut":
                return replace(answer, is_cut=True)
        await asyncio.sleep(self._random.uniform(0.05, 0.5))
        return answer


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
