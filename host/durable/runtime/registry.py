"""Which durable functions the app has now."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, TypeAlias

from fnhost.bindings.contract import Fire

Kind: TypeAlias = Literal["orchestrator", "activity", "entity"]


class FunctionRegistry:
    """Functions by kind and name; names match without regard to case (platform/replay.md 6.9)."""

    def __init__(self) -> None:
        self._serving: dict[tuple[Kind, str], tuple[str, Fire]] = {}
        self._changed = asyncio.Event()

    @contextmanager
    def serving(self, kind: Kind, name: str, fire: Fire) -> Iterator[None]:
        """Inside the block, `fire` is what `name` means, unless a newer block says otherwise."""
        key, ours = (kind, name.lower()), (name, fire)
        self._serving[key] = ours
        self._changed.set()
        try:
            yield
        finally:
            if self._serving.get(key) is ours:
                del self._serving[key]

    def names(self, kind: Kind) -> Sequence[str]:
        return sorted(name for (served, _), (name, _) in self._serving.items() if served == kind)

    def find(self, kind: Kind, name: str) -> tuple[str, Fire] | None:
        """The function's own spelling, and its door."""
        return self._serving.get((kind, name.lower()))

    async def wait(self, kind: Kind, name: str) -> tuple[str, Fire]:
        """Until there is one."""
        while (found := self.find(kind, name)) is None:
            self._changed.clear()
            await self._changed.wait()
        return found

    @property
    def has_any(self) -> bool:
        return bool(self._serving)

    async def any(self) -> None:
        """Until there is a function at all."""
        while not self._serving:
            self._changed.clear()
            await self._changed.wait()
