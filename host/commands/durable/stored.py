"""A task hub in its storage, without a host: which it is, and the management API over a client on it."""

import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from starlette.types import ASGIApp

from fnhost.bindings.durable import HubEndpoints
from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.app import App
from fnhost.host.assembly.hubplan import HubPlan, plan_of, storage_of
from fnhost.host.assembly.servable import servable
from fnhost.host.commands.durable.choice import HubChoice
from fnhost.host.commands.indexing import with_functions
from fnhost.host.durable.client import DurableClient
from fnhost.host.durable.config import AZURE, HUB_NAME, DurableConfig, read_durable
from fnhost.host.durable.detached import DetachedEngine
from fnhost.host.durable.model.errors import HubMissing
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.retrying import ClientHub
from fnhost.host.errors import AppError, StartError, WorkerError
from fnhost.host.load.app import load
from fnhost.host.load.localsettings import has_connection
from fnhost.host.logging.log import Log
from fnhost.host.web.durable.management import management

ORIGIN = "http://localhost:7071"
"""Of the links in answers, which no command shows: there is no host that they would lead to."""


class NoTaskHub(StartError):
    """The task hub has not been made."""

    def __init__(self, plan: HubPlan) -> None:
        super().__init__(
            f"There is no task hub '{plan.config.hub.name}' in {place(plan)}: nothing has been started there. "
            "`fnhost start` makes it, or `fnhost durable start-new`."
        )


def place(plan: HubPlan) -> str:
    """Where the hub lies, for people."""
    if plan.account is None:
        return str(plan.config.path)
    return "the storage emulator" if plan.needs_emulator else f"the storage account at {plan.account.table}"


def plan_for(choice: HubChoice) -> tuple[App, HubPlan]:
    """The app, whose functions may still have to be listed, and the hub that is meant. Raises AppError, StartError."""
    app = servable(load(choice.root, os.environ))
    return app, plan_of(app, _chosen(app, read_durable(app), choice))


def _chosen(app: App, config: DurableConfig, choice: HubChoice) -> DurableConfig:
    if choice.setting:
        if config.provider != AZURE:
            raise StartError("--connection-string-setting is for task hubs in Azure Storage. This app has a file.")
        name = re.sub("^AzureWebJobs(?=.)", "", choice.setting, flags=re.IGNORECASE)
        if not has_connection(app.settings, name):
            raise StartError(
                f"There is no setting '{choice.setting}'. Write it into local.settings.json, or set it in the shell."
            )
        config = replace(config, connection=name)
    return _renamed(app, config, choice.hub) if choice.hub else config


def _renamed(app: App, config: DurableConfig, name: str) -> DurableConfig:
    if not HUB_NAME.fullmatch(name):
        raise StartError(
            f"'{name}' is no name of a task hub: it has letters and digits alone, 3 to 45, and begins with a letter."
        )
    if name.lower() == config.hub.name.lower():
        return config
    if config.path and config.path.name == f"{config.hub.name}.db":
        config = replace(config, path=config.path.with_name(f"{name}.db"))
    return replace(config, hub=replace(config.hub, name=name))


def orchestrators_of(choice: HubChoice) -> Sequence[str]:
    """The names of the app's orchestrators. Not inside an event loop: a worker may have to list them.

    Raises AppError, StartError, WorkerError.
    """
    app = with_functions(servable(load(choice.root, os.environ)), {}, ())
    triggers = [(function.name, function.trigger) for function in app.enabled]
    return [
        str(trigger.properties.get("orchestration") or name)
        for name, trigger in triggers
        if trigger.type.lower() == "orchestrationtrigger"
    ]


def why_unknown(error: AppError | StartError | WorkerError) -> str:
    """What to say when they cannot be read."""
    return f"The app's functions cannot be read: {error}"


@asynccontextmanager
async def opened(
    app: App, plan: HubPlan, orchestrators: Sequence[str], *, is_made: bool
) -> AsyncIterator[tuple[Hub, ASGIApp]]:
    """The hub and the management API of it. Without `is_made` a hub that is missing raises NoTaskHub."""
    config = plan.config
    if plan.account is None:
        _expect_file(plan, is_made)
    async with storage_of(plan, Log(), SYSTEM_CLOCK) as hub:
        if plan.account is None:
            await hub.create()  # brings an older file up to date; its lock says that no host has it

        async def missing(error: HubMissing) -> None:
            raise NoTaskHub(plan) from error

        asked = ClientHub(hub, SYSTEM_CLOCK, None if is_made else missing)
        client = DurableClient(DetachedEngine(hub, orchestrators), asked, SYSTEM_CLOCK, config.client)
        address = HubEndpoints(ORIGIN, config.hub.name, config.connection)
        yield hub, management(client, address, app.settings.connection)


def _expect_file(plan: HubPlan, is_made: bool) -> None:
    path = plan.config.path
    if path is None:
        raise StartError("This app's task hub is in memory (storageProvider.path): it is there while a host runs.")
    if not is_made and not path.exists():
        raise NoTaskHub(plan)
