"""One life of an app: its workers, its open triggers, its place in the front. The only module that knows every part."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, cast

from fnhost.bindings.contract import Adapter, Binding, BindingError, Event, Fire, Input, ManualTrigger, Output, Trigger
from fnhost.bindings.durable import DurableServices
from fnhost.bindings.http.trigger import RouteTable, read_settings
from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage import Account, resolve
from fnhost.bindings.storage.services import HostState, StorageAccounts, StorageServices, storage_accounts
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import App, Function
from fnhost.host.errors import Problem
from fnhost.host.invoker import FunctionInvoker
from fnhost.host.limits import LAST_PATIENCE
from fnhost.host.log import Level, Log
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
    """The app without the functions that this host cannot serve as it is set up; each is told as a problem."""
    problems = {function.name: tuple(_obstacles(function, app)) for function in app.functions}
    kept = tuple(function for function in app.functions if not problems[function.name])
    return replace(app, functions=kept, problems=(*app.problems, *chain.from_iterable(problems.values())))


def _obstacles(function: Function, app: App) -> Iterator[Problem]:
    file = str(function.directory.relative_to(app.root) / "function.json")
    types = [binding_types()[binding.type] for binding in function.bindings]
    if unserved := sorted({type.name for type in types if type.open is None}):
        hint = "The other functions run; the real host runs this one too."
        yield Problem(file, "/bindings", f"This host does not serve {', '.join(unserved)} yet.", hint, function.name)
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
) -> AsyncIterator[LoadedApp]:
    """Workers with the app in them. When the block ends, what still runs has as long as it takes.

    Once `ending` is set, it has LAST_PATIENCE seconds. `exhausted` is set when the workers crashed too often.
    """
    async with WorkerPool(app, command, standby, log, exhausted, ending, clock) as pool:
        yield LoadedApp(app, pool, await pool.load())
        await hurried(pool.drain(), ending, LAST_PATIENCE, clock)


@asynccontextmanager
async def generation(
    loaded: LoadedApp,
    front: Front,
    hub: "TaskHub | None",
    host: HostState,
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
        accounts = await stack.enter_async_context(storage_accounts(find_account(app), clock))
        services: dict[type, object] = {
            RouteTable: routes,
            StorageServices: _storage_services(app, accounts, host, log, clock),
        }
        if hub:
            services[DurableServices] = DurableServices(hub.engine, hub.client, hub.address)
        functions = [_opened(function, loaded, services, log, clock) for function in app.functions if loaded.pool]
        await stack.enter_async_context(_listening(functions, ending, log, clock))
        for sentence in routes.shadowed():
            log.warning("Host.Startup", sentence)
        view = ActiveApp(
            app=app,
            routes=routes,
            fire_manually=_manual_invoke({opened.function.name: opened for opened in functions}),
            webhooks={"durabletask": hub.api} if hub else {},
            failures=loaded.failures,
            use=loaded.pool.use if loaded.pool else UseCount(),
        )
        with front.showing(view):
            yield view


def _storage_services(app: App, accounts: StorageAccounts, host: HostState, log: Log, clock: Clock) -> StorageServices:
    def report(function: str, level: str, text: str) -> None:
        log(Level[level.upper()], f"Function.{function}", text, function)

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
    function: Function, loaded: LoadedApp, services: Mapping[type, object], log: Log, clock: Clock
) -> OpenedFunction:
    """Raises BindingError."""

    def open_adapter(binding: Binding) -> Adapter:
        type = binding_types()[binding.type]
        assert type.open, f"{type.name} is not served; such functions are left out before"
        lent = services.get(type.services) if type.services else None
        return type.open(lent, function.name, binding, function.bindings)

    assert loaded.pool
    written = [b for b in function.outputs if not binding_types()[b.type].is_reply]
    invoker = FunctionInvoker(
        function=function,
        worker=loaded.pool,
        log=log,
        inputs={binding.name: cast(Input, open_adapter(binding)) for binding in function.inputs},
        outputs={binding.name: cast(Output, open_adapter(binding)) for binding in written},
        timeout=loaded.app.config.timeout,
        clock=clock,
        abandon=loaded.pool.abandon,
    )
    return OpenedFunction(function, cast(Trigger, open_adapter(function.trigger)), invoker)


class Listener:
    """Runs the trigger of a function, and stops it in two phases: take no more, then end."""

    def __init__(self, opened: OpenedFunction, stopping: asyncio.Event, log: Log, clock: Clock) -> None:
        self._opened, self._stopping = opened, stopping
        self._is_listening = False
        name = f"The listener for function 'Functions.{opened.function.name}'"
        self.task = asyncio.create_task(supervise(name, self._listen, log, clock))

    async def _listen(self) -> None:
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
    functions: Sequence[OpenedFunction], ending: asyncio.Event, log: Log, clock: Clock
) -> AsyncIterator[None]:
    """Every trigger listens inside the block; when it ends, what was taken has as long as it takes to be settled.

    Once `ending` is set, it has LAST_PATIENCE seconds.
    """
    stopping = asyncio.Event()
    listeners = [Listener(opened, stopping, log, clock) for opened in functions if opened.listens]
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


def _manual_invoke(functions: Mapping[str, OpenedFunction]) -> ManualInvoke:
    """An HTTP function cannot be run without a request: its run ends as a failed one (platform/keys-and-admin.md 7)."""

    async def fire(name: str, given: str) -> object:
        opened = functions[name]
        if isinstance(opened.trigger, ManualTrigger):
            event = replace(await opened.trigger.manual_event(given), reason=MANUAL)
        else:
            event = Event(name, given, MANUAL)
        return await opened.fire(event)

    return fire
