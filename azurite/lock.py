"""A lock between processes. A SQLite transaction is one on every system, and ends with its process."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Whether the lock is ours, inside the block. It does not wait. Raises sqlite3.Error if the file cannot be had."""
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
        yield _is_begun(connection)


def _is_begun(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        return False
    return True
