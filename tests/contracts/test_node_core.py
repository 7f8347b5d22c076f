"""The v4 programming model, with the real @azure/functions in a real worker (platform/node-worker.md 1, 3 and 4)."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Cookie, HttpRequest, HttpResponse, Json, Outcome
from fnhost.host.logging.log import Level
from fnhost.host.worker import RetryContext
from tests.support.node import HTTP, NODE, RES, Registered, registered, write_v4
from tests.support.npm import link_packages
from tests.support.workers import bench, get, write_file, write_function

pytestmark = pytest.mark.anyio

FUNCTIONS = """
const { app, input, output } = require('@azure/functions');
const file = input.storageBlob({ path: 'c/b', connection: 'AzureWebJobsStorage' });
const message = output.storageQueue({ queueName: 'out', connection: 'AzureWebJobsStorage' });
const echo = async (request, context) => {
  context.log('echoing');
  console.log('printed');
  const { method, url, params } = request;
  const told = { method, url, params, query: Object.fromEntries(request.query), text: await request.text() };
  const cookies = [{ name: 'a', value: '1', path: '/', maxAge: 60, sameSite: 'Lax', secure: true }];
  return { status: 201, headers: { 'X-A': request.headers.get('x-a') }, cookies, jsonBody: told };
};
const retry = { strategy: 'exponentialBackoff', maxRetryCount: 3, minimumInterval: 5000,
  maximumInterval: { minutes: 1 } };
app.http('Echo', { methods: ['GET', 'POST'], authLevel: 'anonymous', route: 'echo/{id}', handler: echo });
app.get('Nothing', async () => {});
app.get('Fails', async () => { throw new RangeError('by the handler'); });
app.get('Inputs', { extraInputs: [file], extraOutputs: [message], handler: async (request, context) => {
  context.extraOutputs.set(message, ['one', { two: 2 }]);
  return { body: context.extraInputs.get(file) };
} });
app.timer('Tick', { schedule: '0 */5 * * * *', retry, handler: async (timer, context) =>
  ({ timer, retry: context.retryContext, trace: context.traceContext }) });
app.storageQueue('Item', { queueName: 'in', connection: 'AzureWebJobsStorage', return: message,
  handler: async (item) => item });
"""


def told_of(worker: Registered, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(each for each in worker.told["functionMetadataResults"] if each["name"] == name)
    return found


def entries(worker: Registered, name: str) -> list[Mapping[str, Any]]:
    own = ("name", "properties")
    found = [json.loads(text) for text in told_of(worker, name)["rawBindings"]]
    return [{key: value for key, value in each.items() if key not in own} for each in found]


def response(outcome: Outcome) -> HttpResponse:
    assert outcome.failure is None
    assert isinstance(outcome.returned, HttpResponse)
    return outcome.returned


@pytest.fixture(scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Registered]:
    async with registered(write_v4(tmp_path_factory.mktemp("v4"), {"src/functions/all.js": FUNCTIONS})) as running:
        assert running.failures == {}
        yield running


async def test_the_app_tells_its_functions(worker: Registered) -> None:
    assert worker.told["result"] == {"status": "success"}
    assert worker.told["useDefaultMetadataIndexing"] is False
    assert worker.told["workerMetadata"]["customProperties"] == {
        "modelName": "@azure/functions",
        "modelVersion": "4.16.5",
    }
    assert list(worker.functions) == ["Echo", "Nothing", "Fails", "Inputs", "Tick", "Item"]
    told = told_of(worker, "Echo")
    assert told["directory"].endswith("/src/functions")
    assert (told["functionId"], told["language"], told["scriptFile"]) == ("Echo", "node", "all.js")
    assert (told["status"], told["retryOptions"]) == ({"status": "success"}, None)


async def test_bindings_are_those_of_a_function_json(worker: Registered) -> None:
    storage = "AzureWebJobsStorage"
    http = {"type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
    answer = {"type": "http", "direction": "out"}
    queue = {"type": "queue", "direction": "out", "queueName": "out", "connection": storage}
    assert entries(worker, "Echo") == [{**http, "methods": ["GET", "POST"], "route": "echo/{id}"}, answer]
    assert entries(worker, "Inputs") == [
        {**http, "methods": ["GET"]},
        {"type": "blob", "direction": "in", "path": "c/b", "connection": storage},
        answer,
        queue,
    ]
    assert entries(worker, "Tick") == [{"type": "timerTrigger", "direction": "in", "schedule": "0 */5 * * * *"}]
    assert entries(worker, "Item") == [
        {"type": "queueTrigger", "direction": "in", "queueName": "in", "connection": storage},
        queue,
    ]
    assert told_of(worker, "Tick")["retryOptions"] == {
        "retryStrategy": "exponentialBackoff",
        "maxRetryCount": 3,
        "minimumInterval": {"seconds": 5},
        "maximumInterval": {"seconds": 60},
    }


async def test_names_are_the_same_in_every_process(worker: Registered, tmp_path: Path) -> None:
    async with registered(write_v4(tmp_path / "again", {"src/functions/all.js": FUNCTIONS})) as again:
        assert [told_of(again, name)["rawBindings"] for name in again.functions] == [
            told_of(worker, name)["rawBindings"] for name in worker.functions
        ]


async def test_a_request_and_its_response(worker: Registered) -> None:
    headers = {"x-a": "b", "content-type": "text/plain"}
    request = HttpRequest(
        "POST", "http://localhost:7071/api/echo/7?x=1", headers, {"x": "1"}, {"id": "7"}, b"gr\xc3\xbc"
    )
    answer = response(await worker.call("Echo", request, invocation="echo"))
    assert (answer.status, answer.headers) == ("201", {"content-type": "application/json", "x-a": "b"})
    assert answer.cookies == (Cookie("a", "1", path="/", max_age=60, secure=True, same_site="Lax"),)
    assert isinstance(answer.body, bytes)
    assert json.loads(answer.body) == {
        "method": "POST",
        "url": request.url,
        "params": {"id": "7"},
        "query": {"x": "1"},
        "text": "grü",
    }
    said = [(each.category, each.message) for each in worker.heard.records if each.invocation == "echo"]
    assert said == [("Function.Echo.User", "echoing"), ("Host.Function.Console", "printed")]


async def test_a_handler_may_answer_nothing_or_fail(worker: Registered) -> None:
    assert await worker.call("Nothing", get()) == Outcome()
    failure = (await worker.call("Fails", get())).failure
    assert failure
    assert (failure.message, failure.stack.startswith("RangeError: by the handler\n    at ")) == (
        "by the handler",
        True,
    )
    assert "languages/node" not in failure.stack


async def test_extra_inputs_and_outputs(worker: Registered) -> None:
    blob = worker.functions["Inputs"].inputs[0].name
    outcome = await worker.call("Inputs", get(), {blob: "text of the blob"})
    assert response(outcome).body == b"text of the blob"
    assert [value for name, value in outcome.outputs.items() if name != "$return"] == [Json('["one",{"two":2}]')]


async def test_a_timer_with_its_contexts(worker: Registered) -> None:
    attempt = RetryContext(1, 3, "before")
    tick = Json('{"IsPastDue":false,"ScheduleStatus":null}')
    outcome = await worker.call("Tick", tick, attempt=attempt)
    assert isinstance(outcome.returned, Json)
    assert json.loads(outcome.returned.text) == {
        "timer": {"isPastDue": False, "scheduleStatus": None},
        "retry": {"retryCount": 1, "maxRetryCount": 3, "exception": {"message": "before"}},
        "trace": {"traceParent": "00-parent", "traceState": "state", "attributes": {}},
    }


@pytest.mark.parametrize(("sent", "returned"), [('{"a":1}', Json('{"a":1}')), ("text", "text"), ("5", 5)])
async def test_a_queue_message_comes_back(worker: Registered, sent: str, returned: object) -> None:
    assert (await worker.call("Item", sent)).outputs == {"$return": returned}


HOOKS = """
const { app } = require('@azure/functions');
const seen = [];
app.hook.appStart((context) => { context.hookData.seen = seen; console.log('starting'); });
app.hook.appTerminate((context) => console.log(`ending after ${context.hookData.seen}`));
app.hook.preInvocation((context) => {
  context.hookData.begun = true;
  seen.push(context.invocationContext.functionName);
  const call = context.functionHandler;
  context.functionHandler = async (...given) => ({ body: `[${(await call(...given)).body}]` });
  context.invocationContext.log('before');
});
app.hook.postInvocation((context) => {
  context.invocationContext.log(`after ${context.hookData.begun}`);
  if (context.error) { context.result = { body: `mended ${context.error.message}` }; context.error = null; }
});
app.hook.log((context) => {
  if (context.message === 'quiet') context.level = 'none';
  context.message = `${context.invocationContext?.functionName}: ${context.message}`;
});
app.get('Hello', async (request, context) => {
  context.log('inside');
  context.log('quiet');
  return { body: 'hello' };
});
app.get('Fails', async () => { throw new Error('it'); });
"""


async def test_hooks_run_around_everything(tmp_path: Path) -> None:
    async with registered(write_v4(tmp_path / "app", {"src/hooks.js": HOOKS})) as running:
        assert response(await running.call("Hello", get(), invocation="hooked")).body == b"[hello]"
        said = [record.message for record in running.heard.records if record.invocation == "hooked"]
        assert said == ["Hello: before", "Hello: inside", "Hello: after true"]
        assert response(await running.call("Fails", get())).body == b"mended it"
        await running.heard.message("starting")
    await running.heard.message("ending after Hello,Fails")


GLOBS = {
    "src/a.js": "A",
    "src/deep/b.js": "B",
    "src/deep/er/c.mjs": "C",
    "src/deep/d.cjs": "D",
    "src/.hidden/e.js": "E",
    "src/node_modules/x/f.js": "F",
    "src/a.test.js": "G",
}


@pytest.mark.parametrize(
    ("main", "found"),
    [
        ("src/a.js", "A"),
        ("./src/a.js", "A"),
        ("src/*.js", "AG"),
        ("src/**/*.js", "ABG"),
        ("src/**/*.{js,mjs,cjs}", "ABCDG"),
        ("src/{a,deep/b}.js", "AB"),
        ("src/{a,{deep/b,deep/er/c}}.{js,mjs}", "ABC"),
        ("src/deep", "BCD"),
        ("src/deep/**", "BCD"),
        ("src/**/[bc].*", "BC"),
        ("src/**/[!ab]*.?js", "CD"),
        ("src/**/*.@(mjs|cjs)", "CD"),
        ("src/!(a).js", "G"),
        ("**/b.js", "B"),
    ],
)
async def test_main_is_a_pattern(tmp_path: Path, main: str, found: str) -> None:
    register = "{}.app.get('{}', async () => ({{}}));"
    commonjs, esm = "require('@azure/functions')", "import functions from '@azure/functions';\n"
    files = {
        file: esm + register.format("functions", name) if file.endswith(".mjs") else register.format(commonjs, name)
        for file, name in GLOBS.items()
    }
    async with registered(write_v4(tmp_path / "app", files, main)) as running:
        assert sorted(running.functions) == sorted(found)


async def test_an_app_of_es_modules(tmp_path: Path) -> None:
    source = "import { app } from '@azure/functions';\napp.get('Hello', async () => ({ body: import.meta.url }));"
    async with registered(write_v4(tmp_path / "app", {"src/index.js": source}, type="module")) as running:
        assert response(await running.call("Hello", get())).body == (tmp_path / "app/src/index.js").as_uri().encode()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("\nthrow new Error('at start');", "src/index.js:2"),
        ("\nthrow new Error('at start');", 'Worker was unable to load entry point "src/index.js": at start'),
        ("app.get(", "src/index.js:1"),
        ("const { app } = require('@azure/functions'); app.get('A', a); app.get('A', a); function a() {}",
         'A function with id "A" has already been registered.'),
        ("require('@azure/functions').app.hook.appStart(() => { throw new Error('in the hook'); });", "in the hook"),
        ("require('@azure/functions-core').registerHook('other', () => {});", 'Unrecognized hook "other"'),
    ],
)  # fmt: skip
async def test_a_start_that_fails_is_told(tmp_path: Path, source: str, text: str) -> None:
    async with registered(write_v4(tmp_path / "app", {"src/index.js": source})) as running:
        assert running.told["result"]["status"] == "failure"
        assert text in running.told["result"]["exception"]["message"]
        assert "languages/node" not in running.told["result"]["exception"]["message"]


async def test_a_main_without_files_is_told(tmp_path: Path) -> None:
    async with registered(write_v4(tmp_path / "app", {}, "dist/**/*.js")) as running:
        told = running.told["result"]["exception"]["message"]
        assert told == (
            'Worker was unable to load entry point "dist/**/*.js": Found zero files matching the supplied pattern'
        )


async def test_an_app_that_was_not_compiled_is_told_how(tmp_path: Path) -> None:
    app = write_v4(tmp_path / "app", {"tsconfig.json": "{}"}, "dist/**/*.js", scripts={"compile": "tsc"})
    async with registered(app) as running:
        told = running.told["result"]["exception"]["message"]
        assert told.endswith('The app is written in TypeScript: compile it first, with "npm run compile".')


async def test_functions_are_registered_while_the_app_starts_only(tmp_path: Path) -> None:
    source = """
    const { app } = require('@azure/functions');
    const core = require('@azure/functions-core');
    const gone = core.registerFunction({ name: 'Gone', bindings: {} }, () => {});
    core.Disposable.from(gone, undefined).dispose();
    app.get('Late', async () => {
      const tried = [() => app.get('Other', async () => {}), () => core.setProgrammingModel.name, () => gone.dispose()];
      const told = tried.map((each) => { try { return each(); } catch (error) { return error.message; } });
      const { version, hostVersion } = core;
      return { jsonBody: { told, version: typeof version, hostVersion, model: core.getProgrammingModel().name } };
    });
    """
    async with registered(write_v4(tmp_path / "app", {"src/index.js": source})) as running:
        assert list(running.functions) == ["Late"]
        answer = response(await running.call("Late", get()))
    assert isinstance(answer.body, bytes)
    told = json.loads(answer.body)
    assert told["told"][0] == "A function can only be registered during app startup."
    assert (told["version"], told["hostVersion"], told["model"]) == ("string", "4", "@azure/functions")


async def test_a_model_logs_for_itself(tmp_path: Path) -> None:
    source = "require('@azure/functions-core').log('warning', 'system', 'of the model');"
    async with registered(write_v4(tmp_path / "app", {"src/index.js": source})) as running:
        record = await running.heard.message("of the model")
        assert (record.level, record.category) == (Level.WARNING, "Worker.node")


STREAMING = """
const { app } = require('@azure/functions');
app.setup({ enableHttpStream: true });
app.post('Stream', { route: 's/{id}', handler: async (request, context) => {
  if (request.query.get('fail')) throw new Error('failed while streaming');
  if (request.query.get('nothing')) return;
  const chunks = async function* () { yield 'one '; yield `${request.params.id} `; yield await request.text(); };
  const cookies = [{ name: 'a', value: 'b c', path: '/', maxAge: 5, httpOnly: true, sameSite: 'Strict' }];
  return { status: 202, headers: { 'x-url': request.url }, cookies, body: chunks() };
} });
"""


async def test_an_app_that_streams_http_answers_there(tmp_path: Path) -> None:
    def request(**query: str) -> HttpRequest:
        url = "http://localhost:7071/api/s/7?" + "&".join(f"{name}={value}" for name, value in query.items())
        return HttpRequest("POST", url, {"host": "localhost:7071", "content-length": "4"}, query, {"id": "7"}, b"body")

    async with registered(write_v4(tmp_path / "app", {"src/index.js": STREAMING})) as running:
        answer = response(await running.call("Stream", request(x="1")))
        assert (answer.status, answer.body) == ("202", b"one 7 body")
        assert answer.headers["x-url"] == "http://localhost:7071/api/s/7?x=1"
        assert answer.cookies == (
            Cookie("a", "b c", path="/", max_age=5, secure=False, http_only=True, same_site="Strict"),
        )
        assert response(await running.call("Stream", request(nothing="1"))).status == "204"
        failure = (await running.call("Stream", request(fail="1"))).failure
        assert failure and failure.message == "failed while streaming"


async def test_the_v3_model_of_the_package_runs_as_well(tmp_path: Path) -> None:
    write_file(tmp_path / "host.json", '{"version": "2.0"}')
    write_file(tmp_path / "package.json", '{"main": "setup.js"}')
    write_file(tmp_path / "setup.js", "require('@azure/functions').setup();")
    source = """module.exports = async (context, req) => {
      const { version } = require('@azure/functions-core').getProgrammingModel();
      context.log('of', version);
      context.res = { body: { version, text: req.body, form: req.parseFormBody().length }, cookies: [{ name: 'a',
        value: 'b', expires: new Date(1767225600000), sameSite: 'Strict' }] };
    };"""
    write_function(tmp_path / "Hello", source, HTTP, RES, file="index.js")
    async with bench(link_packages(tmp_path, "v3"), **NODE) as running:
        sent = get(b"a=1&b=2", {"content-type": "application/x-www-form-urlencoded"})
        outcome = await running.call("Hello", sent, invocation="real")
    assert outcome.outputs["res"] == HttpResponse(
        "", {}, Json('{"version":"3.5.2","text":"a=1&b=2","form":2}'),
        (Cookie("a", "b", expires=1767225600, same_site="Strict"),),
    )  # fmt: skip
    assert "of 3.5.2" in [record.message for record in running.heard.records if record.invocation == "real"]
