"""The side file of a task hub: past custom statuses, and the executions before the present one.

The hub itself holds the last status only. What this host records is written here by one thread, in batches; nothing
waits for it. The file may be deleted at any time.
"""

import contextlib
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from fnhost.host.durable.model.ids import is_entity, next_execution
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.states import Instance

PAUSE = 0.25
"""Seconds for which writes are collected."""
MOST_VALUES = 1_000
"""Values of one execution. When there are more, every second one of the older half goes."""
MOST_BYTES = 64 * 1024 * 1024
LONGEST_INPUT = 64 * 1024
REMEMBERED = 20_000
"""Instances whose last status is known without asking the file."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS statuses (instance TEXT, execution TEXT, at TEXT, value TEXT);
CREATE INDEX IF NOT EXISTS statuses_by_instance ON statuses (instance, execution);
CREATE TABLE IF NOT EXISTS executions (
    instance TEXT, execution TEXT, created TEXT, input TEXT, PRIMARY KEY (instance, execution));
CREATE TABLE IF NOT EXISTS finished (instance TEXT PRIMARY KEY, at TEXT);
"""
Write: TypeAlias = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True, slots=True)
class StatusValue:
    """`value` is JSON text; None where the status was taken away."""

    at: Instant
    value: str | None


@dataclass(frozen=True, slots=True)
class PastExecution:
    """An execution that another has replaced. Its input may be cut."""

    execution_id: str
    created: Instant
    input: str | None


class InsightStore:
    """Note what is recorded, and ask for it later. `path` None keeps it in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._last: OrderedDict[str, tuple[str, str | None, Instant, str | None]] = OrderedDict()
        """By instance: execution, status, creation and input of what was recorded last."""
        self._writes: list[Write] = []
        self._lock, self._work, self._is_closed = threading.Lock(), threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._memory: sqlite3.Connection | None = None
        self._flushing = threading.Lock()
        """Held while a batch is written: batches keep their order, whoever writes them."""
        self._file = threading.Lock()
        """Held by whoever uses a connection: readers and the writer take turns."""

    def close(self) -> None:
        """Write what is left. Safe to repeat."""
        self._is_closed.set()
        self._work.set()
        if self._thread:
            self._thread.join()
        if self._memory:
            self._memory.close()
            self._memory = None

    def note(self, instance: Instance) -> str | None:
        """Keep the custom status of a row if it is new. What it is now if it is, else None."""
        execution, status, before = instance.execution_id or "", instance.custom_status, self._last.get(instance.id)
        if before is not None and before[0] == execution and before[1] == status:
            if instance.status.is_terminal and before[1] is not None:
                self._note_end(instance)
            return None
        if is_entity(instance.id):
            return None
        self._remember(instance, execution)
        if before is not None and before[0] != execution:
            self._note_execution(instance, execution, before)
        if status is None and (before is None or before[0] != execution or before[1] is None):
            return None
        row = (instance.id, execution, instance.updated, status)
        self._put(lambda db: _add_value(db, row))
        if instance.status.is_terminal:
            self._note_end(instance)
        return status or "null"

    def _note_end(self, instance: Instance) -> None:
        self._put(lambda db: db.execute(FINISHED, (instance.id, instance.updated, instance.id)))

    def _remember(self, instance: Instance, execution: str) -> None:
        text = instance.input
        self._last[instance.id] = (execution, instance.custom_status, instance.created, text and text[:LONGEST_INPUT])
        self._last.move_to_end(instance.id)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)

    def _note_execution(
        self, instance: Instance, execution: str, before: tuple[str, str | None, Instant, str | None]
    ) -> None:
        """After continue-as-new the one before is kept; a new start under the same id leaves nothing of the old."""
        if execution != next_execution(before[0]):
            return self._put(lambda db: _forget(db, instance.id))
        row = (instance.id, before[0], before[2], before[3])
        self._put(lambda db: db.execute("INSERT OR REPLACE INTO executions VALUES (?, ?, ?, ?)", row))

    def forget(self, instance: str) -> None:
        """It was purged, or begins anew."""
        self._last.pop(instance, None)
        if self._path is None or self._path.exists() or self._writes:
            self._put(lambda db: _forget(db, instance))

    def forget_all(self) -> None:
        self._last.clear()
        self._put(_forget_all)

    def values(self, instance: str, execution: str, limit: int, before: Instant | None = None) -> list[StatusValue]:
        """The last `limit` values that were seen, before an instant if there is one; the oldest first. Blocks."""
        query = (
            "SELECT at, value FROM statuses WHERE instance = ? AND execution = ? AND at < ? ORDER BY rowid DESC LIMIT ?"
        )
        found = self._ask(query, (instance, execution, before or "9999", limit))
        return [StatusValue(str(at), value) for at, value in reversed(found)]

    def executions(self, instance: str, present: str) -> list[PastExecution]:
        """Those that led to the present one by continue-as-new, the oldest first. Blocks."""
        query = "SELECT execution, created, input FROM executions WHERE instance = ? ORDER BY rowid DESC"
        found: list[PastExecution] = []
        for execution, created, text in self._ask(query, (instance,)):
            if next_execution(str(execution)) == present:
                found.insert(0, PastExecution(str(execution), str(created), text))
                present = str(execution)
        return found

    def _ask(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        self._flush()
        if not self._memory and (self._path is None or not self._path.exists()):
            return []
        with contextlib.suppress(sqlite3.Error, OSError), self._connection() as connection:
            return connection.execute(query, values).fetchall()
        return []

    # The writer

    def _put(self, write: Write) -> None:
        with self._lock:
            self._writes.append(write)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="insight", daemon=True)
            self._thread.start()
        self._work.set()

    def _run(self) -> None:
        """What cannot be written is lost: this is a comfort, and the next batch is tried anew."""
        while not self._is_closed.is_set():
            self._work.wait()
            self._is_closed.wait(PAUSE)
            self._work.clear()
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._flushing:
            with self._lock:
                writes, self._writes = self._writes, []
            if writes:
                self._write(writes)

    def _write(self, writes: Sequence[Write]) -> None:
        with contextlib.suppress(sqlite3.Error, OSError), self._connection() as connection, connection:
            for write in writes:
                write(connection)
            _shrink(connection)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with self._file:
            if self._path is None:
                if self._memory is None:
                    self._memory = _opened(":memory:")
                yield self._memory
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(_opened(str(self._path))) as connection:
                yield connection


def _opened(place: str) -> sqlite3.Connection:
    connection = sqlite3.connect(place, timeout=5, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


TABLES = ("statuses", "executions", "finished")
FINISHED = "INSERT OR REPLACE INTO finished SELECT ?, ? WHERE EXISTS (SELECT 1 FROM statuses WHERE instance = ?)"
LAST = "SELECT value FROM statuses WHERE instance = ? AND execution = ? ORDER BY rowid DESC LIMIT 1"


def _add_value(connection: sqlite3.Connection, row: tuple[str, str, Instant, str | None]) -> None:
    """Unless the file has it: a host that was started again records it once more."""
    last: Sequence[str | None] | None = connection.execute(LAST, row[:2]).fetchone()
    if last is not None and last[0] == row[3]:
        return
    connection.execute("INSERT INTO statuses VALUES (?, ?, ?, ?)", row)
    count = connection.execute("SELECT COUNT(*) FROM statuses WHERE instance = ? AND execution = ?", row[:2])
    if count.fetchone()[0] > MOST_VALUES:
        _thin(connection, *row[:2])


def _thin(connection: sqlite3.Connection, instance: str, execution: str) -> None:
    query = "SELECT rowid FROM statuses WHERE instance = ? AND execution = ? ORDER BY rowid LIMIT ?"
    older = connection.execute(query, (instance, execution, MOST_VALUES // 2)).fetchall()
    connection.executemany("DELETE FROM statuses WHERE rowid = ?", older[1::2])


def _forget_all(connection: sqlite3.Connection) -> None:
    for table in TABLES:
        connection.execute(f"DELETE FROM {table}")


def _forget(connection: sqlite3.Connection, instance: str) -> None:
    for table in TABLES:
        connection.execute(f"DELETE FROM {table} WHERE instance = ?", (instance,))


def _shrink(connection: sqlite3.Connection) -> None:
    """Over its size the file loses instances, those that finished first before those that run."""
    if _size(connection) <= MOST_BYTES:
        return
    query = "SELECT instance FROM finished ORDER BY at LIMIT 1000"
    gone = (
        connection.execute(query).fetchall()
        or connection.execute(
            "SELECT instance FROM statuses GROUP BY instance ORDER BY MIN(rowid) LIMIT 100"
        ).fetchall()
    )
    for (instance,) in gone:
        _forget(connection, instance)


def _size(connection: sqlite3.Connection) -> int:
    """Bytes in use."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)
