"""Binding expressions: `%SETTING%`, replaced when the app is loaded, and `{expression}`, replaced for each invocation.

From platform/expressions.md.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from fnhost.bindings.contract import BindingError, Event, Json
from fnhost.bindings.formats import formatted


class ExpressionError(BindingError):
    """A binding expression that is malformed or has no value."""


def resolve_settings(text: str, get: Callable[[str], str | None]) -> str:
    """Every `%NAME%` replaced by `get(NAME)`. Raises ExpressionError where there is none, or a `%` is left over."""
    parts = text.split("%")
    if len(parts) % 2 == 0:
        raise ExpressionError(f"The '%' at position {text.rindex('%')} does not have a closing '%'.")
    parts[1::2] = [_setting(name, get) for name in parts[1::2]]
    return "".join(parts)


def _setting(name: str, get: Callable[[str], str | None]) -> str:
    value = get(name)
    if value is None:
        raise ExpressionError(f"'%{name}%' does not resolve to a value.")
    return value


SYSTEM_NAMES = frozenset(("sys.methodname", "sys.utcnow", "sys.randguid", "datetime", "rand-guid"))


def is_system_name(path: str) -> bool:
    """Whether every invocation has a value for it."""
    return path.lower() in SYSTEM_NAMES


@dataclass(frozen=True, slots=True)
class SystemVariables:
    """The system variables of an invocation: its function's name, the time (UTC) and new GUIDs."""

    function: str
    now: Callable[[], datetime]
    new_guid: Callable[[], UUID] = uuid4

    def find(self, path: str) -> object:
        match path.lower():
            case "sys.methodname":
                return self.function
            case "sys.utcnow" | "datetime":
                return self.now()
            case "sys.randguid" | "rand-guid":
                return self.new_guid()
        head, _, rest = path.partition(".")
        if head.lower() == "sys":
            raise _no_property(rest)
        raise ExpressionError(f"No value for named parameter '{head}'.")


@dataclass(frozen=True, slots=True)
class Placeholder:
    """`{path}` or `{path:format}`."""

    path: str
    format: str = ""

    def fill(self, data: Mapping[str, Any], system: SystemVariables) -> str:
        try:
            return formatted(self._value(data, system), self.format)
        except ValueError as error:
            raise ExpressionError(f"{{{self.path}:{self.format}}}: {error}") from error

    def _value(self, data: Mapping[str, Any], system: SystemVariables) -> object:
        names = self.path.split(".")
        if _key(data, names[0]) is None:
            return system.find(self.path)
        value: object = data
        for name in names:
            value = _member(value, name)
        return value


@dataclass(frozen=True, slots=True)
class BindingTemplate:
    """A parsed text with `{expressions}`."""

    parts: tuple[str | Placeholder, ...]

    def render(self, data: Mapping[str, Any], system: SystemVariables, escape: Callable[[str], str] = str) -> str:
        """The text for one invocation. `data` is its binding data, `escape` is applied to each value.

        Raises ExpressionError.
        """
        return "".join(part if isinstance(part, str) else escape(part.fill(data, system)) for part in self.parts)

    def render_for(self, event: Event, now: Callable[[], datetime], escape: Callable[[str], str] = str) -> str:
        """The text for one event. Raises ExpressionError."""
        return self.render(event.metadata, SystemVariables(event.function, now), escape)

    @property
    def is_constant(self) -> bool:
        return all(isinstance(part, str) for part in self.parts)


def parse(text: str) -> BindingTemplate:
    """Raises ExpressionError if `text` is malformed."""
    return BindingTemplate(tuple(_parts(text)))


_TOKENS = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
_PLACEHOLDER = re.compile(r"([A-Za-z0-9_.-]+)(?::(.+))?")


def _parts(text: str) -> Iterator[str | Placeholder]:
    for token in _TOKENS.finditer(text):
        if token[1] is not None:
            yield _placeholder(token[1], text)
        elif token[0] in ("{", "}"):
            raise ExpressionError(f"The '{token[0]}' at position {token.start()} of '{text}' has no partner.")
        else:
            yield {"{{": "{", "}}": "}"}.get(token[0], token[0])


def _placeholder(inside: str, text: str) -> Placeholder:
    found = _PLACEHOLDER.fullmatch(inside)
    if not found:
        raise ExpressionError(f"'{{{inside}}}' in '{text}' is not an expression: write {{name}} or {{name:format}}.")
    return Placeholder(found[1], found[2] or "")


def _member(value: object, name: str) -> object:
    value = json.loads(value.text) if isinstance(value, Json) else value
    key = _key(value, name) if isinstance(value, Mapping) else None
    if key is None or not isinstance(value, Mapping):
        raise _no_property(name)
    return value[key]


def _key(data: Mapping[str, Any], name: str) -> str | None:
    if name in data:
        return name
    return next((key for key in data if key.lower() == name.lower()), None)


def _no_property(name: str) -> ExpressionError:
    return ExpressionError(f"Error while accessing '{name}': property doesn't exist.")
