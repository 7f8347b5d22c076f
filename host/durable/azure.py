"""The hub in Azure Storage, in the layout of the platform's own backend (task-hub-storage.md)."""

import asyncio
import itertools
import json
import math
import secrets
import uuid
from base64 import b64decode, b64encode
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Self, TypeGuard, TypeVar

from bindings.storage import (
    Account,
    AlreadyThere,
    NotFound,
    Operation,
    PreconditionFailed,
    Queues,
    QueueText,
    Row,
    StorageError,
    StorageUnreachable,
    Tables,
    Taken,
    Wire,
)
from bindings.storage.queues import LONGEST_DELAY
from bindings.storage.tables import ETAG, literal
from host.durable import codec
from host.durable.history import (
    Clock,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    Instance,
    Instant,
    OrchestratorCompleted,
    Status,
    later,
    pending,
    to_datetime,
    utc_now,
)
from host.durable.hub import (
    OVERRIDABLE,
    WORK_ITEMS,
    AlreadyExists,
    Checkpoint,
    Conflict,
    HubError,
    HubSettings,
    HubUnreachable,
    Lease,
    Message,
    Page,
    Purged,
    Query,
    Received,
    State,
)
from host.durable.names import (
    SENTINEL,
    Names,
    blob_of,
    blob_url,
    column_blob,
    instance_id,
    is_message_blob,
    message_blob,
    partition_key,
    prefix_condition,
    row_key,
)
from host.log import Log

if TYPE_CHECKING:
    from bindings.storage.blobs import Texts

T = TypeVar("T")
P = ParamSpec("P")
Encoding = Literal["Base64", "UTF8"]
"""queueClientMessageEncoding. Base64 is what every version of the platform reads."""

BATCH = 32
LONGEST_MESSAGE = 46_080
"""Bytes of an envelope before base64; a longer one goes to a blob."""
LONGEST_COLUMN = 61_440
"""Bytes of a column in UTF-16; a longer one goes to a blob."""
LARGE_COLUMNS = ("Name", "Input", "Result", "Output", "Reason", "Details", "Correlation", "FailureDetails", "Tags")
EVENTS_PER_TRANSACTION = 99
ROWS_PER_TRANSACTION = 100
BYTES_PER_TRANSACTION = 3 * 2**20
BYTES_PER_ROW = 1024
LONGEST_BACKOFF = 600
WITHOUT_INPUT = (
    *("PartitionKey", "RowKey", "ExecutionId", "Name", "Version", "Output", "CustomStatus", "CreatedTime"),
    *("LastUpdatedTime", "CompletedTime", "RuntimeStatus", "ScheduledStartTime", "Generation", "Tags"),
)
LEASE = 30.0


@dataclass(frozen=True, slots=True)
class Mark:
    """What the version of a state remembers: the sentinel's etag, and how many rows of this execution there are.

    After a checkpoint that was torn there are more rows than events. `has_blobs` says that some column lies in a blob.
    """

    etag: str | None = None
    rows: int = 0
    has_blobs: bool = False

    @classmethod
    def of(cls, version: str | None) -> "Mark":
        return cls(*json.loads(version)) if version else cls()

    def __str__(self) -> str:
        return json.dumps([self.etag, self.rows, self.has_blobs])


def verb(
    work: Callable[Concatenate["AzureHub", P], Awaitable[T]],
) -> Callable[Concatenate["AzureHub", P], Coroutine[Any, Any, T]]:
    """Storage's errors become the hub's."""

    @wraps(work)
    async def asked(hub: "AzureHub", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(hub, *args, **kwargs)
        except StorageUnreachable as error:
            raise HubUnreachable(str(error)) from error
        except StorageError as error:
            raise HubError(f"Task hub {hub.name}: {error}") from error

    return asked


async def together(jobs: Iterable[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """All of them at once; the first error is raised when all have ended."""
    answers = await asyncio.gather(*jobs, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


class AzureHub:
    """Keeps the promises of `Hub`. Open it as a block."""

    def __init__(
        self,
        settings: HubSettings,
        account: Account,
        log: Log,
        clock: Clock = utc_now,
        encoding: Encoding = "Base64",
    ) -> None:
        self._settings, self._account, self._log, self._clock, self._encoding = settings, account, log, clock, encoding
        self._names = Names(settings.name, settings.partitions)
        self._wire = Wire(account)
        self._queues, self._tables = Queues(self._wire), Tables(self._wire)
        self._hidden = math.ceil(settings.hidden)
        self._sequence = itertools.count(1)
        self._unreadable: set[str] = set()
        self._open = AsyncExitStack()
        self._texts: Texts | None = None

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._wire)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    @property
    def name(self) -> str:
        return self._settings.name

    @property
    def queues(self) -> Sequence[str]:
        return self._names.control

    @verb
    async def create(self) -> None:
        names = self._names
        await together(
            (
                *(self._tables.create(table) for table in (names.instances, names.history, names.owners)),
                *(self._queues.create(queue) for queue in (*names.control, names.work_items)),
            )
        )
        await together(self._add_owner_row(queue) for queue in names.control)

    @verb
    async def delete(self) -> None:
        names, texts = self._names, await self._large()
        await together(
            _unless_gone(job)
            for job in (
                *(self._tables.delete(table) for table in (names.instances, names.history, names.owners)),
                *(self._queues.delete(queue) for queue in (*names.control, names.work_items)),
                texts.delete(),
            )
        )

    # --- messages ----------------------------------------------------------------------------------------------------

    @verb
    async def start(self, start: Message, overridable: Iterable[Status] = OVERRIDABLE) -> Received:
        """The message goes first: one without its row is put aside, a row without its message would wait for ever."""
        event = start.event
        assert isinstance(event, ExecutionStarted), "only an ExecutionStarted starts an instance"
        instance = event.orchestration_instance.instance_id
        known = await self._instance_row(instance)
        found = codec.instance_of_row(instance, known) if known else None
        if found and found.status not in frozenset(overridable):
            raise AlreadyExists(found.status)
        fresh = replace(event, generation=(found.generation or 0) + 1 if found else 0)
        received, blob = await self._put(replace(start, event=fresh))
        await self._set_pending(pending(fresh, self._clock()), blob, str(known[ETAG]) if known else None)
        return received

    async def _set_pending(self, instance: Instance, blob: str | None, etag: str | None) -> None:
        columns = {**codec.start_columns(instance), **codec.status_columns(instance, self.name)}
        if blob:
            columns["Input"] = self._url(blob)
        row = await self._instance_columns(instance.id, columns, {})
        operation = Operation("replace", row, etag) if etag else Operation("insert", row)
        try:
            await self._tables.write(self._names.instances, operation)
        except (AlreadyThere, PreconditionFailed):
            return  # Another starter won; our message is dropped because its execution is not the row's.

    @verb
    async def send(self, messages: Iterable[Message]) -> Sequence[Received]:
        return [received for received, _ in await together(self._put(message) for message in messages)]

    async def _put(self, message: Message) -> tuple[Received, str | None]:
        """The message in our hands, and the blob it lies in."""
        activity, blob = str(uuid.uuid4()), None
        text = codec.envelope(message, next(self._sequence), activity)
        if len(text) > LONGEST_MESSAGE:
            blob = message_blob(message.target.instance_id, activity, message.event)
            await (await self._large()).put(blob, text)
            text = codec.elsewhere(blob)
        body = text if self._encoding == "UTF8" else b64encode(text.encode()).decode()
        queue = WORK_ITEMS if message.is_work_item else self._names.control_of(message.target.instance_id)
        number, receipt = await self._queues.put(self._stored(queue), body, self._delay(message.visible_at))
        return Received(message, queue, number, receipt), blob

    def _delay(self, visible_at: Instant | None) -> int:
        """Whole seconds: never too early, and never before our own hold ends."""
        if visible_at is None:
            return self._hidden
        wait = (to_datetime(visible_at) - to_datetime(self._clock())).total_seconds()
        return min(max(math.ceil(wait), self._hidden), LONGEST_DELAY)

    def _stored(self, queue: str) -> str:
        return self._names.work_items if queue == WORK_ITEMS else queue

    @verb
    async def receive(self, queue: str) -> Sequence[Received]:
        count = 1 if queue == WORK_ITEMS else BATCH
        texts = await self._queues.get(self._stored(queue), count, self._hidden)
        opened = zip(texts, await together(self._opened(queue, text) for text in texts), strict=True)
        found = [
            (parsedate_to_datetime(text.inserted), envelope.sequence, text, envelope)
            for text, envelope in opened
            if envelope
        ]
        found.sort(key=lambda one: one[:2])
        return [
            Received(envelope.message, queue, text.id, text.receipt, text.deliveries) for *_, text, envelope in found
        ]

    async def _opened(self, queue: str, text: QueueText) -> codec.Envelope | None:
        try:
            found = codec.open_envelope(text.text)
            if isinstance(found, codec.Elsewhere):
                found = codec.open_envelope(await (await self._large()).get(found.blob))
            if isinstance(found, codec.Envelope):
                return found
        except (codec.Unreadable, NotFound) as error:
            self._complain(queue, text, error)
        await self._put_aside(queue, text)
        return None

    def _complain(self, queue: str, text: QueueText, error: Exception) -> None:
        if text.id not in self._unreadable:
            self._unreadable.add(text.id)
            self._log.warning(
                "Host.Durable",
                f"Message {text.id} in queue {self._stored(queue)} cannot be read and is put aside: {error} "
                "If no other program needs it, delete it.",
            )

    async def _put_aside(self, queue: str, text: QueueText) -> None:
        wait = min(2 ** min(text.deliveries, 30), LONGEST_BACKOFF)
        await _unless_gone(self._queues.hide(self._stored(queue), text.id, text.receipt, wait))

    @verb
    async def settle(self, received: Iterable[Received]) -> None:
        await together(
            _unless_gone(self._queues.remove(self._stored(one.queue), one.id, one.receipt)) for one in received
        )

    @verb
    async def release(self, received: Iterable[Received], after: float = 0) -> None:
        await together(self._hide(one, min(math.ceil(after), LONGEST_DELAY)) for one in received)

    @verb
    async def renew(self, received: Iterable[Received]) -> None:
        await together(self._hide(one, self._hidden) for one in received)

    async def _hide(self, one: Received, seconds: int) -> None:
        receipt = await _unless_gone(self._queues.hide(self._stored(one.queue), one.id, one.receipt, seconds))
        one.receipt = receipt or one.receipt

    # --- history -----------------------------------------------------------------------------------------------------

    @verb
    async def load(self, instance: str) -> State:
        rows = await self._history(instance, (), with_etags=True)
        sentinel = next((row for row in rows if row["RowKey"] == SENTINEL), None)
        if sentinel is None:
            return State()
        ours = list(itertools.takewhile(lambda row: row["ExecutionId"] == sentinel["ExecutionId"], _events(rows)))
        whole = ours if sentinel.get("IsCheckpointComplete", True) else _without_torn(ours)
        events = await together(self._event(row) for row in whole)
        mark = Mark(sentinel[ETAG], len(ours), any(_blobs(row) for row in ours))
        custom_status = await self._custom_status(instance, sentinel)
        return State(sentinel["ExecutionId"], tuple(events), str(mark), custom_status)

    async def _history(self, instance: str, columns: Sequence[str], with_etags: bool = False) -> Sequence[Row]:
        condition, table = f"PartitionKey eq {literal(partition_key(instance))}", self._names.history
        page = await self._tables.query(table, condition, columns, with_etags=with_etags)
        rows = [*page.rows]
        while page.after:
            page = await self._tables.query(table, condition, columns, after=page.after, with_etags=with_etags)
            rows += page.rows
        return rows

    async def _event(self, row: Row) -> HistoryEvent:
        texts = {column: await (await self._large()).get(blob) for column, blob in _blobs(row).items()}
        return codec.event_of_row({**row, **texts})

    async def _custom_status(self, instance: str, sentinel: Row) -> str | None:
        """Kept in the sentinel by us; other hosts have it in the instance's row alone."""
        if "CustomStatus" in sentinel:
            return codec.custom_status_of(sentinel)
        row = await self._instance_row(instance)
        return codec.custom_status_of(row) if row else None

    @verb
    async def record(self, checkpoint: Checkpoint) -> State:
        since, instance, before = checkpoint.since, checkpoint.instance, Mark.of(checkpoint.since.version)
        kept = () if checkpoint.replaces else since.events
        blobs: dict[str, str] = {}
        rows = [
            await self._event_row(checkpoint, ordinal, event, blobs)
            for ordinal, event in enumerate(checkpoint.events, len(kept))
        ]
        count = len(kept) + len(rows)
        etag = await self._commit(checkpoint, [*map(_written, rows), *_cut_off(checkpoint, count, before.rows)])
        await self._set_row(checkpoint, (*kept, *checkpoint.events), blobs)
        if checkpoint.replaces and before.has_blobs:
            await self._remove_blobs(f"{partition_key(instance.id)}/history-", keep=frozenset(blobs.values()))
        mark = Mark(etag, count, bool(blobs) or (before.has_blobs and not checkpoint.replaces))
        return State(checkpoint.execution_id, (*kept, *checkpoint.events), str(mark), instance.custom_status)

    async def _event_row(self, checkpoint: Checkpoint, ordinal: int, event: HistoryEvent, blobs: dict[str, str]) -> Row:
        """The row of an event. Large texts go to blobs, which are noted in `blobs` by their text."""
        key, row, kind = partition_key(checkpoint.instance.id), row_key(ordinal), type(event).__name__
        columns = dict(codec.event_columns(codec.kept(event, self._settings.keep_inputs)))
        for column in LARGE_COLUMNS:
            if _is_large(text := columns.get(column)):
                blob = column_blob(key, row, kind, column, secrets.token_hex(4).upper())
                await (await self._large()).put(blob, text)
                columns |= {column: "", f"{column}BlobName": blob}
                blobs[text] = blob
        return {"PartitionKey": key, "RowKey": row, "ExecutionId": checkpoint.execution_id, **columns}

    async def _commit(self, checkpoint: Checkpoint, operations: Sequence[Operation]) -> str:
        """Write them, and the sentinel with each batch: its etag is what makes others notice. Its last etag."""
        etag = Mark.of(checkpoint.since.version).etag
        batches = batched(operations)
        for number, batch in enumerate(batches, 1):
            row = self._sentinel(checkpoint, is_last=number == len(batches))
            sentinel = Operation("merge", row, etag) if etag else Operation("insert", row)
            try:
                *_, etag = await self._tables.transact(self._names.history, [*batch, sentinel])
            except (AlreadyThere, PreconditionFailed, NotFound) as error:
                if error.code == "TableNotFound":
                    raise
                raise Conflict(f"Instance {checkpoint.instance.id} was recorded by someone else meanwhile.") from error
        return etag or ""

    def _sentinel(self, checkpoint: Checkpoint, is_last: bool) -> Row:
        return {
            "PartitionKey": partition_key(checkpoint.instance.id),
            "RowKey": SENTINEL,
            "ExecutionId": checkpoint.execution_id,
            **codec.sentinel_columns(self._clock() if is_last else None),
            **(codec.custom_status_column(checkpoint.instance) if is_last else {}),
        }

    # --- instances ---------------------------------------------------------------------------------------------------

    async def _set_row(self, checkpoint: Checkpoint, history: Sequence[HistoryEvent], blobs: Mapping[str, str]) -> None:
        instance, new = checkpoint.instance, checkpoint.events
        columns = {**codec.status_columns(instance, self.name), **codec.custom_status_column(instance)}
        if not new or any(isinstance(event, ExecutionStarted) for event in new):
            columns |= codec.start_columns(instance)
        if instance.output is None and any(
            isinstance(event, (ExecutionSuspended, ExecutionResumed)) for event in history
        ):
            columns["Output"] = ""  # A merge leaves what is absent as it was: the reason of an earlier suspension.
        row = await self._instance_columns(instance.id, columns, blobs)
        is_another = checkpoint.replaces and any(
            isinstance(event, ExecutionCompleted) for event in checkpoint.since.events
        )
        await self._tables.write(
            self._names.instances, Operation("insert or replace" if is_another else "insert or merge", row)
        )

    async def _instance_columns(self, instance: str, columns: Row, blobs: Mapping[str, str]) -> Row:
        """A row of the Instances table. A large text is given as the address of its blob."""
        key, found = partition_key(instance), dict(columns)
        for column in ("Input", "Output"):
            if not _is_large(text := found.get(column)):
                continue
            blob = blobs.get(text)
            if blob is None:
                blob = column_blob(key, "", column, column, secrets.token_hex(4).upper())
                await (await self._large()).put(blob, text)
            found[column] = self._url(blob)
        return {"PartitionKey": key, "RowKey": "", **found}

    async def _instance_row(self, instance: str) -> Row | None:
        return await _unless_gone(self._tables.get(self._names.instances, partition_key(instance), ""))

    @verb
    async def find(self, instance: str) -> Instance | None:
        row = await self._instance_row(instance)
        return await self._instance(row) if row else None

    async def _instance(self, row: Row) -> Instance:
        texts = {column: await self._restored(row[column]) for column in ("Input", "Output") if row.get(column)}
        return codec.instance_of_row(instance_id(row["PartitionKey"]), {**row, **texts})

    async def _restored(self, text: str) -> str | None:
        """The text, or the one in the blob it refers to; None if that was removed meanwhile."""
        blob = blob_of(self._url(), text)
        if blob is None:
            return text
        found = await _unless_gone((await self._large()).get(blob))
        return _input_of(found) if found and is_message_blob(blob) else found

    @verb
    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        columns = () if query.with_input else WITHOUT_INPUT
        after = tuple(json.loads(b64decode(token))) if token else None
        page = await self._tables.query(self._names.instances, condition(query), columns, top, after)
        found = await together(self._instance(row) for row in page.rows)
        following = b64encode(json.dumps(page.after).encode()).decode() if page.after else None
        return Page(tuple(instance for instance in found if meets(instance, query)), following)

    @verb
    async def purge(self, instance: str) -> Purged:
        key = partition_key(instance)
        rows = await self._history(instance, ("PartitionKey", "RowKey"))
        chunks = [rows[at : at + ROWS_PER_TRANSACTION] for at in range(0, len(rows), ROWS_PER_TRANSACTION)]
        await together(self._remove_rows(chunk) for chunk in chunks)
        for prefix in dict.fromkeys((f"{instance}/", f"{key}/")):
            await self._remove_blobs(prefix)
        row = Operation("delete", {"PartitionKey": key, "RowKey": ""})
        gone = await _unless_gone(self._tables.write(self._names.instances, row)) is None
        return Purged(0 if gone else 1, len(rows))

    async def _remove_rows(self, rows: Sequence[Row]) -> None:
        deletes = [Operation("delete", row) for row in rows]
        try:
            await self._tables.transact(self._names.history, deletes)
        except NotFound:
            await together(_unless_gone(self._tables.write(self._names.history, one)) for one in deletes)

    # --- large texts -------------------------------------------------------------------------------------------------

    async def _large(self) -> "Texts":
        if self._texts is None:
            # The official client takes half a second to import, and most hubs never hold a large text.
            from bindings.storage.blobs import texts

            self._texts = await self._open.enter_async_context(texts(self._account, self._names.large))
        return self._texts

    def _url(self, blob: str = "") -> str:
        container = f"{self._account.blob}/{self._names.large}"
        return blob_url(container, blob) if blob else container

    async def _remove_blobs(self, prefix: str, keep: frozenset[str] = frozenset()) -> None:
        texts = await self._large()
        names = [
            name for name in await texts.names(prefix) if "/" not in name.removeprefix(prefix) and name not in keep
        ]
        await together(texts.remove(name) for name in names)

    # --- leases (task-hub-storage.md 6.1) ----------------------------------------------------------------------------

    async def _add_owner_row(self, queue: str) -> None:
        try:
            await self._tables.write(
                self._names.owners, Operation("insert", {**_owner_key(queue), "IsDraining": False})
            )
        except AlreadyThere:
            return

    @verb
    async def claim(self, lease: Lease) -> bool:
        row, now = await self._tables.get(self._names.owners, "", lease.queue), self._clock()
        is_mine = row.get("CurrentOwner") == lease.owner
        is_free = not row.get("CurrentOwner") and row.get("NextOwner") in (None, lease.owner)
        if not (is_mine or is_free or row.get("ExpiresAt", now) <= now):
            return False
        claimed = {
            **_owner_key(lease.queue),
            "CurrentOwner": lease.owner,
            "IsDraining": False,
            **codec.dated("OwnedSince", row["OwnedSince"] if is_mine else now),
            **codec.dated("LastRenewal", now),
            **codec.dated("ExpiresAt", lease.until or later(now, LEASE)),
        }
        try:
            await self._tables.write(self._names.owners, Operation("replace", claimed, row[ETAG]))
        except PreconditionFailed:
            return False
        return True


async def _unless_gone(job: Coroutine[Any, Any, T]) -> T | None:
    try:
        return await job
    except (NotFound, Taken):
        return None


def _owner_key(queue: str) -> Row:
    return {"PartitionKey": "", "RowKey": queue}


def _events(rows: Iterable[Row]) -> Iterable[Row]:
    return (row for row in rows if row["RowKey"] != SENTINEL)


def _without_torn(rows: Sequence[Row]) -> Sequence[Row]:
    """The rows up to the last whole episode: the messages of a torn one are delivered again."""
    ends = [at for at, row in enumerate(rows, 1) if row["EventType"] == OrchestratorCompleted.__name__]
    return rows[: ends[-1]] if ends else []


def _blobs(row: Row) -> Mapping[str, str]:
    """The columns of a row whose text lies in a blob."""
    names = {column: row.get(f"{column}BlobName") for column in LARGE_COLUMNS}
    return {column: name for column, name in names.items() if name}


def _is_large(text: Any) -> TypeGuard[str]:
    if not isinstance(text, str) or len(text) * 4 <= LONGEST_COLUMN:
        return False
    return len(text.encode("utf-16-le", "surrogatepass")) > LONGEST_COLUMN


def _input_of(envelope: str) -> str | None:
    found = codec.open_envelope(envelope)
    event = found.message.event if isinstance(found, codec.Envelope) else None
    return event.input if isinstance(event, ExecutionStarted) else None


def _written(row: Row) -> Operation:
    return Operation("insert or replace", row)


def _cut_off(checkpoint: Checkpoint, first: int, end: int) -> Iterable[Operation]:
    """Removes rows that a torn checkpoint left behind the new ones: they would look like history."""
    if checkpoint.execution_id != checkpoint.since.execution_id:
        return ()
    key = partition_key(checkpoint.instance.id)
    return (Operation("delete", {"PartitionKey": key, "RowKey": row_key(at)}) for at in range(first, end))


def batched(operations: Sequence[Operation]) -> Sequence[Sequence[Operation]]:
    """What goes into each transaction (task-hub-storage.md 3.4); always at least one."""
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


def condition(query: Query) -> str:
    """The OData condition of a query. The emulator compares dates by milliseconds, so `meets` looks again."""
    statuses = " or ".join(f"RuntimeStatus eq '{status.name}'" for status in sorted(query.statuses))
    parts = (
        f"CreatedTime ge datetime'{query.created_from}'" if query.created_from else "",
        f"CreatedTime le datetime'{query.created_to}'" if query.created_to else "",
        statuses,
        prefix_condition(query.prefix) if query.prefix else "",
    )
    return " and ".join(f"({part})" for part in parts if part)


def meets(instance: Instance, query: Query) -> bool:
    is_in_time = (query.created_from or "") <= instance.created <= (query.created_to or "9")
    return is_in_time and instance.id.startswith(query.prefix)
