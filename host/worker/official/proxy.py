"""Requests to a worker that serves HTTP itself (platform/official-workers.md 7)."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from fnhost.bindings.contract import Failure, HttpRequest, HttpResponse
from fnhost.bindings.http.response import HOP_BY_HOP
from fnhost.clock import Clock
from fnhost.host.limits import MOST_FRAME_BYTES
from fnhost.host.worker import Invocation
from fnhost.host.worker.cookies import read_cookies

TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.25
"""Seconds between two tries to connect: a worker may listen a little after it has answered."""
IDLE = 240.0
"""Seconds without a byte after which a request is given up."""
DROPPED = frozenset({*(name.decode() for name in HOP_BY_HOP), "host", "content-length", "expect"})


class HttpProxy:
    """Forwards the requests of one worker to its own HTTP server."""

    def __init__(self, address: str, clock: Clock) -> None:
        self._address, self._clock = address, clock
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, sock_read=IDLE),
            connector=aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        )
        self._closing: asyncio.Task[None] | None = None

    def close(self) -> None:
        self._closing = asyncio.ensure_future(self._session.close())

    async def forward(self, request: HttpRequest, invocation: Invocation) -> HttpResponse | Failure:
        """What the worker answers; a failure if it does not."""
        pause = FIRST_PAUSE
        for left in reversed(range(TRIES)):
            try:
                return await self._ask(request, invocation)
            except aiohttp.ClientConnectorError as error:
                if not left:
                    return _failure(error)
            except (aiohttp.ClientError, OSError) as error:
                return _failure(error)
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AssertionError("the last try returns")

    async def _ask(self, request: HttpRequest, invocation: Invocation) -> HttpResponse | Failure:
        """Raises ClientError."""
        target = urlsplit(request.url)
        url = URL(f"{self._address}{target.path}{'?' if target.query else ''}{target.query}", encoded=True)
        async with self._session.request(
            request.method,
            url,
            data=request.body,
            headers=_headers(request, invocation),
            allow_redirects=False,
        ) as response:
            body = bytearray()
            async for piece in response.content.iter_any():
                body += piece
                if len(body) > MOST_FRAME_BYTES:
                    return Failure(f"HttpRequestException: the answer is longer than {MOST_FRAME_BYTES:,} bytes.")
            cookies = tuple(read_cookies(response.headers.getall("Set-Cookie", [])))
            return HttpResponse(str(response.status), _received(response), bytes(body), cookies)


def _headers(request: HttpRequest, invocation: Invocation) -> dict[str, str]:
    """The client's, and what a proxy adds: workers build the address of the request from it."""
    target = urlsplit(request.url)
    sent = {name: value for name, value in request.headers.items() if name.lower() not in DROPPED}
    added = {
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": request.headers.get("host", target.netloc),
        "x-forwarded-proto": target.scheme,
        "x-ms-invocation-id": invocation.id,
    }
    return {**added, **sent}


def _received(response: aiohttp.ClientResponse) -> Mapping[str, str]:
    left_out = {*DROPPED, "set-cookie"}
    return {name: value for name, value in response.headers.items() if name.lower() not in left_out}


def _failure(error: Exception) -> Failure:
    return Failure(f"HttpRequestException: The worker did not answer over HTTP: {error or type(error).__name__}")
