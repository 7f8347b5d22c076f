"""The two bodies of a request as they come and go, for functions whose worker serves HTTP itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.types import Receive, Scope, Send

from fnhost.bindings.http.request import read_header
from fnhost.bindings.http.response import TOO_LARGE, Header, HttpReply
from fnhost.host.logging.log import SeenBody
from fnhost.host.tasks import cancel_and_wait
from fnhost.host.web.listen.exchange import leaving
from fnhost.host.web.listen.guards import ClientLeft, read_length
from fnhost.host.web.listen.response import ResponseCut


class ClientStream:
    """An HttpStream to the client of an ASGI request. Its body may have `limit` bytes.

    `kept` is how many bytes of each body are kept for those who want to see them.
    """

    def __init__(self, scope: Scope, receive: Receive, send: Send, limit: int, kept: int = 0) -> None:
        self._receive, self._send, self._limit = receive, send, limit
        self._is_chunked = read_header(scope, b"transfer-encoding") is not None
        self._length = read_length(scope)
        self._left = leaving(scope)
        self._is_read = False
        """Nothing more comes of the body."""
        self._error: Exception | None = None
        self._failed = asyncio.Event()
        self._is_ended = False
        self.status = 0
        """Of the response; 0 before it begins."""
        self.headers: Sequence[Header] = ()
        self.request_body, self.response_body = SeenBody(kept), SeenBody(kept)

    @property
    def has_body(self) -> bool:
        return self._is_chunked or self._length > 0

    @property
    def is_broken(self) -> bool:
        return self._error is not None

    @property
    def is_started(self) -> bool:
        return self.status != 0

    async def broken(self) -> None:
        """Whether or not anybody reads the body."""
        first = asyncio.ensure_future(self._left()), asyncio.ensure_future(self._failed.wait())
        try:
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(*first)
        self._error = self._error or ClientLeft()

    async def body(self) -> AsyncIterator[bytes]:
        while not self._is_read:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise self._broken(ClientLeft())
            piece = message.get("body", b"")
            self.request_body.see(piece)
            if self.request_body.size > self._limit:
                raise self._broken(BodyTooLong())
            if not message.get("more_body", False):
                self._is_read = True
            if piece:
                yield piece

    def _broken(self, error: Exception) -> ConnectionError:
        self._error, self._is_read = error, True
        self._failed.set()
        return ConnectionError("The request was not completed.")

    async def start(self, status: int, headers: Sequence[Header]) -> None:
        await self._send({"type": "http.response.start", "status": status, "headers": list(headers)})
        self.status, self.headers = status, headers
        await self._send({"type": "http.response.body", "body": b"", "more_body": True})

    async def write(self, piece: bytes) -> None:
        self.response_body.see(piece)
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        self._is_ended = True
        await self._send({"type": "http.response.body", "body": b""})

    def conclude(self, answer: HttpReply) -> HttpReply | None:
        """What is still to be answered, which is `answer` if the response has not begun; None if it is whole.

        Raises ResponseCut.
        """
        if self._is_ended:
            return None
        if self.is_started or isinstance(self._error, ClientLeft):
            raise ResponseCut
        return answer if self._error is None else TOO_LARGE


class BodyTooLong(Exception):
    """It has more bytes than a function may be sent."""
