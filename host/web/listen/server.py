"""The HTTP server: uvicorn with a connection class of our own, as a block that listens inside and is closed after."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.server import ServerState

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.limits import RESPONSES_CANCELLED, RESPONSES_END
from fnhost.host.web.listen.connection import Connection, Listening
from fnhost.host.web.listen.limits import Limits
from fnhost.host.web.listen.response import date_line


class _Connection(Connection):
    """A connection as uvicorn makes one."""

    def __init__(self, config: "_Config", server_state: ServerState, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config.listening)


class _Config(uvicorn.Config):
    """Nothing of what uvicorn reads, writes or logs by itself: requests and responses are `_Connection`'s."""

    def __init__(self, listening: Listening, certificate: Path | None) -> None:
        super().__init__(
            listening.app,
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        self.listening, self._certificate = listening, certificate

    def load(self) -> None:
        super().load()
        if self._certificate:
            self.ssl = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.ssl.load_cert_chain(self._certificate)
            self.ssl.set_alpn_protocols(["http/1.1"])


class _Server(uvicorn.Server):
    """Says when it listens, and ends when it is told. The process's signals are not its business."""

    def __init__(self, config: _Config, clock: Clock) -> None:
        super().__init__(config)
        self.listening, self._clock = asyncio.Event(), clock
        self._shared, self._ending = config.listening, asyncio.Event()

    def end(self) -> None:
        self.should_exit = True
        self._ending.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._shared.date = date_line(self._clock.now().timestamp())
        await super().startup(sockets)
        self.listening.set()

    async def main_loop(self) -> None:
        """Keep the time of the responses, and the limits of the connections."""
        while not self.should_exit:
            with suppress(TimeoutError):
                async with self._clock.timeout(self._shared.limits.tick):
                    await self._ending.wait()
            self._shared.date = date_line(self._clock.now().timestamp())
            now = self._clock.monotonic()
            for connection in list(self._shared.connections):
                connection.tick(now)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more; let the requests that run end, then cancel them, then close what is left."""
        for server in self.servers:
            server.close()
        self._shared.is_closing = True
        for connection in list(self._shared.connections):
            connection.end()
        await self._wait(RESPONSES_END)
        for task in self._shared.tasks:
            task.cancel()
        await self._wait(RESPONSES_CANCELLED)
        for connection in list(self._shared.connections):
            connection.abort()

    async def _wait(self, seconds: float) -> None:
        if self._shared.tasks:
            await asyncio.wait(self._shared.tasks, timeout=seconds)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    app: ASGIApp,
    sockets: Sequence[socket.socket],
    certificate: Path | None = None,
    limits: Limits | None = None,
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncIterator[None]:
    """`certificate` is a PEM file with key and certificate; with it, HTTPS is spoken."""
    listening = Listening(app, limits or Limits(), "https" if certificate else "http", clock)
    server = _Server(_Config(listening, certificate), clock)
    task = asyncio.create_task(server.serve(sockets=list(sockets)))
    try:
        await server.listening.wait()
        yield
    finally:
        server.end()
        await task
