"""A saved file is live at once, a broken one never takes the place of a good one (platform/lifecycle.md 5)."""

import json
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fnhost.host.system.ports import free_port
from tests.support.hosts import Host, bindings, http, launched, running, write_app

KEPT = "The last good version keeps serving."
SAID = "import azure.functions as func\n\n\ndef main(req: func.HttpRequest) -> str:\n    return '{}'\n"
ORCHESTRATOR = """
import azure.durable_functions as df

def orchestrate(context):
    first = yield context.call_activity("Greet", "one")
    yield context.wait_for_external_event("Go")
    second = yield context.call_activity("Greet", "two")
    return [first, second]

main = df.Orchestrator.create(orchestrate)
"""
GREET = "def main(name: str) -> str:\n    return '{} ' + name\n"
DURABLE = {
    "Walk/__init__.py": ORCHESTRATOR,
    "Walk/function.json": bindings({"name": "context", "type": "orchestrationTrigger", "direction": "in"}),
    "Greet/__init__.py": GREET.format("old"),
    "Greet/function.json": bindings({"name": "name", "type": "activityTrigger", "direction": "in"}),
}


HELLO = {
    "Hello/__init__.py": SAID.format("first"),
    "Hello/function.json": http(),
    "local.settings.json": "{}",
}
DATA = ("data.json", "Hello/template.html", "requirements.txt")


DEBUGGER = """
import os, socket
if "FNHOST_WORKER_SOCKET" in os.environ:
    try:
        held = socket.create_server(("127.0.0.1", {}))
    except OSError:
        os._exit(3)
"""
"""Holds a port as long as its worker lives, and ends one that cannot have it."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with running(write_app(tmp_path, HELLO)) as host:
        yield host


def reloaded(host: Host, count: int = 1) -> None:
    host.output.until("Reloaded in", count)


def test_a_saved_file_is_live(host: Host) -> None:
    assert host.get("/api/Hello").text == "first"
    host.write("Hello/__init__.py", SAID.format("second"))
    reloaded(host)
    assert host.get("/api/Hello").text == "second"


def test_a_worker_with_arguments_of_its_own_ends_before_the_next_begins(tmp_path: Path) -> None:
    port = free_port()
    app = write_app(tmp_path, {**HELLO, "sitecustomize.py": DEBUGGER.format(port)})
    settings = {"languageWorkers__python__arguments": "-X utf8", "PYTHONPATH": str(app)}
    with running(app, **settings) as host:
        host.write("Hello/__init__.py", SAID.format("second"))
        reloaded(host)
        assert host.get("/api/Hello").text == "second"


def test_every_save_of_many_is_live(host: Host) -> None:
    for number in range(1, 6):
        host.write("Hello/__init__.py", SAID.format(f"number {number}"))
        reloaded(host, number)
        assert host.get("/api/Hello").text == f"number {number}"


def test_a_shared_module_is_code_as_well(host: Host) -> None:
    host.write("shared/words.py", "WORD = 'one'\n")
    host.write("Hello/__init__.py", "from ..shared.words import WORD\n\n\ndef main(req) -> str:\n    return WORD\n")
    host.until_text("/api/Hello", "one")
    host.write("shared/words.py", "WORD = 'two'\n")
    host.until_text("/api/Hello", "two")


def test_no_request_is_refused_while_versions_change(host: Host) -> None:
    def ask(_: int) -> tuple[int, str]:
        answer = host.get("/api/Hello")
        return answer.status_code, answer.text

    with ThreadPoolExecutor(8) as callers:
        answers = callers.map(ask, range(600))
        for number in range(1, 4):
            host.write("Hello/__init__.py", SAID.format(f"number {number}"))
            reloaded(host, number)
    expected = {(200, text) for text in ("first", "number 1", "number 2", "number 3")}
    assert set(answers) <= expected


def test_a_running_request_is_answered_by_the_version_it_began_in(host: Host, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    slow = f"def main(req) -> str:\n    print('waiting')\n    open({str(gate)!r}).close()\n    return 'old'\n"
    os.mkfifo(gate)
    host.write("Hello/__init__.py", slow)
    reloaded(host)
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(host.get, "/api/Hello")
        host.output.until("waiting")
        host.write("Hello/__init__.py", SAID.format("new"))
        reloaded(host, 2)
        assert host.get("/api/Hello").text == "new"
        gate.open("w").close()
        assert answer.result().text == "old"


@pytest.fixture
def durable(tmp_path: Path, sqlite: Mapping[str, str]) -> Iterator[Host]:
    with running(write_app(tmp_path, {**HELLO, **DURABLE}), **sqlite) as host:
        yield host


def test_a_running_orchestration_goes_on_with_the_new_code(durable: Host) -> None:
    links = durable.post("/runtime/webhooks/durabletask/orchestrators/Walk").json()
    durable.output.until("Executed 'Functions.Greet'")
    durable.write("Greet/__init__.py", GREET.format("new"))
    reloaded(durable)
    assert durable.post(links["sendEventPostUri"].replace("{eventName}", "Go"), json="now").status_code == 202
    ended = durable.until(links["statusQueryGetUri"], runtimeStatus="Completed")
    assert ended["output"] == ["old one", "new two"]


def test_a_syntax_error_keeps_the_last_good_version(host: Host) -> None:
    host.write("Hello/__init__.py", "def main(req) -> str:\n    return 'broken\n")
    host.output.until(KEPT)
    assert host.get("/api/Hello").text == "first"
    assert "Hello/__init__.py" in host.output.text and "line 2" in host.output.text
    assert host.output.count(KEPT) == host.output.count("cannot load the Hello function") == 1
    host.write("Hello/__init__.py", SAID.format("mended"))
    reloaded(host)
    assert host.get("/api/Hello").text == "mended"


def test_an_import_that_fails_keeps_the_last_good_version(host: Host) -> None:
    host.write("Hello/__init__.py", "import nowhere_to_be_found\n\n\ndef main(req) -> str:\n    return ''\n")
    host.output.until(KEPT)
    assert host.get("/api/Hello").text == "first"
    assert "nowhere_to_be_found" in host.output.text


def test_a_broken_function_json_keeps_the_last_good_version(host: Host) -> None:
    host.write("Hello/function.json", '{"bindings": [')
    host.output.until(KEPT)
    assert "Hello/function.json line 1" in host.output.text
    assert host.get("/api/Hello").text == "first"
    host.write("Hello/function.json", http(route="mended"))
    reloaded(host)
    assert host.get("/api/mended").text == "first"


def test_a_worker_that_ends_while_an_edit_is_refused_takes_the_good_version_along(tmp_path: Path) -> None:
    ends = "import os\n\n\ndef main(req):\n    os._exit(3)\n"
    app = write_app(tmp_path, {**HELLO, "Ends/__init__.py": ends, "Ends/function.json": http()})
    with running(app) as host:
        host.write("Hello/__init__.py", "def main(req) return 1")
        host.output.until(KEPT)
        assert host.get("/api/Ends").status_code == 500
        host.output.until("The version that was in service is lost with its worker")
        assert host.output.count("cannot load the Hello function: SyntaxError") == 2
        host.write("Hello/__init__.py", SAID.format("mended"))
        reloaded(host)
        assert host.get("/api/Hello").text == "mended"


def test_a_broken_host_json_keeps_the_last_good_version(host: Host) -> None:
    host.write("host.json", '{"version": "1.0"}')
    host.output.until(KEPT)
    assert host.get("/api/Hello").text == "first"


def test_the_route_prefix(host: Host) -> None:
    host.write("host.json", json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": "v1"}}}))
    reloaded(host)
    assert host.get("/v1/Hello").text == "first"
    assert host.get("/api/Hello").status_code == 404


def test_functions_come_and_go(host: Host) -> None:
    assert host.get("/api/Later").status_code == 404
    host.write("Later/__init__.py", SAID.format("here"))
    host.write("Later/function.json", http())
    host.until_text("/api/Later", "here")
    for file in ("function.json", "__init__.py"):
        (host.app / "Later" / file).unlink()
    host.until_text("/api/Later", "")
    assert host.get("/api/Later").status_code == 404
    assert host.get("/api/Hello").text == "first"


def test_data_is_no_code(host: Host) -> None:
    for file in DATA:
        host.write(file, '{"IsEncrypted": false}')
    host.write("Hello/__init__.py", SAID.format("second"))
    reloaded(host)
    assert host.get("/api/Hello").text == "second"
    assert host.output.count("Reloaded in") == 1
    assert not [file for file in DATA if file in host.output.text]


def test_the_only_function_breaks_and_keeps_serving(host: Host) -> None:
    host.write("Hello/function.json", '{"bindings": [{"type": "httpTrigger"}]}')
    host.output.until(KEPT)
    assert host.get("/api/Hello").text == "first"


def test_an_app_that_could_not_start_is_served_when_mended_whatever_else_is_broken(tmp_path: Path) -> None:
    app = write_app(tmp_path, {**HELLO, "Broken/function.json": "{", "host.json": "{"})
    with launched("start", app, "--port", 0) as (_, output):
        output.until("Nothing is served yet.")
        (app / "host.json").write_text('{"version": "2.0"}')
        output.until_listed()
        assert output.count("The 'Broken' function is in error") == 1
