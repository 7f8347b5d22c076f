"""The v3 model in a real Node worker: what a function is handed, and what it may answer (platform/node-worker.md 2)."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Cookie, Event, HttpRequest, HttpResponse, Json, Outcome, Value
from fnhost.host.errors import TimedOut, WorkerCrashed
from fnhost.host.logging.log import Level
from fnhost.host.worker import Invocation, RetryContext
from tests.support.node import HTTP, NODE, RES, write_v3
from tests.support.workers import Bench, bench, get, write_function

pytestmark = pytest.mark.anyio
RETURN = {**RES, "name": "$return"}
QUEUE = {"name": "item", "type": "queueTrigger", "direction": "in", "queueName": "work", "connection": ""}
TIMER = {"name": "tick", "type": "timerTrigger", "direction": "in", "schedule": "0 * * * * *"}
BLOB = {"name": "file", "type": "blob", "direction": "in", "path": "c/b", "connection": ""}
TABLE = {"name": "rows", "type": "table", "direction": "in", "tableName": "t", "connection": ""}
OUT = {"name": "message", "type": "queue", "direction": "out", "queueName": "work", "connection": ""}
COPY = {"name": "copy", "type": "blob", "direction": "out", "path": "c/b", "connection": ""}
ACTIVITY = {"name": "name", "type": "activityTrigger", "direction": "in"}

RESPONSES: Mapping[str, tuple[str, HttpResponse]] = {
    "Untouched": ("async () => {}", HttpResponse()),
    "Object": ("async (c) => { c.res = { status: 201, body: 'made', headers: { 'X-One': 1 } }; }",
               HttpResponse("201", {"X-One": "1"}, "made")),
    "StatusCode": ("async (c) => { c.res = { statusCode: '202', status: 500, body: { a: 1 } }; }",
                   HttpResponse("202", {}, Json('{"a":1}'))),
    "Builder": ("(c) => { c.res.status(203).set('X-Two', 'b').type('text/html').send('<p>'); }",
                HttpResponse("203", {"x-two": "b", "content-type": "text/html"}, "<p>")),
    "Json": ("(c) => { c.res.json([1, { a: null }]); }",
             HttpResponse("", {"content-type": "application/json; charset=utf-8"}, Json('[1,{"a":null}]'))),
    "SendStatus": ("(c) => { c.res.sendStatus(404); }", HttpResponse("404")),
    "Header": ("(c) => { c.res.header('A', '1').setHeader('B', c.res.get('a') + c.res.getHeader('A'))"
               ".removeHeader('A').end(); }", HttpResponse("", {"b": "11"})),
    "Buffer": ("(c) => { c.res.end(Buffer.from([0, 255])); }",
               HttpResponse("", {"content-type": "application/octet-stream"}, b"\x00\xff")),
    "TypedBuffer": ("(c) => { c.res.type('image/x').send(Buffer.from([1])); }",
                    HttpResponse("", {"content-type": "image/x"}, b"\x01")),
    "View": ("async (c) => { c.res = { body: new Uint16Array([258]) }; }", HttpResponse("", {}, b"\x02\x01")),
    "Numbers": ("async (c) => { c.res = { body: 4.5 }; }", HttpResponse("", {}, 4.5)),
    "Bindings": ("async (c) => { c.res.status(500); c.bindings.res = { body: 'bound' }; }",
                 HttpResponse("", {}, "bound")),
    "Named": ("async () => ({ res: { status: 418 }, other: 1 })", HttpResponse("418")),
    "Done": ("(c) => { setImmediate(() => c.done(null, { res: { body: 'done' } })); }", HttpResponse("", {}, "done")),
    "Negotiated": ("async (c) => { c.res = { body: {}, enableContentNegotiation: true }; }",
                   HttpResponse("", {}, Json("{}"), negotiate=True)),
    "Cookies": (
        "async (c) => { c.res = { cookies: ["
        "{ name: 'a', value: '1', domain: 'example.com', path: '/p', maxAge: '60', secure: true, httpOnly: true,"
        " sameSite: 'Lax' }, { name: 'b', value: '2', sameSite: 'None', expires: new Date(1767225600000) },"
        "{ name: 'c', value: '3', sameSite: 'Strict', expires: 1767225600000 }] }; }",
        HttpResponse(cookies=(
            Cookie("a", "1", "example.com", "/p", None, 60, True, True, "Lax"),
            Cookie("b", "2", expires=1767225600, same_site="ExplicitNone"),
            Cookie("c", "3", expires=1767225600, same_site="Strict"),
        )),
    ),
}  # fmt: skip
"""What a function does with its output `res`, and the response that comes of it."""

ECHO = """
module.exports = async function (context, req) {
  const kind = (value) => Buffer.isBuffer(value) ? 'Buffer' : value === null ? 'null' : typeof value;
  const { method, url, originalUrl, headers, query, params, user } = req;
  const same = req === context.req && req === context.bindings.req;
  const told = { method, url, originalUrl, headers, query, params, user, same, header: req.get('X-A') };
  const body = { kind: kind(req.body), body: req.body, raw: req.rawBody, size: req.bufferBody?.length };
  context.res = { body: { ...told, ...body } };
};
"""
FORM = """
module.exports = async function (context, req) {
  const form = req.parseFormBody();
  const parts = [...form].map(([name, part]) => [name, part.value.toString('latin1'), part.fileName, part.contentType]);
  const told = { parts, length: form.length, has: form.has('a'), all: form.getAll('a').length, none: form.get('none') };
  context.res = { body: told };
};
"""
CONTEXT = """
module.exports = async function (context) {
  const { invocationId, executionContext, traceContext, bindingDefinitions, bindingData } = context;
  context.res = { body: { invocationId, executionContext, traceContext, bindingDefinitions, bindingData,
    cwd: process.cwd(), secrets: Object.keys(process.env).filter((name) => name.startsWith('FNHOST')) } };
};
"""
INPUTS = """
module.exports = async function (context, item, file, raw, rows) {
  return { item, file, raw: raw && raw.toString('hex'), rows, named: Object.keys(context.bindings),
    data: context.bindingData, empty: context.bindings.nothing === null };
};
"""
TURN = """
module.exports = async function (context) {
  context.bindingData.context.input.name = 'changed';
  return { data: context.bindingData, context: context.bindings.context };
};
"""
OUTPUTS = """
module.exports = async function (context, req) {
  context.bindings.message = [{ a: 1 }];
  context.bindings.copy = Buffer.from([0, 255]);
  if (req.query.none) context.bindings = { message: null, copy: undefined, res: null };
  if (req.query.message) return { message: req.query.message, unknown: 1 };
};
"""
LOGS = """
module.exports = async function (context, req) {
  context.log('at log', { a: 1 });
  context.log.verbose('at verbose');
  console.log('printed %s', 'out');
  context.log.info('at %s', 'info');
  context.log.warn('at warn');
  console.error('an error\\nand a warning');
  context.log.error(new Error('at error').message);
  process.stdout.write('in ');
  process.stdout.write('pieces\\n');
  process.stdout.write('without an end');
};
"""
AFTER = "module.exports = async (context) => { setImmediate(() => setImmediate(() => context.log('too late'))); };"
TWICE = "module.exports = (context) => { context.done(); context.done(); };"
BOTH = "module.exports = async (context) => { context.done(null, { res: { body: 'first' } }); return 1; };"
NEVER = "module.exports = (context) => { context.res = { body: 'nobody waits for this' }; };"
FAILS = """
module.exports = (context, req) => {
  if (req.query.how === 'sync') throw new TypeError('at once');
  if (req.query.how === 'done') return context.done(new RangeError('by done'));
  if (req.query.how === 'text') return Promise.reject('a text');
  if (req.query.how === 'nothing') return Promise.reject();
  if (req.query.how === 'cause') return Promise.reject(new Error('outer', { cause: new Error('inner') }));
  if (req.query.how === 'response') return context.done(null, { res: 'no object' });
  if (req.query.how === 'cookie') return context.done(null, { res: { cookies: [{ name: 1 }] } });
  return new Promise((_, reject) => setImmediate(() => reject(new Error('later'))));
};
"""
ENDS = """
module.exports = (context, req) => {
  context.log('before the end');
  if (req.query.how === 'exit') setImmediate(() => process.exit(3));
  if (req.query.how === 'throw') setTimeout(() => { throw new Error('thrown to nobody'); }, 1);
  if (req.query.how === 'reject') Promise.reject(new Error('rejected to nobody'));
};
"""
HUGE = "module.exports = async (context) => { context.res = { body: Buffer.alloc(270_000_000) }; };"
FLOOD = """
module.exports = async (context) => {
  for (let number = 0; number < 20_000; number++) context.log(`line ${number} ${'x'.repeat(100)}`);
};
"""
TOGETHER = """
let here = [];
module.exports = async function (context, req) {
  await new Promise((resolve) => { here.push(resolve); if (here.length === 8) here.forEach((each) => each()); });
  context.log('after');
  context.res = { body: 'all here' };
};
"""


@pytest.fixture(scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    sources = {name: f"module.exports = {source};" for name, (source, _) in RESPONSES.items()}
    sources |= {"Echo": ECHO, "Form": FORM, "Context": CONTEXT, "Logs": LOGS, "After": AFTER, "Twice": TWICE}
    sources |= {
        "Both": BOTH,
        "Never": NEVER,
        "Fails": FAILS,
        "Ends": ENDS,
        "Together": TOGETHER,
        "Huge": HUGE,
        "Flood": FLOOD,
    }
    root = write_v3(tmp_path_factory.mktemp("v3"), **sources)
    write_function(root / "Returned", "module.exports = async (c, req) => req.body;", HTTP, RETURN, file="index.js")
    raw, nothing = {**BLOB, "name": "raw", "dataType": "binary"}, {**BLOB, "name": "nothing"}
    turn = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
    write_function(root / "Turn", TURN, turn, file="index.js")
    write_function(root / "Inputs", INPUTS, QUEUE, BLOB, raw, TABLE, nothing, file="index.js")
    write_function(root / "Outputs", OUTPUTS, HTTP, RES, OUT, COPY, file="index.js")
    write_function(root / "Tick", "module.exports = async (context, tick) => tick;", TIMER, file="index.js")
    activity = "module.exports = async (context) => context.bindings.name;"
    write_function(root / "Activity", activity, ACTIVITY, file="index.js")
    async with bench(root, **NODE) as running:
        assert running.failures == {}
        yield running


def returned(outcome: Outcome) -> Any:
    assert outcome.failure is None
    assert isinstance(outcome.returned, Json)
    return json.loads(outcome.returned.text)


def response(outcome: Outcome) -> Value:
    assert outcome.failure is None
    return outcome.outputs["res"]


def body(outcome: Outcome) -> Any:
    found = response(outcome)
    assert isinstance(found, HttpResponse) and isinstance(found.body, Json)
    return json.loads(found.body.text)


def failure(outcome: Outcome) -> tuple[str, str]:
    assert outcome.failure
    return outcome.failure.message, outcome.failure.stack


@pytest.mark.parametrize("name", RESPONSES)
async def test_a_response_in_each_of_its_forms(worker: Bench, name: str) -> None:
    assert response(await worker.call(name, get())) == RESPONSES[name][1]


async def test_a_request_has_all_its_members(worker: Bench) -> None:
    sent = HttpRequest(
        "PUT",
        "http://localhost:7071/api/x/42?a=1,2&flag=",
        {"x-a": "b", "x-empty": ""},
        {"a": "1,2", "flag": ""},
        {"id": "42"},
    )
    assert body(await worker.call("Echo", sent)) == {
        "method": "PUT",
        "url": sent.url,
        "originalUrl": sent.url,
        "headers": {"x-a": "b"},
        "query": {"a": "1,2", "flag": ""},
        "params": {"id": "42"},
        "user": None,
        "same": True,
        "header": "b",
        "kind": "undefined",
    }


@pytest.mark.parametrize(
    ("sent", "content_type", "kind", "value"),
    [
        (b"123", "text/plain", "number", 123),
        (b"true", "", "boolean", True),
        (b"null", "", "null", None),
        (b'"quoted"', "", "string", "quoted"),
        (b'{"a": [1]}', "text/html", "object", {"a": [1]}),
        (b"plain text", "application/json", "string", "plain text"),
        ("grüße".encode(), "", "string", "grüße"),
        (b"\xef\xbb\xbf[1]", "", "object", [1]),
        ("grüße".encode("utf-16"), "", "string", "grüße"),
        (b"\xfe\xff" + "grüße".encode("utf-16-be"), "", "string", "grüße"),
        ("grüße😀".encode("utf-32"), "", "string", "grüße😀"),
    ],
)
async def test_a_body_is_read_as_json_whatever_its_type(
    worker: Bench, sent: bytes, content_type: str, kind: str, value: object
) -> None:
    told = body(await worker.call("Echo", get(sent, {"content-type": content_type} if content_type else {})))
    assert (told["kind"], told["body"], told["size"]) == (kind, value, len(sent))
    assert isinstance(told["raw"], str)


@pytest.mark.parametrize("content_type", ["application/octet-stream", "multipart/mixed; boundary=x", "Multipart/Form"])
async def test_a_body_of_bytes_stays_one(worker: Bench, content_type: str) -> None:
    told = body(await worker.call("Echo", get(b"123", {"content-type": content_type})))
    assert (told["kind"], told["raw"]) == ("Buffer", "123")


async def test_who_called_is_read_from_headers(worker: Bench) -> None:
    headers = {
        "x-ms-client-principal": "eyJ1c2VySWQiOiAidSJ9",
        "x-ms-client-principal-id": "1",
        "x-ms-client-principal-name": "Ada",
        "x-ms-client-principal-idp": "aad",
    }
    told = body(await worker.call("Echo", get(None, headers)))["user"]
    assert told == {
        "type": "AppService",
        "id": "1",
        "username": "Ada",
        "identityProvider": "aad",
        "claimsPrincipalData": {"userId": "u"},
    }


MULTIPART = (
    b'--x-y\r\nContent-Disposition: form-data; name="a"\r\n\r\nAda\r\n'
    b'--x-y\r\nContent-Disposition: form-data; name="up"; filename="a;\\"b.bin"\r\nContent-Type: image/x\r\n\r\n'
    b"\x00\r\n\xff\r\n--x-y--\r\n"
)


async def test_a_form_with_a_file_is_read(worker: Bench) -> None:
    told = body(await worker.call("Form", get(MULTIPART, {"content-type": 'multipart/form-data; boundary="x-y"'})))
    assert told["parts"] == [["a", "Ada", None, None], ["up", "\x00\r\n\xff", 'a;"b.bin', "image/x"]]
    assert (told["length"], told["has"], told["all"], told["none"]) == (2, True, 1, None)


async def test_a_urlencoded_form_is_read(worker: Bench) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    told = body(await worker.call("Form", get(b"a=1&b=x+y%21&a=2", headers)))
    assert [part[:2] for part in told["parts"]] == [["a", "1"], ["b", "x y!"], ["a", "2"]]
    assert told["all"] == 2


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, '"content-type" header must be defined.'),
        ({"content-type": "text/plain"}, 'Media type "text/plain" does not match types supported for form parsing'),
        ({"content-type": "multipart/form-data"}, 'Failed to find parameter with name "boundary".'),
        ({"content-type": "multipart/form-data; boundary=z"}, 'Expected form data to start with boundary "z".'),
    ],
)
async def test_what_is_no_form_is_told(worker: Bench, headers: Mapping[str, str], text: str) -> None:
    message, _ = failure(await worker.call("Form", get(MULTIPART, headers)))
    assert text in message


async def test_a_return_binding_is_the_result_alone(worker: Bench) -> None:
    outcome = await worker.call("Returned", get(b'{"status": 201, "body": "made"}'))
    assert outcome.outputs == {"$return": HttpResponse("201", {}, "made")}
    assert (await worker.call("Returned", get())).outputs == {}
    message, _ = failure(await worker.call("Returned", get(b"text")))
    assert message.startswith("The HTTP response must be an 'object' type")


async def test_inputs_come_in_order_and_are_read_as_json(worker: Bench) -> None:
    inputs = {"file": "7", "raw": b"\xff", "rows": Json('[{"a":1}]'), "nothing": None}
    metadata = {"QueueTrigger": "x", "DequeueCount": 3, "Properties": Json('{"ETag":"e","Sub":{"Name":1}}')}
    outcome = await worker.call("Inputs", '{"a": 1}', inputs, metadata, invocation="the-id")
    assert returned(outcome) == {
        "item": {"a": 1},
        "file": 7,
        "raw": "ff",
        "rows": [{"a": 1}],
        "named": ["item", "file", "raw", "rows", "nothing"],
        "data": {
            "invocationId": "the-id",
            "queueTrigger": "x",
            "dequeueCount": 3,
            "properties": {"eTag": "e", "sub": {"name": 1}},
        },
        "empty": True,
    }


async def test_an_orchestrator_reads_its_input_from_the_binding_data(worker: Bench) -> None:
    """A copy, so that what user code writes there reaches no replay."""
    given = {"input": {"Name": "Ada", "all": [1]}, "instanceId": "one", "history": [{"EventId": 1}], "parent": None}
    told = returned(await worker.call("Turn", json.dumps(given)))
    assert told == {
        "data": {
            "invocationId": told["data"]["invocationId"],
            "context": {**given, "input": {"name": "changed", "all": [1]}},
            "input": {"name": "Ada", "all": [1]},
            "instanceId": "one",
        },
        "context": given,
    }


async def test_outputs_are_named_and_the_result_wins(worker: Bench) -> None:
    outcome = await worker.call("Outputs", get())
    assert outcome.outputs == {"res": HttpResponse(), "message": Json('[{"a":1}]'), "copy": b"\x00\xff"}
    assert (await worker.call("Outputs", get(none="1"))).outputs == {"res": HttpResponse()}
    outcome = await worker.call("Outputs", get(message="returned"))
    assert outcome.outputs == {"res": HttpResponse(), "message": "returned", "copy": b"\x00\xff"}


async def test_a_timer_has_small_letters(worker: Bench) -> None:
    tick = Json('{"IsPastDue":true,"ScheduleStatus":{"Last":"2024-05-01T10:00:00+02:00"},"Schedule":null}')
    told = returned(await worker.call("Tick", tick))
    assert told == {"isPastDue": True, "scheduleStatus": {"last": "2024-05-01T10:00:00+02:00"}, "schedule": None}


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        ("text", "text"),
        ("5", 5),
        ("1.5", 1.5),
        ("0", 0),
        ('""', ""),
        ("false", Json("false")),
        ('{"a":1}', Json('{"a":1}')),
        (None, None),
        ("x" * 10_000, "x" * 10_000),
    ],
)
async def test_the_result_of_an_activity(worker: Bench, sent: str | None, answer: Value) -> None:
    assert await worker.call("Activity", sent) == Outcome({}, answer)


async def test_the_context_tells_about_the_invocation(worker: Bench) -> None:
    attempt = RetryContext(2, 5, "Error: before")
    told = body(await worker.call("Context", get(), invocation="the-id", attempt=attempt, metadata={"Name": "x"}))
    directory = str(worker.app.root / "Context")
    assert told["invocationId"] == "the-id"
    assert told["executionContext"] == {
        "invocationId": "the-id",
        "functionName": "Context",
        "functionDirectory": directory,
        "retryContext": {"retryCount": 2, "maxRetryCount": 5, "exception": {"message": "Error: before"}},
    }
    assert told["traceContext"] == {"traceparent": "00-parent", "tracestate": "state", "attributes": {}}
    assert told["bindingDefinitions"] == [
        {"name": "req", "type": "httptrigger", "direction": "in"},
        {"name": "res", "type": "http", "direction": "out"},
    ]
    data = told["bindingData"]
    assert (data["invocationId"], data["name"], data["sys"]["methodName"]) == ("the-id", "x", "Context")
    assert (data["headers"], data["query"]) == ({}, {})
    assert (told["cwd"], told["secrets"]) == (str(worker.app.root), [])


async def test_binding_data_has_the_values_of_a_request_by_name(worker: Bench) -> None:
    query = {"page": "3", "Id": "query", "code": "secret"}
    sent = HttpRequest(
        "POST", "http://x/y", {}, query, {"id": "42"}, b'{"Page": 1, "Deep": {"Inner": [2]}, "name": "x"}'
    )
    data = body(await worker.call("Context", sent))["bindingData"]
    found = {name: data[name] for name in data if name not in ("invocationId", "sys", "headers", "query")}
    assert found == {"page": 3, "id": 42, "deep": {"inner": [2]}, "name": "x"}


async def test_logs_and_prints_of_a_function_keep_their_order_and_its_invocation(worker: Bench) -> None:
    await worker.call("Logs", get(), invocation="logging")
    said = [record for record in worker.heard.records if record.invocation == "logging"]
    user, console = "Function.Logs.User", "Host.Function.Console"
    assert [(record.level, record.category, record.message) for record in said] == [
        (Level.INFORMATION, user, "at log { a: 1 }"),
        (Level.TRACE, user, "at verbose"),
        (Level.INFORMATION, console, "printed out"),
        (Level.INFORMATION, user, "at info"),
        (Level.WARNING, user, "at warn"),
        (Level.ERROR, console, "an error"),
        (Level.WARNING, console, "and a warning"),
        (Level.ERROR, user, "at error"),
        (Level.INFORMATION, console, "in pieces"),
        (Level.INFORMATION, console, "without an end"),
    ]
    assert {record.function for record in said} == {"Logs"}


async def test_a_log_after_the_end_is_told_about(worker: Bench) -> None:
    await worker.call("After", get(), invocation="late")
    await worker.heard.message("too late")
    record = await worker.heard.message("Unexpected call to 'log' on the context object after function execution")
    assert (record.level, "Function name: After. Invocation Id: late." in record.message) == (Level.WARNING, True)


async def test_done_counts_once(worker: Bench) -> None:
    await worker.call("Twice", get())
    record = await worker.heard.message("'done' has already been called.")
    assert record.level is Level.ERROR


async def test_a_promise_and_done_are_one_too_many(worker: Bench) -> None:
    assert response(await worker.call("Both", get())) == HttpResponse("", {}, "first")
    record = await worker.heard.message("Choose either to return a promise or call 'done'.")
    assert record.level is Level.ERROR


async def test_a_sync_function_that_never_calls_done_does_not_answer(worker: Bench) -> None:
    function = next(each for each in worker.app.functions if each.name == "Never")
    with pytest.raises(TimedOut):
        await worker.pool.call(Invocation("never", function, {"req": get()}, Event("Never", get(), "test"), limit=0.2))
    assert response(await worker.call("Untouched", get())) == HttpResponse()


@pytest.mark.parametrize(
    ("how", "message", "stack"),
    [
        ("sync", "at once", "TypeError: at once\n    at module.exports"),
        ("done", "by done", "RangeError: by done"),
        ("text", "a text", "Error: a text"),
        ("nothing", "Unknown error", "Error: Unknown error"),
        ("cause", "outer", "[cause]: Error: inner"),
        ("later", "later", "Error: later"),
        ("response", "The HTTP response must be an 'object' type", "Error: The HTTP response must be"),
        ("cookie", "A 'string' type was expected instead of a 'number' type. Cannot parse value of 'cookie.name'.", ""),
    ],
)
async def test_a_failure_is_an_outcome_with_the_users_stack(worker: Bench, how: str, message: str, stack: str) -> None:
    told, trace = failure(await worker.call("Fails", get(how=how)))
    assert told.startswith(message)
    assert stack in trace
    assert "languages/node" not in trace and "node:" not in trace


async def test_functions_run_at_the_same_time_and_keep_their_logs_apart(worker: Bench) -> None:
    answers = await asyncio.gather(*(worker.call("Together", get(), invocation=f"t-{n}") for n in range(8)))
    assert [response(answer) for answer in answers] == [HttpResponse("", {}, "all here")] * 8
    assert {record.invocation for record in worker.heard.records if record.message == "after"} == {
        f"t-{n}" for n in range(8)
    }


@pytest.mark.parametrize(
    ("how", "reason", "place"),
    [
        ("exit", "process.exit(3) was called in function 'Ends' (invocation exit-id)", "Ends/index.js:4"),
        ("throw", "Uncaught exception in function 'Ends' (invocation throw-id)", "Ends/index.js:5"),
        ("reject", "Unhandled rejection in function 'Ends' (invocation reject-id)", "Ends/index.js:6"),
    ],
)
async def test_the_end_of_a_process_is_told_with_its_function(
    tmp_path: Path, how: str, reason: str, place: str
) -> None:
    async with bench(write_v3(tmp_path, Ends=ENDS), **NODE) as running:
        with pytest.raises(WorkerCrashed) as died:
            await running.call("Ends", get(how=how), invocation=f"{how}-id")
        assert reason in str(died.value)
        told = await running.heard.until(lambda record: place in record.message)
        assert (told.level, told.invocation) == (Level.ERROR, f"{how}-id")
        assert told.message.startswith(reason)
        before = await running.heard.message("before the end")
        assert running.heard.records.index(before) < running.heard.records.index(told)


async def test_an_answer_that_is_too_long_is_a_failure(worker: Bench) -> None:
    outcome = await worker.call("Huge", get())
    assert outcome.failure
    assert outcome.failure.message.startswith(
        "The answer of the function Huge cannot be sent. RangeError: It takes 270"
    )
    assert response(await worker.call("Untouched", get())) == HttpResponse()


async def test_a_flood_of_logs_arrives_in_order(worker: Bench) -> None:
    """Faster than the host reads: the event loop of the worker does not turn meanwhile."""
    await worker.call("Flood", get(), invocation="flood")
    said = [record.message for record in worker.heard.records if record.invocation == "flood"]
    assert said == [f"line {number} {'x' * 100}" for number in range(20_000)]
