"""The binding types `blobTrigger` and `blob` (platform/app-files.md 3, platform/blob.md)."""

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
