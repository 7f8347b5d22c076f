"""A generation, one loaded version of an app: its workers, its listening triggers, its place in the front."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, cast

from fnhost.bindings import unserved
from fnhost.bindings.contract import (
    Adapter,
    Binding,
    BindingError,
    Event,
    Fire,
    Input,
    ManualTrigger,
    Output,
    Report,
    Trigger,
)
from fnhost.bindings.durable import DurableServices
from fnhost.bindings.http.trigger import RouteTable, read_settings
from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage import Account, resolve
from fnhost.bindings.storage.services import HostState, StorageAccounts, StorageServices, storage_accounts
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import App, Function
from fnhost.host.emulator import StorageEmulator
from fnhost.host.errors import IndexingFailed, Problem
from fnhost.host.invoker import FunctionInvoker
from fnhost.host.limits import LAST_PATIENCE
from fnhost.host.load.indexed import complete
from fnhost.host.log import Level, Log
from fnhost.host.storage_use import StartingInput, StartingOutput, is_on_emulator, uses_emulator
from fnhost.host.supervise import supervise
from fnhost.host.tasks import UseCount, hurried
from fnhost.host.web.active_app import ActiveApp, ManualInvoke
from fnhost.host.web.front import Front
from fnhost.host.worker.commands import Command
from fnhost.host.worker.pool import WorkerPool
from fnhost.host.worker.standby import StandbyWorkers

MANUAL = "This function was programmatically called via the host APIs."


if TYPE_CHECKING:
    from fnhost.host.taskhub import TaskHub


@dataclass(frozen=True, slots=True)
class LoadedApp:
    """An app whose workers have loaded it; one without functions has none.

    `failures` says what they could not load, by function name.
    """

    app: App
    pool: WorkerPool | None = None
    failures: Mapping[str, str] = field(default_factory=dict)


def servable(app: App) -> App:
    """The app without the functions that cannot be served; `problems` says why for each."""
    problems = {function.name: tuple(_obstacles(function, app)) for function in app.functions}
    kept = tuple(function for function in app.functions if not problems[function.name])
    return replace(app, functions=kept, problems=(*app.problems, *chain.from_iterable(problems.values())))


def _obstacles(function: Function, app: App) -> Iterator[Problem]:
    file = function.source or str(function.directory.relative_to(app.root) / "function.json")
    types = [binding_types()[binding.type] for binding in function.bindings]
    is_strict = unserved.is_error(app.config.extension(unserved.NAME))
    for index, (binding, type) in enumerate(zip(function.bindings, types, strict=True)):
        if not type.serves(binding.direction) or (type.goes_nowhere and is_strict):
            message = f"This host does not serve {type.name} (direction {binding.direction})."
            hint = f"It serves {', '.join(binding_types().names)}. The other functions run."
            yield Problem(file, f"/bindings/{index}", message, hint, function.name)
    for index, (binding, type) in enumerate(zip(function.bindings, types, strict=True)):
        try:
            type.read_settings(app.config.extension(type.settings) if type.settings else {})
            if type.services is StorageServices:
                find_account(app)(str(binding.properties.get("connection", "")))
        except BindingError as error:
            yield Problem(file, f"/bindings/{index}", str(error), function=function.name)


def find_account(app: App) -> Callable[[str], Account]:
    """The account of a binding's `connection`. Raises BadConnection."""
    return lambda connection: resolve(connection, app.settings.connection, app.settings.get)


def uses_durable(app: App) -> bool:
    return _uses(app, DurableServices)


def _uses(app: App, services: type) -> bool:
    return any(
        binding_types()[binding.type].services is services
        for function in app.functions
        for binding in function.bindings
    )


@asynccontextmanager
async def loaded(
    app: App,
    command: Command,
    standby: StandbyWorkers,
    log: Log,
    ending: asyncio.Event,
    exhausted: asyncio.Event,
    clock: Clock = SYSTEM_CLOCK,
    only: Sequence[str] = (),
) -> AsyncIterator[LoadedApp]:
    """Workers with the app in them. When the block ends, what still runs has as long as it takes.

    Functions that the app declares in code are known from then on; `only` names those to keep, empty for all. Once
    `ending` is set, what runs has LAST_PATIENCE seconds. `exhausted` is set when the workers crashed too often.
    """
    async with WorkerPool(app, command, standby, log, exhausted, ending, clock) as pool:
        if app.index_file:
            app = await _indexed(app, pool, only)
            pool.serve(app.functions)
        yield LoadedApp(app, pool, await pool.load())
        await hurried(pool.drain(), ending, LAST_PATIENCE, clock)


async def _indexed(app: App, pool: WorkerPool, only: Sequence[str]) -> App:
    """The app with its functions, listed by a worker unless that says that folders declare them.

    An app that cannot be listed has none, and a problem that says why. Raises AppError, WorkerStartFailed.
    """
    try:
        listed = await pool.index()
    except IndexingFailed as error:
        problem = Problem(app.index_file, "", f"Worker failed to index functions: {error}")
        return replace(app, index_file="", functions=(), problems=(*app.problems, problem))
    return replace(app, index_file="") if listed is None else servable(complete(app, listed, only))


@asynccontextmanager
async def generation(
    loaded: LoadedApp,
    front: Front,
    hub: "TaskHub | None",
    host: HostState,
    emulator: StorageEmulator,
    log: Log,
    ending: asyncio.Event,
    clock: Clock,
) -> AsyncIterator[ActiveApp]:
    """The app in service: its triggers listen and the front shows it, until the block ends.

    The triggers then take no more, and what they have taken is settled first, or until `ending` is set.
    """
    app = loaded.app
    disabled = [function.name for function in app.functions if function.disabled]
    limit = app.settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT")
    routes = RouteTable(read_settings(app.config.extension("http"), limit), disabled)
    async with AsyncExitStack() as stack:
        functions = await stack.enter_async_context(opened_functions(loaded, routes, hub, host, emulator, log, clock))
        await stack.enter_async_context(_listening(app, functions, emulator, ending, log, clock))
        for sentence in routes.shadowed():
            log.warning("Host.Startup", sentence)
        view = ActiveApp(
            app=app,
            routes=routes,
            fire_manually=_manual_invoke({opened.function.name: opened for opened in functions}, log),
            webhooks={"durabletask": hub.api} if hub else {},
            failures=loaded.failures,
            use=loaded.pool.use if loaded.pool else UseCount(),
        )
        with front.showing(view):
            yield view


@asynccontextmanager
async def opened_functions(
    loaded: LoadedApp,
    routes: RouteTable,
    hub: "TaskHub | None",
    host: HostState,
    emulator: StorageEmulator,
    log: Log,
    clock: Clock,
) -> "AsyncIterator[Sequence[OpenedFunction]]":
    """The functions with their adapters, each lent the services that its types name. Raises BindingError."""
    app = loaded.app
    async with storage_accounts(find_account(app), clock) as accounts:
        services: dict[type, object] = {
            RouteTable: routes,
            StorageServices: _storage_services(app, accounts, host, _reporter(log), clock),
            unserved.LogServices: unserved.LogServices(_reporter(log)),
        }
        if hub:
            services[DurableServices] = DurableServices(hub.engine, hub.client, hub.address)
        yield [_opened(function, loaded, services, emulator, log, clock) for function in app.functions if loaded.pool]


def _reporter(log: Log) -> Report:
    """What is merely worth knowing is the host's own, and shown with --verbose; the rest is the function's."""

    def report(function: str, level: str, text: str) -> None:
        category = "Host.Triggers" if level in ("debug", "information") else f"Function.{function}"
        log(Level[level.upper()], category, text, function)

    return report


def _storage_services(
    app: App, accounts: StorageAccounts, host: HostState, report: Report, clock: Clock
) -> StorageServices:
    return StorageServices(
        accounts=accounts,
        host=replace(host, id=app.settings.get("AzureFunctionsWebHost__hostid") or host.id),
        clock=clock,
        section=app.config.extension,
        singleton=app.config.raw.get("singleton") or {},
        time_zone=app.settings.get("WEBSITE_TIME_ZONE") or "",
        is_development=app.settings.get("AZURE_FUNCTIONS_ENVIRONMENT") == "Development",
        report=report,
    )


@dataclass(frozen=True, slots=True)
class OpenedFunction:
    """A function with its adapters open."""

    function: Function
    trigger: Trigger
    fire: Fire

    @property
    def listens(self) -> bool:
        """A disabled function keeps its endpoint only, which then answers for it (platform/app-files.md 5)."""
        return not self.function.disabled or binding_types()[self.function.trigger.type].endpoint is not None


def _opened(
    function: Function,
    loaded: LoadedApp,
    services: Mapping[type, object],
    emulator: StorageEmulator,
    log: Log,
    clock: Clock,
) -> OpenedFunction:
    """Raises BindingError."""

    def open_adapter(binding: Binding) -> Adapter:
        type = binding_types()[binding.type]
        assert type.open, f"{type.name} is not served; such functions are left out before"
        lent = services.get(type.services) if type.services else None
        return type.open(lent, function.name, binding, function.bindings)

    def open_input(binding: Binding) -> Input:
        adapter = cast(Input, open_adapter(binding))
        return StartingInput(adapter, emulator, clock) if is_on_emulator(binding, loaded.app) else adapter

    def open_output(binding: Binding) -> Output:
        adapter = cast(Output, open_adapter(binding))
        return StartingOutput(adapter, emulator, clock) if is_on_emulator(binding, loaded.app) else adapter

    assert loaded.pool
    written = [b for b in function.outputs if not binding_types()[b.type].is_reply]
    invoker = FunctionInvoker(
        function=function,
        worker=loaded.pool,
        log=log,
        inputs={binding.name: open_input(binding) for binding in function.inputs},
        outputs={binding.name: open_output(binding) for binding in written},
        timeout=loaded.app.config.timeout,
        clock=clock,
        abandon=loaded.pool.abandon,
    )
    return OpenedFunction(function, cast(Trigger, open_adapter(function.trigger)), invoker)


UntilReady = Callable[[], Awaitable[None]]
"""Waits for what a trigger needs: the storage emulator may still be starting."""
LONGEST_PAUSE = 2.0
"""Seconds between two tries of a listener whose service is away."""


async def _at_once() -> None:
    """For triggers that wait for nothing, those with an endpoint among them."""


class Listener:
    """Runs the trigger of a function, and stops it in two phases: take no more, then end."""

    def __init__(
        self, opened: OpenedFunction, ready: UntilReady, stopping: asyncio.Event, log: Log, clock: Clock
    ) -> None:
        self._opened, self._ready, self._stopping = opened, ready, stopping
        self._is_listening = False
        name = f"The listener for function 'Functions.{opened.function.name}'"
        self.task = asyncio.create_task(supervise(name, self._listen, log, clock, longest=LONGEST_PAUSE))

    async def _listen(self) -> None:
        await self._ready()
        if self._stopping.is_set():
            return
        self._is_listening = True
        try:
            await self._opened.trigger.listen(self._opened.fire, self._stopping)
        finally:
            self._is_listening = False

    def end_if_idle(self) -> None:
        """One that waits to try again has taken nothing."""
        if not self._is_listening:
            self.task.cancel()


@asynccontextmanager
async def _listening(
    app: App,
    functions: Sequence[OpenedFunction],
    emulator: StorageEmulator,
    ending: asyncio.Event,
    log: Log,
    clock: Clock,
) -> AsyncIterator[None]:
    """Every trigger listens inside the block; when it ends, what was taken has as long as it takes to be settled.

    Once `ending` is set, it has LAST_PATIENCE seconds.
    """
    stopping = asyncio.Event()

    def ready_for(function: Function) -> UntilReady:
        is_waiting = binding_types()[function.trigger.type].services is StorageServices
        return emulator.ready if is_waiting and uses_emulator(function, app) else _at_once

    listeners = [
        Listener(opened, ready_for(opened.function), stopping, log, clock) for opened in functions if opened.listens
    ]
    await asyncio.sleep(0)  # each has begun to listen when this returns
    try:
        yield
    finally:
        stopping.set()
        for listener in listeners:
            listener.end_if_idle()
        tasks = [listener.task for listener in listeners]
        try:
            await hurried(_all_ended(tasks), ending, LAST_PATIENCE, clock)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _all_ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tasks)


async def manual_event(opened: OpenedFunction, text: str) -> Event:
    """The event of a run that a person asks for; `text` is the input. Raises BindingError.

    An HTTP function cannot be run without a request: its run ends as a failed one (platform/keys-and-admin.md 7).
    """
    if isinstance(opened.trigger, ManualTrigger):
        return replace(await opened.trigger.manual_event(text), reason=MANUAL)
    return Event(opened.function.name, text, MANUAL)


def _manual_invoke(functions: Mapping[str, OpenedFunction], log: Log) -> ManualInvoke:
    async def fire(name: str, given: str) -> object:
        try:
            event = await manual_event(functions[name], given)
        except BindingError as error:
            log.error(f"Function.{name}", f"'{name}' was not run: {error}", name)
            raise
        return await functions[name].fire(event)

    return fire
