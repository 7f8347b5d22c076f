"""The workers of an app, n of them: loaded, called in turn, replaced when they end (platform/lifecycle.md 1)."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Self, TypeVar

from fnhost.bindings.contract import Outcome
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import App, Function, IndexedFunction
from fnhost.host.errors import (
    FunctionNotLoadable,
    WorkerEnded,
    WorkersExhausted,
    WorkersNotReady,
    WorkerStartFailed,
    WorkerStopped,
)
from fnhost.host.limits import LAST_STOP, LEAST_LOAD, READY, STOP
from fnhost.host.load.processes import process_count
from fnhost.host.logging.events import WORKER, WorkerExited
from fnhost.host.logging.log import Log
from fnhost.host.retry import Attempts, RetryPolicy
from fnhost.host.tasks import BackgroundTasks, UseCount, hurried
from fnhost.host.worker import Invocation, ObserveMode, WorkerStatus
from fnhost.host.worker.channel import WorkerChannel
from fnhost.host.worker.commands import Command
from fnhost.host.worker.indexing import read_metadata
from fnhost.host.worker.isolation import IsolatedWorkers, runs_apart
from fnhost.host.worker.process import ProcessExit
from fnhost.host.worker.standby import StandbyWorkers

T = TypeVar("T")
CRASHES_PER_PROCESS = 3
FORGIVEN_AFTER = 1800.0
"""A crash this many seconds after the one before starts the count anew (platform/lifecycle.md 1)."""
RESTARTS = RetryPolicy(first=0.05, longest=10.0, forgiving=60.0)
"""The pauses before a process is replaced: one that ends at once, again and again, must not keep the machine busy."""
SPARES = 1
"""Standbys beyond those that a reload takes: one may save twice in a row."""
INTENDED_EXITS = (0, 200)
EXHAUSTED = (
    "Exceeded language worker restart retry count for runtime:{}. "
    "Shutting down and proactively recycling the Functions Host to recover"
)
LOST = (
    "{}\n\nThe version that was in service is lost with its worker, and this is what the app's files hold now. "
    "Mend them and save: the app is tried again at once."
)


def crash_policy(processes: int) -> RetryPolicy:
    """How many crashes the processes of an app may have together (platform/lifecycle.md 1)."""
    return RetryPolicy(limit=CRASHES_PER_PROCESS * processes, forgiving=FORGIVEN_AFTER)


class WorkerPool:
    """The `Worker` of one generation for the functions in one language.

    `exhausted` is set when its processes crashed too often: the host must end. `use` counts what needs the generation's
    processes: requests and invocations from their begin to their end.
    """

    def __init__(
        self,
        app: App,
        command: Command,
        standby: StandbyWorkers,
        log: Log,
        exhausted: asyncio.Event | None = None,
        ending: asyncio.Event | None = None,
        clock: Clock = SYSTEM_CLOCK,
        use: UseCount | None = None,
    ) -> None:
        """`ending` is set when the host ends: then its processes have less time to do so."""
        self._load_timeout = max(app.config.timeout, LEAST_LOAD) if app.config.timeout else None
        self._command, self._standby, self._log, self._clock = command, standby, log, clock
        self.serve(app.functions)
        self._count = process_count(app.settings)
        self._crashes = Attempts(crash_policy(self._count), clock)
        self._restarts = Attempts(RESTARTS, clock)
        self._channels: set[WorkerChannel] = set()
        self.requires_grpc = False
        self.streamed: Collection[str] = ()
        """Names of the functions that take requests as streams."""
        self._indexer: WorkerChannel | None = None
        """The process that has listed the app: it is the first to load it."""
        self._ready: list[WorkerChannel] = []
        self._isolated = IsolatedWorkers(self._open_apart)
        self._change = asyncio.Event()
        self._failures: Mapping[str, str] = {}
        self._tasks = BackgroundTasks(log)
        self._is_leaving = self._is_exhausted = self._is_closed = False
        self._ending = ending or asyncio.Event()
        self.use = use or UseCount()
        self.exhausted = exhausted or asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End its processes."""
        self._is_closed = True
        self._tasks.cancel()
        await hurried(self._stop_all(), self._ending, LAST_STOP, self._clock)
        for channel in self._channels:
            channel.kill()
        await asyncio.gather(*(channel.wait() for channel in self._channels))
        await self._tasks.wait()

    async def index(self) -> Sequence[IndexedFunction] | None:
        """The functions that the app's worker lists; None if it says that folders declare them.

        Raises IndexingFailed, WorkerStartFailed.
        """
        channel = await self._standby.take(self._command)
        self._channels.add(channel)
        try:
            listed = read_metadata(await self._in_time(channel, channel.metadata(str(self._command.directory))))
        except TimeoutError:
            raise WorkerStartFailed(f"The worker did not list the app within {self._load_timeout:.0f} s.") from None
        except WorkerEnded as ended:
            raise WorkerStartFailed(f"The worker ended while it listed the app's functions. {ended}") from ended
        self._indexer = channel
        return listed

    def serve(self, functions: Sequence[Function]) -> None:
        """From now on those of these that are in its language are the app's: some are not known before `index`."""
        own = [function for function in functions if function.language == self._command.language]
        self._functions = sorted(own, key=lambda function: function.disabled)

    async def load(self) -> Mapping[str, str]:
        """Start every process. Why functions could not be loaded, by name. Raises WorkerStartFailed."""
        try:
            channels = await all_of([self._open() for _ in range(self._count)])
        except WorkerEnded as ended:
            raise WorkerStartFailed(f"The worker ended while it loaded the app. {ended}") from ended
        for channel in channels:
            self._tasks.spawn(f"Keeping the worker process {channel.pid}", self._keep(channel))
        return self._failures

    def give_up(self, why: str) -> Mapping[str, str]:
        """None of its functions can be called, for this reason. What `load` returns of functions that do not load."""
        self._failures = {function.name: why for function in self._functions}
        return self._failures

    async def call(self, invocation: Invocation) -> Outcome:
        """Whoever calls counts in `use`. Raises WorkersNotReady and WorkersExhausted as well."""
        if failure := self._failures.get(invocation.function.name):
            raise FunctionNotLoadable(failure)
        if runs_apart(invocation):
            return await self._isolated.call(invocation)
        channel = await self._next()
        return await channel.call(invocation)

    async def observe(self, invocation: Invocation, mode: ObserveMode, seconds: float) -> Mapping[str, Any]:
        """The recording of a quiet replay. Raises CannotObserve, TimedOut, WorkerEnded, WorkersNotReady and others."""
        if failure := self._failures.get(invocation.function.name):
            raise FunctionNotLoadable(failure)
        with self.use:
            return await (await self._next()).observe(invocation, mode, seconds)

    @property
    def running(self) -> Iterable[Invocation]:
        """What its processes hold."""
        return [invocation for channel in self._channels for invocation in channel.running]

    @property
    def statuses(self) -> Iterable[WorkerStatus]:
        """Each of its processes, those apart included."""
        run = self._command
        return [
            WorkerStatus(run.language, one.pid, run.arguments[0], len(one.running), one in self._ready)
            for one in self._channels
        ]

    async def drain(self, seconds: float | None = None) -> bool:
        """Wait until nothing uses it, as long as that takes, or for so many seconds. Whether nothing does.

        Nothing new is expected from now on: what crashes is replaced only while something runs.
        """
        self._is_leaving = True
        try:
            async with self._clock.timeout(seconds):
                await self.use.unused()
        except TimeoutError:
            return False
        return True

    async def abandon(self, invocation: str) -> None:
        """Kill and replace the process that runs it. What else ran there fails with WorkerStopped."""
        for channel in self._channels:
            if any(one.id == invocation for one in channel.running):
                channel.kill()
                await channel.wait()
                return

    async def _next(self) -> WorkerChannel:
        """The ready processes in turn; waits for one when there is none. Raises what `_until_ready` raises."""
        while True:
            if not self._ready:
                await self._until_ready()
            channel = self._ready.pop(0)
            if channel.is_alive:
                self._ready.append(channel)
                return channel

    async def _until_ready(self) -> None:
        """Raises WorkersNotReady, WorkersExhausted, WorkerStopped."""
        try:
            async with self._clock.timeout(READY):
                while not self._ready and not self._is_exhausted and not self._is_closed:
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            raise WorkersNotReady(f"No worker process became ready within {READY:.0f} s.") from None
        if self._is_closed:
            raise WorkerStopped("The host has stopped the worker processes of this version of the app.")
        if not self._ready:
            raise WorkersExhausted("No worker process is left: too many crashed.")

    async def _open(self) -> WorkerChannel:
        """A process that has loaded the app and takes calls. Raises WorkerStartFailed, WorkerEnded."""
        channel = await self._loaded()
        self._ready.append(channel)
        self._change.set()
        self._standby.prepare(self._command, self._count + SPARES)
        return channel

    async def _open_apart(self) -> WorkerChannel:
        """A process that has loaded the app, for one call at a time. Raises WorkersNotReady."""
        try:
            channel = await self._loaded()
        except (WorkerStartFailed, WorkerEnded) as error:
            raise WorkersNotReady(str(error)) from error
        self._tasks.spawn(f"Watching the worker process {channel.pid}", self._watch_apart(channel))
        return channel

    async def _watch_apart(self, channel: WorkerChannel) -> None:
        exit = await channel.wait()
        self._channels.discard(channel)
        self._log.information(WORKER, f"Language Worker Process exited. Pid={exit.pid}. {exit}")

    async def _loaded(self) -> WorkerChannel:
        channel, self._indexer = self._indexer or await self._standby.take(self._command), None
        self._channels.add(channel)
        try:
            self._failures = await self._in_time(channel, channel.load(self._functions))
            self.requires_grpc = channel.requires_grpc
            self.streamed = [one.name for one in self._functions if one.retry is None and channel.streams(one)]
        except TimeoutError:
            channel.kill()
            raise WorkerStartFailed(f"The worker did not load the app within {self._load_timeout:.0f} s.") from None
        return channel

    async def _in_time(self, channel: WorkerChannel, work: Coroutine[Any, Any, T]) -> T:
        """Its work before it takes calls. The limit begins anew while a debugger may hold it. Raises TimeoutError."""
        task = asyncio.ensure_future(work)
        try:
            while True:
                try:
                    async with self._clock.timeout(self._load_timeout):
                        return await asyncio.shield(task)
                except TimeoutError:
                    if not channel.is_debugged:
                        raise
        finally:
            task.cancel()

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
        is_expected = channel.is_stopped or exit.code in INTENDED_EXITS
        self._log.write(WorkerExited(pid=exit.pid, code=exit.code, is_expected=is_expected, last_words=exit.last_words))
        if not is_expected:
            self._note_crash(str(exit), channel.running)

    def _note_crash(self, text: str, held: Iterable[Invocation] = ()) -> None:
        """One that ran work whose crashes are counted elsewhere does not count: that work is given up in time."""
        self._log.error(WORKER, text)
        if any(invocation.event.crashes is not None for invocation in held) or self._crashes.failed():
            return
        self._is_exhausted = True
        self._change.set()
        if not self._is_leaving:  # the version that is served may be mended already
            self._log.error(WORKER, EXHAUSTED.format(self._command.language))
            self.exhausted.set()

    async def _replace(self) -> WorkerChannel | None:
        """None when there were too many crashes, or nothing is left to do."""
        while not self._is_exhausted and (self.use.count or not self._is_leaving):
            self._restarts.failed()
            await self._restarts.pause()
            before = self._failures
            try:
                channel = await self._open()
            except (WorkerEnded, WorkerStartFailed) as error:
                self._note_crash(str(error))
            else:
                self._log.information(WORKER, "Restart of language worker process(es) completed.")
                self._note_lost(before)
                return channel
        return None

    def _note_lost(self, before: Mapping[str, str]) -> None:
        """A new process loads what is on disk, which may be an edit that a reload has refused."""
        if lost := [why for name, why in self._failures.items() if name not in before]:
            self._log.error(WORKER, LOST.format("\n".join(lost)))

    async def _stop_all(self) -> None:
        await asyncio.gather(*(channel.stop(STOP) for channel in self._channels))


async def all_of(works: Iterable[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """All results. Raises the first failure, when none is under way any more."""
    results = await asyncio.gather(*works, return_exceptions=True)
    found = [result for result in results if not isinstance(result, BaseException)]
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return found
