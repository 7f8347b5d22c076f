"""From one version of an app to the next: watch, load, hand over. A broken one never replaces a running one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fnhost.bindings.contract import BindingError
from fnhost.bindings.http.trigger import HttpSettings, RouteTable
from fnhost.bindings.storage.services import HostState
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import App, HostConfig, Settings
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.assembly.functions import LoadedApp
from fnhost.host.assembly.generation import generation, loaded
from fnhost.host.assembly.servable import hub_alone, servable, uses_durable
from fnhost.host.assembly.storage_use import needs_emulator
from fnhost.host.errors import AppError, StartError, WorkerError
from fnhost.host.limits import MOST_EARLIER_VERSIONS
from fnhost.host.listing import error_lines
from fnhost.host.load.app import load
from fnhost.host.load.root import is_project
from fnhost.host.logging.events import HOST_CATEGORY, AppRefused, AppReloaded, AppStarted, FilesChanged
from fnhost.host.logging.log import Level, Log
from fnhost.host.start.watch import FileWatcher
from fnhost.host.system.open_files import system_error
from fnhost.host.tasks import BackgroundTasks, first
from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.reloads import ReloadHistory
from fnhost.host.web.front import Front
from fnhost.host.web.keys import Keys
from fnhost.host.worker.commands import missing_modules, package_folders, runnable
from fnhost.host.worker.pools import WorkerPools
from fnhost.host.worker.standby import StandbyWorkers
from fnhost.host.worker.toolchains import TOOLCHAINS

EARLIER = (
    "{count} earlier versions of the app still run something: {functions}. Each keeps its worker processes and their "
    "memory until that has ended. Ctrl-C ends all of them."
)
HELD = "The next version starts when the worker with arguments of its own has ended. It still runs {}."
if TYPE_CHECKING:
    from fnhost.host.assembly.openhub import TaskHub
    from fnhost.host.assembly.taskhub import HubChange, TaskHubs

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class HostContext:
    """What stays while versions of the app change: where it lies, what was asked for, and what is opened only once."""

    root: Path
    environment: Mapping[str, str]
    only: Sequence[str]
    interpreters: Mapping[str, str]
    host_name: str
    front: Front
    keys: Keys
    standby: StandbyWorkers
    log: Log
    emulator: StorageEmulator
    state: HostState
    reloads: ReloadHistory
    live: LiveEvents
    clock: Clock = SYSTEM_CLOCK
    grpc_port: int | None = None
    is_scheduler: bool = False
    """Whether a task hub is served and no functions."""

    def read(self) -> App:
        """Raises AppError."""
        if not self.is_scheduler:
            return servable(load(self.root, self.environment, self.only))
        if is_project(self.root):
            return hub_alone(load(self.root, self.environment))
        return hub_alone(App(self.root, "", (), Settings(self.environment), HostConfig()))


@dataclass(frozen=True, slots=True)
class RunningVersion:
    """The version in service, and how to leave it."""

    view: ActiveApp
    stack: AsyncExitStack
    pools: WorkerPools | None = None

    @property
    def functions(self) -> list[str]:
        """The names of the functions that run in it, one for each invocation."""
        return sorted(invocation.function.name for invocation in self.pools.running) if self.pools else []

    @property
    def broken(self) -> frozenset[str]:
        return broken(self.view.app, self.view.failures)


@dataclass(slots=True)
class HeldHub:
    """The use that a version makes of its task hub, for as long as the version lives."""

    change: "HubChange | None" = None

    async def leave(self) -> None:
        if self.change:
            await self.change.leave()


class Refused(Exception):
    """A new version has faults that the running one has not."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Reload:
    """Serves the app of a site, and every new version of it. `entered` is told of each that goes into service."""

    def __init__(self, site: HostContext, entered: Callable[[ActiveApp], None]) -> None:
        self._site, self._log, self._entered = site, site.log, entered
        self._running: RunningVersion | None = None
        self._watch = FileWatcher(site.root, site.log, site.clock)
        self._is_asked = False
        """Whether the next version is one that somebody asked for, and not the first."""
        self._hubs: TaskHubs | None = None
        self._hub_stack = AsyncExitStack()
        self._tasks = BackgroundTasks(site.log)
        self._earlier: list[RunningVersion] = []
        self._said: set[str] = set()
        self._ending, self._exhausted = asyncio.Event(), asyncio.Event()

    async def serve(self) -> None:
        """Until cancelled, or until the workers have crashed too often.

        Raises StartError if the first version needs what this machine has not.
        """
        watch = self._watch
        try:
            async with watch.running():
                await self._take(watch)
                await first(self._follow(watch), self._exhausted.wait())
        finally:
            await self._close()

    def again(self) -> None:
        """Load the app anew, though no file has changed."""
        self._is_asked = True
        self._watch.wake()

    async def _follow(self, watch: FileWatcher) -> None:
        while True:
            changed = await watch.next()
            if changed:
                self._log.write(FilesChanged(files=tuple(map(str, changed))))
            await self._take(watch, changed)

    async def _take(self, watch: FileWatcher, changed: Sequence[Path] = ()) -> None:
        """Read the app and put it into service, or say what keeps it from that."""
        started = self._site.clock.monotonic()
        try:
            app = await asyncio.to_thread(self._site.read)
            watch.follow(app, package_folders(app, self._site.interpreters))
            view = await self._enter(app)
        except AppError as error:
            self._refuse([str(problem) for problem in error.problems], changed, started)
        except Refused as error:
            self._refuse(error.faults, changed, started)
        except (WorkerError, BindingError) as error:
            self._refuse([str(error)], changed, started)
        except StartError as error:
            if self._running is None:  # nothing was ever shown: whoever starts the host is told, and it ends
                raise
            self._refuse([str(error)], changed, started)
        except OSError as error:
            self._refuse([f"The app cannot be loaded: {system_error(error)}"], changed, started)
        else:
            self._say_entered(view, changed, self._site.clock.monotonic() - started)

    def _say_entered(self, view: ActiveApp, changed: Sequence[Path], seconds: float) -> None:
        self._site.front.refused = ()
        if changed or self._is_asked:
            self._is_asked = False
            self._log.write(AppReloaded(files=tuple(map(str, changed)), duration_ms=seconds * 1000))
        self._log.write(AppStarted())
        self._site.reloads.entered(changed, seconds)
        self._entered(view)

    def _refuse(self, faults: Sequence[str], changed: Sequence[Path], started: float) -> None:
        self._site.front.refused = tuple(faults)
        self._log.write(AppRefused(problems=tuple(faults), is_serving=self._serving is not None))
        self._site.reloads.refused(changed, self._site.clock.monotonic() - started, faults)
        if not self._serving:
            self._show_error(faults)

    def _show_error(self, faults: Sequence[str]) -> None:
        app = App(self._site.root, "", (), Settings({}), HostConfig())
        view = ActiveApp(app, RouteTable(HttpSettings()), _nobody, state="Error", errors=tuple(faults))
        stack = AsyncExitStack()
        stack.enter_context(self._site.front.showing(view))
        self._succeed(RunningVersion(view, stack))

    async def _enter(self, app: App) -> ActiveApp:
        """Load the new version beside the running one, then let it take over; a version that fails leaves no trace.

        Raises AppError, BindingError, OSError, Refused, StartError, WorkerError.
        """
        async with AsyncExitStack() as stack:
            held = HeldHub()
            stack.push_async_callback(held.leave)
            if app.index_files:  # what it needs is known only when a worker has listed its functions
                fresh = await self._load(app, stack)
                await self._prepare_storage(fresh.app, held)
            else:
                fresh, _ = await run_both(self._load(app, stack), self._prepare_storage(app, held))
            view = await self._activate(fresh, held.change, stack)
            self._succeed(RunningVersion(view, stack.pop_all(), fresh.pools))
        return view

    async def _prepare_storage(self, app: App, held: "HeldHub") -> None:
        if needs_emulator(app):
            self._site.emulator.begin(app.settings.environment)
        await self._prepare_hub(app, held)

    async def _prepare_hub(self, app: App, held: "HeldHub") -> None:
        """An app without durable functions starts without the weight of their modules."""
        if not uses_durable(app) and self._site.grpc_port is None:
            return
        if self._hubs is None:
            await asyncio.to_thread(import_module, "fnhost.host.assembly.taskhub")  # requests are served meanwhile
            from fnhost.host.assembly.openhub import HubOpener
            from fnhost.host.assembly.taskhub import TaskHubs

            site = self._site
            opener = HubOpener(site.root, site.emulator, self._log, site.clock, site.keys, site.host_name, site.live)
            hubs = TaskHubs(opener, grpc_port=site.grpc_port, is_scheduler=site.is_scheduler)
            self._hubs = await self._hub_stack.enter_async_context(hubs)
        held.change = await self._hubs.prepare(app)

    async def _activate(self, fresh: LoadedApp, change: "HubChange | None", stack: AsyncExitStack) -> ActiveApp:
        site, hub = self._site, await self._open_hub(fresh, change) if change else None
        try:
            active = generation(fresh, site.front, hub, site.state, site.emulator, self._log, self._ending, site.clock)
            view = await stack.enter_async_context(active)
        except BaseException:
            if change:
                await change.revert()
            raise
        if change:
            change.commit()
        return view

    async def _open_hub(self, fresh: LoadedApp, change: "HubChange") -> "TaskHub":
        return await change.open(grpc=fresh.uses_grpc or self._site.grpc_port is not None)

    def _succeed(self, running: RunningVersion) -> None:
        before, self._running = self._running, running
        if before:
            self._tasks.spawn("Ending an earlier version of the app", self._leave(before))

    async def _leave(self, version: RunningVersion) -> None:
        """Takes as long as what runs in it."""
        self._earlier.append(version)
        busy = [one for one in self._earlier if one.functions]
        if len(busy) > MOST_EARLIER_VERSIONS:
            functions = ", ".join(sorted({name for one in busy for name in one.functions}))
            self._log.warning(HOST_CATEGORY, EARLIER.format(count=len(busy), functions=functions))
        try:
            await version.stack.aclose()
        finally:
            self._earlier.remove(version)

    async def _load(self, app: App, stack: AsyncExitStack) -> LoadedApp:
        """Raises Refused if something broke that works in the version that is served."""
        fresh = await self._in_workers(app, stack)
        if self._serving and (worse := broken(fresh.app, fresh.failures) - self._serving.broken):
            raise Refused(messages_of(fresh.app, fresh.failures, worse))
        return fresh

    async def _in_workers(self, app: App, stack: AsyncExitStack) -> LoadedApp:
        site = self._site
        if not app.languages:
            return LoadedApp(app)
        app, commands = runnable(app, site.interpreters)
        for run in commands:
            self._say_once(f"{TOOLCHAINS[run.language].title}: {run.interpreter}")
        if self._running and any(run.is_exclusive for run in commands):
            await self._give_up()
        workers = loaded(app, commands, site.standby, self._log, self._ending, self._exhausted, site.clock, site.only)
        try:
            fresh = await stack.enter_async_context(workers)
        except AppError as error:
            self._say_once(missing_modules(commands, [str(problem) for problem in error.problems]), Level.ERROR)
            raise
        told = [*fresh.failures.values(), *(problem.message for problem in fresh.app.problems)]
        self._say_once(missing_modules(commands, told), Level.ERROR)
        return fresh

    def _say_once(self, sentence: str, level: Level = Level.INFORMATION) -> None:
        """Not again with each version for which it is true."""
        if sentence and sentence not in self._said:
            self._said.add(sentence)
            self._log(level, HOST_CATEGORY, sentence)

    async def _give_up(self) -> None:
        """What its arguments start may hold a port: the next worker starts when this one has ended; requests wait."""
        before, self._running = self._running, None
        if before:
            if before.functions:
                self._log.warning(HOST_CATEGORY, HELD.format(", ".join(before.functions)))
            await before.stack.aclose()

    @property
    def _serving(self) -> RunningVersion | None:
        """The running version, unless it is the place-holder of an app that cannot be served."""
        return self._running if self._running and self._running.view.state == "Running" else None

    async def _close(self) -> None:
        self._ending.set()
        await self._hub_stack.aclose()
        if self._running:
            await self._running.stack.aclose()
        await self._tasks.wait()


async def run_both(first: Awaitable[T], second: Awaitable[U]) -> tuple[T, U]:
    """Both, side by side; if one fails the other is not left behind."""
    tasks = asyncio.ensure_future(first), asyncio.ensure_future(second)
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def broken(app: App, failures: Mapping[str, str]) -> frozenset[str]:
    """What does not work in this version: functions by name, files that are no function's."""
    return frozenset(failures) | {problem.function or problem.file for problem in app.problems}


def messages_of(app: App, failures: Mapping[str, str], wanted: frozenset[str]) -> list[str]:
    problems = [problem for problem in app.problems if (problem.function or problem.file) in wanted]
    return [*error_lines(problems), *(text for name, text in failures.items() if name in wanted)]


async def _nobody(name: str, given: str) -> object:
    raise LookupError(name)
