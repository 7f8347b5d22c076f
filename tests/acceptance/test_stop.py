"""Ctrl-C and SIGTERM end the host in bounded time, with exit code 0 and without a traceback, whatever it is doing."""

import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.hosts import PATIENCE, STARTED, Output, http, launched, running, write_app

END = 2.5
"""Seconds within which a host that was asked to end is gone: 1.8 of its own, and what a busy machine adds."""
STOP_SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
HELLO = {"Hello/__init__.py": "def main(req):\n    return 'hello'\n", "Hello/function.json": http()}
SLOW = {
    "Slow/__init__.py": "import time\n\n\ndef main(req):\n    print('begun', flush=True)\n    time.sleep(60)\n",
    "Slow/function.json": http(),
}
BUSY = {
    "Busy/__init__.py": "def main(it):\n    pass\n",
    "Busy/function.json": '{"bindings": [{"type": "busyTrigger", "name": "it"}]}',
}
BUSY_TRIGGER = """
import re
from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.schema import members

class Busy:
    async def listen(self, fire, stopping):
        print("busy", flush=True)
        {work}

BINDING_TYPES = BindingType(name="busyTrigger", schema=members(), open=lambda *_: Busy())
"""
WORK = {
    "python": "while True: pass",
    "regular expression": "re.match('(a*)*b', 'a' * 64)",
    "blocked": "__import__('time').sleep(600)",
}


def busy_bindings(folder: Path, work: str) -> Path:
    """A package whose trigger keeps the host's own event loop busy."""
    information = folder / "busy-1.0.dist-info"
    information.mkdir(parents=True)
    (folder / "busy.py").write_text(BUSY_TRIGGER.format(work=work), "utf-8")
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: busy\nVersion: 1.0\n", "utf-8")
    (information / "entry_points.txt").write_text("[fnhost.bindings]\nbusy = busy:BINDING_TYPES\n", "utf-8")
    return folder


LATE = """
import os, signal, sys, time
from fnhost.host.system.signals import end_at_once, ending_in_time

class Slow:
    def __del__(self, now=time.monotonic, write=os.write):
        write(1, b"late\\n")
        end = now() + 0.5
        while now() < end: pass

end_at_once()
kept = Slow()
with ending_in_time(lambda: None, lambda: None, {seconds}):
    os.kill(os.getpid(), signal.SIGTERM)
"""
"""A host whose end is over: what is left is that of the interpreter, which no longer runs handlers."""


def is_quiet(output: Output) -> bool:
    return "Traceback" not in output.text and "Error" not in output.text


@STOP_SIGNALS
@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_a_busy_event_loop_is_no_reason_to_live_on(work: str, number: signal.Signals, tmp_path: Path) -> None:
    packages = busy_bindings(tmp_path / "packages", work)
    app = write_app(tmp_path / "app", BUSY)
    with launched("start", app, "--port", 0, PYTHONPATH=str(packages)) as (process, output):
        output.until("busy")
        process.send_signal(number)
        assert process.wait(END) == 0
        assert is_quiet(output), output.text


PATIENT = """
from fnhost.host import limits
limits.END = limits.EPISODES_END = limits.MESSAGES_RETURN = limits.LAST_PATIENCE = limits.LAST_STOP = 3600
from fnhost.host.cli import main
main()
"""
"""A host that would give what it does an hour to end."""


def test_a_second_signal_ends_a_busy_host_at_once(tmp_path: Path) -> None:
    packages = busy_bindings(tmp_path / "packages", WORK["python"])
    app = write_app(tmp_path / "app", BUSY)
    program = ("-c", PATIENT)
    with launched("start", app, "--port", 0, program=program, PYTHONPATH=str(packages)) as (process, output):
        output.until("busy")
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


def test_a_time_limit_in_the_interpreters_last_moments_changes_no_exit_code() -> None:
    done = subprocess.run([sys.executable, "-c", LATE.format(seconds=0.2)], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "late\n", "")


@STOP_SIGNALS
def test_a_signal_in_the_interpreters_last_moments_changes_no_exit_code(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LATE.format(seconds=30)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "late\n"
        process.send_signal(number)
        assert process.wait(30) == 0


@STOP_SIGNALS
@pytest.mark.parametrize("module", ["argparse", "asyncio", "uvloop"])
def test_while_the_host_itself_is_still_being_loaded(module: str, number: signal.Signals, tmp_path: Path) -> None:
    app = write_app(tmp_path, HELLO)
    program = ("-X", "importtime", "-m", "fnhost")
    with launched("start", app, "--port", 0, program=program) as (process, output):
        output.until(f" {module}")
        process.send_signal(number)
        assert process.wait(END) == 0
        assert is_quiet(output), output.text


def ask(address: str) -> None:
    with suppress(httpx.HTTPError):  # the host ends
        httpx.get(address, timeout=60)


@STOP_SIGNALS
def test_requests_that_are_cut_leave_no_traceback(number: signal.Signals, tmp_path: Path) -> None:
    with running(write_app(tmp_path, SLOW)) as host:
        for _ in range(50):
            threading.Thread(target=ask, args=(f"{host.client.base_url}/api/Slow",), daemon=True).start()
        host.output.until("Executing 'Functions.Slow'", 50)
        host.process.send_signal(number)
        assert host.process.wait(END) == 0
        host.output.close()
        assert "Traceback" not in host.output.text, host.output.tail


def test_an_app_that_cannot_be_served(tmp_path: Path) -> None:
    with launched("start", write_app(tmp_path, {"host.json": "{"}), "--port", 0) as (process, output):
        output.until("Nothing is served yet.")
        process.send_signal(signal.SIGINT)
        assert process.wait(END) == 0
        assert "Traceback" not in output.text
        assert output.count(STARTED) == 0


def test_an_idle_host_ends_at_once(tmp_path: Path) -> None:
    with running(write_app(tmp_path, HELLO), program=("-c", PATIENT)) as host:
        assert host.get("/api/Hello").text == "hello"
        assert host.interrupt() == 0


def test_a_yaml_bomb_is_refused_and_the_host_still_ends(tmp_path: Path) -> None:
    laughs = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    bomb = {"Bomb/__init__.py": "", "Bomb/function.yaml": f"a0: &a0 [x, x, x]\n{laughs}"}
    with running(write_app(tmp_path, {**HELLO, **bomb})) as host:
        host.output.until("Bomb/function.yaml: The file says too much")
        assert host.get("/api/Hello").text == "hello"
        assert host.interrupt() == 0
