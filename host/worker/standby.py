"""Processes that have imported their SDKs and wait without user code, so that a reload need not start any."""

import asyncio
from collections.abc import Collection
from typing import Self

from fnhost.clock import SYSTEM_CLOCK, Clock, Timer
from fnhost.host.errors import WorkerEnded, WorkerStartFailed
from fnhost.host.logging.log import Log
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.worker.channel import OpenChannel, WorkerChannel
from fnhost.host.worker.channels import Channels
from fnhost.host.worker.commands import Command
from fnhost.host.worker.debuggers import Debuggers
from fnhost.host.worker.groups import ProcessGroups

STANDBY_DELAY = 0.2
"""Seconds between a load and the start of the next standby: a reload has the CPU for itself."""


class StandbyWorkers:
    """Starts every worker process, and keeps some in waiting. Owns their process groups."""

    def __init__(
        self,
        log: Log,
        clock: Clock = SYSTEM_CLOCK,
        open_channel: OpenChannel | None = None,
        debuggers: Debuggers | None = None,
    ) -> None:
        """`open_channel` is the form of the conversation with every worker, by default the one its command asks for.

        Workers join the `debuggers` that they ask for, which end with this.
        """
        self._log, self._clock, self._debuggers = log, clock, debuggers
        self._channels = Channels()
        self._open_channel = open_channel or self._channels.open
        self._groups = ProcessGroups(log)
        self._tasks = BackgroundTasks(log)
        self._waiting: list[tuple[Command, asyncio.Task[WorkerChannel | WorkerStartFailed]]] = []
        self._timer: Timer | None = None
        self._wanted: dict[str, tuple[Command, int]] = {}
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._groups.__enter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cancel_timer()
        self._drop_all_but(())
        await self._tasks.wait()
        if self._debuggers:
            await self._debuggers.close()
        await self._channels.close()
        self._groups.__exit__()

    async def begin(self, command: Command) -> None:
        """Have the first process on its way when this returns, and the debugger that it joins."""
        if self._debuggers:
            await self._debuggers.begin(command, self._groups)
        if _can_wait(command):
            self._waiting.append((command, self._tasks.spawn("The first worker", self._tried(command))))
            await asyncio.sleep(0)

    def prepare(self, command: Command, count: int = 1, after: float = STANDBY_DELAY) -> None:
        """In `after` seconds, have `count` of them waiting. Asked again meanwhile, the time starts anew.

        Of each language the command asked for last counts, until `keep` leaves the language out.
        """
        self._wanted[command.language] = command, count
        self._cancel_timer()
        self._timer = self._clock.call_later(after, self._fill)

    def keep(self, languages: Collection[str]) -> None:
        """Workers of other languages need not wait any more."""
        self._wanted = {language: wanted for language, wanted in self._wanted.items() if language in languages}

    async def take(self, command: Command) -> WorkerChannel:
        """One that waits, or a new one; it has joined the debugger that it asks for. Raises WorkerStartFailed."""
        channel = await self._take(command)
        if self._debuggers:
            try:
                await self._debuggers.join(command, channel, self._groups)
            except WorkerEnded as ended:
                raise WorkerStartFailed(f"The worker ended while it joined the debugger. {ended}") from ended
        return channel

    async def _take(self, command: Command) -> WorkerChannel:
        """Raises WorkerStartFailed."""
        while found := min((e for e in self._waiting if e[0] == command), key=lambda e: not e[1].done(), default=None):
            self._waiting.remove(found)
            channel = await found[1]
            if not isinstance(channel, WorkerStartFailed) and channel.is_alive:
                return channel
        return await self._open(command)

    def _fill(self) -> None:
        self._drop_all_but([command for command, _ in self._wanted.values()])
        for command, count in self._wanted.values():
            waiting = sum(entry[0] == command for entry in self._waiting)
            for _ in range(count - waiting if _can_wait(command) else 0):
                self._waiting.append((command, self._tasks.spawn("A worker in waiting", self._warm(command))))

    async def _open(self, command: Command) -> WorkerChannel:
        return await self._open_channel(command, self._log, self._groups, self._clock)

    async def _tried(self, command: Command) -> WorkerChannel | WorkerStartFailed:
        """Nobody may ever ask for it: a failure is told when somebody does, by the try that then follows."""
        try:
            return await self._open(command)
        except WorkerStartFailed as error:
            return error

    async def _warm(self, command: Command) -> WorkerChannel | WorkerStartFailed:
        async with self._turn:  # the others need the processor more
            channel = await self._tried(command)
        if not isinstance(channel, WorkerStartFailed):
            channel.warm_up()
        return channel

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _drop_all_but(self, commands: Collection[Command]) -> None:
        for entry in [entry for entry in self._waiting if entry[0] not in commands]:
            self._waiting.remove(entry)
            self._tasks.spawn("Ending a worker in waiting", _kill_when_open(entry[1]))


def _can_wait(command: Command) -> bool:
    return command.stands_by and not command.is_exclusive


async def _kill_when_open(opening: "asyncio.Task[WorkerChannel | WorkerStartFailed]") -> None:
    """A process that is half started cannot be called off without losing sight of it. It holds nothing of an app."""
    channel = await opening
    if not isinstance(channel, WorkerStartFailed):
        channel.kill()
        await channel.wait()
