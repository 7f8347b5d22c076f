"""One life of an app: its workers, its open triggers, its place in the front. The only room that knows every part."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, cast

from fnhost.bindings import durable
from fnhost.bindings.contract import Adapter, Binding, Event, Input, Opener, Output, Trigger
from fnhost.bindings.http import trigger
from fnhost.bindings.http.trigger import RouteTable, read_settings
from fnhost.host.app import App, Function
from fnhost.host.errors import Problem
from fnhost.host.invoker import FunctionInvoker
from fnhost.host.log import Log
from fnhost.host.supervise import supervise
from fnhost.host.web.active_app import ActiveApp, ManualInvoke
from fnhost.host.web.front import Front
from fnhost.host.worker.commands import Command
from fnhost.host.worker.pool import StandbyWorkers, WorkerPool

DURABLE = frozenset(
    {"orchestrationtrigger", "activitytrigger", "entitytrigger", "durableclient", "orchestrationclient"}
)
SERVED = DURABLE | {"httptrigger", "http"}
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
    """The app without the functions whose binding types this host has no adapter for; each is told as a problem."""
    strange = {function.name: _unsupported(function) for function in app.functions}
    problems = [
        Problem(
            str(function.directory.relative_to(app.root) / "function.json"),
            "/bindings",
            f"This host does not serve {', '.join(strange[function.name])} yet.",
            "The other functions run; the real host runs this one too.",
            function.name,
        )
        for function in app.functions
        if strange[function.name]
    ]
    kept = tuple(function for function in app.functions if not strange[function.name])
    return replace(app, functions=kept, problems=(*app.problems, *problems))


def uses_durable(app: App) -> bool:
    return any(binding.type in DURABLE for function in app.functions for binding in function.bindings)


def _unsupported(function: Function) -> list[str]:
    return sorted({binding.type for binding in function.bindings} - SERVED)


@asynccontextmanager
async def loaded(
    app: App,
    command: Command,
    standby: StandbyWorkers,
    log: Log,
    patience: Callable[[], float],
    exhausted: asyncio.Event,
) -> AsyncIterator[LoadedApp]:
    """Workers with the app in them. When the block ends, what still runs has `patience()` seconds to finish.

    `exhausted` is set when they crashed too often.
    """
    async with WorkerPool(app, command, standby, log, exhausted) as pool:
        yield LoadedApp(app, pool, await pool.load())
        await pool.drain(patience())


@asynccontextmanager
async def generation(loaded: LoadedApp, front: Front, hub: "TaskHub | None", log: Log) -> AsyncIterator[ActiveApp]:
    """The app in service: its triggers listen and the front shows it, until the block ends."""
    app = loaded.app
    disabled = [function.name for function in app.functions if function.disabled]
    limit = app.settings.get("FUNCTIONS_REQUEST_BODY_SIZE_LIMIT")
    routes = RouteTable(read_settings(app.config.extension("http"), limit), disabled)
    openers = _openers(routes, hub)
    invokers = {
        function.name: _invoker(function, app, loaded.pool, openers, log) for function in app.functions if loaded.pool
    }
    async with _listening(app, invokers, openers, log):
        for sentence in routes.shadowed():
            log.warning("Host.Startup", sentence)
        view = ActiveApp(
            app=app,
            routes=routes,
            fire_manually=_manual_invoke(invokers),
            webhooks={"durabletask": hub.api} if hub else {},
            failures=loaded.failures,
        )
        with front.showing(view):
            yield view


def _openers(routes: RouteTable, hub: "TaskHub | None") -> Mapping[str, Opener]:
    return {**trigger.openers(routes), **(durable.openers(hub.engine, hub.client, hub.address) if hub else {})}


def _invoker(
    function: Function, app: App, pool: WorkerPool, openers: Mapping[str, Opener], log: Log
) -> FunctionInvoker:
    """Only what does something stands in the way of an invocation: an http output is written by its trigger."""

    def opened(binding: Binding) -> Adapter:
        return openers[binding.type](function.name, binding, function.bindings)

    return FunctionInvoker(
        function=function,
        worker=pool,
        log=log,
        inputs={binding.name: cast(Input, opened(binding)) for binding in function.inputs},
        outputs={binding.name: cast(Output, opened(binding)) for binding in function.outputs if binding.type != "http"},
        timeout=app.config.timeout,
        abandon=pool.abandon,
    )


@asynccontextmanager
async def _listening(
    app: App, invokers: Mapping[str, FunctionInvoker], openers: Mapping[str, Opener], log: Log
) -> AsyncIterator[None]:
    """Every trigger listens inside the block. A disabled function only keeps its route (platform/app-files.md 5)."""
    tasks = []
    for function in app.functions:
        if not function.disabled or function.trigger.type == "httptrigger":
            trigger = cast(Trigger, openers[function.trigger.type](function.name, function.trigger, function.bindings))
            name = f"The listener for function 'Functions.{function.name}'"
            listen = partial(trigger.listen, invokers[function.name])
            tasks.append(asyncio.create_task(supervise(name, listen, log)))
    await asyncio.sleep(0)  # each has begun to listen when this returns
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _manual_invoke(invokers: Mapping[str, FunctionInvoker]) -> ManualInvoke:
    """An HTTP function cannot be run without a request: its run ends as a failed one (platform/keys-and-admin.md 7)."""

    async def fire(name: str, given: str) -> object:
        return await invokers[name](Event(name, given, MANUAL))

    return fire
