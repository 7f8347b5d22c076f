"""The durable functions that the app has now."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from fnhost.bindings.contract import Fire
from fnhost.host.durable.dialects.dialect import Dialect
from fnhost.host.durable.dialects.json import JSON

Kind: TypeAlias = Literal["orchestrator", "activity", "entity"]


@dataclass(slots=True, eq=False)
class ServedFunction:
    """A function of the app version that is served: its name as written there, how to call it, how it is spoken to.

    `problem` is why a worker could not load it; None while that is not known to have failed.
    """

    name: str
    fire: Fire
    dialect: Dialect = JSON
    problem: str | None = None


FindFunction: TypeAlias = Callable[[Kind, str], ServedFunction | None]


class FunctionRegistry:
    """Functions by kind and name; names match without regard to case (platform/replay.md 6.9).

    Beside those of the app there may be others, which programs serve that only say which names they take.
    """

    def __init__(self) -> None:
        self._others: list[FindFunction] = []
        self._serving: dict[tuple[Kind, str], ServedFunction] = {}
        self._missing: set[tuple[Kind, str]] = set()
        self._changed = asyncio.Event()

    @contextmanager
    def serving(self, kind: Kind, name: str, fire: Fire, dialect: Dialect = JSON) -> Iterator[None]:
        """Inside the block, `fire` is what `name` means, unless a newer block says otherwise."""
        key, ours = (kind, name.lower()), ServedFunction(name, fire, dialect)
        self._serving[key] = ours
        self._missing.discard(key)
        self._changed.set()
        try:
            yield
        finally:
            if self._serving.get(key) is ours:
                del self._serving[key]

    @contextmanager
    def serving_others(self, find: FindFunction) -> Iterator[None]:
        """Inside the block, `find` is asked for what the app itself does not serve."""
        self._others.append(find)
        self._changed.set()
        try:
            yield
        finally:
            self._others.remove(find)

    def names(self, kind: Kind) -> Sequence[str]:
        return sorted(function.name for (served, _), function in self._serving.items() if served == kind)

    def find(self, kind: Kind, name: str) -> ServedFunction | None:
        return self._serving.get((kind, name.lower())) or next(
            (found for find in self._others if (found := find(kind, name))), None
        )

    def note_missing(self, kind: Kind, name: str) -> bool:
        """Whether it is missed for the first time since it was last served."""
        key = (kind, name.lower())
        is_news = key not in self._missing
        self._missing.add(key)
        return is_news

    async def loadable(self, kind: Kind, name: str) -> ServedFunction:
        """Wait until there is such a function, and it is not known that it cannot be loaded."""
        while (found := self.find(kind, name)) is None or found.problem is not None:
            self._changed.clear()
            await self._changed.wait()
        return found

    @property
    def has_any(self) -> bool:
        return bool(self._serving or self._others)

    async def any(self) -> None:
        """Wait until there is a function at all."""
        while not self.has_any:
            self._changed.clear()
            await self._changed.wait()
