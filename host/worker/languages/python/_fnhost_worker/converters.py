"""Which converter serves a binding: that of the app's `azure.functions`, else the generic one.

Rules from platform/python-worker.md 3 and 6.
"""

from __future__ import annotations

from typing import Any, Protocol

from .data import Datum


class Converter(Protocol):
    """What every `azure.functions` has since 1.0; a method that a binding type does not need is missing."""

    def decode(self, data: Any, *, trigger_metadata: Any) -> Any: ...

    def encode(self, obj: Any, *, expected_type: Any) -> Any: ...

    def check_input_type_annotation(self, pytype: type) -> bool: ...

    def check_output_type_annotation(self, pytype: type) -> bool: ...


class GenericConverter:
    """Text, bytes and JSON text pass unchanged."""

    @staticmethod
    def check_input_type_annotation(pytype: type) -> bool:
        return issubclass(pytype, (str, bytes))

    @staticmethod
    def check_output_type_annotation(pytype: type) -> bool:
        return issubclass(pytype, (str, bytes, bytearray))

    @staticmethod
    def decode(data: Datum, *, trigger_metadata: Any) -> Any:
        if data.type not in ("string", "bytes", "json"):
            raise ValueError(f'unexpected type of data received for the "generic" binding: {data.type!r}')
        return data.value

    @staticmethod
    def encode(obj: Any, *, expected_type: Any) -> Datum | None:
        if obj is None:
            return None
        for kind, types in _KINDS.items():
            if isinstance(obj, types):
                return Datum(obj, kind)
        raise NotImplementedError


_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "bytes": (bytes, bytearray),
    "dict": (dict,),
    "list": (list,),
    "bool": (bool,),
    "int": (int,),
    "double": (float,),
}


class Converters:
    """Binding types, in any case, to converters."""

    def __init__(self, registered: dict[str, Any]) -> None:
        self._registered = {name.lower(): converter for name, converter in registered.items()}

    @classmethod
    def of_app(cls) -> Converters:
        """Those of the app's `azure.functions`. Raises ImportError when the app has none."""
        from azure.functions import get_binding_registry

        # Keys are texts, but for the `True` that several triggers leave behind.
        return cls({name: each for name, each in get_binding_registry()._bindings.items() if isinstance(name, str)})

    def find(self, binding_type: str, annotation: Any = None) -> Any:
        """An annotation of exactly `str` or `bytes` bypasses a converter, unless its type has an implicit output."""
        if annotation in (str, bytes) and not self.has_implicit_output(binding_type):
            return GenericConverter
        return self._registered.get(binding_type.lower(), GenericConverter)

    def has_implicit_output(self, binding_type: str) -> bool:
        """Whether a function with such a binding may return a value without a `$return`."""
        converter = self._registered.get(binding_type.lower(), GenericConverter)
        if converter is GenericConverter:
            return binding_type.lower() != "durableclient"
        return bool(getattr(converter, "has_implicit_output", bool)())
