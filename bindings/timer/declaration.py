"""The binding type `timerTrigger` (functions-host.md 1.3, 5.2)."""

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
