"""What runs long survives every save: its version lives until it has ended."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.support.durable import ACTIVITY, ORCHESTRATOR, WEBHOOKS, orchestrator
from tests.support.hosts import Host, http, running, write_app

SAVES = 7
WAIT = "def main({0}) -> str:\n    print('waiting', flush=True)\n    open({1!r}).close()\n    return 'version {2}'\n"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    """Whoever opens it for reading waits until it is opened for writing."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    yield path


def open_gate(gate: Path) -> None:
    """Let everybody through who waits there."""
    os.close(os.open(gate, os.O_WRONLY))


def test_an_activity_survives_many_saves(hub: Mapping[str, str], gate: Path, tmp_path: Path) -> None:
    app = {
        "Hello/__init__.py": "def main(req) -> str:\n    return 'hello'\n",
        "Hello/function.json": http(),
        "Long/__init__.py": orchestrator('return (yield context.call_activity("Wait", None))'),
        "Long/function.json": ORCHESTRATOR,
        "Wait/__init__.py": WAIT.format("given", str(gate), 0),
        "Wait/function.json": ACTIVITY,
    }
    with running(write_app(tmp_path / "app", app), **hub) as host:
        host.post(f"{WEBHOOKS}/orchestrators/Long/long")
        host.output.until("waiting")
        for count in range(1, SAVES):
            host.write("Wait/__init__.py", WAIT.format("given", str(gate), count))
            host.output.until("Reloaded in", count)
        open_gate(gate)
        assert host.until(f"{WEBHOOKS}/instances/long", runtimeStatus="Completed")["output"] == "version 0"
        assert host.output.count("waiting") == 1


def test_requests_of_many_versions_are_all_answered_by_their_own(gate: Path, tmp_path: Path) -> None:
    app = {"Wait/__init__.py": WAIT.format("req", str(gate), 0), "Wait/function.json": http()}
    with running(write_app(tmp_path / "app", app)) as host, ThreadPoolExecutor(SAVES) as callers:
        answers = []
        for count in range(1, SAVES + 1):
            answers.append(callers.submit(host.get, "/api/Wait"))
            host.output.until("waiting", count)
            host.write("Wait/__init__.py", WAIT.format("req", str(gate), count))
            host.output.until("Reloaded in", count)
        host.output.until("6 earlier versions of the app still run something: Wait.")
        assert host.output.count("5 earlier versions") == 0
        processes = host.children()
        open_gate(gate)
        assert [answer.result().text for answer in answers] == [f"version {count}" for count in range(SAVES)]
        assert len(psutil.wait_procs(processes, 5)[0]) >= SAVES


def test_interrupting_the_host_does_not_wait_for_earlier_versions(gate: Path, tmp_path: Path) -> None:
    app = {"Wait/__init__.py": WAIT.format("req", str(gate), 0), "Wait/function.json": http()}
    with running(write_app(tmp_path / "app", app)) as host, ThreadPoolExecutor(1) as callers:
        answer = callers.submit(host.get, "/api/Wait")
        host.output.until("waiting")
        host.write("Wait/__init__.py", WAIT.format("req", str(gate), 1))
        host.output.until("Reloaded in")
        interrupted(host)
        assert answer.exception() or answer.result().status_code == 500


def interrupted(host: Host) -> None:
    children = host.children()
    assert host.interrupt() == 0
    assert not psutil.wait_procs(children, 1)[1]
