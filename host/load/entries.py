"""One entry of a function.json's bindings: what is wrong with it, and the Binding it says (functions-host.md 1.3)."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

from bindings.contract import RETURN, Binding, Direction
from bindings.expressions import ExpressionError, resolve_settings
from bindings.schema import TEXT, Fault, choice, faults, members, pointer, spelled
from bindings.shapes import SHAPES, canonical

Get = Callable[[str], str | None]

COMMON = members(
    name=TEXT, type=TEXT, direction=TEXT, dataType=choice("string", "binary", "stream", "undefined"), connection=TEXT
)
_OWN_MEMBERS = ("name", "type", "direction", "dataType")
_SETTING_NAMES = ("connection", "connectionname")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}|\$return")


def entry_faults(written: Any, get: Get, has_bundle: bool) -> Iterator[Fault]:
    """Everything that is wrong with an entry; the pointers begin at it."""
    if not isinstance(written, dict):
        yield Fault("", "A binding must be an object.")
        return
    if missing := list(_setting_faults(written, get)):
        yield from missing
        return
    filled = _filled(written, get)
    if found := faults(COMMON, filled):
        yield from found
        return
    entry = spelled(COMMON, filled)
    yield from _name_faults(entry, filled)
    yield from _direction_faults(entry, filled)
    yield from _type_faults(entry, filled, has_bundle)
    yield from _shape_faults(entry, filled)


def read_entry(written: Mapping[str, Any], get: Get) -> Binding:
    """The binding of an entry that has no faults."""
    entry = spelled(COMMON, _filled(written, get))
    type = canonical(entry["type"])
    properties = {name: value for name, value in spelled(SHAPES[type], entry).items() if name not in _OWN_MEMBERS}
    direction = cast(Direction, _direction(entry))
    return Binding(entry["name"], type.lower(), direction, entry.get("dataType"), properties)


def is_trigger(written: Mapping[str, Any]) -> bool:
    """By the looks of it: the entry may be faulty."""
    entry = spelled(COMMON, written)
    return str(entry.get("type")).lower().endswith("trigger") and _direction(entry) != "out"


def _setting_faults(written: Mapping[str, Any], get: Get) -> Iterator[Fault]:
    hint = "Add it to the Values of local.settings.json or to the environment."
    for name, value in written.items():
        try:
            _fill(name, value, get)
        except ExpressionError as error:
            yield Fault(pointer(written, name), str(error), hint)


def _filled(written: Mapping[str, Any], get: Get) -> dict[str, Any]:
    return {name: _fill(name, value, get) for name, value in written.items()}


def _fill(name: str, value: Any, get: Get) -> Any:
    """`%SETTING%` is replaced in every text but those that are themselves the name of a setting."""
    if not isinstance(value, str) or name.lower() in _SETTING_NAMES:
        return value
    return resolve_settings(value, get)


def _name_faults(entry: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Fault]:
    name = entry.get("name", "")
    if not _NAME.fullmatch(name):
        hint = "Names are letters and digits, a letter first, or $return."
        message = f"The binding name {name} is invalid. Please assign a valid name to the binding."
        yield Fault(pointer(filled, "name") if name else "", message, hint)


def _direction_faults(entry: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Fault]:
    direction = _direction(entry)
    place = pointer(filled, "direction") if "direction" in entry else ""
    if direction not in ("in", "out", "inout"):
        message = f"'{entry['direction']}' is not a valid binding direction."
        yield Fault(place, message, "Write in, out or inout.")
    elif entry.get("name") == RETURN and direction != "out":
        yield Fault(place, "$return bindings must specify a direction of 'out'.")
    elif entry.get("type", "").lower() == "http" and direction == "in":
        hint = 'Add "direction": "out".'
        yield Fault("", "Http binding can only be used for output.", hint)


def _type_faults(entry: Mapping[str, Any], filled: Mapping[str, Any], has_bundle: bool) -> Iterator[Fault]:
    type = entry.get("type", "")
    if not type:
        message = f"Binding '{entry.get('name', '')}' is invalid. Bindings must specify a Type."
        yield Fault("", message)
    elif canonical(type) not in SHAPES:
        where = "were not found in the configured extension bundle" if has_bundle else "are not registered"
        yield Fault(
            pointer(filled, "type"), f"The binding type(s) '{type}' {where}.", f"Known here: {', '.join(SHAPES)}."
        )


def _shape_faults(entry: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Fault]:
    type = canonical(entry.get("type", ""))
    for fault in faults(SHAPES.get(type, {}), filled):
        message = f"Unable to configure binding '{entry.get('name', '')}' of type '{type}'. {fault.message}"
        yield Fault(fault.pointer, message)


def _direction(entry: Mapping[str, Any]) -> str:
    return str(entry.get("direction", "in")).lower()
