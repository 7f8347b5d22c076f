"""The life of worker processes: ready at once, replaced when they die, gone when the host is gone."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fnhost.bindings.contract import Event
from fnhost.host.errors import StartError, WorkerCrashed, WorkersExhausted, WorkerStartFailed, WorkerStopped
from fnhost.host.load.app import load
from fnhost.host.load.processes import process_count
from fnhost.host.logging.log import Level, Log
from fnhost.host.retry import Attempts
from fnhost.host.worker import Invocation
from fnhost.host.worker.commands import Command, command
from fnhost.host.worker.framed import open_channel
from fnhost.host.worker.pool import WorkerPool, crash_policy
from fnhost.host.worker.standby import StandbyWorkers
from fnhost.host.worker.transport import TransportFactory, inherited, loopback
from tests.support.clocks import ManualClock
from tests.support.workers import SETTINGS, Heard, bench, get, write_app

pytestmark = pytest.mark.anyio
PID = "import os\ndef main(req): return str(os.getpid())"
STUCK = "import logging, time\ndef main(req):\n    logging.info('stuck')\n    time.sleep(600)"
EXIT = "import os\ndef main(req): os._exit(int(req.params['code']))"
EXHAUSTED = "Exceeded language worker restart retry count for runtime:python."


def command_for(root: Path) -> Command:
    return command(load(root, {"PATH": os.environ["PATH"], **SETTINGS}))


async def test_killing_a_worker_fails_its_calls_at_once_and_the_next_works(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Pid=PID, Stuck=STUCK)) as running:
        pid = (await running.call("Pid", get())).returned
        stuck = asyncio.create_task(running.call("Stuck", get()))
        await running.heard.message("stuck")
        os.kill(int(str(pid)), signal.SIGKILL)
        with pytest.raises(WorkerCrashed, match=r"exited with code 137 \(0x89\)"):
            async with asyncio.timeout(5):
                await stuck
        assert (await running.call("Pid", get())).returned != pid
        exited = await running.heard.message(f"Language Worker Process exited. Pid={pid}.")
        assert exited.level is Level.ERROR
        await running.heard.message("Restart of language worker process(es) completed.")


async def test_the_last_lines_on_stderr_tell_why_it_ended(tmp_path: Path) -> None:
    source = "import os, sys\ndef main(req):\n    print('the disk is on fire', file=sys.stderr)\n    os._exit(7)"
    async with bench(write_app(tmp_path, Dies=source)) as running:
        with pytest.raises(WorkerCrashed, match=r"exited with code 7 \(0x7\)\nthe disk is on fire"):
            await running.call("Dies", get())


async def test_the_third_crash_is_one_too_many(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Exit=EXIT)) as running:
        for _ in range(3):
            assert not running.pool.exhausted.is_set()
            with pytest.raises(WorkerCrashed):
                await running.call("Exit", get(code="1"))
        async with asyncio.timeout(5):
            await running.pool.exhausted.wait()
        await running.heard.message(EXHAUSTED)
        with pytest.raises(WorkersExhausted, match="too many crashed"):
            await running.call("Exit", get(code="1"))


@pytest.mark.parametrize("code", ["0", "200"])
async def test_an_intended_exit_is_replaced_and_not_counted(tmp_path: Path, code: str) -> None:
    async with bench(write_app(tmp_path, Exit=EXIT)) as running:
        for _ in range(4):
            with pytest.raises(WorkerCrashed):
                await running.call("Exit", get(code=code))
        assert not running.pool.exhausted.is_set()


async def test_half_an_hour_without_a_crash_forgives_those_before() -> None:
    clock = ManualClock()
    crashes = Attempts(crash_policy(processes=1), clock)
    are_too_many = []
    for pause in (0.0, 10.0, 1801.0, 1.0, 1.0):
        await clock.advance(pause)
        are_too_many.append(not crashes.failed())
    assert are_too_many == [False, False, False, False, True]


async def test_two_processes_take_turns_and_both_have_loaded(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Pid=PID), FUNCTIONS_WORKER_PROCESS_COUNT="2") as running:
        pids = [(await running.call("Pid", get())).returned for _ in range(4)]
    assert len(set(pids)) == 2
    assert pids[:2] == pids[2:]


@pytest.mark.parametrize(("setting", "count"), [("", 1), ("3", 3), ("0", 1), ("99", 10)])
async def test_the_number_of_processes_is_from_1_to_10(tmp_path: Path, setting: str, count: int) -> None:
    app = load(write_app(tmp_path), {**SETTINGS, "FUNCTIONS_WORKER_PROCESS_COUNT": setting})
    assert process_count(app.settings) == count
    said = [f"FUNCTIONS_WORKER_PROCESS_COUNT is {setting}: {count} run" in text for text in app.warnings]
    assert any(said) == (setting in ("0", "99"))


async def test_a_number_of_processes_that_is_none_is_refused(tmp_path: Path) -> None:
    app = load(write_app(tmp_path), {**SETTINGS, "FUNCTIONS_WORKER_PROCESS_COUNT": "many"})
    with pytest.raises(StartError, match="FUNCTIONS_WORKER_PROCESS_COUNT must be a number"):
        process_count(app.settings)


@pytest.fixture
def announced(tmp_path: Path) -> str:
    """A PYTHONPATH that makes every worker process say so when it starts."""
    folder = tmp_path / "announcing"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text("print('a process starts')")
    return str(folder)


def starts(heard: Heard) -> int:
    return sum(record.message == "a process starts" for record in heard.records)


async def test_a_standby_takes_over(tmp_path: Path, announced: str) -> None:
    heard = Heard()
    app = load(write_app(tmp_path, Pid=PID), {**SETTINGS, "PYTHONPATH": announced})
    worker = command(app)
    async with StandbyWorkers(Log(heard)) as standby, WorkerPool(app, worker, standby, Log(heard)) as pool:
        standby.prepare(worker, after=0)
        await heard.message("a process starts")
        await pool.load()
        assert starts(heard) == 1


async def test_a_standby_of_another_command_is_not_taken(tmp_path: Path, announced: str) -> None:
    heard = Heard()
    worker = command(load(write_app(tmp_path), {**SETTINGS, "PYTHONPATH": announced}))
    other = replace(worker, environment={**worker.environment, "NEW": "1"})
    async with StandbyWorkers(Log(heard)) as standby:
        standby.prepare(worker, after=0)
        await heard.message("a process starts")
        await (await standby.take(other)).stop()
        assert starts(heard) == 2


async def test_nothing_stands_by_for_a_worker_whose_debugger_holds_a_port(tmp_path: Path, announced: str) -> None:
    heard = Heard()
    settings = {**SETTINGS, "PYTHONPATH": announced, "languageWorkers__python__arguments": "-X dev"}
    worker = command(load(write_app(tmp_path), settings))
    async with StandbyWorkers(Log(heard)) as standby:
        standby.prepare(worker, after=0)
        await (await standby.take(worker)).stop()
        assert starts(heard) == 1


async def test_a_call_that_takes_too_long_can_be_abandoned(tmp_path: Path) -> None:
    async with bench(write_app(tmp_path, Pid=PID, Stuck=STUCK)) as running:
        pid = (await running.call("Pid", get())).returned
        stuck = asyncio.create_task(running.call("Stuck", get(), invocation="too-long"))
        await running.heard.message("stuck")
        await running.pool.abandon("too-long")
        with pytest.raises(WorkerStopped):
            await stuck
        assert (await running.call("Pid", get())).returned != pid
        assert not [record for record in running.heard.records if record.level is Level.ERROR]


async def test_draining_waits_for_running_calls_and_no_longer_than_told(tmp_path: Path) -> None:
    source = "import logging, time\ndef main(req):\n    logging.info('begun')\n    time.sleep(0.3)\n    return 'done'"
    async with bench(write_app(tmp_path, Slow=source, Stuck=STUCK)) as running:
        slow = asyncio.create_task(running.call("Slow", get()))
        await running.heard.message("begun")
        assert await running.pool.drain(10)
        assert (await slow).returned == "done"
        stuck = asyncio.create_task(running.call("Stuck", get()))
        await running.heard.message("stuck")
        assert not await running.pool.drain(0.05)
        stuck.cancel()


@pytest.mark.parametrize("lines", [inherited, loopback])
async def test_the_conversation_needs_an_inherited_socket_or_a_loopback_one(
    tmp_path: Path, lines: TransportFactory
) -> None:
    app = load(write_app(tmp_path, Hello="def main(req): return 'hello'"), SETTINGS)
    channel = await open_channel(command(app), Log(), transport=lines)
    assert await channel.load(app.functions) == {}
    event = Event("Hello", get(), "test")
    assert (await channel.call(Invocation("id", app.functions[0], {"req": get()}, event))).returned == "hello"
    await channel.stop()


async def test_a_stranger_without_the_token_is_hung_up_on() -> None:
    async with loopback() as line:
        connecting = asyncio.create_task(line.connect())
        port = int(line.environment["FNHOST_WORKER_PORT"])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bytes(32))
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(bytes.fromhex(line.environment["FNHOST_WORKER_TOKEN"]))
        (await connecting).close()
        writer.close()
        await writer.wait_closed()


async def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    worker = replace(command_for(write_app(tmp_path)), arguments=("/no/such/python",))
    with pytest.raises(WorkerStartFailed, match="Cannot start the worker with /no/such/python: "):
        await open_channel(worker, Log())


async def test_a_worker_that_ends_before_it_is_ready_says_why(tmp_path: Path) -> None:
    worker = replace(command_for(write_app(tmp_path)), arguments=(sys.executable, "-m", "no_such_module"))
    with pytest.raises(WorkerStartFailed, match="No module named no_such_module"):
        await open_channel(worker, Log())


async def test_an_app_that_ends_its_worker_while_it_loads_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(WorkerStartFailed, match="The worker ended while it loaded the app"):
        async with bench(write_app(tmp_path, Hello="import os\nos._exit(5)")):
            pass


async def test_an_idle_worker_is_let_end_as_python_does(tmp_path: Path) -> None:
    source = "import atexit\natexit.register(lambda: open('left.txt', 'w').close())\ndef main(req): ..."
    async with bench(write_app(tmp_path, Hello=source)):
        assert not (tmp_path / "left.txt").exists()
    assert (tmp_path / "left.txt").exists()


async def test_a_worker_ends_at_once_when_its_host_is_gone(tmp_path: Path) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    write_app(tmp_path, Hello=f"held = open({str(fifo)!r}, 'w')\nheld.write('alive')\nheld.flush()\ndef main(req): ...")
    program = "import asyncio, pathlib, sys; from tests.support.workers import serve; asyncio.run(serve(sys.argv[1]))"
    host = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path))
    reader = await asyncio.to_thread(fifo.open, "rb", 0)
    assert await asyncio.to_thread(reader.read, 5) == b"alive"
    host.kill()
    async with asyncio.timeout(5):
        assert await asyncio.to_thread(reader.read) == b""
    reader.close()
    await host.wait()


async def test_the_number_of_threads_is_a_setting(tmp_path: Path) -> None:
    source = (
        "import threading, time\nalone = threading.Lock()\n"
        "def main(req):\n    with_me = not alone.acquire(blocking=False)\n    time.sleep(0.01)\n"
        "    with_me or alone.release()\n    return str(with_me)"
    )
    async with bench(write_app(tmp_path, Alone=source), PYTHON_THREADPOOL_THREAD_COUNT="1") as running:
        answers = await asyncio.gather(*(running.call("Alone", get()) for _ in range(4)))
    assert {answer.returned for answer in answers} == {"False"}


async def test_a_forked_child_does_not_talk_on_the_hosts_socket(tmp_path: Path) -> None:
    source = (
        "import logging, os\ndef main(req):\n    child = os.fork()\n    if not child:\n"
        "        logging.warning('from the child')\n        os._exit(0)\n"
        "    os.waitpid(child, 0)\n    return 'from the parent'"
    )
    async with bench(write_app(tmp_path, Forks=source)) as running:
        assert (await running.call("Forks", get())).returned == "from the parent"
        record = await running.heard.message("from the child")
    assert record.category == "Host.Function.Console"
