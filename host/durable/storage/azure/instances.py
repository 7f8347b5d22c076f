"""The Instances table: one row for each instance (platform/task-hub.md 2 and 7)."""

import json
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from fnhost.bindings.storage import (
    Operation,
    PreconditionFailed,
    ResourceExists,
    ResourceNotFound,
    Row,
    StorageUnreachable,
    Tables,
)
from fnhost.bindings.storage.tables import ETAG, Verb
from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    RuntimeStatus,
)
from fnhost.host.durable.model.states import Checkpoint, Instance, Page, Query
from fnhost.host.durable.storage import codec
from fnhost.host.durable.storage.azure.gather import gather_all, unless_gone
from fnhost.host.durable.storage.azure.large_messages import LargeMessages, is_large
from fnhost.host.durable.storage.azure.names import instance_id, partition_key, prefix_condition

TRIES = 10
"""How often a row that others change meanwhile is read and written again."""
REMEMBERED_ROWS = 20_000
WITHOUT_INPUT = (
    *("PartitionKey", "RowKey", "ExecutionId", "Name", "Version", "Output", "CustomStatus", "CreatedTime"),
    *("LastUpdatedTime", "CompletedTime", "RuntimeStatus", "ScheduledStartTime", "Generation", "Tags"),
)


@dataclass(frozen=True, slots=True)
class VersionedInstance:
    """An instance as its row had it, and the row's etag."""

    instance: Instance
    etag: str


class Instances:
    """`hub` is the task hub's name, which every row holds.

    A row is only replaced as it is known to be: a write that storage carries out late, after its answer was given up,
    cannot undo a later one. `_etags` remembers the rows written last.
    """

    def __init__(self, tables: Tables, table: str, hub: str, large: LargeMessages) -> None:
        self._tables, self._table, self._hub, self._large_messages = tables, table, hub, large
        self._etags: OrderedDict[str, str] = OrderedDict()

    async def known(self, instance: str) -> VersionedInstance | None:
        row = await unless_gone(self._tables.get(self._table, partition_key(instance), ""))
        if row is None:
            self._etags.pop(instance, None)
            return None
        return VersionedInstance(await self._instance(row), row[ETAG])

    async def _instance(self, row: Row) -> Instance:
        texts = {name: await self._large_messages.referred(row[name]) for name in ("Input", "Output") if row.get(name)}
        return codec.instance_of_row(instance_id(row["PartitionKey"]), {**row, **texts})

    async def _write(self, verb: Verb, row: Row, etag: str = "*") -> None:
        """Raises ResourceExists, PreconditionFailed or ResourceNotFound if the row is not as it was known."""
        instance = instance_id(row["PartitionKey"])
        self._etags.pop(instance, None)
        self._etags[instance] = await self._tables.write(self._table, Operation(verb, row, etag))
        if len(self._etags) > REMEMBERED_ROWS:
            self._etags.popitem(last=False)

    async def begin(self, instance: Instance, known: VersionedInstance | None, blob: str | None) -> bool:
        """Make it Pending. `blob` is where its start message lies if that is large.

        False if there is another row than was known: that one stays, and our message counts for nothing.
        """
        columns = {**codec.start_columns(instance), **codec.status_columns(instance, self._hub)}
        if blob:
            columns["Input"] = self._large_messages.url(blob)
        row = await self._row(instance.id, columns, {}, uuid4().hex)
        try:
            await (self._write("replace", row, known.etag) if known else self._write("insert", row))
        except (ResourceExists, PreconditionFailed):
            return False
        return True

    async def record(self, checkpoint: Checkpoint, history: Sequence[HistoryEvent], blobs: Mapping[str, str]) -> None:
        """The row after a checkpoint. `blobs` names the blobs in which large texts lie already.

        A row that a start has written while this execution ran stays: it waits to be taken.
        """
        row = await self._row(checkpoint.instance.id, self._columns(checkpoint, history), blobs, checkpoint.id)
        etag = self._etags.get(checkpoint.instance.id, "")
        for _ in range(TRIES):
            try:
                return await (self._write(_verb(checkpoint), row, etag) if etag else self._write("insert", row))
            except (ResourceExists, PreconditionFailed, ResourceNotFound) as error:
                if error.code == "TableNotFound":
                    raise
            known = await self.known(checkpoint.instance.id)
            if known and _is_replaced(known.instance, checkpoint):
                return
            etag = known.etag if known else ""
        raise StorageUnreachable(f"The row of instance {checkpoint.instance.id} is changed again and again.")

    def _columns(self, checkpoint: Checkpoint, history: Sequence[HistoryEvent]) -> Row:
        instance, new = checkpoint.instance, checkpoint.events
        columns = {**codec.status_columns(instance, self._hub), **codec.custom_status_column(instance)}
        if not new or any(isinstance(event, ExecutionStarted) for event in new):
            columns |= codec.start_columns(instance)
        was_paused = any(isinstance(event, (ExecutionSuspended, ExecutionResumed)) for event in history)
        if instance.output is None and was_paused:
            columns["Output"] = ""  # A merge leaves what is absent as it was: the reason of the pause.
        return columns

    async def _row(self, instance: str, columns: Row, blobs: Mapping[str, str], write: str) -> Row:
        """`write` is an id of this write, by which blobs are named."""
        key, row = partition_key(instance), dict(columns)
        for column in ("Input", "Output"):
            if is_large(text := row.get(column)):
                blob = blobs.get(text) or await self._large_messages.put_column(key, "", column, column, text, write)
                row[column] = self._large_messages.url(blob)
        return {"PartitionKey": key, "RowKey": "", **row}

    async def list(self, query: Query, top: int, token: str | None) -> Page:
        columns = () if query.with_input else WITHOUT_INPUT
        page = await self._tables.query(self._table, condition(query), columns, top, _after(token))
        found = await gather_all(self._instance(row) for row in page.rows)
        return Page(tuple(instance for instance in found if meets(instance, query)), _token(page.after))

    async def purge(self, instance: str) -> int:
        """How many there were: one or none."""
        self._etags.pop(instance, None)
        row = Operation("delete", {"PartitionKey": partition_key(instance), "RowKey": ""})
        return 0 if await unless_gone(self._tables.write(self._table, row)) is None else 1


def _verb(checkpoint: Checkpoint) -> Verb:
    return "replace" if _begins_anew(checkpoint) else "merge"


def _is_replaced(row: Instance, checkpoint: Checkpoint) -> bool:
    """Whether the row belongs to a start that came over the execution which this checkpoint goes on with."""
    is_other = row.status is RuntimeStatus.Pending and row.execution_id != checkpoint.instance.execution_id
    return is_other and not checkpoint.replaces


def differs(row: Instance | None, folded: Instance) -> bool:
    """Whether a row is not what the history says, although it is no newer start that waits to be taken."""
    if row is None:
        return True
    if row.status is RuntimeStatus.Pending and row.execution_id != folded.execution_id:
        return False
    return _outline(row) != _outline(folded)


def _outline(instance: Instance) -> tuple[object, ...]:
    return instance.execution_id, instance.status, instance.output, instance.custom_status


def _begins_anew(checkpoint: Checkpoint) -> bool:
    """Whether a finished instance's id is used again: then nothing of the old row may stay."""
    return checkpoint.replaces and any(isinstance(event, ExecutionCompleted) for event in checkpoint.since.events)


def _token(after: tuple[str, str] | None) -> str | None:
    return None if after is None else b64encode(json.dumps(after).encode()).decode()


def _after(token: str | None) -> tuple[str, str] | None:
    if token is None:
        return None
    partition, row = json.loads(b64decode(token))
    return str(partition), str(row)


def condition(query: Query) -> str:
    """The OData condition of a query. The emulator compares dates by milliseconds, so `meets` looks again."""
    parts = (
        f"CreatedTime ge datetime'{query.created_from}'" if query.created_from else "",
        f"CreatedTime le datetime'{query.created_to}'" if query.created_to else "",
        " or ".join(f"RuntimeStatus eq '{status.name}'" for status in sorted(query.statuses)),
        prefix_condition(query.prefix) if query.prefix else "",
    )
    return " and ".join(f"({part})" for part in parts if part)


def meets(instance: Instance, query: Query) -> bool:
    is_in_time = (query.created_from or "") <= instance.created <= (query.created_to or "9")
    return is_in_time and instance.id.startswith(query.prefix)
