"""The HTTP server, as a block: listening inside, closed after."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from starlette.types import ASGIApp

from fnhost.host.web.listen.connection import Connection, Listening
from fnhost.host.web.listen.limits import Limits
from fnhost.host.web.listen.response import date_line

GRACE = 1.0
"""Seconds that running requests have when the block ends."""
LAST_GRACE = 0.5
"""Seconds that cancelled requests have to clean up."""
BACKLOG = 2048


@asynccontextmanager
async def serving(
    app: ASGIApp, sockets: Sequence[socket.socket], certificate: Path | None = None, limits: Limits | None = None
) -> AsyncIterator[None]:
    """`certificate` is a PEM file with key and certificate; with it, HTTPS is spoken."""
    loop = asyncio.get_running_loop()
    listening = Listening(app, limits or Limits(), "https" if certificate else "http", loop, date_line(time.time()))
    connection = partial(Connection, listening)
    context = _context(certificate) if certificate else None
    ticking = asyncio.create_task(_tick(listening))
    servers = [await loop.create_server(connection, sock=each, ssl=context, backlog=BACKLOG) for each in sockets]
    try:
        yield
    finally:
        for server in servers:
            server.close()
        await _end(listening)
        ticking.cancel()
        await asyncio.wait([ticking])


def _context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["http/1.1"])
    return context


async def _tick(listening: Listening) -> None:
    """Keep the time of the responses, and the limits of the connections."""
    while True:
        await asyncio.sleep(listening.limits.tick)
        listening.date = date_line(time.time())
        now = listening.loop.time()
        for connection in list(listening.connections):
            connection.tick(now)


async def _end(listening: Listening) -> None:
    listening.is_closing = True
    for connection in list(listening.connections):
        connection.end()
    await _wait(listening, GRACE)
    for task in listening.tasks:
        task.cancel()
    await _wait(listening, LAST_GRACE)
    for connection in list(listening.connections):
        connection.abort()


async def _wait(listening: Listening, seconds: float) -> None:
    if listening.tasks:
        await asyncio.wait(listening.tasks, timeout=seconds)
