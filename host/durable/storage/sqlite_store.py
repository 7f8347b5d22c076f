"""The thread that owns a SQLite hub's file. What waits when it is free is committed together: one flush for many."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from fnhost.host.durable.model.errors import HubError
from fnhost.host.durable.storage.sqlite_file import HubFile, concerns_file, error_of_job

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A job and who waits for it."""

    job: Job[Any]
    done: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


_Answer: TypeAlias = tuple[_Waiting, Any, Exception | None]


class SqliteStore:
    """Runs jobs on the file, in order. A job that fails undoes what it wrote, and no other's work."""

    def __init__(self, path: Path | None) -> None:
        self._file = HubFile(path)
        self._jobs: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sqlite hub", daemon=True)
        self._is_closed = False
        self._has_free_pages = False

    def open(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        self._is_closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)

    async def run(self, job: Job[T]) -> T:
        """Do it in a transaction, perhaps with others; committed when this returns. Raises HubError, ValueError."""
        if self._is_closed:
            raise HubError("The task hub is closed.")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Waiting(job, done, loop))
        return await done

    async def write(self, statement: str, rows: Sequence[tuple[str, ...]]) -> None:
        """One statement for many rows."""

        def work(connection: sqlite3.Connection) -> None:
            connection.executemany(statement, rows)  # its cursor must not leave this thread

        await self.run(work)

    def reclaim(self) -> None:
        """Much was deleted: give its space back to the disk when nothing else is to be done."""
        self._has_free_pages = True

    # In the thread

    def _work(self) -> None:
        while batch := self._next_batch():
            answers = self._answers(batch)
            with suppress(RuntimeError):  # The loop was closed: nobody waits any more.
                batch[0].loop.call_soon_threadsafe(_tell, answers)
            self._reclaim_space()
        self._file.close()

    def _answers(self, batch: Sequence[_Waiting]) -> list[_Answer]:
        try:
            return _commit(self._file.connection(), batch)
        except sqlite3.Error as error:
            failure: Exception = self._file.failed(error)
        except Exception as error:
            failure = error
        return [(waiting, None, failure) for waiting in batch]

    def _reclaim_space(self) -> None:
        """Between jobs. What fails is left for the next time."""
        if self._has_free_pages and self._jobs.empty():
            try:
                self._has_free_pages = not self._file.reclaim(self._jobs.empty)
            except (sqlite3.Error, HubError):
                self._has_free_pages = False

    def _next_batch(self) -> list[_Waiting]:
        """Everything that waits, at least one; empty at the end."""
        first = self._jobs.get()
        batch = [first] if first else []
        while batch and not self._jobs.empty():
            if (one := self._jobs.get()) is None:
                self._jobs.put(None)
                break
            batch.append(one)
        return batch


def _commit(connection: sqlite3.Connection, batch: Sequence[_Waiting]) -> list[_Answer]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        answers = [(waiting, *_attempt(connection, waiting.job)) for waiting in batch]
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return answers


def _attempt(connection: sqlite3.Connection, job: Job[Any]) -> tuple[Any, Exception | None]:
    """Run one job of a batch; if it fails, what it wrote is undone and the others stand."""
    connection.execute("SAVEPOINT job")
    try:
        answer = job(connection)
    except Exception as error:
        if concerns_file(error):
            raise
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return None, error_of_job(error)
    connection.execute("RELEASE job")
    return answer, None


def _tell(answers: Iterable[_Answer]) -> None:
    for waiting, answer, error in answers:
        if waiting.done.done():
            continue
        if error is None:
            waiting.done.set_result(answer)
        else:
            waiting.done.set_exception(error)
