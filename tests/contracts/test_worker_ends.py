"""User code that ends its task, thread or process, forks, or says what cannot be written: under several Pythons."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fnhost.bindings.contract import Outcome
from fnhost.host.errors import WorkerCrashed
from fnhost.host.logging.events import Level, WorkerOutput
from tests.support.interpreters import Interpreter, interpreter, names
from tests.support.workers import Bench, bench, get, write_app

pytestmark = pytest.mark.anyio

STATUS = "return str(os.WEXITSTATUS(os.waitpid(child, 0)[1]))"
FORKS = {
    "ForkReturns": ("return 'from the child'", "0"),
    "ForkRaises": ("raise ValueError('in the child')", "1"),
    "ForkExits": ("sys.exit(9)", "9"),
    "ForkExitsInWords": ("sys.exit('the last word')", "1"),
    "ForkEnds": ("os._exit(7)", "7"),
    "ForkForks": ("os.fork(); logging.warning('%d is a child', os.getpid()); return 'twice'", "0"),
}
"""What the child does, and the exit code that its parent sees."""
EXITS = {
    "Exits": ("sys.exit(3)", "SystemExit: 3"),
    "Interrupts": ("raise KeyboardInterrupt('typed')", "KeyboardInterrupt: typed"),
    "Stops": ("raise GeneratorExit('stop')", "GeneratorExit: stop"),
    "Cancels": ("raise asyncio.CancelledError('cut')", "CancelledError: cut"),
    "EndsThread": ("set_async_exc(c_ulong(threading.get_ident()), py_object(SystemExit))", "SystemExit: "),
}
UNNAMED = """
class Meta(type):
    @property
    def __name__(cls): raise ValueError("no name")
class Bad(Exception, metaclass=Meta): pass
"""
SEALED = """
class Bad(Exception):
    def __getattribute__(self, name):
        raise ValueError(name)
"""
CLASSLESS = """
class Bad(Exception):
    __class__ = property(lambda self: 1 / 0)
"""
CIRCLE = """
def Bad(text):
    error, cause = ValueError(text), ValueError("the cause")
    error.__cause__, cause.__cause__ = cause, error
    return error
"""
LONG = """
def Bad(text):
    error = ValueError(text)
    for count in range(3000):
        error.__context__, error = ValueError(count), error
    return error
"""
HOSTILE = {"Unnamed": UNNAMED, "Sealed": SEALED, "Classless": CLASSLESS, "Circle": CIRCLE, "Long": LONG}
TEXTS = {"Surrogate": "\\ud800", "Nul": "\\0", "Separator": "\\u2028", "Megabyte": "m" * 1_000_000}
"""As Python writes them in a source."""
UNWRITABLE = {
    "Generator": ("yield 1", 'unsupported type "http" for Python type "generator"'),
    "Set": ("return {1, 2}", 'unsupported type "http" for Python type "set"'),
    "Status": ("return func.HttpResponse('x', status_code=Broken())", "RuntimeError: no text"),
    "Body": ("return func.HttpResponse('\\ud800')", "surrogates not allowed"),
}
BROKEN = """
class Broken:
    def __str__(self): raise RuntimeError("no text")
"""
IMPORTS = """
import asyncio, ctypes, logging, os, sys, threading
from ctypes import c_ulong, py_object
import azure.functions as func
set_async_exc = ctypes.pythonapi.PyThreadState_SetAsyncExc
"""
FORKING_TASK = """
kept = set()
class Turn:
    def __await__(self): yield
async def fork():
    child = os.fork()
    while not child: {}
async def main(req):
    kept.add(asyncio.create_task(fork()))
    return 'done'
"""
IN_TASKS = {
    "TaskForks": ("return", ""),
    "TaskForksAndRaises": ("raise ValueError('in a task of the child')", "ValueError: in a task of the child"),
    "TaskForksAndAwaits": ("await Turn()", "A forked process cannot await: the event loop is its parent's alone."),
}
"""What a child does that was forked by a task of its own, and what it says."""
TASKS = {
    "TaskExits": "async def end(): sys.exit(5)\nasync def main(req): await asyncio.wait([asyncio.create_task(end())])",
    "CallbackExits": "async def main(req): asyncio.get_running_loop().call_soon(sys.exit, 5); await asyncio.sleep(0)",
    "LoopStops": "async def main(req): asyncio.get_running_loop().stop(); await asyncio.sleep(0)",
}


def sources() -> dict[str, str]:
    found = {name: f"{code}; return 'done'" for name, code in TASKS.items()}
    for name, (code, _) in FORKS.items():
        for kind in ("", "async "):
            found[f"{kind.title().strip()}{name}"] = (
                f"{kind}def main(req):\n    child = os.fork()\n    if not child: {code}\n    {STATUS}"
            )
    found |= {name: FORKING_TASK.format(code) for name, (code, _) in IN_TASKS.items()}
    found["Turns"] = "async def main(req):\n    for _ in range(20): await asyncio.to_thread(int)\n    return 'turned'"
    for name, (code, _) in EXITS.items():
        for kind in ("", "async "):
            found[f"{kind.title().strip()}{name}"] = f"{kind}def main(req):\n    {code}\n    return 'went on'"
    found |= {name: f"{code}\ndef main(req): raise Bad('text')" for name, code in HOSTILE.items()}
    for name, text in TEXTS.items():
        found[f"Return{name}"] = f"def main(req): return 'a{text}b'"
        found[f"Raise{name}"] = f"def main(req): raise ValueError('a{text}b')"
        found[f"Log{name}"] = f"def main(req): logging.getLogger('a{text[:9]}b').warning('log a{text}b'); return 'done'"
        found[f"Print{name}"] = f"def main(req): print('print a{text}b'); print('the end of {name}'); return 'done'"
    found |= {name: f"{BROKEN}\ndef main(req): {code}" for name, (code, _) in UNWRITABLE.items()}
    found["Hello"] = "def main(req): return 'hello'"
    found["ExitsAtImport"] = "sys.exit(4)\ndef main(req): ..."
    return {name: IMPORTS + source for name, source in found.items()}


@pytest.fixture(scope="module", params=names())
def python(request: pytest.FixtureRequest) -> Interpreter:
    return interpreter(request.param)


@pytest.fixture(scope="module")
async def worker(python: Interpreter, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    root = write_app(tmp_path_factory.mktemp("ends"), **sources())
    packages = {"PYTHONPATH": str(python.packages)} if python.packages else {}
    async with bench(root, python.executable, **packages) as running:
        yield running


async def outcome_of(worker: Bench, name: str) -> Outcome:
    """That of one call, after which the same process still serves others."""
    async with asyncio.timeout(20):
        outcome = await worker.call(name, get())
        assert (await worker.call("Hello", get())).returned == "hello"
    assert not any("exited with code" in record.message for record in worker.heard.records)
    return outcome


async def failure_of(worker: Bench, name: str) -> tuple[str, str]:
    failure = (await outcome_of(worker, name)).failure
    assert failure
    return failure.message, failure.stack


@pytest.mark.parametrize("kind", ["", "Async"])
@pytest.mark.parametrize("name", FORKS)
async def test_a_forked_child_never_answers_for_its_parent(worker: Bench, name: str, kind: str) -> None:
    assert (await outcome_of(worker, kind + name)).returned == FORKS[name][1]


async def test_what_a_forked_child_says_is_not_lost(worker: Bench) -> None:
    for name, text in (("ForkRaises", "ValueError: in the child"), ("ForkExitsInWords", "the last word")):
        await outcome_of(worker, name)
        assert isinstance((await worker.heard.message(text)).event, WorkerOutput)


@pytest.mark.parametrize("name", IN_TASKS)
async def test_a_forked_child_leaves_the_event_loop_to_its_parent(worker: Bench, name: str) -> None:
    """It would take what is sent to wake the loop up: a call of a few turns then hangs."""
    assert (await outcome_of(worker, name)).returned == "done"
    async with asyncio.timeout(20):
        assert (await worker.call("Turns", get())).returned == "turned"
        if IN_TASKS[name][1]:
            assert isinstance((await worker.heard.message(IN_TASKS[name][1])).event, WorkerOutput)


@pytest.mark.parametrize("kind", ["", "Async"])
@pytest.mark.parametrize("name", EXITS)
async def test_an_exit_is_the_failure_of_its_invocation_alone(worker: Bench, name: str, kind: str) -> None:
    message, _ = await failure_of(worker, kind + name)
    assert message == EXITS[name][1]


@pytest.mark.parametrize("name", TASKS)
async def test_the_event_loop_outlives_what_ends_it(worker: Bench, name: str) -> None:
    assert (await outcome_of(worker, name)).returned == "done"
    if name != "LoopStops":
        assert (await worker.heard.message("SystemExit: 5 outside of any invocation")).level == Level.ERROR


@pytest.mark.parametrize("name", HOSTILE)
async def test_an_exception_that_hides_its_parts_is_a_failure(worker: Bench, name: str) -> None:
    message, stack = await failure_of(worker, name)
    assert message.partition(":")[0] in ("Bad", "ValueError")
    assert f"{name}{os.sep}__init__.py" in stack
    assert "_fnhost_worker" not in stack


@pytest.mark.parametrize("name", TEXTS)
async def test_any_text_is_returned_raised_logged_and_printed(worker: Bench, name: str) -> None:
    text = f"a{TEXTS[name]}b".encode("ascii").decode("unicode_escape")
    assert (await outcome_of(worker, f"Return{name}")).returned == text
    assert (await failure_of(worker, f"Raise{name}"))[0] == f"ValueError: {text}"
    assert (await outcome_of(worker, f"Log{name}")).failure is None
    await worker.heard.until(lambda record: record.message == f"log {text}")
    assert (await outcome_of(worker, f"Print{name}")).failure is None
    assert isinstance((await worker.heard.message(f"the end of {name}")).event, WorkerOutput)


@pytest.mark.parametrize("name", UNWRITABLE)
async def test_what_cannot_be_written_is_a_failure_that_says_why(worker: Bench, name: str) -> None:
    message, _ = await failure_of(worker, name)
    assert UNWRITABLE[name][1] in message


async def test_an_exit_at_import_is_a_failure_to_load(worker: Bench) -> None:
    assert "SystemExit: 4" in worker.failures["ExitsAtImport"]
    assert set(worker.failures) == {"ExitsAtImport"}


ENDS = {
    "_exit": ("os._exit(3)", "exited with code 3 (0x3)"),
    "terminated": ("os.kill(os.getpid(), 15); threading.Event().wait()", "exited with code 143 (0x8F)"),
    "interrupted": ("os.kill(os.getpid(), 2); threading.Event().wait()", "The worker was interrupted (SIGINT)."),
    "aborted": ("os.abort()", "exited with code 134 (0x86)"),
}


@pytest.mark.parametrize("name", ENDS)
async def test_a_function_that_ends_its_process_fails_alone_and_the_worker_is_replaced(
    tmp_path: Path, python: Interpreter, name: str
) -> None:
    code, text = ENDS[name]
    write_app(tmp_path, Ends=f"{IMPORTS}def main(req): {code}", Pid=f"{IMPORTS}def main(req): return str(os.getpid())")
    packages = {"PYTHONPATH": str(python.packages)} if python.packages else {}
    async with bench(tmp_path, python.executable, **packages) as running:
        pid = (await running.call("Pid", get())).returned
        with pytest.raises(WorkerCrashed):
            await running.call("Ends", get())
        assert text in (await running.heard.until(lambda record: text in record.message)).message
        assert (await running.call("Pid", get())).returned != pid
