"""The command line: what it says, and with which exit code it ends (platform/command-line.md 1 and 2)."""

import json
import os
import re
import signal
import socket
import ssl
from pathlib import Path

import httpx
import pytest

from tests.support.hosts import http, launched, run, running, write_app

HELLO = {"Hello/__init__.py": "def main(req):\n    return 'hello'\n", "Hello/function.json": http(methods=["get"])}
SEMANTIC_VERSION = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*)){2}(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?")
NO_PROJECT = "Unable to find project root. Expecting to find one of host.json, local.settings.json in project root."


def test_the_version() -> None:
    code, lines = run("--version")
    assert code == 0
    assert len(lines) == 1
    assert SEMANTIC_VERSION.fullmatch(lines[0]), "the editor's extension takes a whole semantic version, nothing else"
    assert re.match(r"4\.\d+\.\d+\+fnhost\.", lines[0])


def test_https_is_spoken_with_a_certificate_for_localhost(tmp_path: Path) -> None:
    with launched("start", write_app(tmp_path, HELLO), "--port", 0, "--useHttps") as (_, output):
        output.until("Hello: [GET] https://localhost:")
        listed = next(line for line in output.lines if "Hello: [GET] https://" in line)
        trusted = ssl.create_default_context(cafile=str(tmp_path / ".fnhost" / "certificate.pem"))
        assert httpx.get(listed.split()[-1], verify=trusted).text == "hello"


@pytest.mark.parametrize("command", ["start", "check"])
def test_a_folder_that_is_no_app(command: str, tmp_path: Path) -> None:
    assert run(command, tmp_path) == (1, [NO_PROJECT])


def test_a_busy_port_tells_who_holds_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        code, lines = run("start", write_app(tmp_path, HELLO), "--port", port)
    assert code == 1
    assert lines[-1].startswith(f"Port {port} is unavailable.")
    assert f"process {os.getpid()} " in lines[-1]


def test_a_sound_app_is_checked_and_listed(tmp_path: Path) -> None:
    code, lines = run("check", write_app(tmp_path, HELLO))
    assert code == 0
    assert "\tHello: [GET] http://localhost:7071/api/Hello" in lines
    assert lines[-1] == "Functions that can be served: 1. Problems: 0."


def test_every_problem_of_a_broken_app_is_told_with_its_place(tmp_path: Path) -> None:
    broken = {
        "Typo/function.json": json.dumps({"bindings": [{"type": "httpTriger", "direction": "in", "name": "req"}]}),
        "Typo/__init__.py": "",
        "Route/function.json": http(authLevel="everyone"),
        "Route/__init__.py": "",
        "Comma/function.json": '{"bindings": [,]}',
    }
    code, lines = run("check", write_app(tmp_path, {**HELLO, **broken}))
    text = "\n".join(lines)
    assert code == 1
    assert "Typo/function.json#/bindings" in text
    assert "Route/function.json#/bindings/0/authLevel" in text
    assert "Comma/function.json line 1" in text
    assert "\tHello: [GET]" in text
    assert lines[-1].startswith("Functions that can be served: 1. Problems: ")


def test_a_broken_host_json(tmp_path: Path) -> None:
    code, lines = run("check", write_app(tmp_path, {**HELLO, "host.json": '{"version": "1.0"}'}))
    assert code == 1
    assert lines[0].startswith("host.json#/version: ")


def test_a_broken_function_does_not_keep_the_others_from_serving(tmp_path: Path) -> None:
    with running(write_app(tmp_path, {**HELLO, "Comma/function.json": "{"})) as host:
        assert host.get("/api/Hello").text == "hello"
        assert host.get("/api/Comma").status_code == 404
        assert host.output.count("The 'Comma' function is in error: Comma/function.json line 1") == 1


def test_a_function_that_cannot_be_imported_has_its_route_and_fails(tmp_path: Path) -> None:
    files = {"Bad/__init__.py": "import nowhere_to_be_found\n", "Bad/function.json": http()}
    reason = "cannot load the Bad function: ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    with running(write_app(tmp_path, {**HELLO, **files})) as host:
        host.output.until(f"The 'Bad' function is in error: {reason}")
        assert host.get("/api/Hello").text == "hello"
        assert (host.get("/api/Bad").status_code, host.get("/api/Bad").content) == (500, b"")
        host.output.until(f"Exception: {reason}")


def test_the_functions_that_are_named(tmp_path: Path) -> None:
    other = {name.replace("Hello", "Other"): text for name, text in HELLO.items()}
    with running(write_app(tmp_path, {**HELLO, **other}), "--functions", "Hello") as host:
        assert host.get("/api/Hello").status_code == 200
        assert host.get("/api/Other").status_code == 404


def test_sigterm_ends_the_host_as_ctrl_c_does(tmp_path: Path) -> None:
    with running(write_app(tmp_path, HELLO)) as host:
        host.process.send_signal(signal.SIGTERM)
        assert host.process.wait(10) == 0


def test_the_port_of_local_settings(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        settings = {"Host": {"LocalHttpPort": holder.getsockname()[1]}}
        app = write_app(tmp_path, {**HELLO, "local.settings.json": json.dumps(settings)})
        code, lines = run("start", app)
    assert code == 1
    assert lines[-1].startswith(f"Port {settings['Host']['LocalHttpPort']} is unavailable.")


def test_every_line_of_json_output_is_an_object(tmp_path: Path) -> None:
    options = ("--port", 0, "--enable-json-output", "--enable-auth")
    with launched("start", write_app(tmp_path, HELLO), *options) as (_, output):
        output.until("functionsListed")
    records = [json.loads(line) for line in output.lines]
    starting = next(each for each in records if each["event"] == "hostStarting")
    listed = next(each for each in records if each["event"] == "functionsListed")
    assert starting["url"].startswith("http://localhost:")
    assert starting["message"].startswith(f"fnhost {starting['version']}: ")
    assert listed["functions"] == [
        {
            "name": "Hello",
            "trigger": "httptrigger",
            "file": "Hello/function.json",
            "url": f"{starting['url']}/api/Hello",
            "methods": ["GET"],
            "disabled": False,
        }
    ]
    started = next(each for each in records if each["event"] == "appStarted")
    assert (started["level"], started["message"]) == ("Information", "Worker process started and initialized.")
    assert all({"time", "level", "category", "message", "event", "number"} <= each.keys() for each in records)
