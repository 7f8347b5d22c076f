"""JSON to rows of a table and back (platform/table.md 1 and 2)."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fnhost.bindings.contract import BindingError, Json, Value
from fnhost.bindings.formats import compact
from fnhost.bindings.storage import Row

TYPE: Final = "@odata.type"
KEYS: Final = ("PartitionKey", "RowKey")
HIDDEN: Final = ("Timestamp", "odata.etag", "odata.metadata")


def written(value: Value, defaults: Mapping[str, str], place: str) -> Iterator[Row]:
    """The rows that a value becomes; `defaults` are keys for those that have none. Raises BindingError."""
    for entity in _entities(value, place):
        row = dict(defaults)
        for name, member in entity.items():
            row.update(_column(name, member))
        missing = [name for name in KEYS if not isinstance(row.get(name), str)]
        if missing:
            raise BindingError(
                f"{place}: an entity has no text as {' and '.join(missing)}. Write it into the entity, "
                f"or set {' and '.join(name[0].lower() + name[1:] for name in missing)} of the binding."
            )
        yield row


def _entities(value: Value, place: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, tuple):
        for item in value:
            yield from _entities(item, place)
        return
    text = value.text if isinstance(value, Json) else value
    try:
        parsed = json.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:
        parsed = None
    for entity in parsed if isinstance(parsed, list) else [parsed]:
        if not isinstance(entity, dict):
            raise BindingError(f"{place}: write a JSON object for one entity, or an array of them.")
        yield entity


def _column(name: str, value: Any) -> Mapping[str, Any]:
    """With its type where JSON does not tell: the service takes a plain number for one of 32 bits."""
    match value:
        case None:
            return {}
        case bool() | str():
            return {name: value}
        case int() if -(2**31) <= value < 2**31:
            return {name: value}
        case int():
            return {name: str(value), f"{name}{TYPE}": "Edm.Int64"}
        case float():
            return {name: value, f"{name}{TYPE}": "Edm.Double"}
        case _:
            return {name: compact(value)}


def read(row: Row) -> Mapping[str, Any]:
    """An entity as a function sees it: keys and properties, whole numbers of 64 bits as numbers."""
    return {
        name: int(value) if row.get(f"{name}{TYPE}") == "Edm.Int64" else value
        for name, value in row.items()
        if not name.endswith(TYPE) and name not in HIDDEN
    }
