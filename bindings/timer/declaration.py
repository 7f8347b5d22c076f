"""The binding type `timerTrigger` (platform/app-files.md 3, platform/timer.md)."""

from typing import Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.schema import BOOLEAN, STRING, members

BINDING_TYPES: Final = (
    BindingType(
        name="timerTrigger",
        schema=members("schedule", schedule=STRING, runOnStartup=BOOLEAN, useMonitor=BOOLEAN),
        needs_storage=True,
    ),
)
