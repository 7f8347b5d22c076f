"""One connection: requests are taken from it one after the other, and each is answered before the next is begun."""

import asyncio
from dataclasses import dataclass, field
from typing import cast

from starlette.types import ASGIApp, Scope

from fnhost.clock import Clock
from fnhost.host.web.listen.body import Framing, framing_of
from fnhost.host.web.listen.exchange import Exchange, RequestBody
from fnhost.host.web.listen.hangup import Hangup, find_hangup
from fnhost.host.web.listen.head import Head, find_end, parse_head
from fnhost.host.web.listen.limits import Limits, Meter
from fnhost.host.web.listen.refused import Refused
from fnhost.host.web.listen.response import refusal

TOO_SLOW = Refused(408, "The request body came too slowly.")
NO_HEAD = Refused(408, "The request headers did not come in time.")
CUT = Refused(400, "The request ended before its body did.")


@dataclass(slots=True)
class Listening:
    """What the connections of a server share. `date` is the line that tells the time."""

    app: ASGIApp
    limits: Limits
    scheme: str
    clock: Clock
    date: bytes = b""
    is_closing: bool = False
    connections: "set[Connection]" = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Connection(asyncio.Protocol):
    """It is, in turn, idle, receiving a head, under way with an exchange, draining the rest of a body, and lingering.

    While it lingers, a client that is still sending may read its response: closing at once would take that away.
    """

    def __init__(self, listening: Listening) -> None:
        self._listening, self._limits, self._clock = listening, listening.limits, listening.clock
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._exchange: Exchange | None = None
        self._framing: Framing | None = None
        """Of the body that is being received; it may outlive its exchange."""
        self._buffer = bytearray()
        """A head that is not whole, or requests after the one that is under way."""
        self._since = 0.0
        """When this state began: idle, a head, or what ends after `drain_time`."""
        self._is_lingering = self._is_half_closed = self._is_paused = False
        self._room: asyncio.Event | None = None
        """Not set while the transport holds too much."""
        self._written = self._taken = 0
        self._read_meter: Meter | None = None
        self._write_meter: Meter | None = None

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._peer, self._own = _address(transport, "peername"), _address(transport, "sockname")
        self._since = self._clock.monotonic()
        self._listening.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._listening.connections.discard(self)
        self._leave()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            return
        try:
            self._take(data)
        except Refused as error:
            self._refuse(error)

    def eof_received(self) -> bool:
        """Whether the transport stays open: a client may close its half and read on."""
        self._is_half_closed = True
        if self._framing is not None and self._exchange is not None:
            self._refuse(CUT)
        elif self._exchange is not None:
            self._exchange.body.half_close()
        is_busy = self._exchange is not None and not self._is_lingering
        return is_busy and self._listening.scheme == "http"

    def pause_writing(self) -> None:
        if self._room is None:
            self._room = asyncio.Event()
        self._room.clear()

    def resume_writing(self) -> None:
        if self._room is not None:
            self._room.set()

    # --- receiving

    def _take(self, data: bytes) -> None:
        """Raises Refused."""
        if self._framing is not None:
            self._take_body(self._framing, data)
        elif self._exchange is not None:
            self._buffer += data
            if len(self._buffer) > self._limits.pipelined:
                self._pause()
        else:
            self._take_head(data)

    def _take_head(self, data: bytes) -> None:
        """Raises Refused."""
        seen = len(self._buffer)
        if not seen:
            data = data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data
            if not data:
                return
            self._since = self._clock.monotonic()
        else:
            self._buffer += data
        held = self._buffer if seen else data
        end = find_end(held, seen, self._limits)
        if end < 0:
            if not seen:
                self._buffer += data
            return
        head, rest = parse_head(bytes(held[: end + 2]), self._limits), bytes(held[end + 4 :])
        self._buffer.clear()
        self._begin(head, rest)

    def _begin(self, head: Head, rest: bytes) -> None:
        """Raises Refused."""
        listening, is_whole = self._listening, head.length == 0
        body = RequestBody(is_whole)
        keep_alive = head.keep_alive and not listening.is_closing
        self._exchange = exchange = Exchange(self._scope(head), self, body, keep_alive, head.expects_continue)
        task = asyncio.get_running_loop().create_task(exchange.run(listening.app))
        listening.tasks.add(task)
        task.add_done_callback(listening.tasks.discard)
        if not is_whole:
            self._framing = framing_of(head.length, self._limits)
        if rest:
            self._take(rest)

    def _scope(self, head: Head) -> Scope:
        target = head.target
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": head.version,
            "method": head.method,
            "scheme": self._listening.scheme,
            "path": target.path,
            "raw_path": target.raw_path,
            "query_string": target.query,
            "root_path": "",
            "headers": list(head.headers),
            "server": self._own,
            "client": self._peer,
        }

    def _take_body(self, framing: Framing, data: bytes) -> None:
        """Raises Refused."""
        content = framing.take(data)
        if self._read_meter is not None:
            self._read_meter.count(len(data))
        exchange = self._exchange
        if content and exchange is not None:
            exchange.body.feed(content)
        if framing.is_whole:
            self._framing = self._read_meter = None
            if exchange is not None:
                exchange.body.end()
            else:
                self._idle()
            if framing.rest:
                self._take(framing.rest)
        elif exchange is not None and exchange.body.received > self._limits.received:
            self._pause()

    def _pause(self) -> None:
        if not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def read_on(self) -> None:
        if self._is_paused and not self._transport.is_closing():
            self._is_paused = False
            self._transport.resume_reading()

    # --- answering

    @property
    def date(self) -> bytes:
        return self._listening.date

    def write(self, data: bytes | memoryview) -> None:
        if not self._transport.is_closing():
            self._written += len(data)
            self._transport.write(data)

    async def write_all(self, data: bytes) -> None:
        size = self._limits.written
        if len(data) <= size:
            self.write(data)
            return await self._wait_for_room()
        view = memoryview(data)
        for start in range(0, len(data), size):
            self.write(view[start : start + size])
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        if self._room is not None and not self._room.is_set():
            await self._room.wait()

    def answered(self, keep_alive: bool) -> None:
        self._exchange = self._read_meter = None
        if not keep_alive or self._listening.is_closing:
            self._close()
        elif self._framing is not None:
            self._since = self._clock.monotonic()
            self.read_on()
        else:
            self._idle()

    def _idle(self) -> None:
        """Ready for the next request, which may have come already."""
        self._since = self._clock.monotonic()
        self.read_on()
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            self.data_received(data)
        if self._is_half_closed:
            self._end_half_closed()

    def _end_half_closed(self) -> None:
        """What the client has sent is all there will be."""
        if self._exchange is None:
            self._transport.close()
        elif self._framing is not None:
            self._refuse(CUT)

    def _refuse(self, error: Refused) -> None:
        """Answer what cannot be served, unless a response is on its way already."""
        exchange = self._exchange
        self._leave()
        if exchange is not None and exchange.is_opened:
            return self.abort()
        self.write(refusal(error.status, error.reason, error.allow, self.date))
        self._linger()

    def _leave(self) -> None:
        if self._exchange is not None:
            self._exchange.body.cut()
        self._exchange = self._read_meter = None

    # --- closing

    def _close(self) -> None:
        if self._framing is None and not self._buffer:
            self._transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        self._buffer.clear()
        self._framing, self._is_lingering, self._since = None, True, self._clock.monotonic()
        if self._is_half_closed:
            return self._transport.close()
        self.read_on()
        try:
            if self._transport.can_write_eof():
                self._transport.write_eof()
        except OSError:  # reset by the client, as nothing has told yet
            self.abort()

    def abort(self) -> None:
        self._transport.abort()

    def end(self) -> None:
        """The server ends: now if nothing is under way, else with the response."""
        if self._exchange is None:
            self._transport.close()
        else:
            self._exchange.close_after()

    # --- time

    def tick(self, now: float) -> None:
        """Once a second: end what takes too long."""
        limits, waited = self._limits, now - self._since
        if self._writes_too_slowly(now):
            self.abort()
        elif self._is_lingering:
            if waited > limits.drain_time and self._taken == self._written:
                self.abort()
        elif self._exchange is not None:
            if self._reads_too_slowly(self._exchange, now):
                self._refuse(TOO_SLOW)
            elif self._is_paused:
                self._look_for_hangup(self._exchange)
        elif self._framing is not None:
            if waited > limits.drain_time:
                self._transport.close()
        elif self._buffer:
            if waited > limits.head_time:
                self._refuse(NO_HEAD)
        elif waited > limits.keep_alive_time:
            self._transport.close()

    def _look_for_hangup(self, exchange: Exchange) -> None:
        """A transport that does not read tells of no end."""
        found = find_hangup(self._transport.get_extra_info("socket").fileno())
        if found is Hangup.WHOLE:
            self.abort()
        elif found is Hangup.HALF:
            exchange.body.half_close()

    def _reads_too_slowly(self, exchange: Exchange, now: float) -> bool:
        """Only time counts in which the application waits for the body."""
        if not exchange.body.is_asked:
            self._read_meter = None
        elif self._read_meter is None:
            self._read_meter = Meter(self._limits, now)
        return self._read_meter is not None and self._read_meter.is_too_slow(now)

    def _writes_too_slowly(self, now: float) -> bool:
        taken = self._written - self._transport.get_write_buffer_size()
        if taken == self._written:
            self._write_meter = None
        elif self._write_meter is None:
            self._write_meter = Meter(self._limits, now)
        else:
            self._write_meter.count(taken - self._taken)
        self._taken = taken
        return self._write_meter is not None and self._write_meter.is_too_slow(now)


def _address(transport: asyncio.BaseTransport, name: str) -> tuple[str, int] | None:
    found = transport.get_extra_info(name)
    return (str(found[0]), int(found[1])) if isinstance(found, tuple) else None
