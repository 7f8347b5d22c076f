"""Deferred binding: a worker is told where the data of a parameter lies, and opens it with an SDK of its own.

Rules from platform/official-workers.md 4.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fnhost.bindings.contract import Binding, Event, Json, Value
from fnhost.bindings.expressions import parse
from fnhost.bindings.formats import compact, odata_escaped
from fnhost.host.app import Function

BLOBS, QUEUES, TABLES = "AzureStorageBlobs", "AzureStorageQueues", "AzureStorageTables"
VERSION, CONTENT_TYPE = "1.0", "application/json"
DEFAULT_CONNECTION = "AzureWebJobsStorage"
MESSAGE_MEMBERS = {
    "MessageId": "Id",
    "PopReceipt": "PopReceipt",
    "DequeueCount": "DequeueCount",
    "NextVisibleOn": "NextVisibleTime",
    "InsertedOn": "InsertionTime",
    "ExpiresOn": "ExpirationTime",
}
"""Members of the SDK's message, and the metadata of the trigger that hold them."""
REFUSED = (
    "The binding '{}' wants a type of an SDK for its parameter, which this host hands over for queue triggers, blob "
    "triggers, blob inputs and table inputs alone. Bind it to a string, a byte array or a class of your own."
)
_SERVED = frozenset({"queuetrigger", "blobtrigger", "blob", "table"})


@dataclass(frozen=True, slots=True)
class ModelBindingData:
    """Where the data of a parameter lies: `source` is the name of an extension, `content` JSON in UTF-8."""

    source: str
    content: bytes


def deferred_bindings(function: Function) -> Mapping[str, Binding]:
    """By name those bindings of a function whose worker wants no data."""
    entries = function.config.get("bindings", ())
    pairs = zip(function.bindings, entries, strict=False)
    return {binding.name: binding for binding, entry in pairs if _is_deferred(entry) and binding.direction != "out"}


def refusal(function: Function) -> str:
    """Why a function cannot be served although its worker could load it; empty if it can."""
    found = (one.name for one in deferred_bindings(function).values() if one.type not in _SERVED)
    return next(map(REFUSED.format, found), "")


def _is_deferred(entry: Mapping[str, Any]) -> bool:
    """By two properties, whose values may be texts."""
    properties = next((value for name, value in entry.items() if name.lower() == "properties"), None)
    if not isinstance(properties, Mapping):
        return False
    said = {str(name).lower(): str(value).lower() == "true" for name, value in properties.items()}
    return said.get("supportsdeferredbinding", False) and not said.get("skipdeferredbinding", False)


def places(
    deferred: Mapping[str, Binding], event: Event, now: Callable[[], datetime]
) -> Mapping[str, ModelBindingData]:
    """By binding where the worker finds the data. Raises ExpressionError."""
    return {name: place_of(binding, event, now) for name, binding in deferred.items()}


def place_of(binding: Binding, event: Event, now: Callable[[], datetime]) -> ModelBindingData:
    """Where the worker finds the data. Raises ExpressionError."""
    match binding.type:
        case "queuetrigger":
            source, content = QUEUES, dict(_message(event))
        case "table":
            source, content = TABLES, _table(binding, event, now)
        case _:
            path = event.metadata.get("BlobTrigger") if binding.type == "blobtrigger" else None
            source, content = BLOBS, _blob(binding, str(path or _rendered(binding, "path", event, now)))
    return ModelBindingData(source, compact(content).encode())


def _message(event: Event) -> Iterator[tuple[str, Any]]:
    """The message as its SDK's class has it, as far as the trigger knows it."""
    value = event.value
    yield "MessageText", value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    for member, name in MESSAGE_MEMBERS.items():
        if (known := event.metadata.get(name)) is not None:
            yield member, _plain(known)


def _plain(value: Value) -> Any:
    return json.loads(value.text) if isinstance(value, Json) else value


def _rendered(binding: Binding, name: str, event: Event, now: Callable[[], datetime]) -> str | None:
    text = binding.properties.get(name)
    return parse(str(text)).render_for(event, now, odata_escaped if name == "filter" else str) if text else None


def _table(binding: Binding, event: Event, now: Callable[[], datetime]) -> dict[str, Any]:
    """A connection that the binding does not name is none: the worker knows the default."""
    return {
        "TableName": _rendered(binding, "tableName", event, now),
        "Take": binding.properties.get("take") or 0,
        "Filter": _rendered(binding, "filter", event, now),
        "Connection": binding.properties.get("connection") or None,
        "PartitionKey": _rendered(binding, "partitionKey", event, now),
        "RowKey": _rendered(binding, "rowKey", event, now),
    }


def _blob(binding: Binding, path: str) -> dict[str, Any]:
    """A path without a slash names a container."""
    container, _, blob = path.lstrip("/").partition("/")
    connection = str(binding.properties.get("connection") or DEFAULT_CONNECTION)
    return {"Connection": connection, "ContainerName": container, "BlobName": blob}
