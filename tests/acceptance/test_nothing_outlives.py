"""Workers, and what user code starts, end with the host however it ends, and with each version that is replaced."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.durable import FAN_OUT
from tests.support.hosts import PATIENCE, Host, http, running, write_app

END = 2.0
"""Seconds within which a host that was asked to end is gone, and everything with it."""
CHILD = """
import subprocess, sys

def main(req) -> str:
    return str(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], close_fds=False).pid)
"""
APP = {
    "Pid/__init__.py": "import os\n\n\ndef main(req) -> str:\n    return str(os.getpid())\n",
    "Pid/function.json": http(),
    "Child/__init__.py": CHILD,
    "Child/function.json": http(),
    "Regex/__init__.py": "import re\n\n\ndef main(req):\n    print('searching')\n    re.match('(a*)*b', 'a' * 64)\n",
    "Regex/function.json": http(),
}
DESCRIPTORS = """
import os, subprocess, sys

PROGRAM = "import os; print(sorted(os.listdir('/dev/fd')))"

def main(req) -> str:
    return subprocess.run([sys.executable, "-c", PROGRAM], close_fds=False, capture_output=True, text=True).stdout
"""
"""The descriptors of a program that inherits what it can; the last is that of the folder it lists."""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with running(write_app(tmp_path, APP)) as host:
        yield host


def process_of(host: Host, function: str) -> psutil.Process:
    return psutil.Process(int(host.get(f"/api/{function}").text))


def begin(host: Host, function: str, said: str) -> None:
    """Send a request that is never answered, and wait until it runs."""

    def ask() -> None:
        with suppress(httpx.HTTPError):  # the host ends
            host.get(f"/api/{function}")

    threading.Thread(target=ask, daemon=True).start()
    host.output.until(said)


def ended(*processes: psutil.Process, seconds: float = END) -> bool:
    _, alive = psutil.wait_procs([p for p in processes if p.is_running()], seconds)
    return all(process.status() == psutil.STATUS_ZOMBIE for process in alive if process.is_running())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL], ids=lambda n: n.name)
@pytest.mark.parametrize("stuck", ["regex", "stopped"])
def test_a_worker_that_cannot_run_python_ends_with_the_host(host: Host, stuck: str, number: signal.Signals) -> None:
    worker, child = process_of(host, "Pid"), process_of(host, "Child")
    if stuck == "regex":
        begin(host, "Regex", "searching")
    else:
        worker.suspend()
    started = time.monotonic()
    host.process.send_signal(number)
    host.process.wait(PATIENCE)
    assert time.monotonic() - started < END
    assert ended(worker, child)


def test_what_user_code_started_ends_with_its_worker(host: Host) -> None:
    worker, child = process_of(host, "Pid"), process_of(host, "Child")
    worker.kill()
    assert ended(worker, child)


def test_what_user_code_started_ends_with_each_save(host: Host) -> None:
    for count in range(1, 3):
        worker, child = process_of(host, "Pid"), process_of(host, "Child")
        host.write("Pid/__init__.py", f"# version {count}\n{APP['Pid/__init__.py']}")
        host.output.until("Reloaded in", count)
        assert ended(worker, child, seconds=5)


def test_nothing_of_the_host_is_inherited(sqlite: Mapping[str, str], tmp_path: Path) -> None:
    """Neither its sockets, nor its files, nor what it was given itself."""
    app = {**APP, **FAN_OUT, "Descriptors/__init__.py": DESCRIPTORS, "Descriptors/function.json": http()}
    with running(write_app(tmp_path, app), **sqlite) as host:
        assert host.get("/api/Descriptors").text.strip() == "['0', '1', '2', '3']"
        theirs = descriptors(host.process.pid)
        ours = descriptors(process_of(host, "Pid").pid)
        assert {link for link in theirs if link.startswith("socket:")}
        assert not {link for link in ours if link in theirs and link.startswith(("socket:", "pipe:", str(tmp_path)))}


def descriptors(pid: int) -> set[str]:
    folder = Path(f"/proc/{pid}/fd")
    return {os.readlink(folder / name) for name in os.listdir(folder)}
