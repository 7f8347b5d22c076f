"""Files and keys of a host as a process: what cannot be written is said, and nothing private lies open."""

import json
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.hosts import PATIENCE, bindings, http, launched, run, running, write_app

HELLO = {"Hello/__init__.py": "def main(req):\n    return 'hello'\n", "Hello/function.json": http()}
CLIENT = {
    "Client/__init__.py": "def main(req, starter):\n    return starter\n",
    "Client/function.json": bindings(
        {"name": "req", "type": "httpTrigger", "authLevel": "anonymous"},
        {"name": "starter", "type": "durableClient", "direction": "in"},
        {"name": "$return", "type": "http", "direction": "out"},
    ),
}


@pytest.mark.parametrize(
    ("options", "files", "told"),
    [
        (["--port", 70000], {}, "There is no port 70000. Choose one from 0"),
        ([], {"local.settings.json": '{"Host": {"LocalHttpPort": 70000}}'}, "There is no port 70000."),
        (["--port", 0, "--address", "é" * 100], {}, "is no address of this machine"),
        (["--port", 0, "--address", "no such name"], {}, "Cannot listen on no such name"),
        (["--port", 0, "--enable-auth"], {".fnhost": "a file"}, "/.fnhost is no folder, and the host keeps its own"),
        (["--port", 0, "--use-https"], {".fnhost": "a file"}, "/.fnhost is no folder, and the host keeps its own"),
        (["--port", 0, "--cert", "/"], {}, "--cert / cannot be used"),
        (["--port", 0, "--json-output-file", "/no/such/file"], {}, "Cannot write log records to /no/such/file"),
        (["--port", 0, "--json-output-file", "/"], {}, "Cannot write log records to /"),
        (["--port", 0, "--python", "/"], {}, "The Python that --python names does not exist: /."),
    ],
)
def test_a_sentence_and_no_traceback(
    options: list[object], files: Mapping[str, str], told: str, tmp_path: Path
) -> None:
    code, lines = run("start", write_app(tmp_path, {**HELLO, **files}), *options)
    text = "\n".join(lines)
    assert code == 1
    assert told in text
    assert "Traceback" not in text


def test_azurites_folder_that_cannot_be_made_keeps_no_http_function_from_serving(tmp_path: Path) -> None:
    settings = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    app = write_app(tmp_path / "app", {**HELLO, ".azurite": "a file"})
    with launched("azurite", app) as (process, output):
        output.until("zurite")
        is_another_there = output.count("Another Azurite already answers")
        assert is_another_there or process.wait(PATIENCE) == 1
        assert "Traceback" not in output.text
    with running(app, **settings) as host:
        assert host.get("/api/Hello").text == "hello"


def test_the_private_key_does_not_stay_on_the_disk(tmp_path: Path) -> None:
    with launched("start", write_app(tmp_path, HELLO), "--port", 0, "--use-https") as (_, output):
        output.until("\tHello: ")
        pem = tmp_path / ".fnhost" / "certificate.pem"
        assert "PRIVATE KEY" not in pem.read_text()
        assert stat.S_IMODE(pem.parent.stat().st_mode) == 0o700
        address = next(line for line in output.lines if "\tHello: " in line).split()[-1]
        assert httpx.get(address, verify=ssl.create_default_context(cafile=str(pem))).text == "hello"
    files = [file for file in pem.parent.rglob("*") if file.is_file()]
    assert not [file.name for file in files if "PRIVATE KEY" in file.read_text()]


def test_the_address_of_the_sdks_endpoint_is_a_secret_of_this_start(tmp_path: Path, sqlite: Mapping[str, str]) -> None:
    def endpoint() -> str:
        return str(json.loads(host.get("/api/Client").text)["rpcBaseUrl"])

    with running(write_app(tmp_path, CLIENT), **sqlite) as host:
        first = endpoint()
        secret = first.rstrip("/").rpartition("/")[2]
        assert len(secret) >= 32
        assert httpx.get(f"{first}instances").status_code == 200
        for guess in ("", "x" * len(secret) + "/"):
            open_address = first.replace(f"{secret}/", guess)
            assert httpx.get(f"{open_address}instances").status_code == 404
            assert httpx.post(f"{open_address}orchestrators/Any").status_code == 404
    with running(tmp_path, **sqlite) as host:
        assert endpoint() != first


def test_keys_through_the_admin_endpoints(tmp_path: Path) -> None:
    with running(write_app(tmp_path, HELLO), "--enable-auth") as host:
        keys = json.loads((tmp_path / ".fnhost" / "keys.json").read_text())
        master = {"x-functions-key": keys["host"]["_master"]}
        for path in ("/admin/functions/Nobody/keys", "/admin/functions/Nobody/keys/default"):
            assert host.get(path, headers=master).status_code == 404
            assert host.post(path, headers=master).status_code in (404, 405)
        for value in ('"\\ud800"', '""', '"a\\u0000b"', "null", "7", "[" * 100_000):
            body = f'{{"name": "mine", "value": {value}}}'
            answer = host.client.put("/admin/host/keys/mine", headers=master, content=body)
            assert answer.status_code == 400, value
        assert host.post("/admin/host/keys/a%0Ab", headers=master).status_code == 400
        assert host.get("/admin/host/keys", headers=master).status_code == 200
        assert "nobody" not in (tmp_path / ".fnhost" / "keys.json").read_text().lower()
        page = host.get("/")
        assert (page.status_code, "Hello" in page.text) == (200, False)


IN_CODE = """
import azure.functions as func

app = func.FunctionApp()


@app.route("hello")
def Hello(req: func.HttpRequest) -> str:
    return "hello"
"""


@pytest.mark.parametrize("files", [HELLO, {"function_app.py": IN_CODE}], ids=["folders", "code"])
def test_keys_of_functions_that_do_not_exist_are_not_made(files: Mapping[str, str], tmp_path: Path) -> None:
    app = write_app(tmp_path, files)
    code, lines = run("keys", "set", "mine", "--function", "Helo", "--app", app)
    assert (code, lines) == (1, ["There is no function 'Helo'. Did you mean 'Hello'?"])
    assert not (tmp_path / ".fnhost").exists()
    code, lines = run("keys", "set", "mine", "", "--app", app)
    assert code == 1
    assert "texts of 1 to 1024 characters" in lines[0]


@pytest.mark.parametrize("value", ["\\ud800", "a\\u0000b"])
def test_a_setting_that_no_process_can_have_does_not_end_the_host(value: str, tmp_path: Path) -> None:
    def settings(text: str) -> str:
        return f'{{"IsEncrypted": false, "Values": {{"FUNCTIONS_WORKER_RUNTIME": "python", "BAD": "{text}"}}}}'

    with running(write_app(tmp_path / "at start", {**HELLO, "local.settings.json": settings(value)})) as host:
        host.output.until("local.settings.json#/Values/BAD: ")
        assert host.get("/api/Hello").text == "hello"
    with running(write_app(tmp_path / "in an edit", {**HELLO, "local.settings.json": settings("fine")})) as host:
        host.write("local.settings.json", settings(value))
        host.output.until("local.settings.json#/Values/BAD: ")
        assert host.get("/api/Hello").text == "hello"


def test_no_message_shows_the_value_of_a_setting(tmp_path: Path) -> None:
    values = {"LEVEL": "hunter2", "Deep": {"password": "hunter2"}}
    files = {**HELLO, "local.settings.json": json.dumps({"IsEncrypted": False, "Values": values})}
    _, lines = run("check", write_app(tmp_path, files))
    assert "hunter2" not in "\n".join(lines)
    files["local.settings.json"] = json.dumps({"IsEncrypted": False, "Values": {"LEVEL": "hunter2"}})
    files["Bad/function.json"] = http(authLevel="%LEVEL%")
    files["Bad/__init__.py"] = ""
    _, lines = run("check", write_app(tmp_path, files))
    text = "\n".join(lines)
    assert "'%LEVEL%' is not one of" in text
    assert "hunter2" not in text


def test_a_hub_named_by_a_setting_that_is_missing(tmp_path: Path, sqlite: Mapping[str, str]) -> None:
    host_json = {"version": "2.0", "extensions": {"durableTask": {"hubName": "App%STAGE%"}}}
    files = {**CLIENT, "host.json": json.dumps(host_json)}
    code, lines = run("check", write_app(tmp_path, files), **sqlite)
    assert code == 1
    assert "host.json#/extensions/durableTask/hubName: '%STAGE%' does not resolve to a value." in "\n".join(lines)
    assert run("check", tmp_path, STAGE="Test", **sqlite)[0] == 0


def test_extended_sessions_are_refused_as_in_azure(tmp_path: Path, sqlite: Mapping[str, str]) -> None:
    host_json = {"version": "2.0", "extensions": {"durableTask": {"extendedSessionsEnabled": True}}}
    code, lines = run("check", write_app(tmp_path, {**CLIENT, "host.json": json.dumps(host_json)}), **sqlite)
    assert code == 1
    assert any(line.startswith("host.json#/extensions/durableTask/extendedSessionsEnabled: ") for line in lines)


def test_bad_text_in_files_is_shown_by_the_admin_endpoints(tmp_path: Path) -> None:
    files = {"host.json": '{"version": "2.0", "odd": "\\ud800"}'}
    with running(write_app(tmp_path, {**HELLO, **files})) as host:
        answer = host.get("/admin/host/config")
        assert (answer.status_code, answer.json()["odd"]) == (200, "\ud800")


def test_a_broken_app_answers_with_its_problems_at_once(tmp_path: Path) -> None:
    with launched("start", write_app(tmp_path, {**HELLO, "host.json": "{"}), "--port", 0, "--verbose") as (
        process,
        output,
    ):
        output.until("Nothing is served yet.")
        port = next(c.laddr.port for c in psutil.Process(process.pid).net_connections("tcp") if c.status == "LISTEN")
        answer = httpx.get(f"http://localhost:{port}/api/Hello", timeout=5)
        assert answer.status_code == 503
        assert "Unable to parse host configuration file" in answer.text
        (tmp_path / "host.json").write_text('{"version": "2.0"}')
        output.until("Worker process started and initialized.")
        assert httpx.get(f"http://localhost:{port}/api/Hello").text == "hello"
