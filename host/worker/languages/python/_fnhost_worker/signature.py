"""Whether a callable fits its function.json; the texts are the platform's (platform/python-worker.md 2)."""

from __future__ import annotations

import collections.abc
import dataclasses
import inspect
import types
import typing
from typing import Any, Callable

from . import deferred, webserver
from .converters import Converters
from .errors import FunctionLoadError

RETURN = "$return"
HTTP, HTTP_TRIGGER = "http", "httptrigger"


@dataclasses.dataclass(frozen=True)
class Binding:
    type: str
    direction: str
    data_type: str


@dataclasses.dataclass(frozen=True)
class Conversion:
    """How the value of one binding is converted; `expected` is the type in the app's annotation."""

    binding_type: str
    converter: Any
    expected: Any = None

    @property
    def is_trigger(self) -> bool:
        return self.binding_type.lower().endswith("trigger")


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    directory: str
    call: Callable[..., Any]
    is_async: bool
    wants_context: bool
    inputs: dict[str, Conversion]
    outputs: dict[str, Conversion]
    returned: Conversion | None
    """None if the function has no return value."""
    http_trigger: str = ""
    """The name of its HTTP trigger; empty if it has another."""


def bind(
    name: str, directory: str, call: Callable[..., Any], bindings: dict[str, Binding], converters: Converters
) -> Function:
    """Raises FunctionLoadError for the first thing that does not fit."""
    hints = _hints(call)
    parameters = dict.fromkeys(inspect.signature(call).parameters)
    named = {key: binding for key, binding in bindings.items() if key != RETURN}
    wants_context = "context" in parameters and "context" not in named
    if wants_context:
        del parameters["context"]
        _check_context(hints)
    _check_names(set(parameters), set(named))
    conversions = {key: _conversion(key, binding, hints, converters) for key, binding in named.items()}
    return Function(
        name,
        directory,
        call,
        inspect.iscoroutinefunction(call),
        wants_context,
        {key: each for key, each in conversions.items() if named[key].direction == "in"},
        {key: each for key, each in conversions.items() if named[key].direction == "out"},
        _returned(bindings, hints, converters),
        next((key for key, binding in named.items() if binding.type.lower() == HTTP_TRIGGER), ""),
    )


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    """Raises FunctionLoadError for a `functools.partial` and for an object with `__call__`: Azure's worker does not
    serve them either."""
    try:
        return typing.get_type_hints(call)
    except TypeError as error:
        if inspect.isroutine(call) or isinstance(call, type):
            raise
        raise FunctionLoadError(
            f"the entry point is {call!r}, which Azure's worker does not take: write a function with def or async def"
        ) from error


def _check_context(hints: dict[str, Any]) -> None:
    hint = hints.get("context")
    if hint is not None and getattr(hint, "__name__", "") != "Context":
        raise FunctionLoadError(
            f'the "context" parameter is expected to be of type azure.functions.Context, got {hint!r}'
        )


def _check_names(parameters: set[str], bindings: set[str]) -> None:
    if alone := parameters - bindings:
        raise FunctionLoadError(
            f"the following parameters are declared in Python but not in function.json: {_set(alone)}"
        )
    if alone := bindings - parameters:
        raise FunctionLoadError(
            f"the following parameters are declared in function.json but not in Python: {_set(alone)}"
        )


def _set(names: set[str]) -> str:
    return "{" + ", ".join(map(repr, sorted(names))) + "}"


def _conversion(name: str, binding: Binding, hints: dict[str, Any], converters: Converters) -> Conversion:
    if binding.direction == "inout":
        raise FunctionLoadError(f'"inout" bindings are not supported: {name}')
    if name not in hints:
        return Conversion(binding.type, converters.find(binding.type))
    is_out, hint = _unwrap_out(name, hints[name])
    if not _is_type(hint):
        raise FunctionLoadError(f"binding {name} has invalid non-type annotation {hint!r}{_advice(hint)}")
    _check_direction(name, binding.direction, is_out)
    if binding.type.lower() == HTTP_TRIGGER and webserver.is_request(hint):
        return Conversion(binding.type, converters.find(binding.type), hint)
    if not is_out and deferred.is_sdk_type(hint):
        if (opener := deferred.find(binding.type, hint)) is None:
            raise FunctionLoadError(_mismatch(name, binding, hint))
        return Conversion(binding.type, opener, hint)
    converter = converters.find(binding.type, hint)
    if not _accepts(converter, "output" if is_out else "input", hint):
        raise FunctionLoadError(_mismatch(name, binding, hint))
    return Conversion(binding.type, converter, hint)


def _unwrap_out(name: str, hint: Any) -> tuple[bool, Any]:
    """Whether the annotation is `Out[...]`, and the type in it."""
    if getattr(typing.get_origin(hint) or hint, "__name__", "") != "Out":
        return False, hint
    arguments = typing.get_args(hint)
    if len(arguments) != 1:
        raise FunctionLoadError(f"binding {name} has invalid Out annotation {hint!r}")
    return True, arguments[0]


def _check_direction(name: str, direction: str, is_out: bool) -> None:
    if direction == "out" and not is_out:
        raise FunctionLoadError(
            f'binding {name} is declared to have the "out" direction in function.json, '
            "but its annotation in Python is not a subclass of azure.functions.Out"
        )
    if direction == "in" and is_out:
        raise FunctionLoadError(
            f'binding {name} is declared to have the "in" direction in function.json, '
            "but its annotation is azure.functions.Out in Python"
        )


def _is_type(hint: Any) -> bool:
    """Classes and generics of `typing`; no unions, no callables, no tuples, and no `list[int]`: Azure refuses it."""
    origin = typing.get_origin(hint)
    if origin is None:
        return isinstance(hint, type)
    excluded = (collections.abc.Callable, typing.Union, tuple, getattr(types, "UnionType", None))
    return isinstance(origin, type) and origin not in excluded and not isinstance(hint, types.GenericAlias)


def _advice(hint: Any) -> str:
    """What to write in place of a generic of a builtin class."""
    if not isinstance(hint, types.GenericAlias):
        return ""
    name = hint.__origin__.__name__
    return f" (Azure's worker does not take {hint!r} here: annotate with {name}, or with typing.{name.capitalize()})"


def _accepts(converter: Any, kind: str, hint: Any) -> bool:
    check = getattr(converter, f"check_{kind}_type_annotation", None)
    try:
        return bool(check and check(hint))
    except TypeError:  # issubclass() with a generic
        return False


def _mismatch(name: str, binding: Binding, hint: Any) -> str:
    text = getattr(hint, "__name__", repr(hint))
    if binding.data_type == "undefined":
        return f'type of {name} binding in function.json "{binding.type}" does not match its Python annotation "{text}"'
    return (
        f'{name!r} binding type "{binding.type}" and dataType "{binding.data_type}" in function.json do not match '
        f'the corresponding function parameter\'s Python type annotation "{text}"'
    )


def _returned(bindings: dict[str, Binding], hints: dict[str, Any], converters: Converters) -> Conversion | None:
    """As `$return`, else as the first binding with an implicit output, triggers before others."""
    if RETURN in bindings:
        return _explicit_return(bindings[RETURN], hints, converters)
    types_ = sorted(
        (binding.type for binding in bindings.values()), key=lambda type_: not type_.lower().endswith("trigger")
    )
    found = next((type_ for type_ in types_ if converters.has_implicit_output(type_)), None)
    return Conversion(found, converters.find(found), hints.get("return")) if found else None


def _explicit_return(binding: Binding, hints: dict[str, Any], converters: Converters) -> Conversion:
    if binding.direction != "out":
        raise FunctionLoadError('"$return" binding must have direction set to "out"')
    if "return" not in hints:
        return Conversion(binding.type, converters.find(binding.type))
    hint = hints["return"]
    if not _is_type(hint):
        raise FunctionLoadError(f"has invalid non-type return annotation {hint!r}{_advice(hint)}")
    converter = converters.find(binding.type)
    is_served = binding.type.lower() == HTTP and webserver.extension() is not None
    if not is_served and not _accepts(converter, "output", hint):
        text = getattr(hint, "__name__", repr(hint))
        raise FunctionLoadError(f'Python return annotation "{text}" does not match binding type "{binding.type}"')
    return Conversion(binding.type, converter, hint)
