"""Which task hub an app has, where it lies, and its storage, before anything of it is opened."""

import hashlib
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import TypeAlias

from fnhost.bindings.storage import Account, BadConnection, parse, resolve, setting_of
from fnhost.clock import Clock
from fnhost.host.app import App
from fnhost.host.assembly.emulator import DEVELOPMENT, is_development
from fnhost.host.durable.config import AZURE, DurableConfig, read_durable
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.errors import StartError
from fnhost.host.load.localsettings import has_connection
from fnhost.host.logging.log import Log
from fnhost.host.system.private_files import STATE_FOLDER, private_folder

Location: TypeAlias = tuple[str, ...]
"""What tells one task hub from another: two that are open on the same would disturb each other."""


@dataclass(frozen=True, slots=True)
class HubPlan:
    """A task hub as a version of the app describes it, checked as far as it can be without opening it."""

    config: DurableConfig
    account: Account | None
    location: Location
    warnings: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Names a folder beside the hub: the same for the same storage and hub."""
        return hashlib.sha256("\0".join(self.location).encode()).hexdigest()[:16]

    @property
    def needs_emulator(self) -> bool:
        return self.account is not None and is_development(self.account)


def read_plan(app: App) -> HubPlan:
    """Raises AppError, StartError."""
    return plan_of(app, read_durable(app))


def plan_of(app: App, config: DurableConfig) -> HubPlan:
    """Raises StartError."""
    account, missing = _account(app, config)
    where = str(config.path) if account is None else f"{account.table} {account.queue}"
    return HubPlan(config, account, (config.provider, where, config.hub.name.lower()), (*missing, *config.warnings))


def storage_of(plan: HubPlan, log: Log, clock: Clock) -> AbstractAsyncContextManager[Hub]:
    """Raises StartError."""
    config = plan.config
    if plan.account:
        return AzureHub(config.hub, plan.account, log, clock, encoding=config.encoding)
    if config.path:
        try:
            if config.path.parent.name == STATE_FOLDER:
                private_folder(config.path.parent)
            config.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(
                f"The folder {config.path.parent} for the task hub's file cannot be made: {error}. Name another file "
                "in host.json, extensions.durableTask.storageProvider.path."
            ) from error
    return SqliteHub(config.hub, config.path, clock, log)


def _account(app: App, config: DurableConfig) -> tuple[Account | None, tuple[str, ...]]:
    """The storage account of the hub, None for a file, and what the user is warned of. Raises StartError.

    Without a setting it is the emulator: most apps are cloned without local.settings.json.
    """
    if config.provider != AZURE:
        return None, ()
    settings, connection = app.settings, config.connection
    if not has_connection(settings, connection):
        name = setting_of(connection)
        text = (
            f"The setting {name} is missing: durable functions use the storage emulator. In Azure "
            f'it must be set; here, write "{name}": "{DEVELOPMENT}" into local.settings.json.'
        )
        return parse(DEVELOPMENT), (text,)
    try:
        return resolve(connection, settings.connection, settings.get), ()
    except BadConnection as error:
        raise StartError(str(error)) from error
