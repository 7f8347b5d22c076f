"""Storage that is started when an app needs it, that is away for a while, and a connection that is missing."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from fnhost.azurite import Azurite, Ports, listening
from fnhost.azurite import running as azurite_running
from fnhost.azurite.process import connection_string
from tests.support.development import moved
from tests.support.emulators import free_ports, made_cache
from tests.support.hosts import PATIENCE, POLL, bindings, http, launched, running, write_app
from tests.support.storage import fresh, queue

HELLO = {"Hello/__init__.py": "def main(req) -> str:\n    return 'hello'\n", "Hello/function.json": http()}
WORK = "def main(message: str) -> None:\n    print(f'got {message}', flush=True)\n"
DEVELOPMENT = "UseDevelopmentStorage=true"
HTTP_OUT = {"name": "$return", "type": "http", "direction": "out"}


def app(root: Path, name: str, **files: str) -> Path:
    trigger = {"name": "message", "type": "queueTrigger", "direction": "in", "queueName": name}
    return write_app(root, {**HELLO, "Work/__init__.py": WORK, "Work/function.json": bindings(trigger), **files})


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """Of a user of this test alone."""
    cache = asyncio.run(made_cache(tmp_path / "cache"))
    return {"AzureWebJobsStorage": DEVELOPMENT, "XDG_CACHE_HOME": cache}


def test_a_queue_trigger_finds_the_emulator_running(tmp_path: Path, settings: dict[str, str]) -> None:
    ports, name = free_ports(), fresh("q")
    with running(app(tmp_path / "app", name), program=moved(ports), **settings) as host:
        assert host.get("/api/Hello").text == "hello"
        send(ports, name, "one")
        host.output.until("got one")
        assert host.output.count("failed and will be tried again") == 0


def test_an_output_waits_for_an_emulator_that_is_starting(tmp_path: Path, settings: dict[str, str]) -> None:
    output = {"name": "message", "type": "queue", "direction": "out", "queueName": fresh("q")}
    entries = ({"name": "req", "type": "httpTrigger", "authLevel": "anonymous"}, output)
    send = "def main(req, message) -> str:\n    message.set('x')\n    return 'sent'\n"
    files = {"Send/__init__.py": send, "Send/function.json": bindings(*entries, {**HTTP_OUT})}
    with running(write_app(tmp_path / "app", files), program=moved(), **settings) as host:
        assert host.get("/api/Send").text == "sent"


def send(ports: Ports, name: str, text: str) -> None:
    with queue(connection_string(ports), name) as client:
        client.create_queue()
        client.send_message(text)


def test_code_that_uses_storage_itself_finds_the_emulator(tmp_path: Path, settings: dict[str, str]) -> None:
    ports = free_ports()
    code = write_app(tmp_path / "app", {**HELLO, "requirements.txt": "azure-functions\nazure-storage-blob>=12\n"})
    with running(code, program=moved(ports), **settings) as host:
        assert host.get("/api/Hello").text == "hello"
        until_listening(ports)


def until_listening(ports: Ports) -> None:
    """Return as soon as all three services answer: nothing tells of it."""
    end = time.monotonic() + PATIENCE
    while len(asyncio.run(listening(ports))) < 3:
        assert time.monotonic() < end
        time.sleep(POLL)


def test_an_http_app_starts_no_emulator(tmp_path: Path, settings: dict[str, str]) -> None:
    with running(write_app(tmp_path / "app", HELLO), program=moved(), **settings) as host:
        assert host.get("/api/Hello").text == "hello"
        assert not (host.app / ".azurite").exists()


def test_the_emulator_alone(tmp_path: Path, settings: dict[str, str]) -> None:
    ports = free_ports()
    with launched("azurite", tmp_path / "data", program=moved(ports), **settings) as (process, output):
        output.until("Azurite is running: blob {}, queue {}, table {}.".format(*ports.by_service.values()))
        send(ports, "queue", "text")
        process.send_signal(2)
        assert process.wait(30) == 0


def test_storage_that_is_away_is_named_and_comes_back(tmp_path: Path) -> None:
    asyncio.run(outage(tmp_path))


async def outage(tmp_path: Path) -> None:
    """HTTP is served meanwhile, and nothing has to be started again."""
    ports, name = free_ports(), fresh("q")
    storage = {"AzureWebJobsStorage": connection_string(ports)}

    def begin() -> None:
        with running(app(tmp_path / "app", name), **storage) as host:
            host.output.until(f"queue service at 127.0.0.1:{ports.queue} does not answer")
            assert host.get("/api/Hello").text == "hello"
            asyncio.run_coroutine_threadsafe(serve(), loop).result(60)
            send(ports, name, "after")
            host.output.until("got after")

    stop, up = asyncio.Event(), asyncio.Event()

    async def keep() -> None:
        async with azurite_running(tmp_path / "data", os.environ, print, ports):
            up.set()
            await stop.wait()

    async def serve() -> None:
        tasks.append(asyncio.create_task(keep()))
        await up.wait()

    loop, tasks = asyncio.get_running_loop(), []
    try:
        await asyncio.to_thread(begin)
    finally:
        stop.set()
        await asyncio.gather(*tasks)


def test_a_missing_connection_stops_its_function_by_name(tmp_path: Path, storage: Azurite) -> None:
    trigger = {"name": "message", "type": "queueTrigger", "direction": "in", "queueName": "work", "connection": "Lost"}
    code = app(tmp_path, fresh("q"), **{"Other/__init__.py": WORK, "Other/function.json": bindings(trigger)})
    with running(code, AzureWebJobsStorage=storage.connection_string) as host:
        assert host.get("/api/Hello").text == "hello"
        host.output.until("The 'Other' function is in error:")
        assert host.output.count("The setting Lost is missing.") == 1
        assert "The setting Lost" in host.get("/admin/functions/Other/status").json()["errors"][0]
