"""Kept HTTP/1.1 connections: half the processor time of a general client, for small requests to few addresses.

They are direct: HTTP_PROXY and its like are not followed. The storage of a developer is mostly on the same machine, and
a proxy that is meant for the outside cannot reach it.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

import httptools

from fnhost.clock import Clock, Timer

SHORTEST_LOOK = 1.0
"""Seconds that a request is given in any case: a service that was silent may be back."""


class NotSent(Exception):
    """There is no connection: nothing was sent."""


class NoAnswer(Exception):
    """The request was sent, and no whole answer came."""


class Silent(NoAnswer):
    """The service has answered nothing for so long that another try would be as vain."""


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


class Progress:
    """When a service was last heard of: an answer came in, or a part of a request went out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.at = 0.0

    def note(self) -> None:
        self.at = self._clock.monotonic()


class Connection(asyncio.Protocol):
    """Carries one request at a time."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self.is_open = True
        self.idle_since = 0.0
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[StorageResponse] | None = None
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._unsent = 0

    async def exchange(self, request: bytes) -> StorageResponse:
        """Raises NoAnswer."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        self._unsent = self._transport.get_write_buffer_size()
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.end(NoAnswer("it was cancelled"))
            raise

    def note_sending(self) -> None:
        """A large request that is still being taken is progress too."""
        left = self._transport.get_write_buffer_size() if self._transport else 0
        if left < self._unsent:
            self._progress.note()
        self._unsent = left

    def close(self) -> None:
        self.end(NoAnswer("the connection was closed"))

    def end(self, reason: NoAnswer) -> None:
        self.is_open = False
        if self._transport:
            self._transport.abort()
        if self._answer and not self._answer.done():
            self._answer.set_exception(reason)

    # Called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        self._progress.note()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.end(NoAnswer(f"the answer is no HTTP: {error}"))

    def connection_lost(self, error: Exception | None) -> None:
        self.end(NoAnswer(str(error or "the connection was closed")))

    # Called by the parser

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


@dataclass(frozen=True, slots=True)
class Limits:
    """Of a pool: `connections` at once, and seconds.

    An idle connection is kept for `kept`. `silence`: when a service has answered nothing at all for so long, whoever
    waits for it is told; while it answers others, a request may take up to `answer`.
    """

    connections: int
    kept: float
    connect: float
    silence: float
    answer: float


class ConnectionPool:
    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._clock, self._limits = clock, limits
        self._turn = asyncio.Semaphore(limits.connections)
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)
        self._progress: dict[Origin, Progress] = {}
        self._is_closed = False

    async def request(self, origin: Origin, request: bytes) -> StorageResponse:
        """Raises NotSent and NoAnswer."""
        progress = self._progress.setdefault(origin, Progress(self._clock))
        since = self._clock.monotonic()
        async with self._turn:
            connection = self._idle_one(origin) or await self._connected(origin, progress)
            with self._watched(connection, progress, since):
                answer = await connection.exchange(request)
            self._keep(origin, connection)
            return answer

    @contextmanager
    def _watched(self, connection: Connection, progress: Progress, since: float) -> Iterator[None]:
        """End the connection when its service has been silent for too long, or owes this answer for too long.

        `since` is when the request was made: the time in which it waited for its turn counts.
        """
        clock, limits = self._clock, self._limits
        timer: Timer

        def look() -> None:
            nonlocal timer
            connection.note_sending()
            now = clock.monotonic()
            silent, left = now - max(progress.at, since), since + limits.answer - now
            if silent >= limits.silence:
                connection.end(Silent(f"no answer in {limits.silence:.0f} seconds"))
            elif left <= 0:
                connection.end(Silent(f"no answer in {limits.answer:.0f} seconds"))
            else:
                timer = clock.call_later(min(limits.silence - silent, left), look)

        waited = clock.monotonic() - max(progress.at, since)
        timer = clock.call_later(max(limits.silence - waited, SHORTEST_LOOK), look)
        try:
            yield
        finally:
            timer.cancel()

    def _keep(self, origin: Origin, connection: Connection) -> None:
        if self._is_closed or not connection.is_open:
            return connection.close()
        connection.idle_since = self._clock.monotonic()
        self._idle[origin].append(connection)

    def _idle_one(self, origin: Origin) -> Connection | None:
        oldest = self._clock.monotonic() - self._limits.kept
        while self._idle[origin]:
            connection = self._idle[origin].pop()
            if connection.is_open and connection.idle_since > oldest:
                return connection
            connection.close()
        return None

    async def _connected(self, origin: Origin, progress: Progress) -> Connection:
        loop, secure = asyncio.get_running_loop(), origin.is_secure or None
        try:
            async with self._clock.timeout(self._limits.connect):
                _, connection = await loop.create_connection(
                    lambda: Connection(progress), origin.host, origin.port, ssl=secure
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
