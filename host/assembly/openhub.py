"""An open task hub: storage, engine, client and management API, and what the dashboard knows of it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from fnhost.bindings.contract import Fire
from fnhost.bindings.durable import DurableServices, HubEndpoints, Kind, origin
from fnhost.clock import Clock
from fnhost.host.app import App
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.assembly.hubplan import HubPlan, storage_of
from fnhost.host.durable.client import DurableClient
from fnhost.host.durable.config import AZURE, DurableConfig
from fnhost.host.durable.dialects.dialect import Dialect
from fnhost.host.durable.dialects.json import JSON
from fnhost.host.durable.dialects.powershell import POWERSHELL, POWERSHELL_TYPED
from fnhost.host.durable.insight.hub import HubInsight
from fnhost.host.durable.insight.replays import Replays
from fnhost.host.durable.insight.store import InsightStore
from fnhost.host.durable.model.errors import HubError
from fnhost.host.durable.runtime.engine import Engine
from fnhost.host.durable.sharing.identity import HostIdentity, persistent_identity
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.retrying import ClientHub
from fnhost.host.errors import StartError
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Log
from fnhost.host.presence import marks_folder
from fnhost.host.system.private_files import STATE_FOLDER, state_folder
from fnhost.host.tasks import UseCount, cancel_and_wait
from fnhost.host.web.dashboard.durable.assembly import durable_api
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.durable.management import management
from fnhost.host.web.keys import Keys
from fnhost.host.worker.toolchains.toolchain import DurableForm

INSIGHT = "insight.db"
"""The side file with past custom statuses, in a folder of the hub's key."""
LOOK = 1.0
"""Seconds that the leases of a hub have to be read for those who look on."""


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

    def services(self, form: DurableForm) -> DurableServices:
        """For functions that speak this form."""
        address = replace(self.address, grpc=self.grpc) if form == "protobuf" else self.address
        return DurableServices(SpokenTo(self.engine, _dialect(form)), self.client, address)


def _dialect(form: DurableForm) -> Dialect:
    match form:
        case "protobuf":
            from fnhost.host.durable.dialects.protobuf.dialect import PROTOBUF  # needs packages of an extra

            return PROTOBUF
        case "powershell":
            return POWERSHELL
        case "powershell-typed":
            return POWERSHELL_TYPED
    return JSON


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
    identity: HostIdentity
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


@dataclass(frozen=True, slots=True)
class HubOpener:
    """Opens the task hubs of one host. `host_name` is where its requests come to, `live` what the dashboard reads."""

    root: Path
    emulator: StorageEmulator
    log: Log
    clock: Clock
    keys: Keys
    host_name: str
    live: LiveEvents = field(default_factory=LiveEvents)

    async def open(self, app: App, plan: HubPlan, rpc: str, api: ASGIApp) -> OpenHub:
        """`rpc` is the address for the SDKs, `api` the management API of all hubs of this host. Raises StartError."""
        config, log, clock = plan.config, self.log, self.clock
        for text in plan.warnings:
            log.warning(HOST_CATEGORY, text)
        async with AsyncExitStack() as stack:
            storage = await stack.enter_async_context(storage_of(plan, log, clock))
            with suppress(StartError):  # without it the host's identity is a temporary one
                state_folder(self.root)
            marks = marks_folder(self.root, config.hub.name)
            identity = stack.enter_context(persistent_identity(socket.gethostname(), marks, self.root.name))
            engine = Engine(storage, clock, log, config.engine, identity)
            client = DurableClient(engine, ClientHub(storage, clock, engine.hub.remake), clock, config.client)
            address = self._address(config, rpc)
            ours = management(client, address, app.settings.connection, forwarded=config.forwarded)
            if plan.needs_emulator:
                self.emulator.begin(app.settings.environment)
                stack.callback(self.emulator.when_restarted(engine.compare_all))
            is_ready, running = asyncio.Event(), AsyncExitStack()
            stack.push_async_callback(running.aclose)
            await running.enter_async_context(self.running(engine, is_ready, plan))
            insight = engine.observer = self._insight(plan, engine, client)
            stack.push_async_callback(insight.close)
            dashboard = await stack.enter_async_context(durable_api(insight, self.live, log))
            describe = partial(described, config, client, engine, identity.id, clock)
            hub = TaskHub(engine, client, address, api, insight, dashboard, describe)
            return OpenHub(plan, app, hub, ours, storage, identity, is_ready, running, stack.pop_all())

    def _address(self, config: DurableConfig, rpc: str) -> HubEndpoints:
        return HubEndpoints(
            origin=origin(self.host_name),
            hub=config.hub.name,
            connection=config.connection,
            key=self.keys.system("durabletask"),
            rpc=rpc if config.rpc else None,
            forwarded=config.forwarded,
        )

    def _insight(self, plan: HubPlan, engine: Engine, client: DurableClient) -> HubInsight:
        folder = self.root / STATE_FOLDER
        path = folder / plan.key / INSIGHT if folder.is_dir() else None
        replays = Replays(plan.config.engine.limits)
        return HubInsight(engine, client, InsightStore(path), replays, self.root, plan.config.hub.name, self.clock)

    @asynccontextmanager
    async def running(self, engine: Engine, is_ready: asyncio.Event, plan: HubPlan) -> AsyncIterator[None]:
        """The engine runs inside the block, as soon as there is a storage for it."""
        if not plan.needs_emulator or self.emulator.is_ready:
            async with engine.running():
                is_ready.set()
                yield
            return
        running = asyncio.create_task(self._run_when_ready(engine, is_ready), name=f"task hub {plan.config.hub.name}")
        try:
            yield
        finally:
            await cancel_and_wait(running)

    async def _run_when_ready(self, engine: Engine, is_ready: asyncio.Event) -> None:
        await self.emulator.ready()
        async with engine.running():
            is_ready.set()
            await asyncio.Event().wait()


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
