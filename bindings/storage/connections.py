"""Kept HTTP/1.1 connections: half the processor time of a general client, for small requests to few addresses."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import httptools

from fnhost.clock import Clock


class NotSent(Exception):
    """There is no connection: nothing was sent."""


class NoAnswer(Exception):
    """The request was sent, and no whole answer came."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where to connect to."""

    host: str
    port: int
    is_secure: bool


@dataclass(frozen=True, slots=True)
class StorageResponse:
    """The names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """Carries one request at a time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.is_open = True
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[StorageResponse] | None = None
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []

    async def exchange(self, request: bytes, seconds: float) -> StorageResponse:
        """Raises NoAnswer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        limit = self._clock.call_later(seconds, self._end, f"no answer in {seconds:.0f} seconds")
        self._transport.write(request)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self._end("it was cancelled")
            raise
        finally:
            limit.cancel()

    def close(self) -> None:
        self._end("the connection was closed")

    def _end(self, reason: str) -> None:
        self.is_open = False
        if self._transport:
            self._transport.abort()
        if self._answer and not self._answer.done():
            self._answer.set_exception(NoAnswer(reason))

    # What the loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(f"the answer is no HTTP: {error}")

    def connection_lost(self, error: Exception | None) -> None:
        self._end(str(error or "the connection was closed"))

    # What the parser tells

    def on_message_begin(self) -> None:
        self._headers, self._body = {}, []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        self.is_open = self._parser.should_keep_alive()
        if self._answer and not self._answer.done():
            self._answer.set_result(
                StorageResponse(self._parser.get_status_code(), self._headers, b"".join(self._body))
            )


class ConnectionPool:
    """At most `most` at once; an idle one is kept for so many seconds."""

    def __init__(self, most: int, kept: float, connect_limit: float, answer_limit: float, clock: Clock) -> None:
        self._clock = clock
        self._turn = asyncio.Semaphore(most)
        self._kept, self._connect_limit, self._answer_limit = kept, connect_limit, answer_limit
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._is_closed = False

    async def request(self, origin: Origin, request: bytes) -> StorageResponse:
        """Raises NotSent and NoAnswer."""
        async with self._turn:
            connection = self._idle_one(origin) or await self._connected(origin)
            answer = await connection.exchange(request, self._answer_limit)
            self._keep(origin, connection)
            return answer

    def _keep(self, origin: Origin, connection: Connection) -> None:
        if self._is_closed or not connection.is_open:
            return connection.close()
        connection.idle_since = self._clock.monotonic()
        self._idle[origin].append(connection)

    def _idle_one(self, origin: Origin) -> Connection | None:
        oldest = self._clock.monotonic() - self._kept
        while self._idle[origin]:
            connection = self._idle[origin].pop()
            if connection.is_open and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    async def _connected(self, origin: Origin) -> Connection:
        loop, secure = asyncio.get_running_loop(), origin.is_secure or None
        try:
            async with self._clock.timeout(self._connect_limit):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._clock), origin.host, origin.port, ssl=secure
                )
        except (OSError, TimeoutError) as error:
            raise NotSent(str(error) or "it took too long to connect") from error
        return connection

    def close(self) -> None:
        """Those that are in use end with their answers."""
        self._is_closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()
