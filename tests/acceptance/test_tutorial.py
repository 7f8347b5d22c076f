"""The tutorial, followed: its files are written as they stand there, and its requests are answered as it says."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.hosts import Host, running, write_app

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial" / "first-app.md"
FILE = re.compile(r'^```\w+ title="(.+?)"\n(.*?)^```', re.DOTALL | re.MULTILINE)
LAST_GOOD = "The last good version keeps serving."


@pytest.fixture(scope="module")
def first_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running(write_app(tmp_path_factory.mktemp("tutorial"), files())) as host:
        yield host


def files() -> Mapping[str, str]:
    """By name, as they are at the end: host.json is written twice."""
    return dict(FILE.findall(TUTORIAL.read_text("utf-8")))


def test_the_function_answers_and_an_edit_is_live_and_a_broken_one_is_not(first_app: Host) -> None:
    assert first_app.get("/api/Hello?name=Ada").text == "Hello, Ada."
    edited = files()["Hello/__init__.py"].replace("Hello", "Welcome")
    first_app.write("Hello/__init__.py", edited)
    first_app.until_text("/api/Hello?name=Ada", "Welcome, Ada.")
    first_app.write("Hello/__init__.py", f"{edited}def x(\n")
    first_app.output.until(LAST_GOOD)
    assert "SyntaxError: '(' was never closed (__init__.py, line 7)" in first_app.output.text
    assert first_app.get("/api/Hello?name=Ada").text == "Welcome, Ada."


def test_the_orchestration_completes(first_app: Host) -> None:
    webhooks = "/runtime/webhooks/durabletask"
    assert first_app.post(f"{webhooks}/orchestrators/Greet/one").json()["id"] == "one"
    ended = first_app.until(f"{webhooks}/instances/one", runtimeStatus="Completed")
    assert ended["output"] == ["Hello, Tokyo.", "Hello, London."]
    assert (first_app.app / ".fnhost" / "Greetings.db").is_file()
