"""All binding types that this host knows, by name.

Another package adds its own with an entry point:

    [project.entry-points."fnhost.bindings"]
    mqtt = "my_package:BINDING_TYPES"

where the object is a `BindingType` or an iterable of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.contract import BindingError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "fnhost.bindings"


def built_in() -> Iterable[BindingType]:
    """Those of this package. They are imported when first asked for: the first worker starts meanwhile."""
    from fnhost.bindings import durable, local, unserved
    from fnhost.bindings.blob import declaration as blob
    from fnhost.bindings.http import declaration as http
    from fnhost.bindings.queue import declaration as queue
    from fnhost.bindings.table import declaration as table
    from fnhost.bindings.timer import declaration as timer

    for module in (http, timer, queue, blob, table, local, durable, unserved):
        yield from module.BINDING_TYPES


class BindingTypes:
    """Finds a type by the name or alias that an entry gives, in any case."""

    def __init__(self, types: Iterable[BindingType]) -> None:
        self._types: dict[str, BindingType] = {}
        for type in types:
            for name in (type.name, *type.aliases):
                if name.lower() in self._types:
                    raise BindingError(f"Two packages declare the binding type '{name}'. Uninstall one of them.")
                self._types[name.lower()] = type

    def find(self, name: str) -> BindingType | None:
        return self._types.get(name.lower())

    def __getitem__(self, name: str) -> BindingType:
        """Raises KeyError."""
        return self._types[name.lower()]

    def __iter__(self) -> Iterator[BindingType]:
        """Each once, the built-in ones first."""
        return iter(dict.fromkeys(self._types.values()))

    @property
    def names(self) -> tuple[str, ...]:
        """Of those that this host serves."""
        return tuple(type.name for type in self if type.open and not type.goes_nowhere)


@cache
def binding_types() -> BindingTypes:
    """Those of this package and of the installed ones. Raises BindingError, naming the package that is at fault."""
    from importlib.metadata import entry_points

    return BindingTypes((*built_in(), *(type for point in entry_points(group=GROUP) for type in _loaded(point))))


def _loaded(point: "EntryPoint") -> Iterable[BindingType]:
    owner = point.dist.name if point.dist else point.value
    try:
        found = point.load()
        types = (found,) if isinstance(found, BindingType) else tuple(found)
    except Exception as error:
        raise BindingError(f"The package {owner} offers bindings, but they cannot be loaded: {error!r}.") from error
    if not all(isinstance(type, BindingType) for type in types):
        raise BindingError(f"The package {owner} offers bindings, but {point.value} is no BindingType.")
    return types


def schemas() -> Mapping[str, Mapping[str, object]]:
    """The schema of every type that is served, by its name."""
    return {name: binding_types()[name].schema for name in binding_types().names}
