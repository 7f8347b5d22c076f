"""What is known of one task hub beyond its storage: the parts, put together, and fed by what the engine does."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fnhost.clock import Clock
from fnhost.host.durable.client import DurableClient
from fnhost.host.durable.entities.entity import OperationResult
from fnhost.host.durable.entities.messages import EntityRequest
from fnhost.host.durable.insight.index import IndexRow, InstanceIndex
from fnhost.host.durable.insight.replays import Replays
from fnhost.host.durable.insight.store import InsightStore
from fnhost.host.durable.model.instants import Instant, utc_now
from fnhost.host.durable.model.states import HistoryState, Instance
from fnhost.host.durable.runtime.engine import Engine
from fnhost.host.durable.runtime.observer import EngineObserver

OPERATIONS = 50
ENTITIES = 200
BEGUN = 20_000
"""Begins of activities that are remembered, the last ones of all instances."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation that an entity has run in this host. Input and result are JSON texts; an error is text."""

    at: Instant
    operation: str
    is_signal: bool
    input: str | None
    result: str | None
    is_error: bool
    parent: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """Something happened to this instance. `row` is None when it was purged; `status` is a new custom status."""

    id: str
    row: Instance | None
    status: str | None = None


def nobody(told: Told) -> None:
    """Nobody reads."""


@dataclass(slots=True)
class HubInsight(EngineObserver):
    """`tell` is called for each change; it is cheap while nobody reads."""

    engine: Engine
    client: DurableClient
    store: InsightStore
    replays: Replays
    root: Path
    name: str
    clock: Clock
    tell: Callable[[Told], None] = nobody
    is_used: bool = False
    """Whether anybody has opened a page: until then little is kept."""
    _index: InstanceIndex | None = None
    _begun: OrderedDict[tuple[str, int], Instant] = field(default_factory=OrderedDict)
    _operations: OrderedDict[str, deque[Operation]] = field(default_factory=OrderedDict)

    @property
    def index(self) -> InstanceIndex:
        self.is_used = True
        if self._index is None:
            self._index = InstanceIndex(self.client.hub, self.clock, lambda: self.is_shared)
        return self._index

    def parent_of(self, instance: str) -> str | None:
        """As far as its id and the index tell, if there is one."""
        return self._index.parent_of(instance) if self._index else None

    def row_of(self, instance: str) -> IndexRow | None:
        """As the index has it, if there is one."""
        return self._index.row_of(instance) if self._index else None

    @property
    def is_shared(self) -> bool:
        """Whether other hosts serve a part of the hub."""
        return bool(self.engine.remote_queues)

    async def close(self) -> None:
        if self._index:
            await self._index.close()
        await asyncio.to_thread(self.store.close)

    # What the engine tells

    def recorded(self, instance: Instance) -> None:
        status = self.store.note(instance)
        if self._index:
            self._index.note(instance)
        self.tell(Told(instance.id, instance, status))

    def purged(self, instance: str) -> None:
        self.store.forget(instance)
        if self._index:
            self._index.forget(instance)
        self.tell(Told(instance, None))

    def began(self, instance: str, task: int) -> None:
        if self.is_used:
            self._begun[instance, task] = utc_now(self.clock)
            if len(self._begun) > BEGUN:
                self._begun.popitem(last=False)

    def operated(
        self, entity: str, operations: Sequence[EntityRequest], results: Sequence[OperationResult], now: Instant
    ) -> None:
        if not self.is_used:
            return
        kept = self._operations.setdefault(entity, deque(maxlen=OPERATIONS))
        self._operations.move_to_end(entity)
        if len(self._operations) > ENTITIES:
            self._operations.popitem(last=False)
        for request, result in zip(operations, results, strict=False):
            name = request.operation or ""
            kept.append(
                Operation(now, name, request.is_signal, request.input, result.text, result.is_error, request.parent)
            )

    # What is asked

    def operations(self, entity: str) -> Sequence[Operation]:
        """Those seen since the dashboard is in use, the newest first."""
        return list(self._operations.get(entity, ()))[::-1]

    def begun_at(self, instance: str, task: int) -> Instant | None:
        return self._begun.get((instance, task))

    async def history(self, instance: str, execution: str | None) -> HistoryState:
        """Of this execution: as it is held in memory, else from storage. Empty if it is not the current one.

        Raises HubError.
        """
        held = self.engine.held(instance)
        state = held if held and held.events else await self.client.hub.load(instance)
        return state if execution in (None, state.execution_id) else HistoryState()
