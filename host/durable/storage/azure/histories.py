"""The History table: events in rows, and a sentinel whose etag is the version (platform/task-hub.md 3)."""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fnhost.bindings.storage import Operation, PreconditionFailed, ResourceExists, ResourceNotFound, Row, Tables
from fnhost.bindings.storage.tables import ETAG, literal
from fnhost.clock import Clock
from fnhost.host.durable.model.errors import Conflict
from fnhost.host.durable.model.history import ExecutionStarted, HistoryEvent, OrchestratorCompleted
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.states import Checkpoint, HistoryState
from fnhost.host.durable.storage import codec
from fnhost.host.durable.storage.azure.gather import gather_all, unless_gone
from fnhost.host.durable.storage.azure.large_messages import LARGE_COLUMNS, LargeMessages, blobs_of, is_large
from fnhost.host.durable.storage.azure.names import SENTINEL, partition_key, row_key

EVENTS_PER_TRANSACTION = 99
ROWS_PER_TRANSACTION = 100
BYTES_PER_TRANSACTION = 3 * 2**20
BYTES_PER_ROW = 1024
LOADS = 3
"""How often a history is read of which something is gone."""


@dataclass(frozen=True, slots=True)
class HistoryVersion:
    """What a state's version says: the sentinel's etag, and how many rows this execution has.

    After a checkpoint that was torn there are more rows than events. `has_blobs`: some column lies in a blob.
    `is_ours`: the sentinel holds the custom status, which other hosts keep in the instance's row alone.
    """

    etag: str | None = None
    rows: int = 0
    has_blobs: bool = False
    is_ours: bool = True

    @classmethod
    def of(cls, version: str | None) -> "HistoryVersion":
        return cls(*json.loads(version)) if version else cls()

    def __str__(self) -> str:
        return json.dumps([self.etag, self.rows, self.has_blobs, self.is_ours])


@dataclass(frozen=True, slots=True)
class WriteResult:
    """A checkpoint in the table. `blobs` names the blob of each large text."""

    state: HistoryState
    blobs: dict[str, str]


class Histories:
    def __init__(self, tables: Tables, table: str, large: LargeMessages, keep_inputs: bool, clock: Clock) -> None:
        self._tables, self._table, self._large_messages = tables, table, large
        self._keep_inputs, self._clock = keep_inputs, clock

    async def load(self, instance: str) -> HistoryState:
        """A blob that is gone went with its rows, mostly: another host or a client has replaced or purged them."""
        for _ in range(LOADS - 1):
            try:
                return await self._load(instance)
            except ResourceNotFound as error:
                if error.code == "TableNotFound":
                    raise
        return await self._load(instance)

    async def _load(self, instance: str) -> HistoryState:
        if not await self._has_any(instance):
            return HistoryState()
        rows = await self._rows(instance, (), with_etags=True)
        sentinel = next((row for row in rows if row["RowKey"] == SENTINEL), None)
        if sentinel is None:
            return HistoryState()
        events = (row for row in rows if row["RowKey"] != SENTINEL)
        ours = list(itertools.takewhile(lambda row: row["ExecutionId"] == sentinel["ExecutionId"], events))
        whole = ours if sentinel.get("IsCheckpointComplete", True) else _without_torn(ours)
        mark = HistoryVersion(sentinel[ETAG], len(ours), any(map(blobs_of, ours)), "CustomStatus" in sentinel)
        found = tuple(await gather_all(self._event(row) for row in whole))
        opening = () if whole else _opening(await gather_all(self._event(row) for row in ours))
        seen = tuple((sentinel.get("Seen") or "").split())
        return HistoryState(sentinel["ExecutionId"], found, str(mark), codec.custom_status_of(sentinel), seen, opening)

    async def _has_any(self, instance: str) -> bool:
        """Most that is loaded is new, and a query of nothing costs an emulator as much as all rows of the hub."""
        try:
            await self._tables.get(self._table, partition_key(instance), SENTINEL)
        except ResourceNotFound as error:
            if error.code == "TableNotFound":
                raise
            return False
        return True

    async def is_stored(self, instance: str, state: HistoryState) -> bool:
        """Whether nobody has recorded anything since this state was loaded."""
        sentinel = await unless_gone(self._tables.get(self._table, partition_key(instance), SENTINEL)) or {}
        return sentinel.get(ETAG) == HistoryVersion.of(state.version).etag

    async def _event(self, row: Row) -> HistoryEvent:
        return codec.event_of_row({**row, **await self._large_messages.columns(row)})

    async def _rows(self, instance: str, columns: Sequence[str], with_etags: bool = False) -> Sequence[Row]:
        condition, rows = f"PartitionKey eq {literal(partition_key(instance))}", list[Row]()
        after = None
        while True:
            page = await self._tables.query(self._table, condition, columns, after=after, with_etags=with_etags)
            rows += page.rows
            if (after := page.after) is None:
                return rows

    async def record(self, checkpoint: Checkpoint) -> WriteResult:
        """Raises Conflict."""
        since, before = checkpoint.since, HistoryVersion.of(checkpoint.since.version)
        kept = () if checkpoint.replaces else since.events
        blobs: dict[str, str] = {}
        rows = [
            await self._row(checkpoint, ordinal, event, blobs)
            for ordinal, event in enumerate(checkpoint.events, len(kept))
        ]
        count = len(kept) + len(rows)
        etag = await self._commit(checkpoint, [*map(_upsert, rows), *_cut_off(checkpoint, count, before.rows)])
        mark = HistoryVersion(etag, count, bool(blobs) or (before.has_blobs and not checkpoint.replaces))
        await self._remove_old_blobs(checkpoint, before, blobs)
        events, status = (*kept, *checkpoint.events), checkpoint.instance.custom_status
        return WriteResult(
            HistoryState(checkpoint.execution_id, events, str(mark), status, checkpoint.seen_after), blobs
        )

    async def _row(self, checkpoint: Checkpoint, ordinal: int, event: HistoryEvent, blobs: dict[str, str]) -> Row:
        key, row, kind = partition_key(checkpoint.instance.id), row_key(ordinal), type(event).__name__
        columns = dict(codec.event_columns(codec.kept(event, self._keep_inputs)))
        for column in LARGE_COLUMNS:
            if is_large(text := columns.get(column)):
                blobs[text] = await self._large_messages.put_column(key, row, kind, column, text, checkpoint.id)
                columns |= {column: "", f"{column}BlobName": blobs[text]}
        return {"PartitionKey": key, "RowKey": row, "ExecutionId": checkpoint.execution_id, **columns}

    async def _commit(self, checkpoint: Checkpoint, operations: Sequence[Operation]) -> str:
        """Write them, and the sentinel with each batch, so that others notice. Its last etag.

        The sentinel says how much of which checkpoint is written. Asked again after an answer was lost, this goes on
        behind what is there.
        """
        etag = HistoryVersion.of(checkpoint.since.version).etag or ""
        batches, number = batched(operations), 0
        while number < len(batches):
            sentinel = self._sentinel(checkpoint, number + 1, is_last=number + 1 == len(batches))
            write = Operation("merge", sentinel, etag) if etag else Operation("insert", sentinel)
            try:
                *_, etag = await self._tables.transact(self._table, [*batches[number], write])
                number += 1
            except (ResourceExists, PreconditionFailed, ResourceNotFound) as error:
                if error.code == "TableNotFound":
                    raise
                written, etag = await self._written(checkpoint)
                if written <= number:
                    raise Conflict(
                        f"Instance {checkpoint.instance.id} was recorded by someone else in the meantime."
                    ) from error
                number = written
        return etag

    async def _written(self, checkpoint: Checkpoint) -> tuple[int, str]:
        """How many batches of this checkpoint are in the table, and the sentinel's etag then."""
        row = await unless_gone(self._tables.get(self._table, partition_key(checkpoint.instance.id), SENTINEL)) or {}
        checkpoint_id, _, count = str(row.get("Checkpoint", "")).partition("/")
        return (int(count), row[ETAG]) if checkpoint_id == checkpoint.id else (0, "")

    def _sentinel(self, checkpoint: Checkpoint, batch: int, is_last: bool) -> Row:
        seen = checkpoint.seen_after
        return {
            "PartitionKey": partition_key(checkpoint.instance.id),
            "RowKey": SENTINEL,
            "ExecutionId": checkpoint.execution_id,
            "Checkpoint": f"{checkpoint.id}/{batch}",
            **codec.sentinel_columns(utc_now(self._clock) if is_last else None),
            **(codec.custom_status_column(checkpoint.instance) if is_last else {}),
            **({"Seen": " ".join(seen)} if seen != checkpoint.since.seen else {}),
        }

    async def _remove_old_blobs(self, checkpoint: Checkpoint, before: HistoryVersion, blobs: dict[str, str]) -> None:
        if checkpoint.replaces and before.has_blobs:
            prefix = f"{partition_key(checkpoint.instance.id)}/history-"
            await self._large_messages.remove(prefix, keep=frozenset(blobs.values()))

    async def purge(self, instance: str) -> int:
        """How many rows there were."""
        rows = await self._rows(instance, ("PartitionKey", "RowKey"))
        chunks = [rows[at : at + ROWS_PER_TRANSACTION] for at in range(0, len(rows), ROWS_PER_TRANSACTION)]
        await gather_all(self._remove(chunk) for chunk in chunks)
        return len(rows)

    async def _remove(self, rows: Sequence[Row]) -> None:
        deletes = [Operation("delete", row) for row in rows]
        try:
            await self._tables.transact(self._table, deletes)
        except ResourceNotFound:  # Someone else removes them too.
            await gather_all(unless_gone(self._tables.write(self._table, one)) for one in deletes)


def _opening(events: Sequence[HistoryEvent]) -> tuple[HistoryEvent, ...]:
    """What an execution began with: all before the first thing that it caused, as it was before it was played."""
    told = tuple(itertools.takewhile(lambda event: event.event_id < 0, events))
    return tuple(replace(event, is_played=False) for event in told) if any(map(_starts, told)) else ()


def _starts(event: HistoryEvent) -> bool:
    return isinstance(event, ExecutionStarted)


def _without_torn(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows up to the last whole episode: the messages of a torn one are delivered again."""
    ends = [at for at, row in enumerate(rows, 1) if row["EventType"] == OrchestratorCompleted.__name__]
    return rows[: ends[-1]] if ends else []


def _upsert(row: Row) -> Operation:
    return Operation("insert or replace", row)


def _cut_off(checkpoint: Checkpoint, first: int, end: int) -> Iterable[Operation]:
    """Removes rows that a torn checkpoint left behind the new ones: they would look like history."""
    if checkpoint.replaces:
        return ()
    key = partition_key(checkpoint.instance.id)
    return (Operation("delete", {"PartitionKey": key, "RowKey": row_key(at)}) for at in range(first, end))


def batched(operations: Sequence[Operation]) -> Sequence[Sequence[Operation]]:
    """What goes into each transaction (platform/task-hub.md 3.4); always at least one."""
    batches: list[list[Operation]] = [[]]
    size = 0
    for operation in operations:
        weight = BYTES_PER_ROW + len(json.dumps(operation.row))
        if batches[-1] and (len(batches[-1]) == EVENTS_PER_TRANSACTION or size + weight > BYTES_PER_TRANSACTION):
            batches.append([])
            size = 0
        batches[-1].append(operation)
        size += weight
    return batches
