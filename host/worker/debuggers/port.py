"""The port of a debugger: held by the host as long as it runs, whatever becomes of the workers."""

import asyncio
import contextlib
import errno
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from dataclasses import replace

from fnhost.clock import Clock
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Log
from fnhost.host.system.open_files import system_error
from fnhost.host.tasks import BackgroundTasks, first
from fnhost.host.worker.toolchains.debugger import LOOPBACK, DebugAddress

CATEGORY = "Worker.Debugger"
LISTENS = "The debugger listens on {}."
HELD = "The debugger waits for port {port}, which is not free. {holder}It listens there as soon as the port is."
REFUSED = "The debugger cannot listen on {}: {}. The functions run without it."
RETRY = 0.2
"""Seconds between two tries to have a port that somebody else holds."""
PIECE = 1 << 16

Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]
Holder = Callable[[int], str]
"""A sentence with a blank at its end on who holds a port, or nothing."""


def nobody(port: int) -> str:
    return ""


class Clients:
    """Counts the clients that are attached: `with clients:` is one of them."""

    def __init__(self) -> None:
        self._count = 0
        self._came = asyncio.Event()

    def __enter__(self) -> None:
        self._count += 1
        self._came.set()

    def __exit__(self, *_: object) -> None:
        self._count -= 1
        if not self._count:
            self._came.clear()

    def are_attached(self) -> bool:
        return self._count > 0

    async def came(self) -> None:
        """Wait until one is attached."""
        await self._came.wait()


class DebugPort:
    """Hands each connection to `serve`. `address` is where it listens, with the port that it has found for port 0."""

    def __init__(self, address: DebugAddress, serve: Serve, log: Log, clock: Clock, holder: Holder) -> None:
        self.address = address
        self._serve, self._log, self._clock, self._holder = serve, log, clock, holder
        self._tasks = BackgroundTasks(log)
        self._servers: list[asyncio.Server] = []

    async def open(self) -> None:
        """Listen now, or else as soon as nobody else does."""
        if not await self._listens():
            self._tasks.spawn("Waiting for the debugger's port", self._wait_for_port())

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        self._tasks.cancel()
        await self._tasks.wait()

    async def _wait_for_port(self) -> None:
        holder = await asyncio.to_thread(self._holder, self.address.port)
        self._log.warning(CATEGORY, HELD.format(port=self.address.port, holder=holder))
        while not await self._listens():
            await self._clock.sleep(RETRY)

    async def _listens(self) -> bool:
        """False if the port is somebody else's. Any other refusal is logged, and final."""
        try:
            await self._start_server(self.address.host)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            self._log.error(CATEGORY, REFUSED.format(self.address, system_error(error)))
            return True
        if self.address.host == LOOPBACK:
            with contextlib.suppress(OSError):  # `localhost` then means this address alone
                await self._start_server("::1")
        self._log.information(HOST_CATEGORY, LISTENS.format(self.address))
        return True

    async def _start_server(self, host: str) -> None:
        server = await asyncio.start_server(self._accept, host, self.address.port)
        self._servers.append(server)
        port = server.sockets[0].getsockname()[1]
        self.address = replace(self.address, port=port)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._tasks.spawn("A connection to the debugger", self._handle(reader, writer))

    async def _handle(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except OSError:
            """Whoever is at the other end is gone."""
        finally:
            writer.close()


async def relay(reader: StreamReader, writer: StreamWriter, port: int, begin: bytes = b"") -> None:
    """Pass on what both sides say, `begin` first, until one of them ends. Raises OSError."""
    their_reader, their_writer = await asyncio.open_connection(LOOPBACK, port)
    try:
        their_writer.write(begin)
        await first(_pump(reader, their_writer), _pump(their_reader, writer))
    finally:
        their_writer.close()


async def _pump(reader: StreamReader, writer: StreamWriter) -> None:
    while data := await reader.read(PIECE):
        writer.write(data)
        await writer.drain()
