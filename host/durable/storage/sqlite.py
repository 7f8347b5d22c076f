"""A hub in one SQLite file, or in memory: for tests, and for machines without Node. One host at a time.

Each verb is one job of the thread that owns the file, `sqlite_store`.
"""

import json
import sqlite3
from collections.abc import Container, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.model.errors import AlreadyExists, Conflict, UnreadableRecord
from fnhost.host.durable.model.history import ExecutionStarted, RuntimeStatus
from fnhost.host.durable.model.instants import Instant, later, utc_now
from fnhost.host.durable.model.messages import WORK_ITEMS, Message, ReceivedMessage
from fnhost.host.durable.model.states import (
    OVERRIDABLE,
    Checkpoint,
    HistoryState,
    Instance,
    Page,
    PartitionLease,
    Progress,
    PurgeResult,
    Query,
    pending,
)
from fnhost.host.durable.storage import codec
from fnhost.host.durable.storage.hub import HubSettings
from fnhost.host.durable.storage.paging import place_of, token_of
from fnhost.host.durable.storage.sqlite_store import SqliteStore
from fnhost.host.logging.log import Log

CONTROL = "control-00"
BATCH = 32
LONGEST_BACKOFF = 600
"""Seconds for which a message that cannot be read is put aside at most."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, due TEXT NOT NULL, held_until TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_by_due ON messages (queue, due);
CREATE TABLE IF NOT EXISTS heads (
    instance TEXT PRIMARY KEY, execution TEXT NOT NULL, version INTEGER NOT NULL, custom_status TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
    instance TEXT NOT NULL, ordinal INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (instance, ordinal)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS instances (
    id TEXT PRIMARY KEY, status TEXT NOT NULL, created TEXT NOT NULL, row TEXT NOT NULL) WITHOUT ROWID;
"""

SETTLE = "DELETE FROM messages WHERE id = ? AND deliveries = ?"


class SqliteHub:
    """Implements `Hub`. An async context manager; without a path the hub is in memory and ends with the block."""

    def __init__(
        self, settings: HubSettings, path: Path | None = None, clock: Clock = SYSTEM_CLOCK, log: Log | None = None
    ) -> None:
        self._settings, self._log = settings, log or Log()
        self._unreadable: set[int] = set()
        self._store = SqliteStore(path)
        self._clock = clock

    async def __aenter__(self) -> Self:
        self._store.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._store.close()

    @property
    def queues(self) -> Sequence[str]:
        return (CONTROL,)

    @property
    def transactions(self) -> Self:
        return self

    async def create(self) -> None:
        """Also releases the messages that an earlier host held: the lock says that it has ended."""

        def create(connection: sqlite3.Connection) -> None:
            for statement in SCHEMA.split(";"):
                connection.execute(statement)
            if "seen" not in {column for _, column, *_ in connection.execute("PRAGMA table_info(heads)")}:
                connection.execute("ALTER TABLE heads ADD COLUMN seen TEXT")
            connection.execute("UPDATE messages SET held_until = ''")

        await self._store.run(create)

    async def delete(self) -> None:
        def delete(connection: sqlite3.Connection) -> None:
            for table in ("messages", "heads", "history", "instances"):
                connection.execute(f"DELETE FROM {table}")

        await self._store.run(delete)
        self._store.reclaim()

    async def start(self, start: Message, overridable: Iterable[RuntimeStatus] = OVERRIDABLE) -> ReceivedMessage:
        event, replaceable = start.event, frozenset(overridable)
        assert isinstance(event, ExecutionStarted), "only an ExecutionStarted starts an instance"

        def begin(connection: sqlite3.Connection) -> ReceivedMessage:
            execution = event.orchestration_instance
            known = _find(connection, execution.instance_id)
            if known and known.execution_id == execution.execution_id:
                return self._put(connection, start)  # Asked again: the row is there.
            if known and known.status not in replaceable:
                raise AlreadyExists(known.status)
            fresh = replace(event, generation=(known.generation or 0) + 1 if known else 0)
            _write_instance(connection, pending(fresh, utc_now(self._clock)))
            return replace(self._put(connection, replace(start, event=fresh)), is_new=known is None)

        return await self._store.run(begin)

    async def send(self, messages: Iterable[Message], remote_queues: Container[str] = ()) -> Sequence[ReceivedMessage]:
        outgoing = list(messages)
        sent = await self._store.run(lambda connection: [self._put(connection, one, remote_queues) for one in outgoing])
        return [one for one in sent if one.queue not in remote_queues]

    async def commit(self, progress: Progress) -> tuple[HistoryState | None, Sequence[ReceivedMessage]]:
        """No queue is remote: the file has one host."""

        def commit(connection: sqlite3.Connection) -> tuple[HistoryState | None, Sequence[ReceivedMessage]]:
            state = self._record(connection, progress.checkpoint) if progress.checkpoint else None
            connection.executemany(SETTLE, [(one.id, one.receipt) for one in progress.done])
            return state, [self._put(connection, one) for one in progress.outbox]

        return await self._store.run(commit)

    def _put(
        self, connection: sqlite3.Connection, message: Message, remote_queues: Container[str] = ()
    ) -> ReceivedMessage:
        target = WORK_ITEMS if message.is_work_item else CONTROL
        due, held = message.visible_at or "", "" if target in remote_queues else self._held()
        row = (target, due, "" if due > held else held, codec.envelope(message, 0, ""))
        added = connection.execute("INSERT INTO messages (queue, due, held_until, body) VALUES (?, ?, ?, ?)", row)
        return ReceivedMessage(message, target, str(added.lastrowid), "0")

    def _held(self) -> Instant:
        return later(utc_now(self._clock), self._settings.hidden)

    async def receive(self, queue: str) -> Sequence[ReceivedMessage]:
        def receive(connection: sqlite3.Connection) -> list[ReceivedMessage]:
            now = utc_now(self._clock)
            found = connection.execute(
                "SELECT id, deliveries + 1, body FROM messages WHERE queue = ? AND due <= ? AND held_until <= ?"
                " ORDER BY id LIMIT ?",
                (queue, now, now, 1 if queue == WORK_ITEMS else BATCH),
            ).fetchall()
            opened = [(number, deliveries, self._opened(queue, number, body)) for number, deliveries, body in found]
            held = [
                (self._held() if message else self._put_aside_until(deliveries), deliveries, number)
                for number, deliveries, message in opened
            ]
            connection.executemany("UPDATE messages SET held_until = ?, deliveries = ? WHERE id = ?", held)
            return [
                ReceivedMessage(message, queue, str(number), str(deliveries), deliveries)
                for number, deliveries, message in opened
                if message
            ]

        return await self._store.run(receive)

    def _opened(self, queue: str, number: int, body: str) -> Message | None:
        """The message in a row, None if it cannot be read: that is said once."""
        try:
            opened = codec.open_envelope(body)
            if isinstance(opened, codec.Envelope):
                return opened.message
            reason = "it refers to a blob, and this hub has none."
        except UnreadableRecord as error:
            reason = str(error)
        if number not in self._unreadable:
            self._unreadable.add(number)
            self._log.warning(
                "Host.Durable", f"Message {number} in queue {queue} cannot be read and is put aside: {reason}"
            )
        return None

    def _put_aside_until(self, deliveries: int) -> Instant:
        """Out of the way for longer each time (platform/task-hub.md 4.8)."""
        return later(utc_now(self._clock), min(2 ** min(deliveries, 30), LONGEST_BACKOFF))

    async def settle(self, received: Iterable[ReceivedMessage]) -> None:
        ours = [(one.id, one.receipt) for one in received]
        await self._store.write(SETTLE, ours)

    async def release(self, received: Iterable[ReceivedMessage], after: float = 0) -> None:
        await self._hold(received, later(utc_now(self._clock), after) if after else "")

    async def renew(self, received: Iterable[ReceivedMessage]) -> None:
        await self._hold(received, self._held())

    async def _hold(self, received: Iterable[ReceivedMessage], until: Instant) -> None:
        ours = [(until, one.id, one.receipt) for one in received]
        await self._store.write("UPDATE messages SET held_until = ? WHERE id = ? AND deliveries = ?", ours)

    async def load(self, instance: str) -> HistoryState:
        return await self._store.run(lambda connection: _load(connection, instance))

    async def record(self, checkpoint: Checkpoint) -> HistoryState:
        return await self._store.run(lambda connection: self._record(connection, checkpoint))

    def _record(self, connection: sqlite3.Connection, checkpoint: Checkpoint) -> HistoryState:
        since, instance = checkpoint.since, checkpoint.instance
        version = _next_version(connection, instance.id, since.version)
        if checkpoint.replaces:
            connection.execute("DELETE FROM history WHERE instance = ?", (instance.id,))
        before = () if checkpoint.replaces else since.events
        rows = [
            (instance.id, ordinal, json.dumps(codec.event_columns(codec.kept(event, self._settings.keep_inputs))))
            for ordinal, event in enumerate(checkpoint.events, len(before))
        ]
        connection.executemany("INSERT INTO history (instance, ordinal, event) VALUES (?, ?, ?)", rows)
        seen = checkpoint.seen_after
        connection.execute(
            "INSERT OR REPLACE INTO heads (instance, execution, version, custom_status, seen) VALUES (?, ?, ?, ?, ?)",
            (instance.id, checkpoint.execution_id, version, instance.custom_status, " ".join(seen)),
        )
        is_usual_episode = checkpoint.events and not checkpoint.replaces
        if not (is_usual_episode and _is_replaced(connection, instance)):
            _write_instance(connection, instance)
        events = (*before, *checkpoint.events)
        return HistoryState(checkpoint.execution_id, events, str(version), instance.custom_status, seen)

    async def find(self, instance: str) -> Instance | None:
        return await self._store.run(lambda connection: _find(connection, instance))

    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        """Raises InvalidToken."""
        after = place_of(self._settings.name, token).get("after", "")
        found, is_end = await self._store.run(
            lambda connection: _list(connection, query, top, after, self._settings.page)
        )
        shown = found if query.with_input else [replace(instance, input=None) for instance in found]
        return Page(tuple(shown), None if is_end else token_of(self._settings.name, {"after": found[-1].id}))

    async def purge(self, instance: str) -> PurgeResult:
        def purge(connection: sqlite3.Connection) -> PurgeResult:
            rows = connection.execute("DELETE FROM history WHERE instance = ?", (instance,)).rowcount
            connection.execute("DELETE FROM heads WHERE instance = ?", (instance,))
            return PurgeResult(connection.execute("DELETE FROM instances WHERE id = ?", (instance,)).rowcount, rows)

        purged = await self._store.run(purge)
        self._store.reclaim()
        return purged

    async def partition_leases(self) -> Sequence[PartitionLease]:
        """Always free: the file has one host."""
        return [PartitionLease(CONTROL)]

    async def update_partition_lease(self, lease: PartitionLease) -> bool:
        return True

    async def acquire_app_lease(self, seconds: float) -> bool:
        return True

    async def release_app_lease(self) -> None:
        """There is none."""


def _load(connection: sqlite3.Connection, instance: str) -> HistoryState:
    head = connection.execute(
        "SELECT execution, version, custom_status, seen FROM heads WHERE instance = ?", (instance,)
    ).fetchone()
    if head is None:
        return HistoryState()
    found = connection.execute("SELECT event FROM history WHERE instance = ? ORDER BY ordinal", (instance,))
    events = tuple(codec.event_of_row(json.loads(text)) for (text,) in found)
    return HistoryState(head[0], events, str(head[1]), head[2], tuple((head[3] or "").split()))


def _next_version(connection: sqlite3.Connection, instance: str, since: str | None) -> int:
    head = connection.execute("SELECT version FROM heads WHERE instance = ?", (instance,)).fetchone()
    if (None if head is None else str(head[0])) != since:
        raise Conflict(f"Instance {instance} was recorded by someone else in the meantime.")
    return int(since or 0) + 1


def _is_replaced(connection: sqlite3.Connection, instance: Instance) -> bool:
    """Whether the row belongs to a start that came over this execution while it ran, and waits to be taken."""
    row = connection.execute(
        "SELECT id, row FROM instances WHERE id = ? AND status = ?", (instance.id, RuntimeStatus.Pending.name)
    ).fetchone()
    return row is not None and _instance(*row).execution_id != instance.execution_id


def _find(connection: sqlite3.Connection, instance: str) -> Instance | None:
    row = connection.execute("SELECT id, row FROM instances WHERE id = ?", (instance,)).fetchone()
    return _instance(*row) if row else None


def _instance(instance_id: str, row: str) -> Instance:
    return codec.instance_of_row(instance_id, json.loads(row))


def _list(
    connection: sqlite3.Connection, query: Query, top: int, after: str, page: int
) -> tuple[Sequence[Instance], bool]:
    """A page of at least one instance, if there is one, and whether it is the last."""
    where, values = _conditions(query, after)
    found: list[Instance] = []
    size = 0
    for row in connection.execute(f"SELECT id, row FROM instances WHERE {where} ORDER BY id", values):
        size += len(row[1])
        if found and (len(found) == top or size > page):
            return found, False
        found.append(_instance(*row))
    return found, True


def _conditions(query: Query, after: str) -> tuple[str, list[str]]:
    """The WHERE of a query, and its values."""
    statuses = sorted(status.name for status in query.statuses)
    conditions: list[tuple[str, list[str]]] = [("id > ?", [after])]
    if query.created_from:
        conditions.append(("created >= ?", [query.created_from]))
    if query.created_to:
        conditions.append(("created <= ?", [query.created_to]))
    if statuses:
        conditions.append((f"status IN ({', '.join('?' * len(statuses))})", statuses))
    if query.prefix:
        conditions.append(("substr(id, 1, ?) = ?", [str(len(query.prefix)), query.prefix]))
    return " AND ".join(text for text, _ in conditions), [value for _, values in conditions for value in values]


def _write_instance(connection: sqlite3.Connection, instance: Instance) -> None:
    row = {
        **codec.start_columns(instance),
        **codec.status_columns(instance, ""),
        **codec.custom_status_column(instance),
    }
    connection.execute(
        "INSERT OR REPLACE INTO instances (id, status, created, row) VALUES (?, ?, ?, ?)",
        (instance.id, instance.status.name, instance.created, json.dumps(row)),
    )
