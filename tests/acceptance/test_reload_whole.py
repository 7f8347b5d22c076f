"""A version of the app goes into service whole or not at all, whatever was edited, and nothing on the way is lost."""

import json
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.durable import ACTIVITY, ORCHESTRATOR, WEBHOOKS
from tests.support.hosts import Host, http, running, write_app

KEPT = "The last good version keeps serving."
WALK = """
import azure.durable_functions as df

def orchestrate(context):
    return (yield context.call_activity("Greet", context.get_input()["who"]))

main = df.Orchestrator.create(orchestrate)
"""
HELLO = "def main(req) -> str:\n    return '{}'\n"
APP = {
    "Hello/__init__.py": HELLO.format("first"),
    "Hello/function.json": http(),
    "Walk/__init__.py": WALK,
    "Walk/function.json": ORCHESTRATOR,
    "Greet/__init__.py": "def main(given: str) -> str:\n    return 'hello ' + str(given)\n",
    "Greet/function.json": ACTIVITY,
}
STORAGE = "AzureWebJobsStorage"


def hub(kind: str, name: str, **more: Any) -> str:
    """A host.json."""
    storage = {"storageProvider": {"type": "sqlite"}} if kind == "sqlite" else {}
    return json.dumps({"version": "2.0", "extensions": {"durableTask": {"hubName": name, **storage, **more}}})


def settings(**values: str) -> str:
    return json.dumps({"IsEncrypted": False, "Values": values})


@pytest.fixture(params=["sqlite", "azurite"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def name() -> str:
    return f"T{uuid.uuid4().hex[:16]}"


@pytest.fixture
def host(kind: str, name: str, request: pytest.FixtureRequest, anyio_backend: str, tmp_path: Path) -> Iterator[Host]:
    values = {} if kind == "sqlite" else {STORAGE: request.getfixturevalue("storage").connection_string}
    files = {**APP, "host.json": hub(kind, name), "local.settings.json": settings(**values)}
    with running(write_app(tmp_path, files)) as found:
        yield found


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Host]:
    files = {**APP, "host.json": hub("sqlite", "Whole"), "local.settings.json": settings()}
    with running(write_app(tmp_path, files)) as found:
        yield found


def walk(host: Host, given: str = "you") -> str:
    """Run an orchestration to its end; its output."""
    started = host.post(f"{WEBHOOKS}/orchestrators/Walk", json={"who": given})
    assert started.status_code == 202, started.text
    return str(host.until(started.json()["statusQueryGetUri"], runtimeStatus="Completed")["output"])


REFUSED = {
    "a-number-of-workers-that-is-none": ("local.settings.json", settings(FUNCTIONS_WORKER_PROCESS_COUNT="two"), "two"),
    "a-connection-that-cannot-be-read": (
        "host.json",
        json.dumps({"version": "2.0", "extensions": {"durableTask": {"storageProvider": {"connectionName": "Lost"}}}}),
        "Lost",
    ),
    "a-provider-that-is-not-known": (
        "host.json",
        json.dumps({"version": "2.0", "extensions": {"durableTask": {"storageProvider": {"type": "mssql"}}}}),
        "mssql",
    ),
    "a-hub-name-that-cannot-be": ("host.json", hub("sqlite", "No good!"), "No good!"),
    "an-http-setting-of-the-wrong-kind": (
        "host.json",
        json.dumps({"version": "2.0", "extensions": {"http": {"maxConcurrentRequests": "many"}}}),
        "many",
    ),
    "a-file-that-is-no-json": ("local.settings.json", "{", "local.settings.json"),
}


@pytest.mark.parametrize(("file", "text", "named"), REFUSED.values(), ids=REFUSED)
def test_an_edit_that_cannot_be_served_changes_nothing(plain: Host, file: str, text: str, named: str) -> None:
    before = (plain.app / file).read_text()
    if "Lost" in text:
        plain.write("local.settings.json", settings(AzureWebJobsLost="AccountName=x;AccountKey=not base64"))
    plain.write(file, text)
    plain.output.until(KEPT)
    assert named in plain.output.text
    assert plain.get("/api/Hello").text == "first"
    assert walk(plain) == "hello you"
    plain.write(file, before)
    plain.write("Hello/__init__.py", HELLO.format("mended"))
    plain.until_text("/api/Hello", "mended")
    assert walk(plain) == "hello you"
    assert plain.process.poll() is None


def test_another_hub_together_with_a_syntax_error_leaves_the_old_hub(host: Host, kind: str, name: str) -> None:
    kept = host.post(f"{WEBHOOKS}/orchestrators/Walk/kept", json={"who": "you"}).json()["statusQueryGetUri"]
    host.until(kept, runtimeStatus="Completed")
    host.write("Hello/__init__.py", "def main(req) -> str:\n    return 'broken\n")
    host.output.until(KEPT)
    host.write("host.json", hub(kind, f"{name}New"))
    host.output.until(KEPT, 2)
    assert host.get(kept).json()["output"] == "hello you"
    assert walk(host) == "hello you"
    host.write("Hello/__init__.py", HELLO.format("mended"))
    host.until_text("/api/Hello", "mended")
    assert host.get(f"{WEBHOOKS}/instances/kept").status_code == 404
    assert walk(host) == "hello you"


def test_no_start_is_dropped_while_settings_of_the_hub_change(host: Host, kind: str, name: str) -> None:
    stop, answers = threading.Event(), list[httpx.Response]()

    def start_again_and_again() -> None:
        while not stop.is_set():
            answers.append(host.post(f"{WEBHOOKS}/orchestrators/Walk", json={"who": str(len(answers))}))

    with ThreadPoolExecutor(1) as caller:
        starting = caller.submit(start_again_and_again)
        for number in (1, 2, 3):
            more = {"maxConcurrentActivityFunctions": number}
            host.write("host.json", hub(kind, name, **more))
            host.output.until("Reloaded in", number)
        stop.set()
        starting.result()
    assert {answer.status_code for answer in answers} == {202}
    for number, answer in enumerate(answers):
        assert host.until(answer.json()["statusQueryGetUri"], runtimeStatus="Completed")["output"] == f"hello {number}"


def test_a_new_setting_is_live_when_local_settings_are_saved(plain: Host) -> None:
    plain.write(
        "Hello/__init__.py", "import os\n\n\ndef main(req) -> str:\n    return os.environ.get('WORD', 'none')\n"
    )
    plain.until_text("/api/Hello", "none")
    plain.write("local.settings.json", settings(WORD="new"))
    plain.until_text("/api/Hello", "new")
