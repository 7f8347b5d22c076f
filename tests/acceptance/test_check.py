"""`fnhost check` finds what `fnhost start` would find: it loads the app in a worker, and serves nothing."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.hosts import http, run, write_app
from tests.support.node import NODE, write_v4

HELLO = {"Hello/__init__.py": "def main(req):\n    return 'hello'\n", "Hello/function.json": http(methods=["get"])}
SOUND = "Functions that can be served: 1. Problems: 0."


def check(root: Path, files: Mapping[str, str], *options: object, **settings: str) -> tuple[int, str]:
    code, lines = run("check", write_app(root, files), *options, **settings)
    return code, "\n".join(lines)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("def main(req:\n", "SyntaxError"),
        ("import nowhere_to_be_found\n\n\ndef main(req): pass\n", "ModuleNotFoundError"),
        ("def main(request): pass\n", "the following parameters are declared in Python but not in function.json"),
        ("def handle(req): pass\n", "function main() is not present"),
        ("raise SystemExit(3)\n", "SystemExit"),
    ],
)
def test_code_that_a_worker_cannot_load(code: str, problem: str, tmp_path: Path) -> None:
    bad = {"Bad/__init__.py": code, "Bad/function.json": http()}
    status, text = check(tmp_path, {**HELLO, **bad})
    assert status == 1
    assert "The 'Bad' function is in error: Bad/__init__.py: " in text
    assert problem in text
    assert "\tHello: [GET]" in text
    assert "\tBad:" not in text


def test_a_route_that_cannot_be_read_is_the_problem_of_its_function_alone(tmp_path: Path) -> None:
    bad = {"Bad/__init__.py": "def main(req): pass\n", "Bad/function.json": http(route="x/{a}{b}")}
    status, text = check(tmp_path, {**HELLO, **bad})
    assert status == 1
    assert "The 'Bad' function is in error: Bad/function.json#/bindings/0: The route template 'api/x/{a}{b}'" in text
    assert text.splitlines()[-1] == "Functions that can be served: 1. Problems: 1."


def test_a_missing_package_names_the_interpreter_and_what_installs_it(tmp_path: Path) -> None:
    bad = {"Bad/__init__.py": "import nowhere_to_be_found.below\n", "Bad/function.json": http()}
    _, text = check(tmp_path, {**HELLO, **bad, "requirements.txt": "azure-functions\n"})
    assert f"nowhere_to_be_found is not installed for {sys.executable} (the Python that runs fnhost)." in text
    assert f"-m pip install -r {tmp_path / 'requirements.txt'}" in text


def test_without_a_worker(tmp_path: Path) -> None:
    status, text = check(tmp_path, {**HELLO, "Hello/__init__.py": "def main(req:\n"}, "--static")
    assert (status, text.splitlines()[-1]) == (0, SOUND)


def test_an_app_without_functions(tmp_path: Path) -> None:
    status, text = check(tmp_path, {"requirements.txt": ""})
    assert status == 1
    assert "No job functions found." in text
    assert text.splitlines()[-1] == "Functions that can be served: 0. Problems: 1."


def test_missing_settings_are_a_warning(tmp_path: Path) -> None:
    status, text = check(tmp_path, HELLO, FUNCTIONS_WORKER_RUNTIME="")
    assert (status, text.splitlines()[-1]) == (0, SOUND)
    assert f"There is no local.settings.json in '{tmp_path}'" in text


def test_names_that_no_function_has(tmp_path: Path) -> None:
    status, text = check(tmp_path, HELLO, "--functions", "Helo,Hello")
    assert status == 1
    assert "There is no function 'Helo' to serve. Did you mean 'Hello'?" in text
    assert "\tHello: [GET]" in text


def test_an_interpreter_that_is_not_there(tmp_path: Path) -> None:
    status, text = check(tmp_path, HELLO, "--python", "no-such-python")
    assert status == 1
    assert "The Python that --python names does not exist: no-such-python." in text


def test_as_json(tmp_path: Path) -> None:
    bad = {"Bad/__init__.py": "def main(req:\n", "Bad/function.json": http(authLevl="function")}
    status, text = check(tmp_path, {**HELLO, **bad}, "--json")
    found = json.loads(text)
    assert status == 1
    (function,) = found["functions"]
    assert function == {
        "name": "Hello",
        "trigger": "httptrigger",
        "file": "Hello/function.json",
        "url": "http://localhost:7071/api/Hello",
        "methods": ["GET"],
        "disabled": False,
    }
    (problem,) = found["problems"]
    assert (problem["file"], problem["function"]) == ("Bad/__init__.py", "Bad")
    assert "SyntaxError" in problem["message"]
    assert "Bad/function.json#/bindings/0: 'authLevl' is not known. Did you mean 'authLevel'?" in found["warnings"]


def test_a_broken_host_json_as_json(tmp_path: Path) -> None:
    status, text = check(tmp_path, {"host.json": "{"}, "--json")
    found = json.loads(text)
    assert (status, found["functions"]) == (1, [])
    assert (found["problems"][0]["file"], found["problems"][0]["pointer"]) == ("host.json", "line 1 column 2")


def test_names_that_no_terminal_takes_are_printed_all_the_same(tmp_path: Path) -> None:
    write_app(tmp_path, HELLO)
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/B\xffd\x1b[2J"))
    write_app(folder, {"function.json": http(), "__init__.py": ""})
    status, text = check(tmp_path, {})
    assert status == 1
    assert "B\\udcffd\\x1b[2J" in text
    assert "\x1b" not in text


JS_BINDINGS = json.dumps({"bindings": json.loads(http())["bindings"]})
JS_HELLO = {"Hello/index.js": "module.exports = async () => ({ body: 'hello' });", "Hello/function.json": JS_BINDINGS}


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("module.exports = async () => {", "SyntaxError: Unexpected end of input"),
        ("module.exports = { one() {}, other() {} };", "Unable to determine function entry point."),
        ("module.exports = 5;", "The resolved entry point is not a function"),
        ("throw new Error('as it is loaded');", "Error: as it is loaded"),
        ("require('@nowhere/to-be_found/below');", "Run there: npm install @nowhere/to-be_found"),
    ],
)
def test_javascript_that_a_worker_cannot_load(code: str, problem: str, tmp_path: Path) -> None:
    bad = {"Bad/index.js": code, "Bad/function.json": JS_BINDINGS}
    status, text = check(tmp_path, {**JS_HELLO, **bad}, **NODE)
    assert status == 1
    assert "The 'Bad' function is in error: Bad/index.js: Worker was unable to load function Bad: " in text
    assert problem in text
    assert "\tHello:" in text
    assert "\tBad:" not in text


V4 = """const { app } = require('@azure/functions');
app.get('Hello', { authLevel: 'anonymous', handler: async () => ({ body: 'hello' }) });
"""


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("", ""),
        ("app.timer('Tick', { schedule: 'never', handler: () => {} });", "src/app.js line 3#/bindings/0/schedule: "),
        ("app.http('hello', { handler: () => {} });", "There is another function 'Hello' in 'src/app.js'."),
        ("require('nowhere-to-be-found');", "Run there: npm install nowhere-to-be-found"),
        ("app.get(", "package.json: Worker failed to index functions: Worker was unable to load entry point"),
    ],
)
def test_functions_registered_in_javascript(code: str, problem: str, tmp_path: Path) -> None:
    app = write_v4(tmp_path / "app", {"src/app.js": V4 + code})
    settings = {"AzureWebJobsStorage": "UseDevelopmentStorage=true", **NODE}
    status, lines = run("check", app, **settings)
    assert status == (1 if problem else 0)
    assert problem in "\n".join(lines)
    assert any("\tHello: [GET]" in line for line in lines) or "failed to index" in "\n".join(lines)
