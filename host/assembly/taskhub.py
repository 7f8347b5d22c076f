"""The durable side of an app, assembled: storage, engine, client, and the two endpoints of the management API.

A task hub outlives generations: a save of a file changes what the functions do, not what is under way. A version that
names another hub, or other settings of the same, brings a `HubChange`: it is prepared beside the running hub and takes
effect only when the version goes into service.
"""

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from fnhost.bindings.contract import Fire
from fnhost.bindings.durable import DurableServices, HubEndpoints, Kind, origin
from fnhost.clock import Clock
from fnhost.host.app import App
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.assembly.hubplan import HubPlan, read_plan, storage_of
from fnhost.host.durable.client import DurableClient, WrongHub
from fnhost.host.durable.config import AZURE, DurableConfig
from fnhost.host.durable.dialects.dialect import Dialect
from fnhost.host.durable.insight.hub import HubInsight
from fnhost.host.durable.insight.replays import Replays
from fnhost.host.durable.insight.store import InsightStore
from fnhost.host.durable.model.errors import HubError, HubUnreachable
from fnhost.host.durable.runtime.engine import Engine
from fnhost.host.durable.sharing.identity import persistent_identity
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.retrying import ClientHub
from fnhost.host.errors import StartError
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Log
from fnhost.host.presence import CHANGES, HUB, RunningHost, announce, withdraw
from fnhost.host.system.private_files import STATE_FOLDER, state_folder
from fnhost.host.tasks import UseCount
from fnhost.host.web.dashboard.durable.assembly import durable_api
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.durable.changes import status_changes
from fnhost.host.web.durable.management import management
from fnhost.host.web.keys import Keys
from fnhost.host.web.listen.guards import private
from fnhost.host.web.listen.server import serving
from fnhost.host.web.listen.sockets import bind_near

RPC_PORT = 17071
RPC_PATH = "/durabletask"
SECRET_BYTES = 24
"""Random bytes in the path of the SDKs' endpoint."""
MARKS = Path(STATE_FOLDER, "hosts")
"""Where in the app's folder its hosts leave their lock files, a folder for each task hub."""
INSIGHT = "insight.db"
"""The side file with past custom statuses, in a folder of the hub's key."""
LONGEST_SWITCH = 30.0
"""Seconds that a request waits while its task hub is opened, or its storage emulator started."""
RETRY_AFTER = "5"
EMPTIED = "The task hub '{}' was emptied: its instances, entities and messages are gone."
LOOK = 1.0
"""Seconds that the leases of a hub have to be read for those who look on."""
NO_GRPC = (
    "The app's Durable Functions SDK speaks gRPC, as azure-functions-durable 2.x does, for which fnhost needs two more "
    "packages. Install them where fnhost is: pip install 'fnhost[grpc]'"
)
NOT_YET = "The storage of the task hub is being started."
LAST_REQUESTS = 5.0
"""Seconds that requests of a task hub have to be answered before it is closed."""


@dataclass(frozen=True, slots=True)
class TaskHub:
    """What the bindings of a generation and the front are lent."""

    engine: Engine
    client: DurableClient
    address: HubEndpoints
    api: ASGIApp
    """The management API of the app in service, whichever hub that has."""
    insight: HubInsight
    dashboard: ASGIApp
    """The dashboard's API of this hub."""
    describe: Callable[[], Awaitable[Mapping[str, Any]]]
    """Its name, kind and partitions."""
    grpc: str | None = None
    """The origin of the host's gRPC service, once an app needs it."""

    def services(self, *, grpc: bool) -> DurableServices:
        """For functions that speak the JSON form or, with `grpc`, the protobuf form."""
        if not grpc:
            return DurableServices(self.engine, self.client, self.address)
        from fnhost.host.durable.dialects.protobuf.dialect import PROTOBUF

        engine = SpokenTo(self.engine, PROTOBUF)
        return DurableServices(engine, self.client, replace(self.address, grpc=self.grpc))


@dataclass(frozen=True, slots=True)
class SpokenTo:
    """The engine for functions that all speak one dialect."""

    engine: Engine
    dialect: Dialect

    def serving(self, kind: Kind, name: str, fire: Fire) -> AbstractContextManager[None]:
        return self.engine.serving(kind, name, fire, self.dialect)


@dataclass(slots=True)
class OpenHub:
    """A task hub that is open, and how to close it."""

    plan: HubPlan
    app: App
    hub: TaskHub
    management: ASGIApp
    storage: Hub
    is_ready: asyncio.Event
    """Set while the engine runs: its storage may have to be started first."""
    running: AsyncExitStack
    """Ends the engine, and may be filled again."""
    stack: AsyncExitStack
    users: int = 0
    """How many versions of the app use it, or are about to."""
    requests: UseCount = field(default_factory=UseCount)
    """Counts the requests of its management API that are being answered."""

    @property
    def name(self) -> str:
        return self.plan.config.hub.name.lower()


class TaskHubs:
    """The task hub of the app in service, and the endpoint through which functions reach it. Open it as a block."""

    def __init__(
        self,
        root: Path,
        emulator: StorageEmulator,
        log: Log,
        clock: Clock,
        keys: Keys,
        host_name: str,
        live: LiveEvents | None = None,
        grpc_port: int | None = None,
        is_scheduler: bool = False,
    ) -> None:
        """`live` is what the pages of the dashboard read.

        The hub of a scheduler is for programs that run orchestrations themselves. They may come later than what they
        are to run, and name the hub as they like. Without a `grpc_port` the gRPC service takes its usual one if that is
        free.
        """
        self._live = live or LiveEvents()
        self._grpc_port, self._is_scheduler = grpc_port, is_scheduler
        self._root, self._emulator = root, emulator
        self._log, self._clock, self._keys, self._host_name = log, clock, keys, host_name
        self._current: OpenHub | None = None
        self._open: dict[str, OpenHub] = {}
        self._changed = asyncio.Event()
        self._stack = AsyncExitStack()
        self._rpc = self._grpc = ""
        self._emptying, self._ending = asyncio.Lock(), asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending.set()
        withdraw(self._root)
        await self._stack.aclose()
        for opened in list(self._open.values()):
            await self._close(opened, patience=0)

    @property
    def in_service(self) -> OpenHub | None:
        return self._current

    async def prepare(self, app: App) -> "HubChange":
        """What this version needs, opened where that disturbs nothing. Raises AppError, StartError."""
        plan, before = self._plan(app), self._current
        if before and plan == before.plan:
            return HubChange(self, app, plan, before)
        if before and plan.location == before.plan.location:
            return HubChange(self, app, plan, None)
        return HubChange(self, app, plan, await self._opened(app, plan))

    def _plan(self, app: App) -> HubPlan:
        """Raises AppError, StartError."""
        plan = read_plan(app)
        if not self._is_scheduler:
            return plan
        config = replace(plan.config, engine=replace(plan.config.engine, takes_any_name=True))
        return replace(plan, config=config)

    async def _opened(self, app: App, plan: HubPlan) -> OpenHub:
        """Raises StartError."""
        config, log, clock = plan.config, self._log, self._clock
        for text in plan.warnings:
            log.warning(HOST_CATEGORY, text)
        async with AsyncExitStack() as stack:
            storage = await stack.enter_async_context(storage_of(plan, log, clock))
            with suppress(StartError):  # without it the host's identity is a temporary one
                state_folder(self._root)
            marks = self._root / MARKS / config.hub.name
            identity = stack.enter_context(persistent_identity(socket.gethostname(), marks, self._root.name))
            engine = Engine(storage, clock, log, config.engine, identity)
            client = DurableClient(engine, ClientHub(storage, clock, engine.hub.remake), clock, config.client)
            private_address = await self._private_address()
            address = HubEndpoints(
                origin=origin(self._host_name),
                hub=config.hub.name,
                connection=config.connection,
                key=self._keys.system("durabletask"),
                rpc=private_address if config.rpc else None,
                forwarded=config.forwarded,
            )
            api = management(client, address, app.settings.connection, forwarded=config.forwarded)
            if plan.needs_emulator:
                self._emulator.begin(app.settings.environment)
                stack.callback(self._emulator.when_restarted(engine.compare_all))
            is_ready, running = asyncio.Event(), AsyncExitStack()
            stack.push_async_callback(running.aclose)
            await running.enter_async_context(self._running(engine, is_ready, plan))
            insight = engine.observer = self._insight(plan, engine, client)
            stack.push_async_callback(insight.close)
            dashboard = await stack.enter_async_context(durable_api(insight, self._live, log))
            describe = partial(described, config, client, engine, identity.id, clock)
            hub = TaskHub(engine, client, address, self.api, insight, dashboard, describe)
            return OpenHub(plan, app, hub, api, storage, is_ready, running, stack.pop_all())

    def _insight(self, plan: HubPlan, engine: Engine, client: DurableClient) -> HubInsight:
        folder = self._root / STATE_FOLDER
        path = folder / plan.key / INSIGHT if folder.is_dir() else None
        replays = Replays(plan.config.engine.limits)
        return HubInsight(engine, client, InsightStore(path), replays, self._root, plan.config.hub.name, self._clock)

    @asynccontextmanager
    async def _running(self, engine: Engine, is_ready: asyncio.Event, plan: HubPlan) -> AsyncIterator[None]:
        """The engine runs inside the block, as soon as there is a storage for it."""
        if not plan.needs_emulator or self._emulator.is_ready:
            async with engine.running():
                is_ready.set()
                yield
            return
        running = asyncio.create_task(self._run_when_ready(engine, is_ready), name=f"task hub {plan.config.hub.name}")
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run_when_ready(self, engine: Engine, is_ready: asyncio.Event) -> None:
        await self._emulator.ready()
        async with engine.running():
            is_ready.set()
            await asyncio.Event().wait()

    def put_into_service(self, opened: OpenHub) -> None:
        """From now on it is the hub of requests that name none."""
        self._open[opened.name] = self._current = opened
        self._changed.set()
        with suppress(StartError):  # a folder that cannot be written: commands go to the storage then
            announce(self._root, RunningHost.ours(self._rpc, opened.plan.config.hub.name, opened.plan.location))

    async def empty(self, opened: OpenHub) -> None:
        """Delete all instances and messages while its engine rests; requests wait. Raises HubError."""
        opened.is_ready.clear()
        await opened.running.aclose()
        try:
            await opened.storage.delete()
            opened.hub.insight.emptied()
        finally:
            running = self._running(opened.hub.engine, opened.is_ready, opened.plan)
            await opened.running.enter_async_context(running)
        self._log.warning(HOST_CATEGORY, EMPTIED.format(opened.plan.config.hub.name))

    async def replace(self, app: App, plan: HubPlan) -> OpenHub:
        """The same hub with other settings cannot be open twice: it is closed, and requests wait for the next one.

        Raises StartError; the hub is then in service as it was.
        """
        before, self._current = self._current, None
        assert before
        self._changed.clear()
        await self._close(before)
        try:
            opened = await self._opened(app, plan)
        except StartError:
            self.put_into_service(await self._opened(before.app, before.plan))
            raise
        return opened

    async def restore(self, opened: OpenHub, before: OpenHub) -> None:
        """Open `before` again, which `opened` has replaced."""
        await self._close(opened)
        self.put_into_service(await self._opened(before.app, before.plan))

    async def leave(self, opened: OpenHub) -> None:
        """A version that used it has ended. Close it if it is not in service and no other version uses it."""
        opened.users -= 1
        if not opened.users and opened is not self._current:
            await self._close(opened)

    async def _close(self, opened: OpenHub, patience: float = LAST_REQUESTS) -> None:
        """When its requests are answered, or after `patience` seconds. Safe to repeat."""
        self._open = {name: each for name, each in self._open.items() if each is not opened}
        with suppress(TimeoutError):
            async with self._clock.timeout(patience):
                await opened.requests.unused()
        await opened.stack.aclose()

    # The endpoints

    async def _private_address(self) -> str:
        """Of the loopback endpoint for SDKs and commands: one for the life of this host, so that a running function
        can use it.

        It asks for no key, as SDKs send none: who knows its address, a secret of this start, may use it.
        """
        if not self._rpc:
            sockets = bind_near(RPC_PORT)
            path = f"{RPC_PATH}/{secrets.token_urlsafe(SECRET_BYTES)}"
            routes = [
                Route(f"{path}/{HUB}", self._empty_hub, methods=["DELETE"]),
                Route(f"{path}/{CHANGES}/{{instance}}", self._follow_instance, methods=["GET"]),
                Mount(path, self.api),
            ]
            await self._stack.enter_async_context(serving(private(Starlette(routes=routes)), sockets))
            self._rpc = f"http://127.0.0.1:{sockets[0].getsockname()[1]}{path}/"
        return self._rpc

    async def _empty_hub(self, request: Request) -> Response:
        """`DELETE taskhub`, which the public endpoint has not: it is for `fnhost reset`."""
        try:
            async with self._emptying:
                await self.empty(await self._ready(request.scope))
        except TimeoutError:
            return self._unavailable()
        except HubError as error:
            return JSONResponse({"Message": str(error)}, 503)
        return Response(status_code=200)

    async def _follow_instance(self, request: Request) -> Response:
        """`GET changes/{instance}`, which the public endpoint has not: it is for `fnhost durable watch`."""
        try:
            opened = await self._ready(request.scope)
        except TimeoutError:
            return self._unavailable()
        changes = status_changes(opened.hub.client, request.path_params["instance"], self._ending)
        return StreamingResponse(changes, media_type="application/x-ndjson")

    async def grpc_address(self) -> str:
        """Of the gRPC service for SDKs and other programs, on both families of loopback: one for the life of this host.

        Raises StartError if the packages that it needs are not installed.
        """
        if not self._grpc:
            try:
                from fnhost.host.durable.sidecar.server import sidecar
            except ImportError as error:
                raise StartError(f"{NO_GRPC} ({error}.)") from error
            port = await self._stack.enter_async_context(sidecar(self.using, self._clock, self._grpc_port))
            self._grpc = f"http://localhost:{port}"
            self._log.information(
                HOST_CATEGORY, f"Durable Task programs reach the task hub at localhost:{port} (gRPC)."
            )
        return self._grpc

    @asynccontextmanager
    async def using(self, named: str) -> AsyncIterator[DurableClient]:
        """The client of the hub in service, which is the one that is `named` if any is; it stays open inside the block.

        Raises WrongHub, HubUnreachable.
        """
        try:
            opened = await self._ready_hub(named)
        except TimeoutError:
            raise HubUnreachable(self._emulator.obstacle or NOT_YET) from None
        if named and named.lower() != opened.name and not self._is_scheduler:
            raise WrongHub(named, opened.plan.config.hub.name)
        with opened.requests:
            yield opened.hub.client

    async def api(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The management API of the hub that a request names, else of the one in service; waits while it is opened."""
        try:
            opened = await self._ready(scope)
        except TimeoutError:
            return await self._unavailable()(scope, receive, send)
        with opened.requests:
            await opened.management(scope, receive, send)

    async def _ready(self, scope: Scope) -> OpenHub:
        """The hub that a request wants, while its engine runs. Raises TimeoutError."""
        return await self._ready_hub(_named_hub(scope["query_string"]))

    async def _ready_hub(self, named: str) -> OpenHub:
        """Raises TimeoutError."""
        async with self._clock.timeout(LONGEST_SWITCH):
            opened = await self._wanted(named)
            await opened.is_ready.wait()
        return opened

    async def _wanted(self, named: str) -> OpenHub:
        """The hub of this name, else the one in service."""
        while not (opened := self._open.get(named.lower()) or self._current):
            self._changed.clear()
            await self._changed.wait()
        return opened

    def _unavailable(self) -> Response:
        reason = self._emulator.obstacle or NOT_YET
        return JSONResponse({"Message": reason}, 503, headers={"Retry-After": RETRY_AFTER})


class HubChange:
    """The task hub that a version of the app brings: `open` it, put the version into service, then `commit`.

    `leave` ends the version's use of it.
    """

    def __init__(self, hubs: TaskHubs, app: App, plan: HubPlan, opened: OpenHub | None) -> None:
        self._hubs, self._app, self._plan = hubs, app, plan
        self._opened = opened
        self._before: OpenHub | None = None
        if opened:
            opened.users += 1

    async def open(self, *, grpc: bool = False) -> TaskHub:
        """The hub for the version's functions, and the gRPC service if they need it.

        Raises StartError; all is then as it was.
        """
        address = await self._hubs.grpc_address() if grpc else None
        if self._opened is None:
            self._before = self._hubs.in_service
            self._opened = await self._hubs.replace(self._app, self._plan)
            self._opened.users += 1
        return replace(self._opened.hub, grpc=address)

    def commit(self) -> None:
        """The version's functions are served: requests may come."""
        assert self._opened
        self._hubs.put_into_service(self._opened)

    async def revert(self) -> None:
        """Undo `open`: the version does not go into service."""
        if self._before and self._opened:
            await self._hubs.restore(self._opened, self._before)

    async def leave(self) -> None:
        if self._opened:
            await self._hubs.leave(self._opened)


async def described(
    config: DurableConfig, client: DurableClient, engine: Engine, host: str, clock: Clock
) -> Mapping[str, Any]:
    """The members of `hub` in docs/dashboard-api.md; the owners of queues are unknown while storage does not answer."""
    owners: dict[str, str | None] = {}
    with suppress(HubError, TimeoutError):
        async with clock.timeout(LOOK):
            owners = {lease.queue: lease.owner for lease in await client.hub.partition_leases()}
    mine = {queue: queue not in engine.remote_queues for queue in engine.hub.queues}
    partitions = [
        {"queue": queue, "owner": owners.get(queue) or (host if is_mine else None), "mine": is_mine}
        for queue, is_mine in mine.items()
    ]
    kind = "azure" if config.provider == AZURE else config.provider
    return {"name": config.hub.name, "kind": kind, "host": host, "partitions": partitions}


def _named_hub(query: bytes) -> str:
    values: Mapping[str, list[str]] = parse_qs(query.decode("latin-1"))
    return next((found[0].lower() for name, found in values.items() if name.lower() == "taskhub"), "")
