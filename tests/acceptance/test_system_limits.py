"""What the system does not allow refuses a version; it does not end the host."""

import resource
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.hosts import Host, http, running, write_app

SAID = "def main(req) -> str:\n    return '{}'\n"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with running(write_app(tmp_path, {"Hello/__init__.py": SAID.format("one"), "Hello/function.json": http()})) as host:
        yield host


def allow(host: Host, files: int) -> None:
    """How many files the host may have open from now on."""
    _, hard = resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(host.process.pid, resource.RLIMIT_NOFILE, (files, hard))


def test_without_descriptors_a_save_is_refused_and_the_next_is_not(host: Host) -> None:
    assert host.get("/api/Hello").text == "one"
    allow(host, files=16)
    for count, text in enumerate(("two", "three", "four"), start=1):
        host.write("Hello/__init__.py", SAID.format(text))
        host.output.until("raise it with `ulimit -n`", count)
    host.output.until("The last good version keeps serving.")
    assert host.process.poll() is None
    allow(host, files=1024)
    host.write("Hello/__init__.py", SAID.format("five"))
    host.output.until("Reloaded in")
    assert host.get("/api/Hello").text == "five"


def test_the_soft_limit_of_open_files_is_raised_at_the_start(host: Host) -> None:
    soft, hard = psutil.Process(host.process.pid).rlimit(psutil.RLIMIT_NOFILE)
    assert soft == min(16_384, hard) or soft == resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 16_384
