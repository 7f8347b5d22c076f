"""Whether an app uses the storage emulator, and inputs and outputs that wait while it is being started."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fnhost.bindings.contract import Binding, Event, Input, Output, Value
from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage import BadConnection, resolve
from fnhost.bindings.storage.services import StorageServices
from fnhost.clock import Clock
from fnhost.host.app import App, Function
from fnhost.host.assembly.emulator import DEVELOPMENT, StorageEmulator, is_development

REQUIREMENTS = ("requirements.txt", "package.json")
STORAGE_SDK = re.compile(
    r"azure-(?:storage-(?:blob|queue|file)|data-tables)|@azure/(?:storage-|data-tables)", re.IGNORECASE
)
"""Packages by which code uses storage itself."""


def needs_emulator(app: App) -> bool:
    """Whether a binding leads to the emulator, or code that uses storage by itself is given it as a setting."""
    if any(uses_emulator(function, app) for function in app.functions):
        return True
    is_given = any(value.strip().lower() == DEVELOPMENT.lower() for value in app.settings.environment.values())
    return is_given and any(_names_storage(app.root / name) for name in REQUIREMENTS)


def uses_emulator(function: Function, app: App) -> bool:
    """Whether one of the function's bindings leads to the emulator."""
    return any(is_on_emulator(binding, app) for binding in function.bindings)


def is_on_emulator(binding: Binding, app: App) -> bool:
    if binding_types()[binding.type].services is not StorageServices:
        return False
    connection = str(binding.properties.get("connection", ""))
    try:
        return is_development(resolve(connection, app.settings.connection, app.settings.get))
    except BadConnection:
        return False


def _names_storage(file: Path) -> bool:
    return file.is_file() and bool(STORAGE_SDK.search(file.read_text("utf-8", "replace")))


LONGEST_START = 30.0
"""Seconds that an invocation waits for an emulator that is being started."""


async def until_started(emulator: StorageEmulator, clock: Clock) -> None:
    """Return at once if it runs, or cannot be started: the request that follows then says what is wrong."""
    if emulator.is_ready or emulator.obstacle:
        return
    with suppress(TimeoutError):
        async with clock.timeout(LONGEST_START):
            await emulator.ready()


class UnreadInput:
    """An input that the worker reads itself, with an SDK (platform/official-workers.md 4)."""

    async def read(self, event: Event) -> Value:
        return None


@dataclass(frozen=True, slots=True)
class StartingInput:
    """An input whose first read may come before the emulator answers."""

    input: Input
    emulator: StorageEmulator
    clock: Clock

    async def read(self, event: Event) -> Value:
        await until_started(self.emulator, self.clock)
        return await self.input.read(event)


@dataclass(frozen=True, slots=True)
class StartingOutput:
    """An output whose first write may come before the emulator answers."""

    output: Output
    emulator: StorageEmulator
    clock: Clock

    async def write(self, value: Value, event: Event) -> None:
        await until_started(self.emulator, self.clock)
        await self.output.write(value, event)
