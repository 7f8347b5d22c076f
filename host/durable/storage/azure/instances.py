"""The Instances table: one row for each instance (platform/task-hub.md 2 and 7)."""

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
    StorageError,
    StorageUnreachable,
    Tables,
)
from fnhost.bindings.storage.tables import ETAG, Verb, literal
from fnhost.host.durable.model.errors import InvalidToken
from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    RuntimeStatus,
)
from fnhost.host.durable.model.ids import MAX_ENTITY_LENGTH
from fnhost.host.durable.model.states import Checkpoint, Instance, Page, Query
from fnhost.host.durable.storage import codec
from fnhost.host.durable.storage.azure.gather import gather_all, unless_gone
from fnhost.host.durable.storage.azure.large_messages import LargeMessages, is_large
from fnhost.host.durable.storage.azure.names import instance_id, partition_key, prefix_condition
from fnhost.host.durable.storage.paging import place_of, size_of, token_of

FIRST_DATE = "1601-01-01T00:00:00.0000000Z"
ROWS_AT_ONCE = 32
"""How many rows have their large texts fetched at the same time."""
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
    """`hub` is the task hub's name, which every row holds, `page` how many characters a page may have.

    A row is only replaced as it is known to be: a write that storage carries out late, after its answer was given up,
    cannot undo a later one. `_etags` remembers the rows written last.
    """

    def __init__(self, tables: Tables, table: str, hub: str, large: LargeMessages, page: int) -> None:
        self._tables, self._table, self._hub, self._large_messages = tables, table, hub, large
        self._page = page
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

    async def _write_over(self, etag: str, verb: Verb, row: Row) -> bool:
        """Write over the row of this etag, or a new one if that is empty. False if the row is another by now."""
        try:
            await (self._write(verb, row, etag) if etag else self._write("insert", row))
        except (ResourceExists, PreconditionFailed, ResourceNotFound) as error:
            if error.code == "TableNotFound":
                raise
            return False
        return True

    async def begin(self, instance: Instance, known: VersionedInstance | None, blob: str | None) -> bool:
        """Make it Pending. `blob` is where its start message lies if that is large.

        False if there is another row than was known: that one stays, and our message counts for nothing.
        """
        columns = {**codec.start_columns(instance), **codec.status_columns(instance, self._hub)}
        if blob:
            del columns["Input"]
        row = await self._row(instance.id, columns, {}, uuid4().hex)
        if blob:
            row = {**row, "Input": self._large_messages.url(blob)}
        return await self._write_over(known.etag if known else "", "replace", row)

    async def record(self, checkpoint: Checkpoint, history: Sequence[HistoryEvent], blobs: Mapping[str, str]) -> None:
        """The row after a checkpoint. `blobs` names the blobs in which large texts lie already.

        A row that a start has written while this execution ran stays: it waits to be taken.
        """
        etag = self._etags.get(checkpoint.instance.id, "")
        for _ in range(TRIES):
            columns = self._columns(checkpoint, history, is_whole=not etag)
            row = await self._row(checkpoint.instance.id, columns, blobs, checkpoint.id)
            if await self._write_over(etag, _verb(checkpoint), row):
                return
            known = await self.known(checkpoint.instance.id)
            if known and _is_replaced(known.instance, checkpoint):
                return
            etag = known.etag if known else ""
        raise StorageUnreachable(f"The row of instance {checkpoint.instance.id} is changed again and again.")

    async def mend(
        self, checkpoint: Checkpoint, history: Sequence[HistoryEvent], known: VersionedInstance | None
    ) -> bool:
        """Write the whole row of a checkpoint in place of the known one. False if the row has changed meanwhile."""
        columns = self._columns(checkpoint, history, is_whole=True)
        row = await self._row(checkpoint.instance.id, columns, {}, checkpoint.id)
        return await self._write_over(known.etag if known else "", _verb(checkpoint), row)

    def _columns(self, checkpoint: Checkpoint, history: Sequence[HistoryEvent], is_whole: bool) -> Row:
        """What changes with this checkpoint; with `is_whole`, or when an execution begins, all that a row holds."""
        instance, new = checkpoint.instance, checkpoint.events
        columns = {**codec.status_columns(instance, self._hub), **codec.custom_status_column(instance)}
        if is_whole or not new or any(isinstance(event, ExecutionStarted) for event in new):
            columns |= codec.start_columns(instance)
        was_paused = any(isinstance(event, (ExecutionSuspended, ExecutionResumed)) for event in history)
        if instance.output is None and was_paused:
            columns["Output"] = ""  # A merge leaves what is absent as it was: the reason of the pause.
        return columns

    async def _row(self, instance: str, columns: Row, blobs: Mapping[str, str], write: str) -> Row:
        """`write` is an id of this write, by which blobs are named.

        A text that looks like the address of a blob of ours goes into one, so that readers do not follow it.
        """
        key, row = partition_key(instance), dict(columns)
        for column in ("Input", "Output"):
            text = row.get(column)
            if is_large(text) or self._large_messages.is_address(text):
                blob = blobs.get(text) or await self._large_messages.put_column(key, "", column, column, text, write)
                row[column] = self._large_messages.url(blob)
        return {"PartitionKey": key, "RowKey": "", **row}

    async def list(self, query: Query, top: int, token: str | None) -> Page:
        """Raises InvalidToken."""
        place = place_of(self._hub, token)
        if len(query.prefix) > MAX_ENTITY_LENGTH:
            return Page()  # No id is that long, and storage refuses the question.
        columns, beyond = () if query.with_input else WITHOUT_INPUT, place.get("beyond")
        try:
            page = await self._tables.query(self._table, condition(query, beyond), columns, top, _after(place))
        except StorageError as error:
            if token and error.status == 400:
                raise InvalidToken from error
            raise
        found, rest = await self._fitting(page.rows)
        if rest:
            next_place: Mapping[str, str] | None = {"beyond": found[-1].id}
        else:
            next_place = _place(page.after, beyond)
        instances = tuple(instance for instance in found if meets(instance, query))
        return Page(instances, token_of(self._hub, next_place) if next_place else None)

    async def _fitting(self, rows: Sequence[Row]) -> tuple[Sequence[Instance], int]:
        """The instances of the first rows, as many as fit into a page, at least one; and how many rows are left."""
        found: list[Instance] = []
        size = 0
        for at in range(0, len(rows), ROWS_AT_ONCE):
            for instance in await gather_all(self._instance(row) for row in rows[at : at + ROWS_AT_ONCE]):
                size += size_of(instance)
                if found and size > self._page:
                    return found, len(rows) - len(found)
                found.append(instance)
        return found, 0

    async def exists(self, instance: str) -> bool:
        return await unless_gone(self._tables.get(self._table, partition_key(instance), "")) is not None

    async def purge(self, instance: str) -> None:
        """Safe to repeat."""
        self._etags.pop(instance, None)
        row = Operation("delete", {"PartitionKey": partition_key(instance), "RowKey": ""})
        await unless_gone(self._tables.write(self._table, row))


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


def _place(after: tuple[str, str] | None, beyond: str | None) -> Mapping[str, str] | None:
    """Where storage goes on with the same condition."""
    if after is None:
        return None
    return {"partition": after[0], "row": after[1], **({"beyond": beyond} if beyond else {})}


def _after(place: Mapping[str, str]) -> tuple[str, str] | None:
    return (place["partition"], place.get("row", "")) if "partition" in place else None


def condition(query: Query, beyond: str | None = None) -> str:
    """The OData condition of a query. The emulator compares dates by milliseconds, so `meets` looks again.

    Tables hold no dates before 1601, and refuse to compare with them. `beyond` is the id after which to go on.
    """
    parts = (
        f"PartitionKey gt {literal(partition_key(beyond))}" if beyond else "",
        f"CreatedTime ge datetime'{query.created_from}'" if (query.created_from or "") > FIRST_DATE else "",
        f"CreatedTime le datetime'{max(query.created_to, FIRST_DATE)}'" if query.created_to else "",
        " or ".join(f"RuntimeStatus eq '{status.name}'" for status in sorted(query.statuses)),
        prefix_condition(query.prefix) if query.prefix else "",
    )
    return " and ".join(f"({part})" for part in parts if part)


def meets(instance: Instance, query: Query) -> bool:
    is_in_time = (query.created_from or "") <= instance.created <= (query.created_to or "9")
    return is_in_time and instance.id.startswith(query.prefix)
