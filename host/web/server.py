"""uvicorn, as a block: listening inside, closed after."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import psutil
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from host.errors import StartError

GRACE = 1
"""Seconds that running requests have when the block ends."""


class _Together:
    """A transport: what is written within one turn of the loop leaves in one call, as a head and its body do.

    So the client wakes once for a response.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._held: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        held, self._held = self._held, []
        if not self._transport.is_closing():
            self._transport.writelines(held)


class _Protocol(HttpToolsProtocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, _Together(transport)))


class _Server(uvicorn.Server):
    """Says when it listens. The process's signals are not its business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(
    app: ASGIApp, sockets: Sequence[socket.socket], certificate: Path | None = None
) -> AsyncIterator[None]:
    """`certificate` is a PEM file with key and certificate; with it, HTTPS is spoken."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        ssl_certfile=certificate,
        ws="none",
        timeout_graceful_shutdown=GRACE,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=list(sockets)))
    try:
        await server.listening.wait()
        yield
    finally:
        server.should_exit = True
        await task


def bind(address: str, port: int) -> list[socket.socket]:
    """Sockets that listen there; on the loopback addresses of both families where both are to be had.

    Raises StartError, naming who holds the port.
    """
    sockets = [_bound(address, port)]
    if address == "127.0.0.1" and socket.has_ipv6:
        try:
            sockets.append(_bound("::1", sockets[0].getsockname()[1]))
        except StartError:
            """`localhost` then means this address alone."""
    return sockets


def bind_near(port: int) -> list[socket.socket]:
    """The loopback port `port`, or any free one if it is taken."""
    try:
        return [_bound("127.0.0.1", port)]
    except StartError:
        return [_bound("127.0.0.1", 0)]


def _bound(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio then sends without delay
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise StartError(_refused(address, port, error)) from error
    bound.setblocking(False)
    return bound


def _refused(address: str, port: int, error: OSError) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"Cannot listen on {address} port {port}: {error.strerror}. Choose another --address or --port."
    return (
        f"Port {port} is unavailable. {holder(port)}Close the process using that port, "
        "or specify another port using --port [-p]."
    )


def holder(port: int) -> str:
    """A sentence on the process that listens on a port, as far as this user may know."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return _named(connection.pid)
    return ""


def _named(pid: int | None) -> str:
    if pid is None:
        return "It is held by a process of another user. "
    try:
        command = " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = ""
    return f"It is held by process {pid}{f' ({command[:120]})' if command else ''}. "
