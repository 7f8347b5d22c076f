"""`fnhost start` as a process over a real app, asked over HTTP."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx
import psutil

PATIENCE = 30.0
"""Seconds within which everything a test waits for must have happened."""
POLL = 0.02
"""Seconds between two looks at a status: HTTP has no other way to wait for one."""
STARTED = "Worker process started and initialized."
PROGRAM = ("-m", "fnhost")
"""What Python runs: the command line as it is."""
ADDRESS = r"http://localhost:(\d+)/(?!runtime/dashboard/)"
"""Of a function: that of the dashboard is told before the app is served."""
ORPHANED = ("exception was never retrieved", "Task was destroyed but it is pending", "was never awaited")
"""What Python says about background work without an owner."""
TOLD_OTHERWISE = ("FUNCTIONS_", "AzureWebJobs", "AZURE_FUNCTIONS", "VIRTUAL_ENV", "CI")


class Output:
    """What a process prints, line by line, and a way to wait for it."""

    def __init__(self, stream: IO[str]) -> None:
        self.lines: list[str] = []
        self._stream = stream
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def tail(self) -> str:
        return "\n".join(self.lines[-40:])

    def count(self, text: str) -> int:
        return sum(text in line for line in list(self.lines))

    def until(self, text: str, count: int = 1) -> None:
        """Wait until `count` lines have `text` in them."""
        with self._changed:
            came = self._changed.wait_for(lambda: self._ended or self.count(text) >= count, PATIENCE)
        assert came and self.count(text) >= count, f"{text!r} did not come {count} times in:\n{self.tail}"

    def until_listed(self) -> int:
        """Wait until the address of a function is told: the app is served. The host's port."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or re.search(ADDRESS, self.text), PATIENCE)
        match = re.search(ADDRESS, self.text)
        assert match, f"No function was listed:\n{self.tail}"
        return int(match[1])

    def close(self) -> None:
        self._thread.join()
        self._stream.close()

    def _read(self) -> None:
        for line in self._stream:
            with self._changed:
                self.lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@dataclass(frozen=True)
class Host:
    """A host that serves, and a client that speaks with it."""

    app: Path
    process: "subprocess.Popen[str]"
    output: Output
    client: httpx.Client

    def get(self, path: str, **options: object) -> httpx.Response:
        return self.client.get(path, **options)  # type: ignore[arg-type]

    def post(self, path: str, **options: object) -> httpx.Response:
        return self.client.post(path, **options)  # type: ignore[arg-type]

    def until(self, address: str, **wanted: object) -> dict[str, Any]:
        """The JSON at `address` as soon as it says what is wanted."""
        end = time.monotonic() + PATIENCE
        while not wanted.items() <= (found := self.get(address).json()).items():
            assert time.monotonic() < end, f"{wanted} never came: {found}\n{self.output.tail}"
            time.sleep(POLL)
        return dict(found)

    def until_text(self, path: str, text: str) -> None:
        """Return as soon as `path` is answered with `text`."""
        end = time.monotonic() + PATIENCE
        while (found := self.get(path).text) != text:
            assert time.monotonic() < end, f"{text!r} never came but {found!r}\n{self.output.tail}"
            time.sleep(POLL)

    def children(self, named: str = "") -> list[psutil.Process]:
        """The processes that the host has started, and theirs; of those with `named` in their command line."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in found if named in _command_line(one)] if named else found

    def write(self, file: str, text: str) -> None:
        """Save a file of the app, as an editor does."""
        path = self.app / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")

    def interrupt(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def kill(self) -> None:
        """kill -9, as a machine does that runs out of memory."""
        self.process.kill()
        self.process.wait(PATIENCE)


def _command_line(process: psutil.Process) -> str:
    """Empty for one that has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def write_app(root: Path, files: Mapping[str, str]) -> Path:
    """An app from the text of its files; `host.json` is the smallest one unless it is among them."""
    for name, text in {"host.json": '{"version": "2.0"}', **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def http(**trigger: object) -> str:
    """A function.json with an HTTP trigger and a `$return`."""
    given = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous", **trigger}
    return bindings(given, {"name": "$return", "type": "http", "direction": "out"})


def bindings(*entries: Mapping[str, object]) -> str:
    return json.dumps({"scriptFile": "__init__.py", "bindings": entries})


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """The test's own without what a host or a worker would take for an order."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(TOLD_OTHERWISE)}
    return {**kept, "FUNCTIONS_WORKER_RUNTIME": "python", **settings}


@contextmanager
def launched(
    *arguments: object, program: Sequence[str] = PROGRAM, **settings: str
) -> Iterator[tuple["subprocess.Popen[str]", Output]]:
    """`fnhost` with these arguments, and what it prints. Whatever it started is gone afterwards."""
    command = [sys.executable, *program, *map(str, arguments)]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env=environment(settings),
        start_new_session=True,
    )
    assert process.stdout is not None
    output = Output(process.stdout)
    try:
        yield process, output
    finally:
        _end(process)
        output.close()
    orphaned = [line for line in output.lines if any(words in line for words in ORPHANED)]
    assert not orphaned, f"A background task of the host has no owner: {orphaned}\n{output.tail}"


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is not None:
        return
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(PATIENCE)
    finally:
        for child in (process, *children):
            _kill(child)
        process.wait()


def _kill(process: "subprocess.Popen[str] | psutil.Process") -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


@contextmanager
def running(app: Path, *options: object, program: Sequence[str] = PROGRAM, **settings: str) -> Iterator[Host]:
    """`fnhost start` over `app` on a free port. The app has an HTTP function: its address tells the port."""
    with launched("start", app, "--port", 0, *options, program=program, **settings) as (process, output):
        port = output.until_listed()
        with httpx.Client(base_url=f"http://localhost:{port}", timeout=PATIENCE) as client:
            yield Host(app, process, output, client)


def run(*arguments: object, **settings: str) -> tuple[int, Sequence[str]]:
    """`fnhost` to its end: the exit code and the lines it printed."""
    with launched(*arguments, **settings) as (process, output):
        code = process.wait(PATIENCE)
    return code, output.lines
