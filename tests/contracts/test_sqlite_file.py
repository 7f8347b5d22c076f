"""The file of a SQLite hub: other programs beside it, its removal, its failures and its size."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.host.durable.model.errors import HubError, HubMissing, HubUnreachable, RecordRefused
from fnhost.host.durable.model.history import EventRaised, Execution
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.retrying import ClientHub
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Level
from tests.support.engines import PATIENCE, Functions, hub_settings, serving
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]


def wait(context: Context) -> Generator[Any, Any, Any]:
    context.set_custom_status("waits")
    return (yield context.wait_for_external_event("Go"))


FUNCTIONS = Functions({"Wait": wait})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hub.db"


@pytest.fixture
async def hub(path: Path) -> AsyncIterator[SqliteHub]:
    async with SqliteHub(hub_settings(), path) as hub:
        await hub.create()
        yield hub


def event(text: str = "true") -> Message:
    return Message(Execution("order-42"), EventRaised(timestamp=utc_now(), name="Go", input=text))


async def kept(hub: SqliteHub) -> int:
    """How many messages the hub holds."""
    return await hub._store.run(lambda connection: connection.execute("SELECT count(*) FROM messages").fetchone()[0])  # type: ignore[no-any-return]


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def removed(path: Path) -> None:
    """With what SQLite keeps beside it."""
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def overwritten(path: Path, start: int, data: bytes) -> None:
    with path.open("r+b" if path.exists() else "wb") as file:
        file.seek(start)
        file.write(data)


LOCKING = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


@asynccontextmanager
async def locking(path: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Another program that has the file locked, and how to end it."""
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(sys.executable, "-c", LOCKING, path, stdin=pipe, stdout=pipe)
    assert other.stdout and await other.stdout.readline()

    async def release() -> None:
        assert other.stdin
        other.stdin.close()
        await other.wait()

    try:
        yield release
    finally:
        await release()


async def found_again(hub: Hub, instance: str) -> Instance:
    """The instance, once it is in the file; nothing tells when."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if found := await hub.find(instance):
                return found
            await asyncio.sleep(0.02)


def descriptors(path: Path) -> int:
    links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
    return sum(os.path.realpath(link).startswith(str(path)) for link in links)


# --- other programs ---------------------------------------------------------------------------------------------------


async def test_a_second_host_is_told_who_has_the_file(hub: SqliteHub, path: Path) -> None:
    async with SqliteHub(hub_settings(), path) as second:
        with pytest.raises(HubUnreachable, match=rf"in use by another host, process {os.getpid()}\."):
            await second.create()


async def test_a_second_host_goes_on_when_the_first_has_ended(path: Path) -> None:
    async with SqliteHub(hub_settings(), path) as second:
        async with SqliteHub(hub_settings(), path) as first:
            await first.create()
            async with serving(second, FUNCTIONS, client_hub=ClientHub(second)) as served:
                said = asyncio.Event()
                served.engine.log.add(lambda record: said.set() if "another host" in record.message else None)
                async with asyncio.timeout(PATIENCE):
                    await said.wait()
                await first._store.close()
                await served.until(await served.start("Wait"), lambda found: found.custom_status is not None)


async def test_a_viewer_reads_while_the_host_writes(hub: SqliteHub, path: Path) -> None:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as viewer:
        viewer.execute("BEGIN")
        assert viewer.execute("SELECT count(*) FROM messages").fetchone() == (0,)
        await hub.send([event()])
        viewer.execute("COMMIT")
        assert viewer.execute("SELECT count(*) FROM messages").fetchone() == (1,)


async def test_a_file_that_another_program_has_locked_is_taken_when_that_has_ended(path: Path) -> None:
    async with SqliteHub(hub_settings(), path) as hub, locking(path) as release:
        for _ in range(3):
            with pytest.raises(HubUnreachable, match="locked by another program"):
                await hub.create()
        assert descriptors(path) == 1, "our lock"
        await release()
        await hub.create()
        assert await kept(hub) == 0


# --- a file that goes away, or is not what it should be ---------------------------------------------------------------


async def test_a_file_that_is_removed_is_made_anew_with_what_is_remembered(path: Path) -> None:
    async with SqliteHub(hub_settings(), path) as hub, serving(hub, FUNCTIONS) as served:
        instance = await served.start("Wait")
        waiting = await served.until(instance, lambda found: found.custom_status is not None)
        removed(path)
        written = await found_again(served.engine.hub, instance)
        assert (written.status, written.custom_status) == (waiting.status, waiting.custom_status)
        await served.client.raise_event(instance, "Go", "1")
        assert (await served.end(instance)).output == "1"
        assert served.said("was removed or replaced", Level.ERROR) == 1
    assert size(path) > 0


async def test_a_removed_file_is_told_to_whoever_asks_next(hub: SqliteHub, path: Path) -> None:
    await hub.send([event()])
    removed(path)
    with pytest.raises(HubMissing, match="removed or replaced"):
        await hub.find("order-42")
    await hub.create()
    assert await kept(hub) == 0


async def test_a_file_that_is_no_database_is_replaced_when_it_is_moved_away(path: Path) -> None:
    overwritten(path, 0, b"this is no database" * 1000)
    async with SqliteHub(hub_settings(), path) as hub:
        with pytest.raises(HubUnreachable, match="is no SQLite database"):
            await hub.create()
        removed(path)
        await hub.create()
        assert await kept(hub) == 0


async def test_a_damaged_file_is_called_damaged(path: Path) -> None:
    async with SqliteHub(hub_settings(), path) as hub:
        await hub.create()
        await hub.send([event() for _ in range(50)])
    overwritten(path, 4096, os.urandom(size(path) - 4096))
    async with SqliteHub(hub_settings(), path) as hub:
        with pytest.raises(HubUnreachable, match="is damaged: "):
            await hub.create()


async def test_a_full_disk_is_called_full_and_waited_for(hub: SqliteHub) -> None:
    """SQLite's own limit of pages fails as a disk does."""

    def limited(connection: sqlite3.Connection) -> int:
        (now,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {now}")
        return int(now)

    await hub._store.run(limited)
    with pytest.raises(HubUnreachable, match="is full"):
        await hub.send([event("x" * 1_000_000)])
    await hub._store.run(lambda connection: connection.execute("PRAGMA max_page_count = 1000000").fetchone())
    await hub.send([event()])
    assert await kept(hub) == 1


async def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    async with SqliteHub(hub_settings(), tmp_path / "missing" / "hub.db") as hub:
        with pytest.raises(HubUnreachable, match=r"missing/hub\.db cannot be opened: .*No such file or directory"):
            await hub.create()


# --- jobs that fail ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "job", [lambda connection: connection.execute("no SQL"), lambda connection: [][0], lambda connection: 1 / 0]
)
async def test_an_error_of_ours_fails_its_job_alone(hub: SqliteHub, job: Any) -> None:
    def half_done(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM messages")
        job(connection)

    await hub.send([event()])
    failed, *others = await asyncio.gather(
        hub._store.run(half_done), *(hub.send([event(str(n))]) for n in range(3)), return_exceptions=True
    )
    assert isinstance(failed, (HubError, IndexError, ZeroDivisionError))
    assert not isinstance(failed, HubUnreachable)
    assert not any(isinstance(one, BaseException) for one in others)
    assert await kept(hub) == 4


async def test_a_value_that_is_too_large_is_refused_for_good(hub: SqliteHub) -> None:
    await hub._store.run(lambda connection: connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000))
    with pytest.raises(RecordRefused, match="does not take a value that large"):
        await hub.send([event("x" * 200_000)])
    await hub.send([event()])
    assert await kept(hub) == 1


# --- its size ---------------------------------------------------------------------------------------------------------


async def test_the_space_of_what_was_purged_is_given_back(path: Path) -> None:
    async with SqliteHub(hub_settings(), path) as hub, serving(hub, FUNCTIONS) as served:
        names = [await served.start("Wait", "x" * 200_000) for _ in range(12)]
        for name in names:
            await served.client.terminate(name, None)
            await served.end(name)
        large = size(path)
        for name in names:
            assert (await served.client.purge(name)).instances == 1
        async with asyncio.timeout(PATIENCE):
            while True:
                if size(path) < large / 4:
                    break
                await asyncio.sleep(0.02)  # nothing tells when the disk has it back
    assert large > 2_000_000


async def test_an_old_file_gives_its_space_back_too(path: Path) -> None:
    """Hubs were made without this once: they are rewritten when they are opened."""
    with closing(sqlite3.connect(path)) as old:
        old.execute("CREATE TABLE old (text)")
        old.execute("INSERT INTO old VALUES (zeroblob(3000000))")
        old.commit()
        old.execute("DROP TABLE old")
        old.commit()
    async with SqliteHub(hub_settings(), path) as hub:
        await hub.create()
        (mode,) = await hub._store.run(lambda connection: connection.execute("PRAGMA auto_vacuum").fetchone())
    assert (mode, size(path) < 300_000) == (2, True)


async def test_a_closed_hub_says_so(path: Path) -> None:
    async with SqliteHub(hub_settings(), path) as hub:
        await hub.create()
    with pytest.raises(HubError, match="is closed"):
        await hub.find("one")
    assert descriptors(path) == 0
