"""What user code can do to its own worker: it is noticed, said in words, and nothing waits for ever."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from fnhost.bindings.contract import Event
from fnhost.host.app import Retry
from fnhost.host.errors import TimedOut, WorkerCrashed, WorkersExhausted
from fnhost.host.invoker import FunctionInvoker
from fnhost.host.logging.log import Level, Log
from fnhost.host.worker import Invocation
from fnhost.host.worker.commands import command
from fnhost.host.worker.framed import FramedChannel
from tests.support.clocks import ManualClock
from tests.support.workers import Bench, bench, get, write_app

pytestmark = pytest.mark.anyio
HELLO = "def main(req): return 'hello'"
PID = "import os\ndef main(req): return str(os.getpid())"
GATE = "import logging\ndef main(req):\n    logging.info('waiting')\n    open({!r}).close()\n    return 'through'"
REGEX = """
import ctypes, os, re, sys

def main(req):
    gate = os.open({!r}, os.O_WRONLY)
    sys.setswitchinterval(600)  # from here on no other thread gets the interpreter, unless it is given away
    ctypes.PyDLL(None).write(gate, b"!", 1)  # which this call does not do
    re.match("(a*)*b", "a" * 64)
"""
BLOCKS = "import logging, time\nasync def main(req):\n    logging.info('blocking')\n    time.sleep(600)"
EXIT = "import os\ndef main(req): os._exit(int(req.params['code']))"
SOCKET = """
import os, socket, struct

def host_socket():
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2:
            try:
                found = socket.socket(fileno=os.dup(int(name)))
            except OSError:
                continue
            with found:
                if found.family == socket.AF_UNIX and creator(found) != os.getpid():
                    return int(name)

def creator(found):
    return struct.unpack("3i", found.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
"""
WRITES = f"{SOCKET}\ndef main(req): os.write(host_socket(), b'printed by a library\\n')"
SHUTS = (
    f"{SOCKET}\ndef main(req):\n    s = socket.socket(fileno=os.dup(host_socket()))\n    s.shutdown(socket.SHUT_RDWR)"
)
HUGE = "def main(req): return 'x' * 270_000_000"
CANNOT_BE_SENT = """
import azure.functions as func

class Odd(str):
    def encode(self, *_):
        raise MemoryError("no more")

def main(req): return Odd("x" * 5000)
"""


async def pid_of(running: Bench) -> int:
    return int(str((await running.call("Pid", get())).returned))


async def test_a_broken_channel_replaces_the_worker_and_is_named(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Writes=WRITES, Pid=PID)) as running:
        pid = await pid_of(running)
        async with asyncio.timeout(10):
            with pytest.raises(WorkerCrashed, match="does not begin with its mark but with b'printed by a library"):
                await running.call("Writes", get())
        assert await pid_of(running) != pid
        record = await running.heard.message(f"The channel of the worker process {pid} is broken")
        assert record.level is Level.ERROR


async def test_a_worker_that_closes_its_channel_is_replaced(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Shuts=SHUTS, Pid=PID)) as running:
        pid = await pid_of(running)
        async with asyncio.timeout(10):
            with pytest.raises(WorkerCrashed):
                await running.call("Shuts", get())
        assert await pid_of(running) != pid


async def test_a_call_that_meets_a_worker_about_to_end_is_taken_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connection is lost before its process has ended."""
    lost, goes_on = asyncio.Event(), FramedChannel.connection_lost

    def connection_lost(channel: FramedChannel, error: Exception | None) -> None:
        goes_on(channel, error)
        lost.set()

    monkeypatch.setattr(FramedChannel, "connection_lost", connection_lost)
    async with bench(write_app(tmp_path, Shuts=SHUTS, Pid=PID)) as running:
        pid = await pid_of(running)
        shut = asyncio.create_task(running.call("Shuts", get()))
        async with asyncio.timeout(10):
            await lost.wait()
            assert not shut.done()
            assert await pid_of(running) != pid
            with pytest.raises(WorkerCrashed):
                await shut


@pytest.mark.parametrize(
    ("source", "text"),
    [(HUGE, "a message to the host may have 268,435,456"), (CANNOT_BE_SENT, "MemoryError: no more")],
    ids=["huge", "unsendable"],
)
async def test_an_answer_that_cannot_be_sent_is_a_failure(tmp_path: Path, source: str, text: str) -> None:
    async with bench(write_app(tmp_path, Answers=source, Pid=PID)) as running:
        pid = await pid_of(running)
        async with asyncio.timeout(20):
            outcome = await running.call("Answers", get())
        assert outcome.failure and text in outcome.failure.message
        assert await pid_of(running) == pid


async def test_an_input_that_cannot_be_sent_is_a_failure(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Hello=HELLO)) as running:
        outcome = await running.call("Hello", get(bytes(270_000_000)))
        assert outcome.failure and "The inputs of the function Hello cannot be sent" in outcome.failure.message
        assert (await running.call("Hello", get())).returned == "hello"


async def test_a_stopped_worker_is_told_with_what_it_runs(tmp_path: Path) -> None:
    clock, gate = ManualClock(), tmp_path / "gate"
    os.mkfifo(gate)
    async with bench(write_app(tmp_path, Gate=GATE.format(str(gate)), Pid=PID), clock=clock) as running:
        pid = await pid_of(running)
        waiting = asyncio.create_task(running.call("Gate", get(), invocation="one"))
        await running.heard.message("waiting")
        os.kill(pid, signal.SIGSTOP)
        try:
            await clock.advance(4)
            early = told(running)
            await clock.advance(60)
        finally:  # a stopped process does not end when it is asked to
            os.kill(pid, signal.SIGCONT)
        await running.heard.message(f"The worker process {pid} answers again.")
        await asyncio.to_thread(gate.write_bytes, b"")
        assert (await waiting).returned == "through"
        (text,) = told(running)
    assert not early
    assert f"The worker process {pid} has not answered for 5 s. It runs: Gate (Id=one)." in text
    assert f"kill -9 {pid}" in text


def told(running: Bench) -> list[str]:
    return [record.message for record in running.heard.records if "has not answered" in record.message]


async def test_a_worker_whose_interpreter_is_held_is_told(tmp_path: Path) -> None:
    clock, gate = ManualClock(), tmp_path / "gate"
    os.mkfifo(gate)
    async with bench(write_app(tmp_path, Regex=REGEX.format(str(gate))), clock=clock) as running:
        stuck = asyncio.create_task(running.call("Regex", get(), invocation="two"))
        try:
            await written(gate)
            await clock.advance(10)
            assert "It runs: Regex (Id=two)." in told(running)[0]
        finally:  # no worker in its state ends when it is asked to
            stuck.cancel()
            await running.pool.abandon("two")


async def test_no_time_counts_while_a_debugger_may_hold_the_worker(tmp_path: Path) -> None:
    clock, gate, attached = ManualClock(), tmp_path / "gate", {"client"}
    os.mkfifo(gate)
    async with bench(write_app(tmp_path, Gate=GATE.format(str(gate))), clock=clock) as running:
        channel = await running.standby.take(command(running.app))
        setup = {"client": "127.0.0.1", "port": 1}  # nobody listens there: the worker goes on without
        assert "refused" in (await channel.debug(setup, lambda: bool(attached)))["failure"]
        await channel.load(running.app.functions)
        event = Event("Gate", get(), "test")
        asked = Invocation("one", running.app.functions[0], {"req": get()}, event, limit=5.0)
        waiting = asyncio.create_task(channel.call(asked))
        await running.heard.message("waiting")
        os.kill(channel.pid, signal.SIGSTOP)
        await clock.advance(60)
        assert not told(running) and not waiting.done()
        attached.clear()
        await clock.advance(6)
        with pytest.raises(TimedOut):
            await waiting
        assert len(told(running)) == 1
        channel.kill()
        await channel.wait()


async def written(gate: Path) -> None:
    """Wait until something is written into a named pipe."""
    reader, news = os.open(gate, os.O_RDWR | os.O_NONBLOCK), asyncio.Event()
    asyncio.get_running_loop().add_reader(reader, news.set)
    try:
        async with asyncio.timeout(20):
            await news.wait()
    finally:
        asyncio.get_running_loop().remove_reader(reader)
        os.close(reader)


async def test_a_worker_that_works_is_not_told(tmp_path: Path) -> None:
    clock, gate = ManualClock(), tmp_path / "gate"
    os.mkfifo(gate)
    async with bench(write_app(tmp_path, Gate=GATE.format(str(gate)), Hello=HELLO), clock=clock) as running:
        waiting = asyncio.create_task(running.call("Gate", get()))
        await running.heard.message("waiting")
        for _ in range(20):
            await clock.advance(1)
            await running.call("Hello", get())  # what was asked before it has been answered before it
        assert not told(running)
        os.close(os.open(gate, os.O_WRONLY))
        await waiting


async def test_a_blocked_event_loop_is_told(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Blocks=BLOCKS)) as running:
        stuck = asyncio.create_task(running.call("Blocks", get(), invocation="three"))
        await running.heard.message("blocking")
        record = await running.heard.message("has been blocked for")
        assert record.level is Level.WARNING
        assert "It runs: Blocks (Id=three)." in record.message
        stuck.cancel()
        await running.pool.abandon("three")


async def test_work_that_ended_two_workers_runs_apart_and_harms_nothing_else(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Exit=EXIT, Pid=PID)) as running:
        pid = await pid_of(running)
        for _ in range(4):
            with pytest.raises(WorkerCrashed, match="exited with code 9"):
                await running.call("Exit", get(code="9"), crashes=2)
        assert await pid_of(running) == pid
        apart = [int(str((await running.call("Pid", get(), crashes=2)).returned)) for _ in range(2)]
        assert pid not in apart
        assert apart[0] == apart[1]
        assert not running.pool.exhausted.is_set()


async def test_crashes_that_somebody_else_counts_do_not_end_the_host(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Exit=EXIT, Pid=PID)) as running:
        for _ in range(4):
            with pytest.raises(WorkerCrashed):
                await running.call("Exit", get(code="9"), crashes=0)
        assert not running.pool.exhausted.is_set()
        assert await pid_of(running)


async def test_a_process_that_ends_by_itself_again_and_again_is_not_started_without_pause(tmp_path: Path) -> None:
    source = "import os, threading\nthreading.Timer(0.01, os._exit, (0,)).start()\ndef main(req): ..."
    clock = ManualClock()
    async with bench(write_app(tmp_path, Ends=source), clock=clock) as running:
        await running.heard.message("Language Worker Process exited.")
        for _ in range(20):
            await asyncio.sleep(0)
        exits = [record for record in running.heard.records if "Process exited" in record.message]
        assert len(exits) == 1
        await clock.advance(0.05)
        await running.heard.message("Restart of language worker process(es) completed.")


async def test_old_work_has_all_the_time_it_needs(tmp_path: Path) -> None:
    clock, gate = ManualClock(), tmp_path / "gate"
    os.mkfifo(gate)
    async with bench(write_app(tmp_path, Gate=GATE.format(str(gate))), clock=clock) as running:
        waiting = asyncio.create_task(running.call("Gate", get()))
        await running.heard.message("waiting")
        draining = asyncio.create_task(running.pool.drain())
        await clock.advance(300)
        assert not draining.done()
        os.close(os.open(gate, os.O_WRONLY))
        assert (await waiting).returned == "through"
        assert await draining


async def test_the_workers_of_an_earlier_version_may_crash_without_ending_the_host(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Exit=EXIT)) as running:
        with running.pool.use:
            draining = asyncio.create_task(running.pool.drain())
            await asyncio.sleep(0)
            for _ in range(3):
                with pytest.raises(WorkerCrashed):
                    await running.call("Exit", get(code="9"))
            with pytest.raises(WorkersExhausted):
                await running.call("Exit", get(code="9"))
        assert await draining
        assert not running.pool.exhausted.is_set()


async def test_nobody_tries_again_when_all_workers_are_gone(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Exit=EXIT)) as running:
        for _ in range(3):
            with pytest.raises(WorkerCrashed):
                await running.call("Exit", get(code="9"))
        await running.pool.exhausted.wait()
        function = replace(running.app.functions[0], retry=Retry(exponential=False, limit=-1, shortest=0, longest=0))
        with pytest.raises(WorkersExhausted):
            await FunctionInvoker(function, running.pool, Log())(Event("Exit", get(code="9"), "test"))
