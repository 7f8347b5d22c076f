"""The durable side of an app, assembled: storage, engine, client, and the two doors of the management API.

It outlives generations: a save of a file changes what the functions do, not what is under way.
"""

import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from fnhost import azurite
from fnhost.bindings.durable import HubEndpoints, origin
from fnhost.bindings.storage import Account, BadConnection, parse, resolve
from fnhost.host.app import App
from fnhost.host.console import HOST_CATEGORY
from fnhost.host.durable.client import DurableClient
from fnhost.host.durable.config import AZURE, DurableConfig
from fnhost.host.durable.model.instants import Clock
from fnhost.host.durable.runtime.engine import Engine
from fnhost.host.durable.sharing.identity import persistent_identity
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.errors import StartError
from fnhost.host.load.localsettings import has_connection
from fnhost.host.log import Log
from fnhost.host.web.durable.management import management
from fnhost.host.web.keys import Keys
from fnhost.host.web.listen.guards import private
from fnhost.host.web.listen.server import serving
from fnhost.host.web.listen.sockets import bind_near

RPC_PORT = 17071
RPC_PATH = "/durabletask"
MARKS = Path(".fnhost", "hosts")
"""Where in the app's folder its hosts leave their marks, a folder for each task hub."""
DEVELOPMENT = "UseDevelopmentStorage=true"


@dataclass(frozen=True, slots=True)
class TaskHub:
    """What the bindings of a generation and the front are lent."""

    engine: Engine
    client: DurableClient
    address: HubEndpoints
    api: ASGIApp


@asynccontextmanager
async def task_hub(
    app: App, config: DurableConfig, log: Log, clock: Clock, keys: Keys, host_name: str
) -> AsyncIterator[TaskHub]:
    """Open it. Raises StartError when the storage cannot be had; waits for one that is merely away."""
    for text in config.warnings:
        log.warning(HOST_CATEGORY, text)
    async with AsyncExitStack() as stack:
        account = _account(app, config, log)
        emulator = await stack.enter_async_context(_emulator(app, log)) if account == parse(DEVELOPMENT) else None
        hub = await stack.enter_async_context(_hub(account, config, log))
        marks = app.root / MARKS / config.hub.name
        identity = stack.enter_context(persistent_identity(socket.gethostname(), marks, app.root.name))
        engine = Engine(hub, clock, log, config.engine, identity)
        if emulator:
            emulator.restarted = engine.compare_all
        client = DurableClient(engine, hub, clock, config.client)
        sockets = bind_near(RPC_PORT)
        address = HubEndpoints(
            origin=origin(host_name),
            hub=config.hub.name,
            connection=config.connection,
            key=keys.system("durabletask"),
            rpc=f"http://127.0.0.1:{sockets[0].getsockname()[1]}{RPC_PATH}/" if config.rpc else None,
        )
        api = management(client, address, app.settings.connection, forwarded=config.forwarded)
        await stack.enter_async_context(serving(private(Starlette(routes=[Mount(RPC_PATH, api)])), sockets))
        await stack.enter_async_context(engine.running())
        yield TaskHub(engine, client, address, api)


def _hub(account: Account | None, config: DurableConfig, log: Log) -> AbstractAsyncContextManager[Hub]:
    if account:
        return AzureHub(config.hub, account, log, encoding=config.encoding)
    if config.path:
        config.path.parent.mkdir(parents=True, exist_ok=True)
    return SqliteHub(config.hub, config.path)


def _account(app: App, config: DurableConfig, log: Log) -> Account | None:
    """Where the hub lies, if not in a file.

    Without a setting it is the emulator: most apps are cloned without local.settings.json.
    """
    if config.provider != AZURE:
        return None
    settings, connection = app.settings, config.connection
    if not has_connection(settings, connection):
        log.warning(
            HOST_CATEGORY,
            f"The setting AzureWebJobs{connection} is missing: durable functions use the storage emulator. In Azure "
            f'it must be set; here, write "AzureWebJobs{connection}": "{DEVELOPMENT}" into local.settings.json.',
        )
        return parse(DEVELOPMENT)
    try:
        return resolve(connection, settings.connection, settings.get)
    except BadConnection as error:
        raise StartError(str(error)) from error


@asynccontextmanager
async def _emulator(app: App, log: Log) -> AsyncIterator[azurite.Emulator]:
    try:
        async with azurite.development_storage(
            app.root / ".azurite", app.settings.environment, lambda line: log.information(HOST_CATEGORY, line)
        ) as emulator:
            yield emulator
    except azurite.AzuriteError as error:
        raise StartError(str(error)) from error
