"""The socket between host and worker, while the worker is being started (platform/worker-protocol.md 8)."""

import asyncio
import contextlib
import hmac
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol


class WorkerTransport(Protocol):
    """What the worker is told, and the way to our end of the socket."""

    @property
    def environment(self) -> Mapping[str, str]: ...

    @property
    def inherited(self) -> tuple[int, ...]:
        """The descriptors the worker inherits."""

    async def connect(self) -> socket.socket:
        """Once the process runs."""


TransportFactory = Callable[[], AbstractAsyncContextManager[WorkerTransport]]


class InheritedSocket:
    """A socket pair whose other end the worker inherits: no port, no path, and its end is the process's end."""

    def __init__(self, ours: socket.socket, descriptor: int) -> None:
        self._ours = ours
        self.environment = {"FNHOST_WORKER_SOCKET": str(descriptor)}
        self.inherited = (descriptor,)

    async def connect(self) -> socket.socket:
        return self._ours


@asynccontextmanager
async def inherited() -> AsyncIterator[WorkerTransport]:
    ours, theirs = socket.socketpair()
    with theirs, contextlib.ExitStack() as undo:
        undo.callback(ours.close)
        yield InheritedSocket(ours, theirs.fileno())
        undo.pop_all()


class LoopbackSocket:
    """Where sockets cannot be inherited: the worker dials in and shows its token first."""

    inherited = ()

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._token = secrets.token_bytes(32)
        port = listener.getsockname()[1]
        self.environment = {"FNHOST_WORKER_PORT": str(port), "FNHOST_WORKER_TOKEN": self._token.hex()}

    async def connect(self) -> socket.socket:
        while True:
            connection, _ = await asyncio.get_running_loop().sock_accept(self._listener)
            if await self._shows_token(connection):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return connection
            connection.close()

    async def _shows_token(self, connection: socket.socket) -> bool:
        connection.setblocking(False)
        shown = await asyncio.get_running_loop().sock_recv(connection, len(self._token))
        return hmac.compare_digest(shown, self._token)


@asynccontextmanager
async def loopback() -> AsyncIterator[WorkerTransport]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        yield LoopbackSocket(listener)


DEFAULT_TRANSPORT: TransportFactory = loopback if sys.platform == "win32" else inherited
