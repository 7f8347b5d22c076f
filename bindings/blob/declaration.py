"""The binding types `blobTrigger` and `blob` (platform/app-files.md 3, platform/blob.md 1)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.blob.adapters import open_blob
from fnhost.bindings.blob.paths import PathError, parse_pattern
from fnhost.bindings.blob.settings import NAME, read_settings
from fnhost.bindings.blob.trigger import open_trigger
from fnhost.bindings.contract import Binding
from fnhost.bindings.schema import STRING, TEMPLATE, Violation, choice, members
from fnhost.bindings.storage.services import StorageServices


def pattern_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    try:
        parse_pattern(entry["path"])
    except PathError as error:
        yield Violation("/path", str(error))


def trigger_names(binding: Binding) -> frozenset[str]:
    captured = parse_pattern(str(binding.properties["path"])).names
    return frozenset(("BlobTrigger", "Uri", "Properties", "Metadata", *captured))


BINDING_TYPES: Final = (
    BindingType(
        name="blobTrigger",
        schema=members("path", path=TEMPLATE, connection=STRING, source=choice("LogsAndContainerScan", "EventGrid")),
        settings=NAME,
        read_settings=read_settings,
        needs_storage=True,
        services=StorageServices,
        open=open_trigger,
        violations=pattern_violations,
        data_names=trigger_names,
    ),
    BindingType(
        name="blob",
        schema=members("path", path=TEMPLATE, connection=STRING),
        directions=frozenset(("in", "out")),
        settings=NAME,
        read_settings=read_settings,
        needs_storage=True,
        services=StorageServices,
        open=open_blob,
    ),
)
