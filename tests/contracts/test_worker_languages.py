"""What a worker of any language keeps: the host need not know which it speaks with (platform/worker-protocol.md 8)."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from os import kill
from pathlib import Path

import pytest

from fnhost.bindings.contract import Event, HttpResponse, Json, Outcome
from fnhost.host.errors import FunctionNotLoadable, TimedOut, WorkerCrashed
from fnhost.host.logging.log import Level, Log
from fnhost.host.worker import Invocation
from fnhost.host.worker.commands import command
from fnhost.host.worker.framed import open_channel
from fnhost.host.worker.transport import loopback
from tests.support.workers import Bench, Heard, bench, get, write_function

pytestmark = pytest.mark.anyio
HTTP = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
RETURN = {"name": "$return", "type": "http", "direction": "out"}
MESSAGE = {"name": "message", "type": "queue", "direction": "out", "queueName": "work"}
ACTIVITY = {"name": "name", "type": "activityTrigger", "direction": "in"}


@dataclass(frozen=True)
class Language:
    """The same functions in each."""

    runtime: str
    file: str
    echo: str
    output: str
    activity: str
    logs: str
    fails: str
    pid: str
    hangs: str
    broken: str

    def write(self, root: Path) -> Path:
        (root / "host.json").write_text('{"version": "2.0"}')
        for name, source in (("Echo", self.echo), ("Fails", self.fails), ("Pid", self.pid), ("Hangs", self.hangs)):
            write_function(root / name, source, HTTP, RETURN, file=self.file)
        write_function(root / "Broken", self.broken, HTTP, RETURN, file=self.file)
        write_function(root / "Logs", self.logs, HTTP, file=self.file)
        write_function(root / "Output", self.output, HTTP, RETURN, MESSAGE, file=self.file)
        write_function(root / "Activity", self.activity, ACTIVITY, file=self.file)
        return root

    def bench(self, root: Path) -> AbstractAsyncContextManager[Bench]:
        return bench(root, FUNCTIONS_WORKER_RUNTIME=self.runtime)


PYTHON = Language(
    runtime="python",
    file="__init__.py",
    echo="""
import azure.functions as func

def main(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"X-Method": req.method, "X-Id": req.route_params["id"], "X-Query": req.params.get("q", "none"),
               "Content-Type": req.headers.get("content-type", "none")}
    return func.HttpResponse(req.get_body(), status_code=201, headers=headers)
""",
    output="""
import azure.functions as func

def main(req, message: func.Out[str]) -> func.HttpResponse:
    if req.params.get("say"):
        message.set(req.params["say"])
    return func.HttpResponse("answered")
""",
    activity="def main(name):\n    return {'given': name}\n",
    logs="""
import logging

def main(req):
    logging.info("of %s", req.params["n"])
    logging.warning("warned")
    logging.error("failed")
""",
    fails="def main(req):\n    raise ValueError('on purpose')\n",
    pid="import os\n\ndef main(req) -> str:\n    return f'pid {os.getpid()}'\n",
    hangs="import threading\n\ndef main(req):\n    threading.Event().wait()\n",
    broken="def main(req):\n\n    return (\n",
)
NODE = Language(
    runtime="node",
    file="index.js",
    echo="""
module.exports = async (context, req) => {
  const headers = { 'X-Method': req.method, 'X-Id': req.params.id, 'X-Query': req.query.q ?? 'none',
    'Content-Type': req.get('content-type') ?? 'none' };
  return { body: req.bufferBody ?? Buffer.alloc(0), status: 201, headers };
};
""",
    output="""
module.exports = async (context, req) => {
  if (req.query.say) context.bindings.message = req.query.say;
  return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from('answered') };
};
""",
    activity="module.exports = async (context, name) => ({ given: name });",
    logs="""
module.exports = async (context, req) => {
  context.log('of %s', req.query.n);
  context.log.warn('warned');
  context.log.error('failed');
};
""",
    fails="module.exports = async () => {\n  throw new Error('on purpose');\n};\n",
    pid="module.exports = async () => ({ body: `pid ${process.pid}` });",
    hangs="module.exports = () => new Promise(() => {});",
    broken="module.exports = () => {\n\n  return (\n",
)


@pytest.fixture(scope="module", params=[PYTHON, NODE], ids=lambda language: language.runtime)
def language(request: pytest.FixtureRequest) -> Language:
    found: Language = request.param
    return found


@pytest.fixture(scope="module")
async def worker(language: Language, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    async with language.bench(language.write(tmp_path_factory.mktemp(language.runtime))) as running:
        yield running


def response(outcome: Outcome) -> HttpResponse:
    assert outcome.failure is None
    assert isinstance(outcome.returned, HttpResponse)
    return outcome.returned


async def pid_of(worker: Bench) -> int:
    answer = (await worker.call("Pid", get())).returned
    text = answer.body if isinstance(answer, HttpResponse) else answer
    return int(str(text).removeprefix("pid "))


async def test_a_request_and_its_response_keep_their_parts(worker: Bench) -> None:
    body = bytes(range(256))
    answer = response(await worker.call("Echo", get(body, {"content-type": "image/x"}, q="grüße,2")))
    assert (answer.status, answer.body) == ("201", body)
    assert answer.headers == {"X-Method": "GET", "X-Id": "42", "X-Query": "grüße,2", "Content-Type": "image/x"}


async def test_large_bodies_side_by_side_come_back_whole(worker: Bench) -> None:
    bodies = [bytes([number]) * 3_000_000 for number in range(8)]
    headers = {"content-type": "application/octet-stream"}
    answers = await asyncio.gather(*(worker.call("Echo", get(body, headers)) for body in bodies))
    assert [response(answer).body for answer in answers] == bodies


async def test_a_long_text_is_neither_cut_nor_escaped(worker: Bench) -> None:
    text = 'grüße "\\" \u2028 😀' * 1000
    outcome = await worker.call("Activity", text)
    assert isinstance(outcome.returned, Json)
    assert json.loads(outcome.returned.text) == {"given": text}


async def test_an_output_that_was_not_set_is_absent(worker: Bench) -> None:
    answer = HttpResponse("200", {"content-type": "text/plain; charset=utf-8"}, b"answered")
    assert (await worker.call("Output", get())).outputs == {"$return": answer}
    assert (await worker.call("Output", get(say="x"))).outputs == {"$return": answer, "message": "x"}


async def test_logs_have_their_invocation_and_come_before_its_answer(worker: Bench) -> None:
    await asyncio.gather(*(worker.call("Logs", get(n=str(n)), invocation=f"log-{n}") for n in range(5)))
    for number in range(5):
        said = [record for record in worker.heard.records if record.invocation == f"log-{number}"]
        levels = (Level.INFORMATION, Level.WARNING, Level.ERROR)
        assert [(each.level, each.message) for each in said] == list(
            zip(levels, (f"of {number}", "warned", "failed"), strict=True)
        )
        assert {(each.function, each.category) for each in said} == {("Logs", "Function.Logs.User")}


async def test_a_failure_has_its_message_and_the_users_stack(worker: Bench, language: Language) -> None:
    failure = (await worker.call("Fails", get())).failure
    assert failure
    assert failure.message.endswith("on purpose")
    assert str(worker.app.root / "Fails" / language.file) in failure.stack
    assert "languages" not in failure.stack


async def test_a_syntax_error_is_told_with_file_and_line(worker: Bench, language: Language) -> None:
    assert worker.failures.keys() == {"Broken"}
    told = worker.failures["Broken"]
    assert "Broken" in told.splitlines()[0]
    assert str(worker.app.root / "Broken" / language.file) in told
    assert "SyntaxError" in told
    with pytest.raises(FunctionNotLoadable):
        await worker.call("Broken", get())


async def test_a_call_that_takes_too_long_leaves_the_worker_alone(worker: Bench) -> None:
    hangs = next(function for function in worker.app.functions if function.name == "Hangs")
    before = await pid_of(worker)
    with pytest.raises(TimedOut):
        await worker.pool.call(Invocation("hanging", hangs, {"req": get()}, Event("Hangs", get(), "test"), limit=0.1))
    assert await pid_of(worker) == before


async def test_a_killed_worker_fails_its_calls_and_is_replaced(language: Language, tmp_path: Path) -> None:
    async with language.bench(language.write(tmp_path)) as running:
        pid = await pid_of(running)
        hanging = asyncio.create_task(running.call("Hangs", get()))
        await pid_of(running)  # the call before has reached the worker as well
        kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerCrashed):
            await hanging
        assert await pid_of(running) != pid


async def test_a_worker_that_dials_in_is_the_same(language: Language, tmp_path: Path) -> None:
    async with language.bench(language.write(tmp_path)) as running:
        channel = await open_channel(command(running.app), Log(Heard()), transport=loopback)
        try:
            assert (await channel.load(running.app.functions)).keys() == {"Broken"}
            echo = next(function for function in running.app.functions if function.name == "Echo")
            outcome = await channel.call(Invocation("dialled", echo, {"req": get(b"x")}, Event("Echo", get(), "test")))
        finally:
            await channel.stop()
    assert response(outcome).body == b"x"


ENVIRONMENT: Mapping[str, str] = {
    "python": "import json, os\n\ndef main(req) -> str:\n    return json.dumps(dict(os.environ))\n",
    "node": "module.exports = async () => ({ body: JSON.stringify(process.env) });",
}


async def test_a_worker_sees_the_settings_and_not_its_way_to_the_host(language: Language, tmp_path: Path) -> None:
    write_function(tmp_path / "Tells", ENVIRONMENT[language.runtime], HTTP, RETURN, file=language.file)
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    async with bench(tmp_path, FUNCTIONS_WORKER_RUNTIME=language.runtime, MINE="grüße") as running:
        answer = (await running.call("Tells", get())).returned
    told = json.loads(str(answer.body if isinstance(answer, HttpResponse) else answer))
    assert (told["MINE"], told["FUNCTIONS_WORKER_RUNTIME"]) == ("grüße", language.runtime)
    assert told["FUNCTIONS_APPLICATION_DIRECTORY"] == str(tmp_path)
    assert told["FUNCTIONS_WORKER_RUNTIME_VERSION"]
    assert not [name for name in told if name.startswith("FNHOST_WORKER")]
