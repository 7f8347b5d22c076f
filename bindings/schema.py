"""Validation by JSON Schema as the platform does it: names and enumerated values match in any case.

Two formats are known beside those of JSON Schema: `timespan` and `template`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from fnhost.bindings.contract import Schema
from fnhost.bindings.expressions import ExpressionError, parse

if TYPE_CHECKING:
    from jsonschema import FormatChecker

STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
STRINGS: Schema = {"type": "array", "items": STRING}
TIMESPAN: Schema = {"type": "string", "format": "timespan"}
TEMPLATE: Schema = {"type": "string", "format": "template"}


def choice(*values: str) -> Schema:
    return {"enum": list(values)}


def members(*required: str, **properties: Schema) -> Schema:
    """An object. Members it does not name may hold anything."""
    return {"type": "object", "required": list(required), "properties": properties}


def each(schema: Schema) -> Schema:
    """An object with members of any name, all of one kind."""
    return {"type": "object", "additionalProperties": schema}


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong at `pointer`, a JSON pointer into what was read, and what to do about it."""

    pointer: str
    message: str
    hint: str = ""


def normalized(schema: Schema, value: Any) -> Any:
    """`value` with names and choices in the schema's own spelling. Named members that are null count as absent."""
    match value:
        case dict() if "properties" in schema:
            return dict(_normalized_members(schema["properties"], value))
        case list() if "items" in schema:
            return [normalized(schema["items"], item) for item in value]
        case str() if "enum" in schema:
            return _spelling(value, schema["enum"])
    return value


def validate(schema: Schema, value: Any) -> list[Violation]:
    """Every violation of the schema in `value`; the pointers are spelled as in `value`."""
    from jsonschema import Draft202012Validator  # takes its time to load: the first worker starts meanwhile

    errors = Draft202012Validator(schema, format_checker=_formats()).iter_errors(normalized(schema, value))
    return [Violation(pointer(value, *error.absolute_path), str(error.cause or error.message)) for error in errors]


def pointer(value: Any, *path: str | int) -> str:
    """The JSON pointer to what stands at `path`, with names as `value` has them."""
    result = ""
    for part in path:
        key = part if isinstance(part, int) else _written_name(part, value)
        result += "/" + str(key).replace("~", "~0").replace("/", "~1")
        value = value[key]
    return result


def timespan(text: str) -> float:
    """Seconds of a .NET TimeSpan: `[d.]hh:mm[:ss[.fffffff]]`. Raises ValueError.

    `24:00:00` is 24 days, as on the platform (platform/timer.md 1).
    """
    found = _TIMESPAN.fullmatch(text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a time span like 00:05:00.")
    sign, days, hours, minutes, seconds, fraction = found.groups(default="0")
    if int(hours) > 23:
        days, hours, minutes, seconds = hours, minutes, seconds, "0"
    total = ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds) + float(f"0.{fraction}")
    return -total if sign == "-" else total


_TIMESPAN = re.compile(r"(-)?(?:(\d{1,8})\.)?(\d{1,8}):([0-5]?\d)(?::([0-5]?\d)(?:\.(\d{1,7}))?)?")


@cache
def _formats() -> "FormatChecker":
    from jsonschema import FormatChecker

    formats = FormatChecker(formats=())
    formats.checks("timespan", raises=ValueError)(_is_timespan)
    formats.checks("template", raises=ExpressionError)(_is_template)
    return formats


def _is_timespan(value: object) -> bool:
    return not isinstance(value, str) or timespan(value) is not None


def _is_template(value: object) -> bool:
    return not isinstance(value, str) or parse(value) is not None


def _normalized_members(properties: Mapping[str, Schema], value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for written, member in value.items():
        name = _spelling(written, properties)
        if name not in properties:
            yield name, member
        elif member is not None and written == _written_name(name, value):
            yield name, normalized(properties[name], member)


def _spelling(text: str, known: Iterable[str]) -> str:
    return next((name for name in known if name.lower() == text.lower()), text)


def _written_name(name: str, value: Mapping[str, Any]) -> str:
    """The member of `value` that is taken for `name`: an equal name, else the last that differs in case only."""
    same = [key for key in value if key.lower() == name.lower() and value[key] is not None]
    return name if name in same or not same else same[-1]
