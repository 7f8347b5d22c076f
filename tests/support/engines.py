"""An engine over any hub, serving functions of the real SDK in the test's own process, for the length of a block."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fnhost.azurite import Azurite
from fnhost.bindings.storage import parse
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.client import DurableClient
from fnhost.host.durable.model.history import HistoryEvent
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.runtime.engine import Engine, EngineSettings
from fnhost.host.durable.sharing.identity import HostIdentity
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.hub import Hub, HubSettings
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Level, Log, Record
from tests.support.sdk import activity, orchestrator

PATIENCE = 30.0
"""Seconds within which everything a test waits for must have happened."""
POLL = 0.1
"""Seconds between two looks at what another host may have recorded."""

ALONE = HostIdentity("the only host", lambda _: False)
"""A host that dies is known again when it is started again: its queues are its own at once."""

OpenHub = Callable[[HubSettings], AbstractAsyncContextManager[Hub]]
HUBS: Mapping[str, Callable[[Azurite, Path], OpenHub]] = {
    "azurite": lambda storage, path: lambda settings: AzureHub(settings, parse(storage.connection_string), Log()),
    "file": lambda storage, path: lambda settings: SqliteHub(settings, path / f"{settings.name}.db"),
    "memory": lambda storage, path: lambda settings: SqliteHub(settings),
}


def hub_settings(**values: Any) -> HubSettings:
    """Settings of a hub that no other test uses."""
    return HubSettings(**{"name": f"T{uuid.uuid4().hex[:20]}"} | values)


@asynccontextmanager
async def made(opened: AbstractAsyncContextManager[Hub]) -> AsyncIterator[Hub]:
    async with opened as hub:
        await hub.create()
        yield hub
        await hub.delete()


@dataclass(frozen=True, slots=True)
class Functions:
    """User code by name."""

    orchestrators: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    activities: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Served:
    """A running engine, and what to ask it with."""

    engine: Engine
    client: DurableClient
    records: list[Record]

    async def start(self, name: str, input: Any = None, instance: str | None = None) -> str:
        """Start it as the SDK's client does, which sends JSON in a JSON string."""
        return await self.client.start(name, instance, None if input is None else json.dumps(json.dumps(input)))

    async def run(self, name: str, input: Any = None, instance: str | None = None) -> Instance:
        """Start it; the instance at its end."""
        return await self.end(await self.start(name, input, instance))

    async def end(self, instance: str) -> Instance:
        found = await self.client.wait(instance, PATIENCE, POLL)
        assert found.status.is_terminal, f"{instance} is still {found.status.name}: {await self.history(instance)}"
        return found

    async def until(self, instance: str, is_so: Callable[[Instance], bool]) -> Instance:
        """The instance as soon as it is as wanted."""
        with self.engine.watching(instance) as watch:
            async with asyncio.timeout(PATIENCE):
                while (found := await self.client.find(instance)) is None or not is_so(found):
                    await watch.next()
        return found

    async def history(self, instance: str) -> tuple[HistoryEvent, ...]:
        return (await self.engine.hub.load(instance)).events

    def said(self, text: str, level: Level = Level.WARNING) -> int:
        """How many records of at least this level have the text in them."""
        return sum(text in record.message for record in self.records if record.level >= level)


@asynccontextmanager
async def serving(
    hub: Hub,
    functions: Functions,
    settings: EngineSettings | None = None,
    clock: Clock = SYSTEM_CLOCK,
    client_hub: Hub | None = None,
    identity: HostIdentity = ALONE,
) -> AsyncIterator[Served]:
    """`client_hub` is what the client asks, if it is not to pass through `hub`."""
    records: list[Record] = []
    engine = Engine(hub, clock, Log(records.append), settings or EngineSettings(), identity)
    with ExitStack() as served:
        for name, function in functions.orchestrators.items():
            served.enter_context(engine.serving("orchestrator", name, orchestrator(function)))
        for name, function in functions.activities.items():
            served.enter_context(engine.serving("activity", name, activity(function)))
        async with engine.running():
            yield Served(engine, DurableClient(engine, client_hub or engine.hub, clock), records)
