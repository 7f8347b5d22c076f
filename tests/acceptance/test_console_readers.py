"""A host serves whatever becomes of those who read what it prints."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.hosts import ADDRESS, PATIENCE, environment, http, run, running, write_app

BLOCK = 4096
MESSAGE = "x" * 50_000
FILES = {
    "Loud/__init__.py": f"import logging\ndef main(req):\n    logging.info({MESSAGE!r})\n    return 'served'\n",
    "Loud/function.json": http(),
    "Odd/__init__.py": (
        "import logging\ndef main(req):\n    logging.info('é€ \\ud800 nul \\0 sep \\u2028 ' + 'y' * 1_000_000)\n"
        "    print('printed \\ud800 é')\n    return 'served'\n"
    ),
    "Odd/function.json": http(),
}


@contextmanager
def unread(app: Path, *options: object, **streams: Any) -> Iterator["subprocess.Popen[bytes]"]:
    """A host whose output is whatever `streams` says: nobody reads it unless the test does."""
    command = [sys.executable, "-m", "fnhost", "start", app, *options]
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        env=environment({"PYTHONIOENCODING": str(streams.pop("encoding", "utf-8"))}),
        **streams,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        finally:
            process.kill()
            if process.stdout:
                process.stdout.close()


def read_until(stream: Any, pattern: bytes) -> bytes:
    """What came until `pattern` did, and at most a block more."""
    found = bytearray()
    while not re.search(pattern, found[-2 * BLOCK :]):
        block = stream.read(BLOCK)
        assert block, found.decode("utf-8", "replace")
        found += block
    return bytes(found)


def address_of(printed: bytes) -> str:
    match = re.search(ADDRESS, printed.decode())
    assert match
    return f"http://localhost:{match[1]}"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_app(tmp_path_factory.mktemp("readers"), FILES)


def test_a_console_that_is_not_read_keeps_no_request_waiting(app: Path) -> None:
    with unread(app, "--port", 0, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as host:
        base = address_of(read_until(host.stdout, rb"For detailed output"))
        with httpx.Client(base_url=base, timeout=PATIENCE) as client:
            for _ in range(120):  # 6 MB: the pipe and the backlog hold 4
                assert client.get("/api/Loud").text == "served"
        told = read_until(host.stdout, rb"\d+ lines were left out: the console is not being read\.\n")
        assert re.search(rb"^\[[-\d:.T]+Z\] [1-9]\d* lines were left out: the console is not", told, re.MULTILINE)


def test_a_console_that_is_not_read_does_not_hold_up_the_end(app: Path) -> None:
    with unread(app, "--port", 0, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0) as host:
        base = address_of(read_until(host.stdout, rb"For detailed output"))
        for _ in range(4):
            assert httpx.get(f"{base}/api/Loud", timeout=PATIENCE).text == "served"
        host.terminate()
        assert host.wait(PATIENCE) == 0


def test_a_reader_that_is_gone_is_told_once_and_nothing_ends(app: Path, tmp_path: Path) -> None:
    errors = tmp_path / "stderr"
    with (
        errors.open("wb") as stderr,
        unread(app, "--port", 0, stdout=subprocess.PIPE, stderr=stderr, bufsize=0) as host,
    ):
        assert host.stdout
        base = address_of(read_until(host.stdout, rb"For detailed output"))
        host.stdout.close()
        for _ in range(5):
            assert httpx.get(f"{base}/api/Loud", timeout=PATIENCE).text == "served"
        host.terminate()
        assert host.wait(PATIENCE) == 0
    assert errors.read_text().splitlines() == [
        "Cannot write to the console: Broken pipe. Lines are left out until it can be written again."
    ]


def test_a_full_disk_is_told_once_and_nothing_ends(app: Path) -> None:
    with running(app, "--json-output-file", "/dev/full") as host:
        for _ in range(3):
            assert host.get("/api/Loud").text == "served"
        host.output.until("Cannot write to /dev/full: No space left on device.")
        assert host.interrupt() == 0
    assert host.output.count("Cannot write to /dev/full") == 1
    assert "Traceback" not in host.output.text


def test_standard_output_that_was_closed_before_the_start(app: Path, tmp_path: Path) -> None:
    """The numbers of its descriptors go to nobody else."""
    records = tmp_path / "records.jsonl"
    script = f"exec {sys.executable} -m fnhost start {app} --port 0 --json-output-file {records} <&- >&- 2>&-"
    process = subprocess.Popen(["sh", "-c", script], env=environment({}))
    try:
        line = _first(records, process)
        assert line["event"] == "appStarted"
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def _first(path: Path, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """The record of the start, as soon as it is in the file."""
    found: list[dict[str, Any]] = []
    waiting = threading.Event()
    for _ in range(int(PATIENCE / 0.05)):
        assert process.poll() is None
        if path.is_file():
            found = [
                record for record in map(json.loads, path.read_text().splitlines()) if record["event"] == "appStarted"
            ]
        if found:
            return found[0]
        waiting.wait(0.05)
    raise AssertionError("The app never started.")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8:strict"])
def test_any_encoding_and_any_text(app: Path, tmp_path: Path, encoding: str) -> None:
    records = tmp_path / "records.jsonl"
    options = ("--port", 0, "--json-output-file", records)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "bufsize": 0}
    with unread(app, *options, encoding=encoding, **streams) as host:
        assert host.stdout
        base = address_of(read_until(host.stdout, rb"For detailed output"))
        assert httpx.get(f"{base}/api/Odd", timeout=PATIENCE).text == "served"
        printed = read_until(
            host.stdout, rb"(?s)(Executed 'Functions.Odd' .*printed .*\n|printed .*Executed 'Functions.Odd')"
        )
    euro = {"ascii": b"\\xe9\\u20ac", "cp1252": b"\xe9\x80", "utf-8:strict": "é€".encode()}[encoding]
    assert euro + b" \\ud800 nul \\x00 sep \\u2028 yyyy" in printed
    messages = [json.loads(line)["message"] for line in records.read_text("utf-8").splitlines()]
    assert f"é€ \ud800 nul \0 sep \u2028 {'y' * 1_000_000}" in messages


def test_a_file_that_cannot_be_opened_ends_in_words(app: Path, tmp_path: Path) -> None:
    code, lines = run("start", app, "--port", "0", "--json-output-file", tmp_path / "nowhere" / "records.jsonl")
    assert code == 1
    assert "Give --json-output-file a file in a folder that exists" in lines[-1]
    assert not any("Traceback" in line for line in lines)


def test_json_lines_hold_what_happened_as_fields(app: Path, tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    with running(app, "--json-output-file", path) as host:
        assert host.get("/api/Loud").text == "served"
        host.interrupt()
    records = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    started = next(each for each in records if each["event"] == "invocationStarted")
    ended = next(each for each in records if each["event"] == "invocationEnded")
    log = next(each for each in records if each["event"] == "userLog" and each["function"] == "Loud")
    assert (started["function"], started["trigger"], started["attempt"]) == ("Loud", "httptrigger", 0)
    assert (ended["invocation"], ended["outcome"], ended["level"]) == (
        started["invocation"],
        "Succeeded",
        "Information",
    )
    assert 0 < ended["duration_ms"] < PATIENCE * 1000
    assert (log["invocation"], log["logger"], log["message"]) == (started["invocation"], "root", MESSAGE)
    assert [each["number"] for each in records] == list(range(1, len(records) + 1))
    assert os.path.getsize(path) > 0
