"""One entry of a function.json's bindings: its violations, and the Binding it declares (platform/app-files.md 3)."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, cast

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.contract import RETURN, Binding, Direction
from fnhost.bindings.expressions import ExpressionError, resolve_settings
from fnhost.bindings.registry import binding_types
from fnhost.bindings.schema import STRING, Violation, choice, members, normalized, pointer, validate
from fnhost.bindings.spelling import did_you_mean

Get = Callable[[str], str | None]

COMMON = members(
    name=STRING,
    type=STRING,
    direction=STRING,
    dataType=choice("string", "binary", "stream", "undefined"),
    connection=STRING,
)
DIRECTIONS = ("in", "out", "inout")
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT")
_OWN_MEMBERS = ("name", "type", "direction", "dataType")
_SETTING_NAMES = ("connection", "connectionname")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}|\$return")


def entry_violations(written: Any, get: Get, has_bundle: bool, in_code: bool = False) -> Iterator[Violation]:
    """Everything that is wrong with an entry; the pointers begin at it.

    `in_code` says that a declaration in code made it: its name is then a parameter's (platform/app-files.md 7, item 6).
    """
    if not isinstance(written, dict):
        yield Violation("", "A binding must be an object.")
        return
    if missing := list(_setting_violations(written, get)):
        yield from missing
        return
    filled = _filled(written, get)
    for violation in _filled_violations(filled, has_bundle, in_code):
        yield replace(violation, message=_as_written(violation.message, written, filled))


def _as_written(message: str, written: Mapping[str, Any], filled: Mapping[str, Any]) -> str:
    """What stood in a setting may be a secret: the message shows the setting's name in its place."""
    for name, value in filled.items():
        if isinstance(value, str) and value and value != written[name]:
            message = message.replace(value, str(written[name]))
    return message


def _filled_violations(filled: Mapping[str, Any], has_bundle: bool, in_code: bool) -> Iterator[Violation]:
    if found := validate(COMMON, filled):
        yield from found
        return
    entry = normalized(COMMON, filled)
    if not in_code:
        yield from _name_violations(entry, filled)
    yield from _direction_violations(entry, filled)
    yield from _type_violations(entry, filled, has_bundle)
    yield from _schema_violations(entry, filled)


def read_entry(written: Mapping[str, Any], get: Get) -> Binding:
    """The binding of an entry without violations."""
    entry = normalized(COMMON, _filled(written, get))
    type = binding_types()[entry["type"]]
    properties = {name: value for name, value in normalized(type.schema, entry).items() if name not in _OWN_MEMBERS}
    direction = cast(Direction, _direction(entry))
    return Binding(entry["name"], type.key, direction, entry.get("dataType"), properties)


def is_trigger(written: Mapping[str, Any]) -> bool:
    """Whether the entry declares a trigger; it may have violations."""
    entry = normalized(COMMON, written)
    return str(entry.get("type")).lower().endswith("trigger") and _direction(entry) != "out"


def _setting_violations(written: Mapping[str, Any], get: Get) -> Iterator[Violation]:
    hint = "Add it to the Values of local.settings.json or to the environment."
    for name, value in written.items():
        try:
            _fill(name, value, get)
        except ExpressionError as error:
            yield Violation(pointer(written, name), str(error), hint)


def _filled(written: Mapping[str, Any], get: Get) -> dict[str, Any]:
    return {name: _fill(name, value, get) for name, value in written.items()}


def _fill(name: str, value: Any, get: Get) -> Any:
    """`%SETTING%` is replaced in every text but those that are themselves the name of a setting."""
    if not isinstance(value, str) or name.lower() in _SETTING_NAMES:
        return value
    return resolve_settings(value, get)


def _name_violations(entry: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Violation]:
    name = entry.get("name", "")
    if not _NAME.fullmatch(name):
        hint = "Names are letters and digits, a letter first, or $return."
        message = f"The binding name {name} is invalid. Please assign a valid name to the binding."
        yield Violation(pointer(filled, "name") if name else "", message, hint)


def _direction_violations(entry: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Violation]:
    direction = _direction(entry)
    place = pointer(filled, "direction") if "direction" in entry else ""
    if direction not in DIRECTIONS:
        message = f"'{entry['direction']}' is not a valid binding direction."
        yield Violation(place, message, did_you_mean(direction, DIRECTIONS) or "Write in, out or inout.")
    elif entry.get("name") == RETURN and direction != "out":
        yield Violation(place, "$return bindings must specify a direction of 'out'.")
    elif (type := binding_types().find(entry.get("type", ""))) and not type.is_trigger:
        yield from _role_violations(type, direction)


def _role_violations(type: BindingType, direction: str) -> Iterator[Violation]:
    """`inout` is refused by the worker, for each parameter (platform/python-worker.md)."""
    if direction == "inout" or direction in type.directions:
        return
    kind, wanted = ("input", "in") if direction == "out" else ("output", "out")
    name = type.name[0].upper() + type.name[1:]
    yield Violation("", f"{name} binding can only be used for {kind}.", f'Add "direction": "{wanted}".')


def _type_violations(entry: Mapping[str, Any], filled: Mapping[str, Any], has_bundle: bool) -> Iterator[Violation]:
    type = entry.get("type", "")
    if not type:
        message = f"Binding '{entry.get('name', '')}' is invalid. Bindings must specify a Type."
        yield Violation("", message)
    elif not binding_types().find(type):
        where = "were not found in the configured extension bundle" if has_bundle else "are not registered"
        known = f"Known here: {', '.join(binding_types().names)}."
        hint = did_you_mean(type, binding_types().names) or known
        yield Violation(pointer(filled, "type"), f"The binding type(s) '{type}' {where}.", hint)


def _schema_violations(entry: Mapping[str, Any], filled: Mapping[str, Any]) -> Iterator[Violation]:
    type = binding_types().find(entry.get("type", ""))
    if type is None:
        return
    found = validate(type.schema, filled) or list(type.violations(normalized(type.schema, entry)))
    for fault in found:
        message = f"Unable to configure binding '{entry.get('name', '')}' of type '{type.name}'. {fault.message}"
        yield Violation(fault.pointer, message, fault.hint or _near(fault, entry, type))


def _near(fault: Violation, entry: Mapping[str, Any], type: BindingType) -> str:
    """What was probably meant: a member that is written in another way, or a value that is not one of the known."""
    if not fault.pointer:
        return " ".join(misspelled(entry))
    name = fault.pointer.split("/")[1]
    allowed = type.schema.get("properties", {}).get(name, {}).get("enum", ())
    return did_you_mean(str(entry.get(name, "")), allowed)


def misspelled(entry: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each member that is nearly one which its binding type knows, and for each such HTTP method.

    Members that are like no known one are accepted, as on the platform: they may be for other programs.
    """
    type = binding_types().find(str(entry.get("type", "")))
    if type is None:
        return
    known = [*COMMON["properties"], *type.schema.get("properties", {})]
    lowered = {name.lower() for name in known}
    for name in entry:
        if name.lower() not in lowered and (hint := did_you_mean(name, known)):
            yield f"'{name}' is not known. {hint}"
    for method in entry.get("methods") or ():
        if str(method).upper() not in METHODS and (hint := did_you_mean(str(method), METHODS)):
            yield f"'{method}' is not a usual HTTP method. {hint}"


def _direction(entry: Mapping[str, Any]) -> str:
    return str(entry.get("direction", "in")).lower()
