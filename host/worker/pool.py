"""The workers of an app, n of them: loaded, called in turn, replaced when they end (platform/lifecycle.md 1)."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from fnhost.bindings.contract import Outcome
from fnhost.host.app import App, Settings
from fnhost.host.errors import LoadFailed, StartError, WorkerDied, WorkerStartFailed
from fnhost.host.log import Log
from fnhost.host.worker import Invocation
from fnhost.host.worker.channel import OpenChannel, WorkerChannel
from fnhost.host.worker.commands import Command
from fnhost.host.worker.framed import open_channel
from fnhost.host.worker.process import ProcessExit

CATEGORY = "Worker.Process"
MOST_PROCESSES = 10
LEAST_LOAD_TIMEOUT = 60.0
READY_TIMEOUT = 40.0
"""How long a call waits for a process to replace a dead one."""
CRASHES_PER_PROCESS = 3
FORGIVEN_AFTER = 1800.0
"""A crash this many seconds after the one before starts the count anew."""
STANDBY_DELAY = 0.2
"""Seconds between a load and the start of the next standby: a reload has the CPU for itself."""
SPARES = 1
"""Standbys beyond those that a reload takes: one may save twice in a row."""
INTENDED_EXITS = (0, 200)
EXHAUSTED = (
    "Exceeded language worker restart retry count for runtime:{}. "
    "Shutting down and proactively recycling the Functions Host to recover"
)


class StandbyWorkers:
    """Processes that have imported their SDKs and wait without user code, so that a reload need not start any."""

    def __init__(self, log: Log, open_channel: OpenChannel = open_channel) -> None:
        """`open_channel` is the form of the conversation with every worker."""
        self._log, self._open_channel = log, open_channel
        self._waiting: list[tuple[Command, asyncio.Task[WorkerChannel]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()
        self._dropped: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._cancel_timer()
        self._drop_all_but(None)
        await asyncio.gather(*self._dropped)

    async def begin(self, command: Command) -> None:
        """Have the first process on its way when this returns."""
        if command.stands_by and not command.is_exclusive:
            self._waiting.append((command, asyncio.create_task(self._open_channel(command, self._log))))
            await asyncio.sleep(0)

    def prepare(self, command: Command, count: int = 1, after: float = STANDBY_DELAY) -> None:
        """In `after` seconds, have `count` of them waiting. Asked again meanwhile, the time starts anew."""
        self._cancel_timer()
        self._timer = asyncio.get_running_loop().call_later(after, self._fill, command, count)

    async def take(self, command: Command) -> WorkerChannel:
        """One that waits, or a new one. Raises WorkerStartFailed."""
        while found := min((e for e in self._waiting if e[0] == command), key=lambda e: not e[1].done(), default=None):
            self._waiting.remove(found)
            with contextlib.suppress(WorkerStartFailed):
                if (channel := await found[1]).is_alive:
                    return channel
        return await self._open_channel(command, self._log)

    def _fill(self, command: Command, count: int) -> None:
        self._drop_all_but(command)
        can_wait = command.stands_by and not command.is_exclusive
        missing = count - len(self._waiting) if can_wait else 0
        for _ in range(missing):
            self._waiting.append((command, asyncio.create_task(self._open(command))))

    async def _open(self, command: Command) -> WorkerChannel:
        async with self._turn:  # the others need the processor more
            channel = await self._open_channel(command, self._log)
        channel.warm_up()
        return channel

    def _cancel_timer(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _drop_all_but(self, command: Command | None) -> None:
        for entry in [entry for entry in self._waiting if entry[0] != command]:
            self._waiting.remove(entry)
            task = asyncio.create_task(_stop_when_open(entry[1]))
            self._dropped.add(task)
            task.add_done_callback(self._dropped.discard)


async def _stop_when_open(opening: asyncio.Task[WorkerChannel]) -> None:
    """A process that is half started cannot be called off without losing sight of it."""
    with contextlib.suppress(WorkerStartFailed):
        await (await opening).stop()


@dataclass(slots=True)
class CrashCounter:
    """Counts crashes; a long time without one is forgiving (platform/lifecycle.md 1)."""

    limit: int
    count: int = 0
    last: float = float("-inf")

    def add(self, now: float) -> bool:
        """Whether this one, at `now` in seconds, is one too many."""
        self.count = 1 if now - self.last > FORGIVEN_AFTER else self.count + 1
        self.last = now
        return self.count >= self.limit


class WorkerPool:
    """The `Worker` of one generation. `exhausted` is set when its processes crashed too often: the host must end."""

    def __init__(
        self, app: App, command: Command, standby: StandbyWorkers, log: Log, exhausted: asyncio.Event | None = None
    ) -> None:
        self._functions = sorted(app.functions, key=lambda function: function.disabled)
        self._load_timeout = max(app.config.timeout, LEAST_LOAD_TIMEOUT) if app.config.timeout else None
        self._command = command
        self._standby = standby
        self._log = log
        self._count = process_count(app.settings)
        self._crashes = CrashCounter(CRASHES_PER_PROCESS * self._count)
        self._channels: set[WorkerChannel] = set()
        self._abandoned: set[WorkerChannel] = set()
        self._ready: list[WorkerChannel] = []
        self._change = asyncio.Event()
        self._calls = 0
        self._idle = asyncio.Event()
        self._failures: Mapping[str, str] = {}
        self._tasks: list[asyncio.Task[Any]] = []
        self.exhausted = exhausted or asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(channel.stop() for channel in self._channels))

    async def load(self) -> Mapping[str, str]:
        """Start every process. Why functions could not be loaded, by name. Raises WorkerStartFailed."""
        self._tasks = [asyncio.create_task(self._open()) for _ in range(self._count)]
        try:
            channels = await asyncio.gather(*self._tasks)
        except WorkerDied as died:
            raise WorkerStartFailed(f"The worker ended while it loaded the app. {died}") from died
        self._tasks = [asyncio.create_task(self._keep(channel)) for channel in channels]
        return self._failures

    async def call(self, invocation: Invocation) -> Outcome:
        if failure := self._failures.get(invocation.function.name):
            raise LoadFailed(failure)
        self._calls += 1
        self._idle.clear()
        try:
            channel = await self._next()
            return await channel.call(invocation)
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    async def drain(self, seconds: float) -> bool:
        """Wait until no call is running, for so long. Whether all are done."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._calls:
                    await self._idle.wait()
        return not self._calls

    async def abandon(self, invocation: str) -> None:
        """Kill and replace the process that runs it. What else ran there fails with WorkerDied."""
        for channel in self._channels:
            if invocation in channel.running:
                self._abandoned.add(channel)
                channel.kill()
                await channel.wait()
                return

    async def _next(self) -> WorkerChannel:
        """The ready processes in turn; waits for one when there is none. Raises WorkerDied."""
        while True:
            if not self._ready:
                await self._until_ready()
            channel = self._ready.pop(0)
            if channel.is_alive:
                self._ready.append(channel)
                return channel

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(READY_TIMEOUT):
                while not self._ready and not self.exhausted.is_set():
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            raise WorkerDied(f"No worker process became ready within {READY_TIMEOUT:.0f} s.") from None
        if not self._ready:
            raise WorkerDied("No worker process is left: too many crashed.")

    async def _open(self) -> WorkerChannel:
        """A process that has loaded the app. Raises WorkerStartFailed, WorkerDied."""
        channel = await self._standby.take(self._command)
        self._channels.add(channel)
        self._failures = await self._load(channel)
        self._ready.append(channel)
        self._change.set()
        self._standby.prepare(self._command, self._count + SPARES)
        return channel

    async def _load(self, channel: WorkerChannel) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(self._load_timeout):
                return await channel.load(self._functions)
        except TimeoutError:
            channel.kill()
            raise WorkerDied(f"The worker did not load the app within {self._load_timeout:.0f} s.") from None

    async def _keep(self, channel: WorkerChannel) -> None:
        """Replace the process whenever it ends, until there were too many crashes."""
        while True:
            self._note_exit(channel, await channel.wait())
            replacement = await self._replace()
            if replacement is None:
                return
            channel = replacement

    def _note_exit(self, channel: WorkerChannel, exit: ProcessExit) -> None:
        self._channels.discard(channel)
        self._ready = [ready for ready in self._ready if ready is not channel]
        told = f"Language Worker Process exited. Pid={exit.pid}."
        if channel in self._abandoned or exit.code in INTENDED_EXITS:
            self._abandoned.discard(channel)
            return self._log.information(CATEGORY, told)
        self._log.error(CATEGORY, told)
        self._note_crash(str(exit))

    def _note_crash(self, text: str) -> None:
        self._log.error(CATEGORY, text)
        if self._crashes.add(asyncio.get_running_loop().time()):
            self._log.error(CATEGORY, EXHAUSTED.format(self._command.language))
            self.exhausted.set()
            self._change.set()

    async def _replace(self) -> WorkerChannel | None:
        """None when there were too many crashes."""
        while not self.exhausted.is_set():
            try:
                channel = await self._open()
            except (WorkerDied, WorkerStartFailed) as error:
                self._note_crash(str(error))
            else:
                self._log.information(CATEGORY, "Restart of language worker process(es) completed.")
                return channel
        return None


def process_count(settings: Settings) -> int:
    """FUNCTIONS_WORKER_PROCESS_COUNT, 1 to 10. Raises StartError."""
    text = settings.get("FUNCTIONS_WORKER_PROCESS_COUNT") or "1"
    if not text.isdecimal():
        raise StartError(f"The setting FUNCTIONS_WORKER_PROCESS_COUNT must be a number from 1 to 10, not {text!r}.")
    return min(max(int(text), 1), MOST_PROCESSES)
