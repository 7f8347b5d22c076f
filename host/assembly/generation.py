"""A generation, one loaded version of an app: its workers, its listening triggers, its place in the front."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from fnhost.bindings.contract import BindingError
from fnhost.bindings.http.trigger import RouteTable, read_settings
from fnhost.bindings.storage.services import HostState
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import App
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.assembly.functions import LoadedApp, OpenedFunction, manual_event, opened_functions
from fnhost.host.assembly.listening import listening
from fnhost.host.assembly.observing import observer
from fnhost.host.assembly.servable import servable
from fnhost.host.limits import LAST_DRAIN
from fnhost.host.load.indexed import complete
from fnhost.host.logging.log import Log
from fnhost.host.tasks import UseCount, hurried
from fnhost.host.web.active_app import ActiveApp, ManualInvoke
from fnhost.host.web.front import Front
from fnhost.host.worker.commands import Command
from fnhost.host.worker.pools import worker_pools
from fnhost.host.worker.standby import StandbyWorkers

if TYPE_CHECKING:
    from fnhost.host.assembly.openhub import TaskHub


@asynccontextmanager
async def loaded(
    app: App,
    commands: Sequence[Command],
    standby: StandbyWorkers,
    log: Log,
    ending: asyncio.Event,
    exhausted: asyncio.Event,
    clock: Clock = SYSTEM_CLOCK,
    only: Sequence[str] = (),
) -> AsyncIterator[LoadedApp]:
    """Workers with the app in them, by a command for each of its languages. When the block ends, what still runs has as
    long as it takes.

    Functions that the app declares in code are known from then on; `only` names those to keep, empty for all. Once
    `ending` is set, what runs has LAST_DRAIN seconds. `exhausted` is set when the workers crashed too often.
    """
    async with worker_pools(app, commands, standby, log, exhausted, ending, clock) as pools:
        if app.index_files:
            app = servable(complete(app, await pools.index(app.index_files), only))
        yield LoadedApp(app, pools, await pools.load(app.functions))
        await hurried(pools.drain(), ending, LAST_DRAIN, clock)


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
    streamed = loaded.pools.streamed if loaded.pools else ()
    routes = RouteTable(read_settings(app.config.extension("http"), limit), disabled, streamed)
    async with AsyncExitStack() as stack:
        functions = await stack.enter_async_context(opened_functions(loaded, routes, hub, host, emulator, log, clock))
        await stack.enter_async_context(listening(app, functions, emulator, ending, log, clock))
        for sentence in routes.shadowed():
            log.warning("Host.Startup", sentence)
        if hub:
            stack.enter_context(hub.insight.replays.lending(observer(loaded)))
        view = ActiveApp(
            app=app,
            routes=routes,
            fire_manually=_manual_invoke({opened.function.name: opened for opened in functions}, log),
            webhooks={"durabletask": hub.api} if hub else {},
            failures=loaded.failures,
            fires={opened.function.name: opened.fire for opened in functions},
            workers=loaded.pools.statuses if loaded.pools else tuple,
            durable=hub.dashboard if hub else None,
            hub=hub.describe if hub else None,
            use=loaded.pools.use if loaded.pools else UseCount(),
        )
        with front.showing(view):
            yield view


def _manual_invoke(functions: Mapping[str, OpenedFunction], log: Log) -> ManualInvoke:
    async def fire(name: str, given: str) -> object:
        try:
            event = await manual_event(functions[name], given)
        except BindingError as error:
            log.error(f"Function.{name}", f"'{name}' was not run: {error}", name)
            raise
        return await functions[name].fire(event)

    return fire
