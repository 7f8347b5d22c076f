"""Debuggers: one for each language, at a port of its own, which every worker of the language joins.

A debugger outlives the versions of the app: its port stays open, and its client stays attached, while workers come and
go. Each worker joins before it loads user code, so a breakpoint holds from the first line on.
"""

import asyncio
from typing import Protocol

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.logging.log import Log
from fnhost.host.worker.channel import WorkerChannel
from fnhost.host.worker.commands import Command
from fnhost.host.worker.debuggers.port import Holder, nobody
from fnhost.host.worker.groups import ProcessGroups


class Debugger(Protocol):
    """What listens at a port, and lets workers join."""

    async def open(self) -> None:
        """Listen, as soon as the port is free: this does not wait for it."""

    async def join(self, channel: WorkerChannel) -> None:
        """Let a worker be debugged that has not loaded user code yet. A failure is logged: the app runs without."""

    async def close(self) -> None: ...


class Debuggers:
    """The debuggers that the workers of an app ask for. Opened with the first worker of a language."""

    def __init__(self, log: Log, clock: Clock = SYSTEM_CLOCK, holder: Holder = nobody) -> None:
        """`holder` names who holds a port, in a sentence."""
        self._log, self._clock, self._holder = log, clock, holder
        self._open: dict[str, tuple[Command, Debugger]] = {}
        self._turn = asyncio.Lock()

    async def close(self) -> None:
        for language in list(self._open):
            await self._close(language)

    async def begin(self, command: Command, groups: ProcessGroups) -> Debugger | None:
        """The debugger that workers by this command join: from now on it listens. None if they join none.

        One that listens elsewhere, or runs under another interpreter, is closed.
        """
        async with self._turn:
            return await self._begin(command, groups)

    async def _begin(self, command: Command, groups: ProcessGroups) -> Debugger | None:
        known, debugger = self._open.get(command.language, (None, None))
        if debugger and known and _is_same(known, command):
            return debugger
        if debugger:
            await self._close(command.language)
        if not command.debug:
            return None
        debugger = _of(command, groups, self._log, self._clock, self._holder)
        self._open[command.language] = command, debugger
        await debugger.open()
        return debugger

    async def join(self, command: Command, channel: WorkerChannel, groups: ProcessGroups) -> None:
        """Raises WorkerEnded when the worker ends meanwhile."""
        if debugger := await self.begin(command, groups):
            await debugger.join(channel)

    async def _close(self, language: str) -> None:
        _, debugger = self._open.pop(language)
        await debugger.close()


def _is_same(one: Command, other: Command) -> bool:
    return (one.debug, one.arguments[0]) == (other.debug, other.arguments[0])


def _of(command: Command, groups: ProcessGroups, log: Log, clock: Clock, holder: Holder) -> Debugger:
    """Imported by whom needs it alone."""
    if command.language == "node":
        from fnhost.host.worker.debuggers.inspector import Inspector

        return Inspector(command, log, clock, holder)
    from fnhost.host.worker.debuggers.debugpy import Debugpy

    return Debugpy(command, groups, log, clock, holder)
