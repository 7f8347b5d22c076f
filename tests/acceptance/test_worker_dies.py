"""A worker that is killed, hangs or crashes takes nothing with it but its own requests.

Rules from platform/lifecycle.md 1 and 3.
"""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.durable import FAN_OUT, WEBHOOKS
from tests.support.hosts import Host, http, running, write_app

EXITED = "Language Worker Process exited. Pid="
APP = {
    "Pid/__init__.py": "import os\n\n\ndef main(req) -> str:\n    return f'pid {os.getpid()}'\n",
    "Pid/function.json": http(),
    "Hang/__init__.py": "import threading\n\n\ndef main(req):\n    print('hanging')\n    threading.Event().wait()\n",
    "Hang/function.json": http(),
}


def pid_of(host: Host) -> int:
    return int(host.get("/api/Pid").text.removeprefix("pid "))


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with running(write_app(tmp_path, APP)) as host:
        yield host


def test_a_killed_worker_fails_the_request_it_held_and_is_replaced(host: Host) -> None:
    pid = pid_of(host)
    with ThreadPoolExecutor(1) as caller:
        answer = caller.submit(host.get, "/api/Hang")
        host.output.until("hanging")
        os.kill(pid, signal.SIGKILL)
        assert (answer.result().status_code, answer.result().content) == (500, b"")
    assert pid_of(host) != pid
    host.output.until(f"{EXITED}{pid}.")
    host.output.until("exited with code 137 (0x89)")
    host.output.until("Executed 'Functions.Hang' (Failed, Id=")


def test_requests_that_come_while_no_worker_lives_wait_for_the_next(host: Host) -> None:
    os.kill(pid_of(host), signal.SIGKILL)
    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(lambda _: host.get("/api/Pid").status_code, range(16)))
    assert answers[-1] == 200
    assert set(answers) <= {200, 500}


def test_the_third_crash_ends_the_host(host: Host) -> None:
    for count in range(1, 4):
        os.kill(pid_of(host), signal.SIGKILL)
        host.output.until(EXITED, count)
    assert host.process.wait(30) == 1
    host.output.until("Exceeded language worker restart retry count for runtime:python.")


def test_a_function_that_takes_too_long_is_ended_with_its_worker(tmp_path: Path) -> None:
    limit = json.dumps({"version": "2.0", "functionTimeout": "00:00:01"})
    with running(write_app(tmp_path, {**APP, "host.json": limit})) as host:
        pid = pid_of(host)
        assert (answer := host.get("/api/Hang")).status_code == 500
        assert answer.elapsed.total_seconds() < 5
        assert pid_of(host) != pid
        host.output.until("Timeout value of 00:00:01 exceeded by function 'Functions.Hang' (Id: '")


def test_a_fan_out_survives_the_death_of_the_worker(hub: Mapping[str, str], tmp_path: Path) -> None:
    with running(write_app(tmp_path, {**APP, **FAN_OUT}), **hub) as host:
        links = host.post(f"{WEBHOOKS}/orchestrators/FanOut", json={"count": 100}).json()
        host.output.until("Executed 'Functions.Square'", 20)
        os.kill(pid_of(host), signal.SIGKILL)
        ended = host.until(links["statusQueryGetUri"], runtimeStatus="Completed")
        assert ended["output"] == sum(number * number for number in range(100))
