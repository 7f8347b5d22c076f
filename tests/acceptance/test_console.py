"""What the console shows, to the letter: editors wait for these lines (platform/console-and-logs.md)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hosts import STARTED, Host, bindings, http, run, running, write_app

TIME = r"^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "
ID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
LOGS = """
import logging
import sys


def main(req):
    logging.debug("at debug")
    logging.info("at info: %s", "Grüße")
    logging.warning("at warning")
    logging.error("at error")
    logging.getLogger("mine").critical("at critical")
    print("printed")
    print("warned of something", file=sys.stderr)
    return "logged"
"""
FAILS = """
def deeper(number):
    raise ValueError(f"no {number}")


def main(req):
    deeper(7)
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    files = {
        "Any/__init__.py": "def main(req):\n    return ''\n",
        "Any/function.json": http(route="any/{id?}"),
        "Fails/__init__.py": FAILS,
        "Fails/function.json": http(methods=["get", "post"]),
        "Logs/__init__.py": LOGS,
        "Logs/function.json": http(),
        "Off/__init__.py": "",
        "Off/function.json": http(),
    }
    settings = {"AzureWebJobs.Off.Disabled": "true"}
    with running(write_app(tmp_path_factory.mktemp("console"), files), **settings) as host:
        yield host


def find(host: Host, pattern: str) -> str:
    found = re.search(pattern, host.output.text, re.MULTILINE)
    assert found, f"{pattern} is not in:\n{host.output.text}"
    return found[0]


def test_the_lines_editors_wait_for(host: Host) -> None:
    find(host, TIME + re.escape(STARTED) + "$")
    find(host, "^Functions:$")
    host.output.until("For detailed output, run ")


def test_the_list_of_functions(host: Host) -> None:
    base = re.escape(str(host.client.base_url))
    find(host, rf"^\tAny:  {base}/api/any/\{{id\?\}}$\n\n^\tFails: \[GET,POST\] {base}/api/Fails$")
    find(host, r"^\tFunction Off is disabled\.$")


def test_an_invocation_has_two_lines(host: Host) -> None:
    host.get("/api/any")
    host.output.until("Executed 'Functions.Any' (Succeeded")
    reason = re.escape("(Reason='This function was programmatically called via the host APIs.', Id=")
    started = find(host, TIME + rf"Executing 'Functions\.Any' {reason}{ID}\)$")
    number = re.findall(ID, started)[0]
    find(host, TIME + rf"Executed 'Functions\.Any' \(Succeeded, Id={number}, Duration=\d+ms\)$")


def test_a_failed_invocation_tells_what_and_where(host: Host) -> None:
    assert host.get("/api/Fails").status_code == 500
    host.output.until("ValueError: no 7", 2)
    find(host, TIME + rf"Executed 'Functions\.Fails' \(Failed, Id={ID}, Duration=\d+ms\)$")
    failure = r"System\.Private\.CoreLib: Exception while executing function: Functions\.Fails\. Result: Failure$\n"
    find(host, TIME + failure + r"^Exception: ValueError: no 7$\n^Stack:")
    find(host, r'File ".*Fails/__init__\.py", line 3, in deeper')
    find(host, r'File ".*Fails/__init__\.py", line 7, in main')


def test_what_user_code_logs_and_prints(host: Host) -> None:
    assert host.get("/api/Logs").text == "logged"
    host.output.until("Executed 'Functions.Logs'")
    host.output.until("printed")
    for text in ("at info: Grüße", "at warning", "at error", "at critical", "printed", "warned of something"):
        find(host, TIME + re.escape(text) + "$")
    assert "at debug" not in host.output.text


def test_log_levels_of_the_app_and_the_command_line(tmp_path: Path) -> None:
    levels = '{"version": "2.0", "logging": {"logLevel": {"Function.Logs.User": "Error"}}}'
    files = {"Logs/__init__.py": LOGS, "Logs/function.json": http(), "host.json": levels}
    with running(write_app(tmp_path, files)) as host:
        host.get("/api/Logs")
        host.output.until("Executed 'Functions.Logs'")
        assert "at error" in host.output.text
        assert "at warning" not in host.output.text


TRACES = """
import logging


def main(req):
    logging.log(5, "at trace")
    logging.debug("at debug")
    logging.info("at info")
    return "logged"
"""


@pytest.mark.parametrize(
    ("levels", "shown", "hidden"),
    [
        ({"Function.Logs.User": "Trace"}, ["at trace", "at debug", "at info"], []),
        ({"function": "debug"}, ["at debug", "at info", "Executing"], ["at trace"]),
        ({"default": "Debug"}, ["at debug", "Language Worker Process started"], ["at trace"]),
        ({"default": "Trace", "Function": "Warning"}, ["Language Worker Process started"], ["at info", "Executing"]),
        ({"Function.Logs": "Information", "Function.Logs.User": "None"}, ["Executed 'Functions.Logs'"], ["at info"]),
    ],
)
def test_levels_by_category(tmp_path: Path, levels: dict[str, str], shown: list[str], hidden: list[str]) -> None:
    host_json = json.dumps({"version": "2.0", "logging": {"logLevel": levels}})
    end = "Echo/__init__.py", "import sys\ndef main(req):\n    print('the end', file=sys.stderr)\n    return ''\n"
    files = dict([("Logs/__init__.py", TRACES), ("Logs/function.json", http()), ("host.json", host_json), end])
    with running(write_app(tmp_path, {**files, "Echo/function.json": http()})) as host:
        host.get("/api/Logs")
        host.get("/api/Echo")
        host.output.until("the end")
        for text in shown:
            host.output.until(text)
        assert not [text for text in hidden if text in host.output.text]


def test_a_level_that_is_none_is_a_warning_that_names_it(tmp_path: Path) -> None:
    levels = '{"version": "2.0", "logging": {"logLevel": {"Function.Logs.User": "Debgu"}}}'
    files = {"Logs/__init__.py": LOGS, "Logs/function.json": http(), "host.json": levels}
    with running(write_app(tmp_path, files)) as host:
        host.output.until(
            "host.json#/logging/logLevel/Function.Logs.User: 'Debgu' is not a log level. Use one of Trace,"
        )
    code, lines = run("start", tmp_path, "--user-log-level", "loud")
    assert code == 2
    assert "'loud' is not a log level" in lines[-1]


FORGES = """
import logging


def main(req):
    logging.info("first\\n[2026-01-01T00:00:00.000Z] Executed 'Functions.Forges' (Succeeded, Id=1)\\nlast")
    print("\\x1b[31mred\\x1b[0m \\x1b[2J\\x07bell")
    return ""
"""


def test_no_text_of_a_user_passes_for_a_line_of_the_host(tmp_path: Path) -> None:
    files = {"Forges/__init__.py": FORGES, "Forges/function.json": http()}
    with running(write_app(tmp_path, files)) as host:
        host.get("/api/Forges")
        host.output.until("last")
        find(host, TIME + r"first\n    \[2026-01-01T00:00:00\.000Z\] Executed 'Functions\.Forges' \(Succeeded, Id=1")
        host.output.until("bell")
        find(host, TIME + re.escape("\x1b[31mred\x1b[0m \\x1b[2J\\x07bell") + "$")


def test_debug_logs_when_asked_for(tmp_path: Path) -> None:
    files = {"Logs/__init__.py": LOGS, "Logs/function.json": http()}
    with running(write_app(tmp_path, files), "--user-log-level", "Debug") as host:
        host.get("/api/Logs")
        host.output.until("at debug")


def test_no_colours_where_there_is_no_terminal(host: Host) -> None:
    host.get("/api/Fails")
    assert "\x1b" not in host.output.text


def test_a_warning_names_the_setting_a_binding_wants(tmp_path: Path) -> None:
    queue = {"name": "out", "type": "queue", "direction": "out", "queueName": "work", "connection": "Missing"}
    trigger = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
    files = {
        "Any/__init__.py": "def main(req):\n    return ''\n",
        "Any/function.json": http(),
        "Sends/__init__.py": "def main(req, out):\n    out.set('')\n",
        "Sends/function.json": bindings(trigger, queue),
    }
    with running(write_app(tmp_path, files), AzureWebJobsStorage="UseDevelopmentStorage=true") as host:
        host.output.until("Missing")
