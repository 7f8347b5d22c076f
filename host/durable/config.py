"""`extensions.durableTask` of host.json, read once (platform/durable-settings.md 1, platform/durable-http.md 8.2)."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fnhost.bindings.expressions import ExpressionError, resolve_settings
from fnhost.bindings.schema import timespan
from fnhost.host.app import App, Settings
from fnhost.host.durable.client import ClientSettings
from fnhost.host.durable.entities.entity import EntityLimits
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.states import OVERRIDABLE
from fnhost.host.durable.replay.decide import OrchestrationLimits
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.sharing.leases import LeaseSettings
from fnhost.host.durable.storage.hub import HubSettings
from fnhost.host.errors import AppError, Problem

AZURE, SQLITE, MEMORY = "azurestorage", "sqlite", ":memory:"
FILE, POINTER = "host.json", "/extensions/durableTask"
EXTENDED = "Durable Functions with extendedSessionsEnabled set to 'true' is only supported for .NET in process."
EXTENDED_HINT = "Remove it, as Azure refuses the app too."
HUB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,49}")


@dataclass(frozen=True, slots=True)
class DurableConfig:
    """The durable settings of an app. `path` is the SQLite hub's file, None for memory."""

    provider: str
    connection: str
    hub: HubSettings
    engine: EngineSettings
    client: ClientSettings
    path: Path | None = None
    encoding: Literal["Base64", "UTF8"] = "Base64"
    rpc: bool = True
    forwarded: bool = False
    warnings: tuple[str, ...] = ()


class _Section(Mapping[str, Any]):
    """A section of host.json: names match in any case, and a value of the wrong kind is the file's problem."""

    def __init__(self, section: Mapping[str, Any], pointer: str) -> None:
        self._members = {name.lower(): (name, value) for name, value in section.items()}
        self._pointer = pointer

    def __getitem__(self, name: str) -> Any:
        return self._members[name.lower()][1]

    def __iter__(self) -> Any:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def section(self, name: str) -> "_Section":
        found = self.get(name, {})
        return _Section(found if isinstance(found, dict) else {}, f"{self._pointer}/{name}")

    def text(self, name: str, default: str) -> str:
        return str(self.get(name) or default)

    def flag(self, name: str, default: bool) -> bool:
        found = self.get(name, default)
        return found if isinstance(found, bool) else str(found).lower() == "true"

    def whole(self, name: str, default: int, lowest: int = 1, highest: int = 2**31) -> int:
        found = self.get(name, default)
        if not str(found).lstrip("-").isdigit() or not lowest <= int(found) <= highest:
            raise self._wrong(name, found, f"Write a whole number from {lowest} to {highest}.")
        return int(found)

    def seconds(self, name: str, default: float, lowest: float = 0.0, highest: float = math.inf) -> float:
        if (found := self.get(name)) is None:
            return default
        try:
            seconds = timespan(str(found))
        except ValueError as error:
            raise self._wrong(name, found, "Write a time span like 00:00:05.") from error
        if not lowest <= seconds <= highest:
            raise self._wrong(name, found, f"Write a time span from {lowest:.0f} to {highest:.0f} seconds.")
        return seconds

    def _wrong(self, name: str, found: Any, hint: str) -> AppError:
        return AppError([Problem(FILE, f"{self._pointer}/{name}", f"'{found}' is not possible here.", hint)])


def read_durable(app: App) -> DurableConfig:
    """Raises AppError."""
    section = _Section(app.config.extension("durabletask"), POINTER)
    if section.flag("extendedSessionsEnabled", False):
        raise AppError([Problem(FILE, f"{POINTER}/extendedSessionsEnabled", EXTENDED, EXTENDED_HINT)])
    storage = section.section("storageProvider")
    provider = storage.text("type", "AzureStorage").lower()
    if provider not in (AZURE, SQLITE):
        hint = "This host knows AzureStorage and, its own, sqlite."
        message = f"The storage provider '{provider}' is not available here."
        raise AppError([Problem(FILE, f"{POINTER}/storageProvider/type", message, hint)])
    name = hub_name(section.get("hubName"), app.settings)
    hidden = storage.seconds("controlQueueVisibilityTimeout", HubSettings().hidden)
    cores = os.cpu_count() or 1
    return DurableConfig(
        provider=provider,
        connection=storage.text("connectionName", storage.text("connectionStringName", "Storage")),
        hub=HubSettings(
            name=name,
            partitions=storage.whole("partitionCount", 4, 1, 16),
            hidden=hidden,
            keep_inputs=section.flag("storeInputsInOrchestrationHistory", False),
            app=app.settings.get("WEBSITE_SITE_NAME") or "",
        ),
        engine=EngineSettings(
            limits=_limits(section),
            entities=EntityLimits(
                batch=section.whole("maxEntityOperationBatchSize", EntityLimits().batch),
                window=60.0 * section.whole("entityMessageReorderWindowInMinutes", 30, lowest=0),
            ),
            orchestrators=section.whole("maxConcurrentOrchestratorFunctions", 10 * cores),
            activities=section.whole("maxConcurrentActivityFunctions", 10 * cores),
            leases=_leases(section, name),
            hidden=hidden,
            longest_poll=min(storage.seconds("maxQueuePollingInterval", LONGEST_POLL), LONGEST_POLL),
        ),
        client=ClientSettings(overridable=_overridable(section), version=section.text("defaultVersion", "")),
        path=_path(storage.text("path", ""), app.root, name),
        encoding="UTF8" if storage.text("queueClientMessageEncoding", "").lower() == "utf8" else "Base64",
        rpc=section.flag("localRpcEndpointEnabled", True),
        forwarded=section.section("httpSettings").flag("useForwardedHost", False),
        warnings=_warnings(storage),
    )


LEASES = 15.0, 60.0
"""How long Azure Storage leases a container."""
LONGEST_POLL = 1.0
"""Seconds. Shorter than the platform's 30 s, so that messages which tools write to the queues are noticed soon."""


def _limits(section: _Section) -> OrchestrationLimits:
    poll = section.section("httpSettings").whole("defaultAsyncRequestSleepTimeMilliseconds", 30000)
    return OrchestrationLimits(
        http_poll=poll / 1000,
        actions=section.whole("maxOrchestrationActions", OrchestrationLimits().actions),
        version=section.text("defaultVersion", ""),
    )


def _leases(section: _Section, hub: str) -> LeaseSettings:
    options, usual = section.section("appLeaseOptions"), LeaseSettings()
    return LeaseSettings(
        use_app_lease=section.flag("useAppLease", True),
        app_renewal=options.seconds("renewInterval", usual.app_renewal),
        app_retry=options.seconds("acquireInterval", usual.app_retry),
        app_lease=options.seconds("leaseInterval", usual.app_lease, *LEASES),
        hub=hub,
    )


def _warnings(storage: _Section) -> tuple[str, ...]:
    """Hosts that share a hub must share it in the same way (platform/task-hub.md 6.4)."""
    if storage.flag("useTablePartitionManagement", True) and not storage.flag("useLegacyPartitionManagement", False):
        return ()
    return (
        "fnhost shares the partitions of a task hub through its Partitions table, whatever host.json says in "
        "useTablePartitionManagement and useLegacyPartitionManagement. Do not run another host on the same hub that "
        "keeps to these settings: both would serve every queue. Set useTablePartitionManagement to true for both.",
    )


def _overridable(section: _Section) -> frozenset[RuntimeStatus]:
    is_any = section.text("overridableExistingInstanceStates", "NonRunningStates").lower() == "anystate"
    return frozenset(RuntimeStatus) if is_any else OVERRIDABLE


def _path(written: str, root: Path, hub: str) -> Path | None:
    if written == MEMORY:
        return None
    return root / (written or f".fnhost/{hub}.db")


def hub_name(written: object, settings: Settings) -> str:
    """The task hub's name (platform/task-hub.md 1.1). Raises AppError if it cannot name tables and queues."""
    if written is None:
        site = settings.get("WEBSITE_SITE_NAME")
        return _sanitised(site) if site else "TestHubName"
    try:
        name = resolve_settings(str(written), settings.get)
    except ExpressionError as error:
        hint = "Add it to the Values of local.settings.json or to the environment."
        raise AppError([Problem(FILE, f"{POINTER}/hubName", str(error), hint)]) from error
    if not HUB_NAME.fullmatch(name):
        filled = "" if name == str(written) else " (with its settings filled in)"
        text = (
            f"Task hub name '{written}'{filled} should contain only alphanumeric characters, start with a letter, "
            "and have length between 3 and 45."
        )
        raise AppError([Problem(FILE, f"{POINTER}/hubName", text)])
    return name


def _sanitised(site: str) -> str:
    kept = "".join(character for character in site if character.isascii() and character.isalnum())
    if not kept:
        return "DefaultTaskHub"
    named = f"t{kept}" if kept[0].isdigit() else kept
    return named[:45] if len(named) >= 3 else f"{named}Hub"
