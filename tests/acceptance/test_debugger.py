"""A debugger stays attached while versions of the app come and go, with a real debugpy and Node's own inspector."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import debugpy
import psutil
import pytest

from fnhost.host.system.ports import free_port
from tests.support.dap import Client, Connection, attached
from tests.support.hosts import Host, http, launched, running, write_app
from tests.support.inspectors import InspectorClient

CODE = "import azure.functions as func\n\n\ndef main(req: func.HttpRequest) -> str:\n    text = '{}'\n    return text\n"
FILE, LINE = "Hello/__init__.py", 6
PARAMETERS = {"Hello/function.json": http(), "local.settings.json": "{}"}
NODE_CODE = "module.exports = async (context) => {{\n  const text = '{}';\n  context.res = {{ body: text }};\n}};\n"
NODE_FILE, NODE_LINE = "Hello/index.js", 2
NODE = {"FUNCTIONS_WORKER_RUNTIME": "node"}
SHORT = '{"version": "2.0", "functionTimeout": "00:00:01"}'


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path, {FILE: CODE.format("zero"), **PARAMETERS})


@pytest.fixture
def port() -> int:
    return free_port()


@contextmanager
def asked(host: Host) -> Iterator[Future[str]]:
    """A request on its way."""
    with ThreadPoolExecutor(1) as caller:
        yield caller.submit(lambda: host.get("/api/Hello").text)


def saved(host: Host, text: str, count: int) -> None:
    host.write(FILE, CODE.format(text))
    host.output.until("Reloaded in", count)


def hits_a_breakpoint(host: Host, port: int) -> bool:
    with attached(port, {host.app / FILE: [LINE]}) as client:
        client.wait_for_session()
        with asked(host) as answer:
            client.next_stop().go_on()
            return answer.result() == "zero"


def test_breakpoints_hold_after_each_of_three_saves_and_a_broken_edit(app: Path, port: int) -> None:
    setting = {"languageWorkers__python__arguments": f"-m debugpy --listen 127.0.0.1:{port}"}
    with running(app, **setting) as host, attached(port, {app / FILE: [LINE]}) as client:
        host.output.until(f"The debugger listens on 127.0.0.1:{port}.")
        session = client.wait_for_session()
        assert held_text(host, client, session) == "zero"
        for number, text in enumerate(("one", "two", "three"), 1):
            saved(host, text, number)
            assert client.ended.get(timeout=30) is session
            session = client.wait_for_session()
            assert held_text(host, client, session) == text
        host.write(FILE, "def main(:\n")
        host.output.until("The last good version keeps serving.")
        assert held_text(host, client, session) == "three"


def held_text(host: Host, client: Client, session: Connection) -> str:
    """What the variable `text` holds at the breakpoint in a session, which is what the request then answers."""
    with asked(host) as answer:
        stop = client.next_stop()
        assert (stop.session, stop.line()) == (session, LINE)
        assert stop.functions() == ["main"]  # nothing of the worker's own
        text = stop.evaluate("text").strip("'")
        stop.go_on()
        assert answer.result() == text
    return text


def test_a_request_at_a_breakpoint_survives_a_save_and_its_time_limit(app: Path, port: int) -> None:
    write_app(app, {"host.json": SHORT})
    with running(app, "--debug", port) as host, attached(port, {app / FILE: [LINE]}) as client:
        client.wait_for_session()
        with asked(host) as first:
            held = client.next_stop()
            saved(host, "new", 1)
            client.wait_for_session()
            with asked(host) as second:
                client.next_stop().go_on()
                assert second.result() == "new"
            assert held.evaluate("__import__('time').sleep(1.2)") == "None"  # longer than functionTimeout
            assert held.evaluate("text") == "'zero'"
            held.go_on()
            assert first.result() == "zero"
        assert not host.output.count("exceeded by function")


def test_a_port_that_is_held_is_waited_for(app: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = int(holder.getsockname()[1])
        with running(app, "--debug", port) as host:
            host.output.until(f"The debugger waits for port {port}, which is not free. It is held by process")
            assert host.get("/api/Hello").text == "zero"
            holder.close()
            host.output.until(f"The debugger listens on 127.0.0.1:{port}.")
            assert hits_a_breakpoint(host, port)


def test_the_command_that_installs_debugpy_is_named_and_then_the_debugger_starts(app: Path, port: int) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", app / ".venv"], check=True)
    python = app / ".venv/bin/python"
    with running(app, "--debug", port) as host:
        host.output.until(f"debugpy is not installed for {python}")
        assert host.output.count(f"Run: {python} -m pip install debugpy") == 1
        assert host.get("/api/Hello").text == "zero"
        packages = next((app / ".venv/lib").glob("python3*/site-packages"))
        (packages / "debugpy").symlink_to(Path(debugpy.__file__).parent)
        host.output.until("Reloaded in")
        assert hits_a_breakpoint(host, port)


def test_a_client_that_ignores_child_processes_holds_nothing_up(app: Path, port: int) -> None:
    with running(app, "--debug", port) as host, attached(port, {app / FILE: [LINE]}, follows=False):
        saved(host, "one", 1)
        assert host.get("/api/Hello").text == "one"
        assert host.output.count("did not attach to this worker within 3 s") == 1


def test_an_editor_brings_a_debugpy_along_and_no_user_code_runs_before_it_attaches(app: Path, port: int) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", app / ".venv"], check=True)
    package = app / "an editor/debugpy"
    package.parent.mkdir()
    package.symlink_to(Path(debugpy.__file__).parent)
    setting = {"languageWorkers__python__arguments": f'"{package}" --listen 127.0.0.1:{port} --wait-for-client'}
    with launched("start", app, "--port", 0, **setting) as (_, output):
        output.until("The worker waits until a client attaches to the debugger.")
        with attached(port, {app / FILE: [1]}) as client:  # a line that runs when the function is loaded
            stop = client.next_stop()
            assert stop.line() == 1 and "/api/" not in output.text
            stop.go_on()
            output.until("/api/")


def test_nothing_of_the_debugger_outlives_a_host_that_is_killed(app: Path, port: int) -> None:
    with running(app, "--debug", port) as host, attached(port, {app / FILE: [LINE]}) as client:
        client.wait_for_session()
        ours = [process for process in psutil.process_iter() if belongs_to(process, app)]
        assert any("adapter" in " ".join(process.cmdline()) for process in ours)
        host.kill()
        _, alive = psutil.wait_procs(ours, timeout=30)
        assert not alive


def belongs_to(process: psutil.Process, app: Path) -> bool:
    """Whether it was started for workers of the app, by whomever."""
    try:
        return process.environ().get("FUNCTIONS_APPLICATION_DIRECTORY") == str(app)
    except psutil.Error:
        return False


@pytest.fixture
def node_app(tmp_path: Path) -> Path:
    trigger = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
    output = {"name": "res", "type": "http", "direction": "out"}
    files = {NODE_FILE: NODE_CODE.format("zero"), "Hello/function.json": json.dumps({"bindings": [trigger, output]})}
    return write_app(tmp_path, {**files, "local.settings.json": "{}"})


@pytest.mark.anyio
async def test_the_inspector_of_node_leads_to_the_newest_worker_and_lets_a_held_one_be(
    node_app: Path, port: int
) -> None:
    with running(node_app, **NODE, languageWorkers__node__arguments=f"--inspect=127.0.0.1:{port}") as host:
        host.output.until(f"The debugger listens on 127.0.0.1:{port}.")
        async with aiohttp.ClientSession() as session:
            client = InspectorClient(session, port, "Hello/index\\.js$", NODE_LINE)
            await client.attach()
            assert await text_in_node(host, client) == "zero"
            host.write(NODE_FILE, NODE_CODE.format("one"))  # nothing runs: the client is led to the new worker
            await client.ended()
            await client.attach()
            host.output.until("Reloaded in")
            first = asyncio.create_task(asyncio.to_thread(host.get, "/api/Hello"))
            frame = await client.next_pause()
            host.write(NODE_FILE, NODE_CODE.format("two"))
            host.output.until("Reloaded in", 2)
            assert await client.evaluate(frame, "text") == "one"
            await client.go_on()
            assert (await first).text == "one"
            await client.ended()
            await client.attach()
            assert await text_in_node(host, client) == "two"


async def text_in_node(host: Host, client: InspectorClient) -> object:
    """What the variable `text` holds at the breakpoint, which is what the request then answers."""
    asked = asyncio.create_task(asyncio.to_thread(host.get, "/api/Hello"))
    text = await client.evaluate(await client.next_pause(), "text")
    await client.go_on()
    assert (await asked).text == text
    return text


@pytest.mark.anyio
async def test_a_client_of_node_that_stays_away_after_a_save_holds_nothing_up(node_app: Path, port: int) -> None:
    with running(node_app, "--debug", port, **NODE) as host:
        async with aiohttp.ClientSession() as session:
            client = InspectorClient(session, port, "Hello/index\\.js$", NODE_LINE)
            await client.attach()
            host.write(NODE_FILE, NODE_CODE.format("one"))
            await asyncio.to_thread(host.output.until, "Reloaded in")
            assert (await asyncio.to_thread(host.get, "/api/Hello")).text == "one"
            assert host.output.count("did not attach to the worker process") == 1
            await client.ended()
            async with session.get(f"http://127.0.0.1:{port}/json", headers={"Host": "evil.example"}) as answer:
                assert answer.status == 400  # a page of the web does not learn how to attach
            async with session.get(f"http://127.0.0.1:{port}/json/version") as answer:
                assert (await answer.json())["Browser"].startswith("node.js/")
