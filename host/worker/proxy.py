"""Requests to a worker that serves HTTP itself: bodies are handed on as they come (platform/official-workers.md 7)."""

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from fnhost.bindings.contract import Failure, HttpRequest, HttpResponse, HttpStream, Outcome
from fnhost.bindings.http.response import HOP_BY_HOP, Header
from fnhost.clock import Clock
from fnhost.host.limits import MOST_FRAME_BYTES
from fnhost.host.tasks import cancel_and_wait
from fnhost.host.worker import Invocation
from fnhost.host.worker.cookies import read_cookies

HOP_BY_HOP_NAMES = frozenset(name.decode() for name in HOP_BY_HOP)
HTTP_TRIGGER = "httptrigger"
TRIES = 10
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 0.25
"""Seconds between two tries to connect: a worker may listen a little after it has answered."""
EXIT_PATIENCE = 0.5
"""Seconds in which the end of a process that broke a connection is seen: it is the cause, and the better sentence."""
UNANSWERED = 5.0
"""Seconds in which the response of a function that has ended must have begun."""
NO_ANSWER = (
    "HttpRequestException: The function has ended, but its worker has not answered the request over HTTP within "
    "{:.0f} s. Does the function return a response?"
)
KEPT_ALIVE = 2.0
"""Seconds for which an idle connection is used again: servers of Node and uvicorn close theirs after five."""
LONGEST_FIELD = 64 * 1024
"""Bytes of a header of a worker's answer."""
INVOCATION = "x-ms-invocation-id"
IDLE = 240.0
"""Seconds without a byte, to or from the worker, after which a request is given up."""
DROPPED = (HOP_BY_HOP_NAMES | {"host", "expect"}) - {"content-length"}
LINGER_NOT = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)
"""What a socket is told whose end is to be a reset, with what is unsent dropped."""
CLIENT_GONE = "HttpRequestException: The request was not completed: its client has gone, or its body was too long."


class _Response(aiohttp.ClientResponse):
    """One that is closed before its end resets the connection.

    The end of a stream would wait behind what the worker does not read, and the worker for more of it.
    """

    def close(self) -> None:
        transport = self.connection.transport if self.connection else None
        if transport is not None and not transport.is_closing():
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            transport.abort()
        super().close()


def open_session() -> aiohttp.ClientSession:
    """For requests that are passed on: nothing is added to them, and nothing of the answers is followed or decoded."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=None),
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEPT_ALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        response_class=_Response,
        skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
        max_line_size=LONGEST_FIELD,
        max_field_size=LONGEST_FIELD,
    )


class HttpProxy:
    """Forwards requests to the HTTP server of one worker."""

    def __init__(self, address: str, clock: Clock) -> None:
        """`address` is scheme, host and port."""
        self._address, self._clock = address, clock
        self._session = open_session()
        self._under_way = 0
        self._is_closed = False

    async def close(self) -> None:
        """The worker has ended. What it has sent is handed on still: the last request closes the session then."""
        self._is_closed = True
        await self._close_unused()

    async def _close_unused(self) -> None:
        if self._is_closed and not self._under_way:
            await self._session.close()

    async def call(
        self,
        invocation: Invocation,
        invoked: Coroutine[Any, Any, Outcome],
        cancel: Callable[[], None],
        *,
        may_return: bool = False,
    ) -> Outcome:
        """A request goes over HTTP, its invocation beside it; `cancel` tells the worker that nobody waits any more.

        With `may_return` a response that the invocation returns counts, and none comes over HTTP. Raises what `invoked`
        raises.
        """
        request = invocation.event.value
        assert isinstance(request, HttpRequest)
        stream = request.stream or HeldStream(request)
        added = {**forwarded_headers(request), INVOCATION: request.headers.get(INVOCATION, invocation.id)}
        tasks = asyncio.ensure_future(self.forward(request, stream, added)), asyncio.ensure_future(invoked)
        try:
            outcome = await self._settled(*tasks, stream, cancel, may_return)
        finally:
            await cancel_and_wait(*tasks)
        if outcome.failure or not isinstance(stream, HeldStream) or (may_return and _responds(outcome)):
            return outcome
        named = {output.name: stream.response for output in invocation.function.outputs if output.type == "http"}
        return Outcome({**outcome.outputs, **named}, stream.response)

    async def _settled(
        self,
        forwarded: "asyncio.Future[Failure | None]",
        invoked: "asyncio.Future[Outcome]",
        stream: HttpStream,
        cancel: Callable[[], None],
        may_return: bool,
    ) -> Outcome:
        """A worker that has failed an invocation never answers it over HTTP.

        One that ends breaks the connection first, mostly: then its end is the failure.
        """
        both: list[asyncio.Future[Any]] = [forwarded, invoked]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if invoked.done() and (invoked.result().failure or (may_return and _responds(invoked.result()))):
            return invoked.result()
        failure = await self._rest(forwarded, stream) if invoked.done() else forwarded.result()
        if failure and stream.is_broken:
            cancel()
        elif failure:
            with suppress(TimeoutError):
                async with self._clock.timeout(EXIT_PATIENCE):
                    await asyncio.wait([invoked])
            if not invoked.done() or not invoked.result().failure:
                return Outcome(failure=failure)
        return await invoked

    async def _rest(self, forwarded: "asyncio.Future[Failure | None]", stream: HttpStream) -> Failure | None:
        """The function has ended: its response has begun, or begins at once."""
        with suppress(TimeoutError):
            async with self._clock.timeout(UNANSWERED):
                await asyncio.wait([forwarded])
        if forwarded.done() or stream.is_started or stream.is_broken:
            return await forwarded
        return Failure(NO_ANSWER.format(UNANSWERED))

    async def forward(self, request: HttpRequest, stream: HttpStream, added: Mapping[str, str]) -> Failure | None:
        """Give the worker's answer to `stream`; why there was none, or not all of it.

        `added` are headers that the worker gets besides those of the client.
        """
        if self._is_closed:
            return _failure(ConnectionError("it has ended"))
        self._under_way += 1
        try:
            return await self._forward(request, stream, added)
        finally:
            self._under_way -= 1
            await self._close_unused()

    async def _forward(self, request: HttpRequest, stream: HttpStream, added: Mapping[str, str]) -> Failure | None:
        passing = _Passing(stream, self._clock)
        broken = asyncio.ensure_future(stream.broken())
        passed = asyncio.ensure_future(self._tried(request, passing, added))
        idle = asyncio.ensure_future(passing.idle())
        try:
            await asyncio.wait([broken, passed, idle], return_when=asyncio.FIRST_COMPLETED)
            if passed.done():
                return Failure(CLIENT_GONE) if passed.result() and stream.is_broken else passed.result()
            return Failure(CLIENT_GONE) if broken.done() else _failure(TimeoutError(f"it was silent for {IDLE:.0f} s"))
        finally:
            await cancel_and_wait(broken, passed, idle)

    async def _tried(self, request: HttpRequest, passing: "_Passing", added: Mapping[str, str]) -> Failure | None:
        pause = FIRST_PAUSE
        for left in reversed(range(TRIES)):
            try:
                await self._pass(request, passing, added)
                return None
            except aiohttp.ClientConnectorError as error:
                if not left:
                    return _failure(error)
            except (aiohttp.ClientError, OSError) as error:
                return _failure(error)
            await self._clock.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        raise AssertionError("the last try returns")

    async def _pass(self, request: HttpRequest, passing: "_Passing", added: Mapping[str, str]) -> None:
        """Raises ClientError, OSError."""
        target = urlsplit(request.url)
        url = URL(f"{self._address}{target.path}{'?' if target.query else ''}{target.query}", encoded=True)
        async with self._session.request(
            request.method,
            url,
            data=passing.body() if passing.stream.has_body else None,
            headers={**_sent(request, added), **added},
            allow_redirects=False,
        ) as response:
            try:
                await self._hand_back(response, passing)
            except BaseException:
                response.close()
                raise
        await passing.stream.end()

    async def _hand_back(self, response: aiohttp.ClientResponse, passing: "_Passing") -> None:
        """Raises ClientError, OSError."""
        await passing.stream.start(response.status, list(_received(response)))
        while piece := await _next_piece(response):
            passing.note()
            await passing.stream.write(piece)


class _Passing:
    """The bodies of one request on their way, and when the last piece of them passed."""

    def __init__(self, stream: HttpStream, clock: Clock) -> None:
        self.stream, self._clock = stream, clock
        self.note()

    def note(self) -> None:
        self._last = self._clock.monotonic()

    async def body(self) -> AsyncIterator[bytes]:
        """Begins with nothing: the head then leaves at once, not with the first piece."""
        yield b""
        async for piece in self.stream.body():
            self.note()
            yield piece

    async def idle(self) -> None:
        """Until nothing has passed for IDLE seconds."""
        while (left := self._last + IDLE - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)


class HeldStream:
    """Both bodies of a request in memory, for one that is no stream: a function that is tried again wants it whole."""

    is_broken = False

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._is_started, self._status, self._headers = False, 200, list[Header]()
        self._body = bytearray()

    @property
    def has_body(self) -> bool:
        return bool(self._request.body)

    async def broken(self) -> None:
        await asyncio.Event().wait()

    async def body(self) -> AsyncIterator[bytes]:
        if self._request.body:
            yield self._request.body

    async def start(self, status: int, headers: Sequence[Header]) -> None:
        self._is_started, self._status, self._headers = True, status, list(headers)

    async def write(self, piece: bytes) -> None:
        """Raises OSError."""
        self._body += piece
        if len(self._body) > MOST_FRAME_BYTES:
            raise OSError(f"the answer is longer than {MOST_FRAME_BYTES:,} bytes")

    async def end(self) -> None: ...

    @property
    def is_started(self) -> bool:
        return self._is_started

    @property
    def response(self) -> HttpResponse:
        named = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._headers]
        cookies = [value for name, value in named if name.lower() == "set-cookie"]
        headers = {name: value for name, value in named if name.lower() not in ("set-cookie", "content-length")}
        return HttpResponse(str(self._status), headers, bytes(self._body), tuple(read_cookies(cookies)))


async def _next_piece(response: aiohttp.ClientResponse) -> bytes:
    """Empty at the end. Raises ClientError."""
    try:
        return await response.content.readany()
    except RuntimeError as error:  # what aiohttp says of a connection that was lost while nobody read
        raise aiohttp.ClientPayloadError(str(error)) from error


def _responds(outcome: Outcome) -> bool:
    return isinstance(outcome.returned, HttpResponse)


def forwarded_headers(request: HttpRequest) -> Mapping[str, str]:
    """What a proxy adds: workers build the address of the request from it."""
    target = urlsplit(request.url)
    return {
        "x-forwarded-for": request.headers.get("x-forwarded-for", "127.0.0.1"),
        "x-forwarded-host": request.headers.get("x-forwarded-host") or request.headers.get("host", target.netloc),
        "x-forwarded-proto": request.headers.get("x-forwarded-proto", target.scheme),
    }


def _sent(request: HttpRequest, added: Mapping[str, str]) -> dict[str, str]:
    dropped = DROPPED.union(map(str.lower, added))
    return {name: value for name, value in request.headers.items() if name.lower() not in dropped}


def _received(response: aiohttp.ClientResponse) -> Iterator[Header]:
    for name, value in response.raw_headers:
        if name.decode("latin-1").lower() not in DROPPED:
            yield name, value


def _failure(error: Exception) -> Failure:
    return Failure(f"HttpRequestException: The worker did not answer over HTTP: {error or type(error).__name__}")
