"""The file of a SQLite hub: its connection, a lock that keeps other hosts out, and what its failures mean.

The lock is a file of its own, so that other programs may read the hub with SQLite while a host runs. Whatever fails is
told with its cause, and nothing stays half open: the next use opens the file anew.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from fnhost.host.durable.model.errors import HubError, HubMissing, HubUnreachable, RecordRefused
from fnhost.host.system.filelock import lock

BUSY_LIMIT = 1.0
"""Seconds to wait for another program that has the file locked, before that is told."""
RECLAIMED_PAGES = 1000
"""How many free pages are given back to the disk at once."""
KEPT_PAGES = 64
"""Free pages that stay in the file: they are needed again soon."""
OTHER_PATH = "or name another in host.json, extensions.durableTask.storageProvider.path"

LOCKED = "The task hub's file {path} is locked by another program. Close it, or end its transaction."

CAUSES = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_FULL: "The disk with the task hub's file {path} is full. Free some space.",
    sqlite3.SQLITE_READONLY: f"The task hub's file {{path}} is read-only. Make its folder writable, {OTHER_PATH}.",
    sqlite3.SQLITE_PERM: f"The task hub's file {{path}} may not be used. Make it writable, {OTHER_PATH}.",
    sqlite3.SQLITE_CANTOPEN: (
        f"The task hub's file {{path}} cannot be opened. See that its folder is there and writable, {OTHER_PATH}."
    ),
    sqlite3.SQLITE_IOERR: "The disk with the task hub's file {path} fails: {error}.",
    sqlite3.SQLITE_CORRUPT: (
        "The task hub's file {path} is damaged: {error}. Move it away, and a new one is made; what was in it is lost."
    ),
    sqlite3.SQLITE_NOTADB: (
        f"The task hub's file {{path}} is no SQLite database. Move it away, and a new one is made, {OTHER_PATH}."
    ),
}
"""What keeps the whole file from being used, by SQLite's primary result code. All of it can be mended meanwhile."""
PASSING = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL})
"""Causes for which the file need not be opened anew."""


class HubFile:
    """Used by one thread. Without a path the hub is in memory."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock: int | None = None
        self._identity: tuple[int, int] | None = None

    def connection(self) -> sqlite3.Connection:
        """Open, and still that of the file at its path. Raises HubMissing, HubUnreachable, sqlite3.Error."""
        if self._connection is None:
            return self._opened()
        if self._path and self._identity != _identity(self._path):
            self.close()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            raise HubMissing(f"The task hub's file {self._path} was removed or replaced while it was open.")
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        if self._path and self._lock is None:
            self._lock = _taken(self._path)
        connection = sqlite3.connect(self._path or ":memory:", timeout=BUSY_LIMIT, isolation_level=None)
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._identity = _identity(self._path) if self._path else None
        return connection

    def close(self) -> None:
        """Safe to repeat."""
        if self._connection:
            self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
        self._connection = self._lock = None

    def failed(self, error: sqlite3.Error) -> HubError:
        """What a failure of the file means; the connection is closed unless it can still be used."""
        code = _code(error)
        if code not in PASSING:
            self.close()
        if code in CAUSES:
            return HubUnreachable(CAUSES[code].format(path=self._path, error=error))
        return HubError(f"The task hub's file {self._path} cannot be used: {error}.")

    def reclaim(self, is_wanted: Callable[[], bool]) -> bool:
        """Give free pages back to the disk, step by step, while `is_wanted`. Whether all is done."""
        connection = self.connection()
        before, free = 0, _free_pages(connection)
        while free > KEPT_PAGES and free != before:
            if not is_wanted():
                return False
            connection.execute(f"PRAGMA incremental_vacuum({RECLAIMED_PAGES})").fetchall()
            before, free = free, _free_pages(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return True


def _free_pages(connection: sqlite3.Connection) -> int:
    (count,) = connection.execute("PRAGMA freelist_count").fetchone()
    return int(count)


def concerns_file(error: Exception) -> bool:
    """Whether an error is one of the file, so that no job can be done; else it is one of its job."""
    return isinstance(error, sqlite3.Error) and _code(error) in CAUSES


def error_of_job(error: Exception) -> Exception:
    """A job's own error, as hubs tell it."""
    if not isinstance(error, sqlite3.Error):
        return error
    if str(error).startswith("no such table"):
        return HubMissing(f"The task hub has not been made: {error}.")
    if _code(error) == sqlite3.SQLITE_TOOBIG:
        return RecordRefused(f"SQLite does not take a value that large: {error}.")
    return RecordRefused(f"SQLite refused it: {error}.")


def _code(error: sqlite3.Error) -> int:
    """The primary result code; extended ones add bits above it."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _prepare(connection: sqlite3.Connection) -> None:
    """An old file whose free pages cannot be given back is rewritten once, when it has some."""
    connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
    connection.execute("PRAGMA journal_mode=WAL").fetchall()
    connection.execute("PRAGMA synchronous=FULL")
    (mode,) = connection.execute("PRAGMA auto_vacuum").fetchone()
    if mode == 0 and _free_pages(connection):
        connection.execute("VACUUM")


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is, whatever it is called; None if there is none."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _taken(path: Path) -> int:
    """The lock beside the hub, with our process id in it. Raises HubUnreachable if another host has it."""
    beside = path.with_name(f"{path.name}.lock")
    try:
        file = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise HubUnreachable(
            f"The task hub's file {path} cannot be opened: {error}. See that its folder is there and writable, "
            f"{OTHER_PATH}."
        ) from error
    try:
        lock(file)
    except OSError as error:
        os.close(file)
        raise HubUnreachable(
            f"The task hub's file {path} is in use by another host, process {_holder(beside)}. End that one, or give "
            "this app another hubName in host.json."
        ) from error
    os.ftruncate(file, 0)
    os.write(file, f"{os.getpid()}\n".encode())
    return file


def _holder(lock: Path) -> str:
    try:
        return lock.read_text("ascii").strip() or "of unknown id"
    except (OSError, ValueError):
        return "of unknown id"
