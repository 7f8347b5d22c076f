"""Parameters of an SDK's types: the app's extension opens what the host tells the place of.

Rules from platform/python-worker.md 6.

The extension is there once the app has imported it. It says itself which bindings want no data.
"""

from __future__ import annotations

import sys
import types
import typing
from typing import Any, Callable

EXTENSION = "azurefunctions.extensions.base"


class SdkConverter:
    """A converter of the extension, for one annotation."""

    def __init__(self, converter: Any, annotation: type) -> None:
        self._converter, self._annotation = converter, annotation

    def decode(self, data: Any, *, trigger_metadata: Any) -> Any:
        return self._converter.decode(data, trigger_metadata=trigger_metadata, pytype=self._annotation)


def is_sdk_type(hint: Any) -> bool:
    """Whether an annotation is a type that an extension of the app opens."""
    registry = _registry()
    return registry is not None and bool(registry.check_supported_type(hint))


def find(binding_type: str, annotation: type) -> SdkConverter | None:
    """None if the extension has no converter of this type for the binding, whose type may be in any case."""
    registered = {name.lower(): each for name, each in _registry()._bindings.items()}
    converter = registered.get(binding_type.lower())
    return SdkConverter(converter, annotation) if converter and _accepts(converter, annotation) else None


def _accepts(converter: Any, annotation: type) -> bool:
    try:
        return bool(converter.check_input_type_annotation(annotation))
    except TypeError:  # issubclass() with a generic
        return False


def raw_bindings(function: Any) -> list[str]:
    """The entries of a function that is declared in code, each as JSON."""
    hints = _hints(function.get_user_function())
    if not any(map(is_sdk_type, hints.values())):
        listed: list[str] = function.get_raw_bindings()
        return listed
    given = {name: types.SimpleNamespace(pytype=hint) for name, hint in hints.items()}
    told = _registry().get_raw_bindings(function, given)
    entries: list[str] = told[0] if isinstance(told, tuple) else told
    return entries


def _registry() -> Any:
    extension = sys.modules.get(EXTENSION)
    return extension.get_binding_registry() if extension else None


def _hints(call: Callable[..., Any]) -> dict[str, Any]:
    """Empty for what has none: the load of the function says why."""
    try:
        return typing.get_type_hints(call)
    except (TypeError, NameError):
        return {}
