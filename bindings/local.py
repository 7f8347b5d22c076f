"""Triggers that no service stands behind (platform/app-files.md 3, platform/keys-and-admin.md 7).

A `manualTrigger` is fired by the admin API alone, a `warmupTrigger` once when the app goes into service.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.contract import Adapter, Binding, Event, Fire
from fnhost.bindings.schema import members


@dataclass(frozen=True, slots=True)
class ManualTrigger:
    """Waits: `POST /admin/functions/{name}` fires the function without it."""

    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        await stopping.wait()


@dataclass(slots=True)
class WarmupTrigger:
    function: str
    is_fired: bool = field(default=False)

    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        if not self.is_fired:
            self.is_fired = True
            await fire(Event(self.function, "", "The app has been started."))
        await stopping.wait()


def open_manual(services: None, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    return ManualTrigger()


def open_warmup(services: None, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    return WarmupTrigger(function)


BINDING_TYPES: Final = (
    BindingType(name="manualTrigger", schema=members(), needs_storage=True, open=open_manual),
    BindingType(name="warmupTrigger", schema=members(), needs_storage=True, open=open_warmup),
)
