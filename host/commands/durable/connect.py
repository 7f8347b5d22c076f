"""Where a command finds the task hub: in a host of this app that runs, else in its storage."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fnhost.host.commands.durable.api import LocalApi, ManagementApi, RemoteApi
from fnhost.host.commands.durable.choice import HubChoice
from fnhost.host.commands.durable.output import say
from fnhost.host.errors import StartError
from fnhost.host.presence import RunningHost, marks_folder, running_hosts
from fnhost.host.system.private_files import STATE_FOLDER


@dataclass(frozen=True, slots=True)
class Connection:
    """An open way to a task hub. `host` is the one that is asked; None where the storage itself is."""

    api: ManagementApi
    hub: str
    place: str
    """Where it lies, for people."""
    host: RunningHost | None = None
    is_shared: bool = False
    """Whether programs that leave no note here may serve it: a storage account is there for others, too."""


def hosts_of(choice: HubChoice) -> Sequence[RunningHost]:
    """The running hosts of this app on the hub that is meant. Raises AppError, StartError."""
    hosts = running_hosts(choice.root)
    if not hosts or not (choice.hub or choice.setting):
        return hosts
    from fnhost.host.commands.durable.stored import plan_for

    location = plan_for(choice)[1].location
    return [host for host in hosts if host.location == location]


@asynccontextmanager
async def connected(
    choice: HubChoice, orchestrators: Sequence[str] = (), *, is_made: bool = False
) -> AsyncIterator[Connection]:
    """`orchestrators` may be started where no host runs; `is_made`: the hub is made if it is missing.

    Raises AppError, StartError.
    """
    if hosts := hosts_of(choice):
        async with remote(hosts[0]) as connection:
            yield connection
        return
    async with stored(choice, orchestrators, is_made=is_made) as connection:
        yield connection


@asynccontextmanager
async def remote(host: RunningHost) -> AsyncIterator[Connection]:
    import aiohttp  # slow to import, and not needed without a host

    async with aiohttp.ClientSession() as session:
        yield Connection(RemoteApi(host.address, session), host.hub, f"host process {host.pid}", host)


@asynccontextmanager
async def stored(
    choice: HubChoice, orchestrators: Sequence[str] = (), *, is_made: bool = False
) -> AsyncIterator[Connection]:
    """The storage itself. Raises AppError, StartError."""
    from fnhost.host.commands.durable import stored as storage

    app, plan = storage.plan_for(choice)
    async with AsyncExitStack() as stack:
        if plan.needs_emulator:
            await stack.enter_async_context(emulator(choice.root))
        hub, api = await stack.enter_async_context(storage.opened(app, plan, orchestrators, is_made=is_made))
        is_shared = plan.account is not None and not plan.needs_emulator
        marks = marks_folder(choice.root, plan.config.hub.name)
        local = LocalApi(api, hub, choice.root / STATE_FOLDER / plan.key, marks)
        yield Connection(local, plan.config.hub.name, storage.place(plan), is_shared=is_shared)


@asynccontextmanager
async def emulator(root: Path) -> AsyncIterator[None]:
    """The storage emulator, begun as a host would begin it. Raises StartError."""
    from fnhost import azurite
    from fnhost.host.assembly.emulator import FOLDER

    try:
        async with azurite.development_storage(root / FOLDER, os.environ, say) as running:
            if running.azurite:
                say("No host runs: the storage emulator is started for this command, as the task hub lies in it.")
            yield
    except azurite.AzuriteError as error:
        raise StartError(str(error)) from error
