"""The instances of a hub in memory, as far as a list needs them: filtered, sorted, counted, paged.

It is made when the first list is asked for. Until then a commit costs it nothing.
"""

import asyncio
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from fnhost.clock import Clock
from fnhost.host.durable.model.errors import InvalidToken
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.ids import is_entity
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.states import Instance, Query
from fnhost.host.durable.storage.hub import Hub

MOST_ROWS = 50_000
SHOWN_STATUS = 300
SHOWN_OUTPUT = 300
PAGE = 1000
SHARED_PAUSE = 5.0
"""Seconds after which a hub that other hosts write is listed again, while somebody looks."""
OWN_PAUSE = 30.0
PATIENCE = 0.4
"""Seconds that a list waits for a hub that is read for the first time; then it shows what has come."""
SORTS = ("id", "name", "status", "created", "updated")


@dataclass(frozen=True, slots=True)
class IndexRow:
    """What a list shows of an instance. Texts are cut; `is_cut` is for the custom status."""

    id: str
    name: str
    status: RuntimeStatus
    created: Instant
    updated: Instant
    execution_id: str
    custom_status: str | None = None
    is_cut: bool = False
    output: str | None = None

    @classmethod
    def of(cls, instance: Instance) -> "IndexRow":
        status, output = instance.custom_status, instance.output
        return cls(
            id=instance.id,
            name=instance.name,
            status=instance.status,
            created=instance.created,
            updated=instance.updated,
            execution_id=instance.execution_id or "",
            custom_status=status and status[:SHOWN_STATUS],
            is_cut=status is not None and len(status) > SHOWN_STATUS,
            output=output and output[:SHOWN_OUTPUT],
        )


@dataclass(frozen=True, slots=True)
class Filter:
    """Which instances a list has; what is empty lets all through. Texts match in any case."""

    statuses: frozenset[RuntimeStatus] = frozenset()
    names: frozenset[str] = frozenset()
    prefix: str = ""
    text: str = ""
    created_from: Instant | None = None
    created_to: Instant | None = None

    def lets_through(self, row: IndexRow) -> bool:
        """Whatever its status."""
        return (
            (not self.names or row.name.lower() in self.names)
            and row.id.startswith(self.prefix)
            and (self.created_from is None or row.created >= self.created_from)
            and (self.created_to is None or row.created <= self.created_to)
            and (not self.text or _has(row, self.text))
        )


def _has(row: IndexRow, text: str) -> bool:
    return any(text in value.lower() for value in (row.id, row.name, row.custom_status, row.output) if value)


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list. `counts` and `total` are None where the instances are too many to be counted."""

    rows: tuple[IndexRow, ...]
    token: str | None = None
    counts: Mapping[str, int] | None = None
    total: int | None = None
    is_complete: bool = True
    is_sortable: bool = True
    is_empty: bool = False


@dataclass(slots=True)
class InstanceIndex:
    """`shared` says whether other hosts write the hub too."""

    hub: Hub
    clock: Clock
    shared: Callable[[], bool]
    most: int = MOST_ROWS
    _rows: dict[str, IndexRow] | None = None
    _by_execution: dict[str, str] = field(default_factory=dict)
    """The instance of each execution."""
    _is_whole: bool = False
    """Whether the hub was read to its end, or to `most`."""
    _is_full: bool = False
    _listed: float = 0.0
    _listing: asyncio.Task[None] | None = None
    _changed: dict[str, IndexRow | None] | None = None

    @property
    def is_open(self) -> bool:
        return self._rows is not None

    def note(self, instance: Instance) -> None:
        if self._rows is None or is_entity(instance.id):
            return
        self._rows[instance.id] = row = IndexRow.of(instance)
        self._by_execution[row.execution_id] = row.id
        if self._changed is not None:
            self._changed[instance.id] = row

    def forget(self, instance: str) -> None:
        if self._rows is not None:
            self._rows.pop(instance, None)
        if self._changed is not None:
            self._changed[instance] = None

    async def close(self) -> None:
        if self._listing:
            self._listing.cancel()
        await self.settled()

    async def settled(self) -> None:
        """Until the hub is not being read."""
        if self._listing:
            await asyncio.gather(self._listing, return_exceptions=True)

    async def list(self, wanted: Filter, sort: str, top: int, token: str | None) -> Listing:
        """Raises HubError, InvalidToken."""
        await self._refresh()
        if self._is_full:
            return await self._passed_through(wanted, top, token)
        assert self._rows is not None
        counts: Counter[str] = Counter()
        found = []
        for row in self._rows.values():
            if wanted.lets_through(row):
                counts[row.status.name] += 1
                if not wanted.statuses or row.status in wanted.statuses:
                    found.append(row)
        ordered = _sorted(found, sort)
        page = _after(ordered, sort, token)[: top + 1]
        more = _token(sort, page[top - 1]) if len(page) > top else None
        return Listing(
            rows=tuple(page[:top]),
            token=more,
            counts=counts,
            total=len(found),
            is_complete=self._is_whole,
            is_empty=not self._rows,
        )

    def row_of(self, id: str) -> IndexRow | None:
        return self._rows.get(id) if self._rows else None

    def parent_of(self, id: str) -> str | None:
        """The instance that started this one, as far as its id tells.

        A child without an id of its own is called after its parent's execution (platform/replay.md 6.3).
        """
        execution, colon, _ = id.partition(":")
        return self._by_execution.get(execution) if colon else None

    async def _refresh(self) -> None:
        """The first listing is waited for, for a moment; others run beside, and what they bring is in the next list."""
        if self._is_whole:
            pause = SHARED_PAUSE if self.shared() else OWN_PAUSE
            if self.clock.monotonic() - self._listed > pause:
                self._start()
            return
        listing = self._start()
        with suppress(TimeoutError):
            async with self.clock.timeout(PATIENCE):
                await asyncio.shield(listing)

    def _start(self) -> "asyncio.Task[None]":
        if self._listing is None or self._listing.done():
            self._listing = asyncio.create_task(self._list_all(), name="listing instances")
            self._listing.add_done_callback(_retrieve)
        return self._listing

    async def _list_all(self) -> None:
        """What is recorded while the hub is read counts more than what is read."""
        self._changed, rows, is_full = {}, dict[str, IndexRow](), False
        if not self._is_whole:
            self._rows = rows  # what has come so far is shown
        try:
            async for row in all_rows(self.hub):
                if row.id not in self._changed:
                    rows[row.id] = row
                if is_full := len(rows) > self.most:
                    rows.clear()
                    break
        finally:
            changed, self._changed = self._changed, None
        for id, newer in changed.items():
            if newer is None or is_full:
                rows.pop(id, None)
            else:
                rows[id] = newer
        self._by_execution = {row.execution_id: row.id for row in rows.values()}
        self._rows, self._listed, self._is_whole, self._is_full = rows, self.clock.monotonic(), True, is_full

    async def _passed_through(self, wanted: Filter, top: int, token: str | None) -> Listing:
        """The hub's own order and filters, for hubs with more instances than an index should hold."""
        query = Query(wanted.created_from, wanted.created_to, wanted.statuses, wanted.prefix, with_input=False)
        page = await self.hub.list(query, top, token)
        rows = (IndexRow.of(each) for each in page.instances if not is_entity(each.id))
        kept = tuple(row for row in rows if wanted.lets_through(row))
        return Listing(kept, page.token, is_sortable=False)


def _retrieve(task: "asyncio.Task[None]") -> None:
    """A listing beside that fails is tried again with the next list."""
    if not task.cancelled():
        task.exception()


async def all_rows(hub: Hub) -> AsyncIterator[IndexRow]:
    """Raises HubError."""
    token: str | None = None
    while True:
        page = await hub.list(Query(with_input=False), PAGE, token)
        for instance in page.instances:
            if not is_entity(instance.id):
                yield IndexRow.of(instance)
        if (token := page.token) is None:
            return


def _key(row: IndexRow, name: str) -> tuple[str, str]:
    value = row.status.name if name == "status" else getattr(row, name)
    return str(value), row.id


def _sorted(rows: list[IndexRow], sort: str) -> list[IndexRow]:
    name = sort.removeprefix("-")
    return sorted(rows, key=lambda row: _key(row, name), reverse=sort.startswith("-"))


def _token(sort: str, row: IndexRow) -> str:
    text = json.dumps([sort, *_key(row, sort.removeprefix("-"))])
    return urlsafe_b64encode(text.encode()).decode()


def _after(rows: list[IndexRow], sort: str, token: str | None) -> list[IndexRow]:
    """Those behind the row that the token names, whether or not it is still there. Raises InvalidToken."""
    if token is None:
        return rows
    try:
        told, value, id = json.loads(urlsafe_b64decode(token))
        place = (str(value), str(id))
    except (ValueError, TypeError) as error:
        raise InvalidToken from error
    if told != sort:
        raise InvalidToken
    name, is_falling = sort.removeprefix("-"), sort.startswith("-")
    return [row for row in rows if (_key(row, name) < place if is_falling else _key(row, name) > place)]
