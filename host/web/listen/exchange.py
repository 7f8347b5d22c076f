"""One request and its response, as an ASGI application sees them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.types import ASGIApp, Message, Scope

from fnhost.host.web.listen.response import CONTINUE, Opening, ResponseCut, UnsendableResponse, open_response

LOGGER = logging.getLogger(__name__)
SMALL = 64 * 1024
"""A body of this many bytes is joined with its head: one write is worth the copy."""
INTERNAL_ERROR = [(b"content-length", b"0"), (b"connection", b"close")]
LEAVING = "fnhost.leaving"
"""The extension of a scope by which an application that does not receive learns that its client has left."""


def leaving(scope: Scope) -> Callable[[], Awaitable[None]]:
    """What to await to learn that the client of this request has left, or that the response is complete."""
    left: Callable[[], Awaitable[None]] = scope["extensions"][LEAVING]["left"]
    return left


class Link(Protocol):
    """What an exchange asks of its connection."""

    @property
    def date(self) -> bytes:
        """The line that tells the time."""

    def read_on(self) -> None:
        """More of the body is wanted."""

    def write(self, data: bytes) -> None: ...

    async def write_all(self, data: bytes) -> None:
        """Write, no faster than the client reads."""

    def answered(self, keep_alive: bool) -> None:
        """The response is whole."""

    def abort(self) -> None:
        """The response cannot be completed."""


class RequestBody:
    """What has come of a body and is not yet read. `received` is its size in bytes."""

    __slots__ = (
        "_event",
        "_is_end_read",
        "_is_half_closed",
        "_leaving",
        "_pieces",
        "is_asked",
        "is_cut",
        "is_whole",
        "received",
    )

    def __init__(self, is_whole: bool) -> None:
        self._pieces: list[bytes] = []
        self._event: asyncio.Event | None = None
        self._leaving: asyncio.Event | None = None
        self._is_end_read = self._is_half_closed = False
        self.is_whole, self.is_cut, self.is_asked = is_whole, False, False
        """Nothing more comes; nothing more is to be read; the application waits for more."""
        self.received = 0

    def feed(self, content: bytes) -> None:
        self._pieces.append(content)
        self.received += len(content)
        self._wake()

    def end(self) -> None:
        self.is_whole = True
        self._wake()

    def cut(self) -> None:
        """The client is gone, or the response is complete: whoever waits is told so."""
        self.is_cut = True
        self._wake()
        self._tell_leaving()

    def half_close(self) -> None:
        """The client sends no more. It may have left: whoever waits for more than the body is told so."""
        self._is_half_closed = True
        self._wake()
        self._tell_leaving()

    def _wake(self) -> None:
        if self._event is not None:
            self._event.set()

    def _tell_leaving(self) -> None:
        if self._leaving is not None:
            self._leaving.set()

    async def left(self) -> None:
        """Until the body is cut, or its client sends no more: then it may have left. What has come stays unread."""
        if self.is_cut or self._is_half_closed:
            return
        if self._leaving is None:
            self._leaving = asyncio.Event()
        await self._leaving.wait()

    @property
    def has_news(self) -> bool:
        return bool(self._pieces) or self.is_cut or (self.is_whole and not self._is_end_read) or self._has_left

    @property
    def _has_left(self) -> bool:
        return self._is_half_closed and self._is_end_read

    async def wait(self) -> None:
        if self._event is None:
            self._event = asyncio.Event()
        self._event.clear()
        self.is_asked = not self.is_whole
        try:
            await self._event.wait()
        finally:
            self.is_asked = False

    def read(self) -> Message:
        if self.is_cut or self._has_left:
            return {"type": "http.disconnect"}
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self.received, self._is_end_read = 0, self.is_whole
        return {"type": "http.request", "body": body, "more_body": not self.is_whole}


class Exchange:
    """`body` is fed by the connection; the response goes back to it."""

    __slots__ = (
        "_expects_continue",
        "_head",
        "_is_answered",
        "_keep_alive",
        "_left",
        "_link",
        "_opening",
        "_scope",
        "body",
    )

    def __init__(self, scope: Scope, link: Link, body: RequestBody, keep_alive: bool, expects_continue: bool) -> None:
        scope["extensions"] = {LEAVING: {"left": body.left}}
        self._scope, self._link, self.body = scope, link, body
        self._keep_alive, self._expects_continue = keep_alive, expects_continue
        self._opening: Opening | None = None
        self._head = b""
        """What is not yet sent of the response's head."""
        self._left: int | None = None
        """How many bytes of the response's body are to come, if that is known."""
        self._is_answered = False

    @property
    def is_opened(self) -> bool:
        """Whether the response has begun."""
        return self._opening is not None

    def close_after(self) -> None:
        """The connection ends with this response."""
        self._keep_alive = False

    async def run(self, app: ASGIApp) -> None:
        try:
            await app(self._scope, self._receive, self._send)
            if not self._is_over:
                raise UnsendableResponse("The response was not completed.")
        except asyncio.CancelledError:
            self._link.abort()
            raise
        except ResponseCut:
            self._link.abort()
        except Exception:
            LOGGER.exception("%s %s failed in the host.", self._scope["method"], self._scope["path"])
            await self._fail()

    @property
    def _is_over(self) -> bool:
        return self._is_answered or self.body.is_cut

    async def _fail(self) -> None:
        if self._is_over:
            return
        if self._opening is not None:
            return self._link.abort()
        await self._send({"type": "http.response.start", "status": 500, "headers": INTERNAL_ERROR})
        await self._send({"type": "http.response.body"})

    async def _receive(self) -> Message:
        if self._expects_continue and self._opening is None:
            self._expects_continue = False
            self._link.write(CONTINUE)
        while not self.body.has_news:
            self._link.read_on()
            await self.body.wait()
        return self.body.read()

    async def _send(self, message: Message) -> None:
        if self._is_answered:
            raise UnsendableResponse("The response is complete: nothing can be added to it.")
        if self.body.is_cut:
            return
        if message["type"] == "http.response.start":
            self._open(message)
        elif self._opening is None:
            raise UnsendableResponse("The body of the response came before its head.")
        else:
            await self._write(self._opening, message.get("body", b""), not message.get("more_body", False))

    def _open(self, message: Message) -> None:
        """The head is held back until the first part of the body: both leave together."""
        if self._opening is not None:
            raise UnsendableResponse("The response was begun twice.")
        self._opening = open_response(
            message["status"],
            message.get("headers", ()),
            method=self._scope["method"],
            version=self._scope["http_version"],
            keep_alive=self._keep_alive and not self._expects_continue,
            date=self._link.date,
        )
        self._head, self._left = self._opening.head, self._opening.length

    async def _write(self, opening: Opening, body: bytes, is_last: bool) -> None:
        if not opening.has_body:
            body = b""
        self._count(len(body), is_last)
        head, self._head = self._head, b""
        if opening.is_chunked:
            body = _chunk(body, is_last)
        if len(body) <= SMALL:
            body, head = head + body, b""
        if head:
            self._link.write(head)
        await self._link.write_all(body)
        if is_last and not self.body.is_cut:
            self._is_answered = True
            self.body.cut()
            self._link.answered(opening.keep_alive)

    def _count(self, size: int, is_last: bool) -> None:
        if self._left is None:
            return
        self._left -= size
        if self._left < 0 or (is_last and self._left):
            raise UnsendableResponse("The body of the response has not the size that its head tells.")


def _chunk(content: bytes, is_last: bool) -> bytes:
    chunk = b"%x\r\n%b\r\n" % (len(content), content) if content else b""
    return chunk + b"0\r\n\r\n" if is_last else chunk
