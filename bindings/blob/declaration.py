"""The binding types `blobTrigger` and `blob` (functions-host.md 1.3, 5.4)."""

from typing import Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.schema import STRING, TEMPLATE, choice, members

BINDING_TYPES: Final = (
    BindingType(
        name="blobTrigger",
        schema=members("path", path=TEMPLATE, connection=STRING, source=choice("LogsAndContainerScan", "EventGrid")),
        settings="blobs",
        needs_storage=True,
    ),
    BindingType(
        name="blob",
        schema=members("path", path=TEMPLATE, connection=STRING),
        directions=frozenset(("in", "out")),
        settings="blobs",
        needs_storage=True,
    ),
)
