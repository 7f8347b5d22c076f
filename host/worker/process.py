"""One worker process: start it, pass on what it prints, know at once when it ends.

The conversation runs over a socket of its own; stdout and stderr belong to user code (platform/worker-protocol.md 8).
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from fnhost.clock import Clock
from fnhost.host.errors import WorkerStartFailed
from fnhost.host.limits import PIPES_LINGER
from fnhost.host.logging.events import Level, WorkerOutput
from fnhost.host.logging.log import Log
from fnhost.host.system.open_files import system_error
from fnhost.host.worker.commands import Command
from fnhost.host.worker.groups import ProcessGroups, kill_group
from fnhost.host.worker.output import Line, LineSplitter, RecentInvocations
from fnhost.host.worker.transport import DEFAULT_TRANSPORT, TransportFactory

T = TypeVar("T")
SYSTEM_PREFIX = "LanguageWorkerConsoleLog"
LAST_WORDS = 3
"""How many of the last lines on stderr tell why a process ended."""


@dataclass(frozen=True, slots=True)
class ProcessExit:
    """How a process ended. `code` is 128 + n after signal n."""

    pid: int
    executable: str
    code: int
    last_words: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join((f"{self.executable} exited with code {self.code} (0x{self.code:X})", *self.last_words))


class WorkerProcess(asyncio.SubprocessProtocol):
    """A started process. `exited` is done as soon as it ends and its last lines are read."""

    def __init__(
        self, executable: str, log: Log, groups: ProcessGroups, clock: Clock, stderr_level: "StderrLevel"
    ) -> None:
        self.exited: asyncio.Future[ProcessExit] = asyncio.get_running_loop().create_future()
        self._executable = executable
        self._log, self._groups, self._clock = log, groups, clock
        self._stderr_level = stderr_level
        self.ran = RecentInvocations()
        self._splitters = {1: LineSplitter(), 2: LineSplitter()}
        self._last_words: deque[str] = deque(maxlen=LAST_WORDS)

    @property
    def pid(self) -> int:
        return self._pid

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self._pid = self._transport.get_pid()
        self._groups.began(self._pid)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        for line in self._splitters[fd].feed(data):
            self._pass_on(fd, line)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        splitter = self._splitters.pop(fd, None)
        if splitter and splitter.has_unfinished:
            for line in splitter.end():
                self._pass_on(fd, line)

    def process_exited(self) -> None:
        """Its last lines come when the pipes end. Children that left its group may hold them open for ever."""
        self._groups.ended(self._pid)
        self._clock.call_later(PIPES_LINGER, self._end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        if not self.exited.done():
            code = self._transport.get_returncode() or 0
            self.exited.set_result(
                ProcessExit(self.pid, self._executable, 128 - code if code < 0 else code, tuple(self._last_words))
            )
            self._transport.close()

    def _pass_on(self, fd: int, line: Line) -> None:
        if line.text.startswith(SYSTEM_PREFIX):
            return self._log.information("Worker.Console", line.text.removeprefix(SYSTEM_PREFIX))
        if fd == 2:
            self._last_words.append(line.text)
        ran = self.ran.find(line.invocation)
        self._log.write(
            WorkerOutput(
                level=self._stderr_level(line.text) if fd == 2 else Level.INFORMATION,
                message=line.text,
                stream="stderr" if fd == 2 else "stdout",
                pid=self._pid,
                is_cut=line.is_cut,
                function=ran.function,
                invocation=line.invocation,
                instance=ran.instance,
            )
        )

    def kill(self) -> None:
        """The process and what it started."""
        if self.exited.done():
            return
        if sys.platform == "win32":
            self._transport.kill()
        else:
            kill_group(self.pid)

    async def wait(self) -> ProcessExit:
        return await asyncio.shield(self.exited)

    async def unless_it_ends(self, awaitable: Awaitable[T]) -> T:
        """Raises WorkerStartFailed if the process ends first."""
        waiting: asyncio.Future[Any] = asyncio.ensure_future(awaitable)
        try:
            await asyncio.wait([waiting, self.exited], return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return cast(T, waiting.result())
        finally:
            waiting.cancel()
        raise WorkerStartFailed(f"The worker ended before it was ready: {self.exited.result()}")


def level_of(line: str) -> Level:
    """Of a line on stderr (platform/console-and-logs.md 3)."""
    lowered = line.lower()
    if "warn" in lowered:
        return Level.WARNING
    if any(word in lowered for word in ("error", "fail", "severe", "unhandled exception")):
        return Level.ERROR
    return Level.INFORMATION


StderrLevel = Callable[[str], Level]
"""The level of a line on stderr."""


async def start_process(
    command: Command, log: Log, groups: ProcessGroups, clock: Clock, transport: TransportFactory = DEFAULT_TRANSPORT
) -> tuple[WorkerProcess, socket.socket]:
    """A running process, and the socket to it. Raises WorkerStartFailed."""
    try:
        async with transport() as opening:
            process = await spawn(command, log, groups, clock, opening.environment, opening.inherited)
            with contextlib.ExitStack() as undo:
                undo.callback(process.kill)
                connection = await process.unless_it_ends(opening.connect())
                undo.pop_all()
            return process, connection
    except OSError as error:
        raise cannot_start(command, error) from error


def cannot_start(command: Command, error: OSError) -> WorkerStartFailed:
    return WorkerStartFailed(f"Cannot start the worker with {command.arguments[0]}: {system_error(error)}")


async def spawn(
    command: Command,
    log: Log,
    groups: ProcessGroups,
    clock: Clock,
    environment: Mapping[str, str],
    inherited: tuple[int, ...] = (),
    stderr_level: StderrLevel = level_of,
) -> WorkerProcess:
    """A running process, with these variables beside the command's and these descriptors. Raises OSError."""
    executable = command.arguments[0]
    own_group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own_group = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    _, process = await asyncio.get_running_loop().subprocess_exec(
        lambda: WorkerProcess(executable, log, groups, clock, stderr_level),
        *command.arguments,
        stdin=subprocess.DEVNULL,
        cwd=command.directory,
        env={**command.environment, **environment},
        pass_fds=inherited,
        **own_group,
    )
    return process
