"""debugpy for Python: one parent process that clients attach to, and the workers as its children.

debugpy debugs child processes in sessions of their own. Its adapter tells the client of each child that connects, and
the client opens a session with the breakpoints that it has: VS Code does so for the event `debugpyAttach`. Here the
parent runs nothing and lives as long as the host. So the client stays attached over any number of saves, and a worker
that is held at a breakpoint stays in its session beside the worker that takes its place.
"""

import asyncio
import contextlib
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fnhost.clock import Clock
from fnhost.host.errors import WorkerStartFailed
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Log
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.worker.channel import WorkerChannel
from fnhost.host.worker.commands import Command
from fnhost.host.worker.debuggers.port import CATEGORY, Clients, DebugPort, Holder, relay
from fnhost.host.worker.groups import ProcessGroups
from fnhost.host.worker.process import WorkerProcess, start_process
from fnhost.host.worker.toolchains.environments import install_command
from fnhost.host.worker.toolchains.toolchain import PROGRAMS
from fnhost.host.worker.values import Frames, RpcMessage

PROGRAM = PROGRAMS / "python" / "debugger.py"
START = 30.0
"""Seconds until the parent process must listen."""
CLIENTS_TIME = 60.0
"""Seconds that the first worker waits for a client, when it is told to."""
PIECE = 1 << 16
MISSING = "debugpy is not installed for {interpreter}: functions run without a debugger. Run: {command}"
FAILED = "The debugger cannot start, functions run without it. {}"
ENDED = "The debugger has ended: {}. It starts again with the next version of the app."
NO_CLIENT = "No client attached to the debugger within {:.0f} s: the functions run without one."
WAITS = "The worker waits until a client attaches to the debugger."


class Unavailable(Exception):
    """There is no debugger. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Parent:
    """The process that clients attach to: the port of its adapter, and what debugpy tells its children."""

    process: WorkerProcess
    connection: socket.socket
    port: int
    setup: Mapping[str, Any]


class Debugpy:
    """The `Debugger` for Python."""

    def __init__(self, command: Command, groups: ProcessGroups, log: Log, clock: Clock, holder: Holder) -> None:
        assert command.debug
        self._command, self._groups, self._log, self._clock = command, groups, log, clock
        self._port = DebugPort(command.debug, self._serve, log, clock, holder)
        self._clients = Clients()
        self._tasks = BackgroundTasks(log)
        self._waits = command.debug.waits
        self._parent: asyncio.Task[Parent | Unavailable] | None = None
        self._said = ""

    async def open(self) -> None:
        self._start()
        await self._port.open()

    async def join(self, channel: WorkerChannel) -> None:
        parent = await self._started()
        if isinstance(parent, Unavailable):
            return self._say(str(parent))
        if self._waits:
            await self._wait_for_client()
        answer = await channel.debug(parent.setup, self._clients.are_attached)
        if failure := answer["failure"]:
            self._log.warning(CATEGORY, f"Worker process {channel.pid}: {failure}")

    async def close(self) -> None:
        await self._port.close()
        parent = self._parent.result() if self._parent and self._parent.done() else None
        self._tasks.cancel()
        await self._tasks.wait()
        if isinstance(parent, Parent):
            parent.connection.close()
            parent.process.kill()
            await parent.process.wait()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        assert self._parent
        parent = await asyncio.shield(self._parent)
        if isinstance(parent, Unavailable):
            return self._say(str(parent))
        with self._clients:
            await relay(reader, writer, parent.port)

    async def _wait_for_client(self) -> None:
        self._waits = False
        self._log.information(HOST_CATEGORY, WAITS)
        try:
            async with self._clock.timeout(CLIENTS_TIME):
                await self._clients.came()
        except TimeoutError:
            self._log.warning(CATEGORY, NO_CLIENT.format(CLIENTS_TIME))

    def _start(self) -> asyncio.Task[Parent | Unavailable]:
        self._parent = self._tasks.spawn("Starting the debugger", self._tried())
        return self._parent

    async def _started(self) -> Parent | Unavailable:
        """One that failed or has ended is started again."""
        starting = self._parent or self._start()
        if starting.done():
            parent = starting.result()
            if isinstance(parent, Unavailable) or parent.process.exited.done():
                starting = self._start()
        return await asyncio.shield(starting)

    async def _tried(self) -> Parent | Unavailable:
        try:
            async with self._clock.timeout(START):
                parent = await self._open_parent()
        except TimeoutError:
            return Unavailable(FAILED.format(f"It did not answer within {START:.0f} s."))
        except WorkerStartFailed as error:
            return Unavailable(FAILED.format(error))
        except Unavailable as error:
            return error
        self._said = ""
        parent.process.exited.add_done_callback(lambda _: self._ended(parent))
        return parent

    async def _open_parent(self) -> Parent:
        """Raises Unavailable, WorkerStartFailed."""
        own = self._command
        run = replace(own, arguments=(*own.arguments[:-1], str(PROGRAM)))
        process, connection = await start_process(run, self._log, self._groups, self._clock)
        with contextlib.ExitStack() as undo:
            undo.callback(process.kill)
            undo.callback(connection.close)
            message = await process.unless_it_ends(_first_message(connection))
            if "failure" in message:
                raise Unavailable(self._reason(message))
            undo.pop_all()
        return Parent(process, connection, message["port"], message["setup"])

    def _reason(self, message: RpcMessage) -> str:
        if message.get("missing") != "debugpy":
            return FAILED.format(message["failure"])
        command = install_command(self._command.arguments[0], "debugpy")
        return MISSING.format(interpreter=self._command.interpreter, command=command)

    def _ended(self, parent: Parent) -> None:
        if parent.connection.fileno() >= 0:  # nobody has closed it
            self._log.warning(CATEGORY, ENDED.format(parent.process.exited.result()))

    def _say(self, sentence: str) -> None:
        """Not again with each version for which it is true."""
        if sentence != self._said:
            self._said = sentence
            self._log.error(CATEGORY, sentence)


async def _first_message(connection: socket.socket) -> RpcMessage:
    """Raises WorkerStartFailed."""
    connection.setblocking(False)
    frames = Frames()
    while data := await asyncio.get_running_loop().sock_recv(connection, PIECE):
        for message, _ in frames.feed(data):
            return message
    raise WorkerStartFailed("It ended before it listened.")
