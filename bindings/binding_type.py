"""The record that declares a binding type: all that the host knows of it stands here, once.

A record lies beside its adapter. `fnhost.bindings.registry` collects those of this package and those that installed
packages offer under the entry point group `fnhost.bindings`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fnhost.bindings.contract import Adapter, Binding, Direction, Schema
from fnhost.bindings.schema import Violation

Open: TypeAlias = Callable[[Any, str, Binding, tuple[Binding, ...]], Adapter]
"""Opens a binding: the services it is lent, the function's name, the binding, and all bindings of that function."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a trigger is reached over HTTP. `path` is below the host's origin, without a slash at its begin.

    `route` is the path without the prefix that host.json sets; `methods` are upper case, None for all.
    """

    path: str
    route: str
    methods: tuple[str, ...] | None = None


def _nothing_wrong(entry: Mapping[str, Any]) -> Iterable[Violation]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BindingType:
    """One binding type, as a function.json names it.

    `name` has the platform's spelling, which the console prints; entries match it in any case, as they match the
    `aliases`. `schema` describes an entry without the members common to all types. `settings` is the section of
    host.json below `extensions`, and `read_settings` reads it or raises BindingError. `violations` finds what a schema
    cannot say of an entry.

    `open` makes the adapter. It is lent the object of the type `services`, which the host keeps. A type without
    `open` is known but not served.
    """

    name: str
    schema: Schema
    directions: frozenset[Direction] = frozenset[Direction](("in",))
    settings: str = ""
    read_settings: Callable[[Mapping[str, Any]], object] = field(default=dict, repr=False)
    needs_storage: bool = False
    """Whether the type cannot work without the app's storage account (platform/command-line.md 2, item 4)."""
    aliases: tuple[str, ...] = ()
    services: type | None = None
    open: Open | None = field(default=None, repr=False)
    served: frozenset[Direction] = frozenset[Direction](("in", "out", "inout"))
    """The directions that `open` can open: a function with another one is not served."""
    goes_nowhere: bool = False
    """What is written to such an output is shown in the log, and goes nowhere."""
    is_reply: bool = False
    """Its value is the reply that the trigger itself gives; nothing else writes it."""
    endpoint: Callable[[str, Binding, Mapping[str, Any]], Endpoint] | None = field(default=None, repr=False)
    """Where a trigger is reached over HTTP: of the function's name, the binding and the section of host.json."""
    check: Callable[[str, Binding, Mapping[str, Any]], None] | None = field(default=None, repr=False)
    """Raises BindingError if the function of this name cannot have this binding, given the section of host.json."""
    data_names: Callable[[Binding], frozenset[str]] | None = field(default=None, repr=False)
    """What a trigger brings for binding expressions, if that is known beforehand (platform/expressions.md 3)."""
    violations: Callable[[Mapping[str, Any]], Iterable[Violation]] = field(default=_nothing_wrong, repr=False)

    @property
    def key(self) -> str:
        """The name as `Binding.type` has it."""
        return self.name.lower()

    def serves(self, direction: Direction) -> bool:
        return self.open is not None and direction in self.served

    @property
    def is_trigger(self) -> bool:
        return self.key.endswith("trigger")
