"""What every language worker keeps: values in and out, logs, failures, concurrency. Python under several versions."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fnhost.bindings.contract import Cookie, HttpResponse, Json, Outcome
from fnhost.bindings.http.response import render
from fnhost.host.logging.events import CONSOLE, Level
from fnhost.host.worker import RetryContext
from tests.support.interpreters import Interpreter, interpreter, names
from tests.support.workers import Bench, bench, get, write_app, write_file

pytestmark = pytest.mark.anyio
APP = Path(__file__).parent / "apps" / "worker"


@pytest.fixture(scope="module", params=names())
def python(request: pytest.FixtureRequest) -> Interpreter:
    return interpreter(request.param)


@pytest.fixture(scope="module")
async def worker(python: Interpreter) -> AsyncIterator[Bench]:
    packages = {"PYTHONPATH": str(python.packages)} if python.packages else {}
    async with bench(APP, python.executable, **packages) as running:
        yield running


def text_of(outcome: Outcome) -> str:
    assert outcome.failure is None
    assert isinstance(outcome.returned, str)
    return outcome.returned


def response_of(outcome: Outcome) -> HttpResponse:
    assert outcome.failure is None
    assert isinstance(outcome.returned, HttpResponse)
    return outcome.returned


def failure_of(outcome: Outcome) -> tuple[str, str]:
    assert outcome.failure
    return outcome.failure.message, outcome.failure.stack


async def test_every_function_of_the_app_loads(worker: Bench) -> None:
    assert worker.failures == {}


async def test_a_returned_text_is_the_return_value_and_the_return_binding(worker: Bench) -> None:
    outcome = await worker.call("Returns", get(kind="text"))
    assert outcome == Outcome({"$return": "grüße"}, "grüße")


async def test_a_returned_response_keeps_its_parts(worker: Bench) -> None:
    response = response_of(await worker.call("Returns", get(kind="response")))
    assert (response.status, response.body) == ("201", b"made")
    assert response.headers == {"X-One": "1", "content-type": "text/plain; charset=utf-8"}
    response = response_of(await worker.call("Returns", get(kind="json")))
    assert response.headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("kind", "type_"), [("bytes", "bytes"), ("dict", "dict"), ("number", "int"), ("none", "NoneType")]
)
async def test_what_is_no_response_cannot_be_returned(worker: Bench, kind: str, type_: str) -> None:
    message, _ = failure_of(await worker.call("Returns", get(kind=kind)))
    assert message.startswith("TypeError: unable to encode outgoing TypedData: unsupported type")
    assert type_ in message


async def test_a_request_arrives_with_all_its_parts(worker: Bench) -> None:
    body = bytes(range(256))
    response = response_of(await worker.call("Echo", get(body, {"content-type": "image/x"})))
    assert response.body == body
    assert response.headers == {"Content-Type": "image/x", "X-Method": "GET", "X-Id": "42"}


async def test_a_large_body_comes_back_whole(worker: Bench) -> None:
    body = b"grossartig" * 2_000_000
    response = response_of(await worker.call("Echo", get(body, {"content-type": "a/b"})))
    assert response.body == body


async def test_a_request_without_a_body_has_an_empty_one(worker: Bench) -> None:
    assert response_of(await worker.call("Echo", get(None, {"content-type": "a/b"}))).body == b""


async def test_cookies_are_apart_from_headers(worker: Bench) -> None:
    response = await set_cookies(
        worker,
        "a=1; Path=/; Max-Age=60; Secure; HttpOnly; SameSite=Lax",
        "b=2; Domain=example.com; Expires=Thu, 01 Jan 2026 00:00:00 GMT",
    )
    assert "Set-Cookie" not in response.headers
    assert response.cookies == (
        Cookie("a", "1", "", "/", max_age=60, secure=True, http_only=True, same_site="Lax"),
        Cookie("b", "2", "example.com", "", expires=1767225600.0),
    )


async def set_cookies(worker: Bench, *headers: str) -> HttpResponse:
    return response_of(await worker.call("Cookies", get(cookies="|".join(headers))))


async def test_zero_deletes_a_cookie(worker: Bench) -> None:
    response = await set_cookies(worker, "a=; Max-Age=0", "b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT")
    assert response.cookies == (Cookie("a", "", "", "", max_age=0), Cookie("b", "", "", "", expires=0.0))


@pytest.mark.parametrize("date", ["Thu, 12-Jan-2017 13:55:08 GMT", "2017-01-12T13:55:08Z", "2017-01-12 14:55:08+01:00"])
async def test_an_expiry_has_any_common_form(worker: Bench, date: str) -> None:
    (cookie,) = (await set_cookies(worker, f'a=1; Expires="{date}"; Max-Age=1.5')).cookies
    assert (cookie.expires, cookie.max_age) == (1484229308.0, 1)


async def test_a_cookie_is_written_with_its_empty_attributes(worker: Bench) -> None:
    assert render(await set_cookies(worker, "foo=bar")).headers[-1] == (b"set-cookie", b"foo=bar; domain=; path=")


async def test_what_cannot_be_read_of_a_cookie_is_told_and_left_out(worker: Bench) -> None:
    response = await set_cookies(worker, "a=1; Expires=soon; Path=/x", "b=2; Max-Age=long", "c=3; Max-Age=inf")
    expected = (Cookie("a", "1", "", "/x"), Cookie("b", "2", "", ""), Cookie("c", "3", "", ""))
    assert response.cookies == expected
    told = await worker.heard.message("Can not parse value soon of expires in the cookie a")
    assert told.level == Level.ERROR
    await worker.heard.message("Can not parse value inf of max-age in the cookie c")


async def test_a_form_with_a_file_is_read(worker: Bench) -> None:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nAda\r\n'
        b'--x\r\nContent-Disposition: form-data; name="upload"; filename="a.bin"\r\n\r\n\x00\xff\r\n--x--\r\n'
    )
    request = get(body, {"content-type": "multipart/form-data; boundary=x"})
    assert text_of(await worker.call("Form", request)) == "Ada a.bin 2"


async def test_without_a_return_binding_nothing_may_be_returned(worker: Bench) -> None:
    assert await worker.call("Silent", get()) == Outcome()
    message, _ = failure_of(await worker.call("Silent", get(value="x")))
    assert message == "RuntimeError: function 'Silent' without a $return binding returned a non-None value"


async def test_outputs_are_named_and_unset_ones_absent(worker: Bench) -> None:
    outcome = await worker.call("Outputs", get())
    response = outcome.outputs["res"]
    assert isinstance(response, HttpResponse)
    assert response.body == b"through Out"
    assert {name: value for name, value in outcome.outputs.items() if name != "res"} == {
        "messages": Json('["one", "two"]'),
        "file": b"\x00\xff",
        "entity": '{"a": 1}',
        "$return": "to the queue",
    }


async def test_inputs_and_trigger_metadata_reach_their_parameters(worker: Bench) -> None:
    metadata = {
        "Id": "message-1",
        "DequeueCount": 3,
        "InsertionTime": Json('"2024-05-01T10:00:00+00:00"'),
        "PopReceipt": None,
    }
    inputs = {"file": "grüße", "raw": b"\xff", "rows": Json('[{"a":1}]')}
    outcome = await worker.call("Inputs", "hello", inputs, metadata)
    assert json.loads(text_of(outcome)) == {
        "body": "hello",
        "id": "message-1",
        "count": 3,
        "inserted": "2024-05-01T10:00:00+00:00",
        "file": "grüße",
        "raw": "b'\\xff'",
        "rows": '[{"a":1}]',
    }


async def test_a_blob_trigger_is_a_stream_with_properties(worker: Bench) -> None:
    metadata = {"BlobTrigger": "c/a.txt", "Properties": Json('{"ContentLength": 4}'), "Metadata": Json('{"a": "b"}')}
    assert text_of(await worker.call("Blob", b"blob", metadata=metadata)) == "c/a.txt 4 b b'blob'"


async def test_a_timer_is_read_from_json(worker: Bench) -> None:
    tick = Json('{"IsPastDue": true, "ScheduleStatus": {"Next": "soon"}}')
    assert text_of(await worker.call("Timer", tick)) == "True soon"


@pytest.mark.parametrize(
    ("sent", "given"), [('{"a": 1}', {"a": 1}), ("plain", "plain"), (None, None), ("x" * 10_000, "x" * 10_000)]
)
async def test_an_activity_answers_without_a_return_binding(worker: Bench, sent: str | None, given: object) -> None:
    outcome = await worker.call("Activity", sent)
    assert isinstance(outcome.returned, Json)
    assert json.loads(outcome.returned.text) == {"given": given}
    assert outcome.outputs == {}


async def test_the_context_tells_about_the_invocation(worker: Bench, python: Interpreter) -> None:
    attempt = RetryContext(2, 5, "ValueError: before")
    told = json.loads(text_of(await worker.call("Context", get(), invocation="the-id", attempt=attempt)))
    assert (told["invocation"], told["thread"], told["name"]) == ("the-id", "the-id", "Context")
    assert told["directory"] == str(APP / "Context")
    assert told["trace"] == ["00-parent", "state"]
    assert told["retry"] == [2, 5, "ValueError: before"]
    assert told["module"] == "__app__.Context"
    assert told["python"] == python.executable


async def test_the_worker_program_leaves_no_trace_in_its_surroundings(worker: Bench) -> None:
    told = json.loads(text_of(await worker.call("Context", get())))
    assert told["folder"] == str(APP)
    assert str(APP) in told["path"]
    assert not [entry for entry in told["path"] if "languages" in entry]
    assert told["own"] == []
    assert told["version"].startswith("3.")


async def test_sync_functions_run_at_the_same_time(worker: Bench) -> None:
    answers = await asyncio.gather(*(worker.call("Together", get()) for _ in range(8)))
    assert sorted(map(text_of, answers)) == [str(n) for n in range(8)]


async def test_async_functions_run_at_the_same_time(worker: Bench) -> None:
    answers = await asyncio.gather(*(worker.call("TogetherAsync", get()) for _ in range(8)))
    assert set(map(text_of, answers)) == {"all here"}


async def test_logs_belong_to_their_invocation_and_come_before_its_answer(worker: Bench) -> None:
    assert await worker.call("Logs", get(), invocation="logging") == Outcome()
    said = [
        (record.level, record.message, record.function, record.category)
        for record in worker.heard.records
        if record.invocation == "logging"
    ]
    category = "Function.Logs.User"
    assert [each for each in said if each[3] != CONSOLE and "traceback" not in each[1]] == [
        (Level.DEBUG, "at debug", "Logs", category),
        (Level.INFORMATION, "at info: grüße", "Logs", category),
        (Level.WARNING, "at warning", "Logs", category),
        (Level.INFORMATION, "from a thread of ours", "Logs", category),
    ]
    assert any("ZeroDivisionError: division by zero" in message for _, message, _, _ in said)


async def test_a_log_of_nobody_is_not_lost(worker: Bench) -> None:
    await worker.call("Logs", get())
    record = await worker.heard.message("from a thread of nobody")
    assert (record.category, record.invocation) == ("Function.User", "")


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("printed", Level.INFORMATION),
        ("a warning on stderr", Level.WARNING),
        ("an error on stderr", Level.ERROR),
    ],
)
async def test_what_is_printed_is_said_line_by_line(worker: Bench, line: str, level: Level) -> None:
    await worker.call("Logs", get())
    record = await worker.heard.until(lambda record: record.message == line)
    assert (record.category, record.level, record.function) == (CONSOLE, level, "Logs")


async def test_interleaved_async_functions_keep_their_logs_apart(worker: Bench) -> None:
    await asyncio.gather(*(worker.call("LogsAsync", get(n=str(n)), invocation=f"async-{n}") for n in range(5)))
    for n in range(5):
        said = [record.message for record in worker.heard.records if record.invocation == f"async-{n}"]
        assert said == [f"before {n}", f"after {n}"]


async def test_a_failure_is_an_outcome_with_the_users_traceback(worker: Bench) -> None:
    message, stack = failure_of(await worker.call("Fails", get(how="plainly")))
    assert message == "KeyError: 'missing'"
    assert stack.startswith("Traceback (most recent call last):")
    assert str(APP / "Fails" / "__init__.py") in stack
    assert "_fnhost_worker" not in stack


async def test_a_failure_tells_its_cause(worker: Bench) -> None:
    message, stack = failure_of(await worker.call("Fails", get(how="chained")))
    assert message == "Wrong: grüße"
    assert "KeyError: 'missing'" in stack


async def test_an_async_failure_is_an_outcome(worker: Bench) -> None:
    message, _ = failure_of(await worker.call("FailsAsync", get()))
    assert message == "ValueError: later"


async def test_sys_exit_ends_the_invocation_alone(worker: Bench) -> None:
    message, _ = failure_of(await worker.call("Fails", get(how="exit")))
    assert message == "SystemExit: 3"
    assert text_of(await worker.call("Returns", get(kind="text")))


async def test_shared_code_is_imported_in_every_way(worker: Bench) -> None:
    assert text_of(await worker.call("Imports", get())) == "sibling xx deepdeep toplevel"


async def test_a_function_in_the_functions_folder_sees_its_neighbours(worker: Bench) -> None:
    assert text_of(await worker.call("Nested", get())) == "nearby __app__.Nested"


async def test_script_and_entry_point_are_what_function_json_says(worker: Bench) -> None:
    assert text_of(await worker.call("Script", get())) == "__app__.Script.handler"


async def test_the_host_uses_its_own_python_when_nothing_else_is_said() -> None:
    async with bench(APP) as running:
        told = json.loads(text_of(await running.call("Context", get())))
    assert told["python"] == sys.executable


HOSTILE = {
    "TextRaises": "def __str__(self): raise ValueError('no text')",
    "TextEndsAll": "def __str__(self): raise SystemExit(3)",
    "TextIsNone": "def __str__(self): return None",
    "TextIsItself": "def __str__(self): raise self",
    "NoName": "__str__ = None",
}
REPR = "class Item:\n    def __repr__(self): raise KeyboardInterrupt\ndef main(req): raise Exception(Item(), 2)"


async def test_an_exception_without_texts_is_a_failure_as_others_are(tmp_path: Path, python: Interpreter) -> None:
    packages = {"PYTHONPATH": str(python.packages)} if python.packages else {}
    sources = {
        f"{name}{kind.strip()}": f"class Bad(Exception):\n    {text}\n{kind}def main(req): raise Bad(1)"
        for name, text in HOSTILE.items()
        for kind in ("", "async ")
    }
    write_app(tmp_path, Items=REPR, **sources)
    async with bench(tmp_path, python.executable, **packages) as running:
        for name in ("Items", *sources):
            async with asyncio.timeout(10):
                message, stack = failure_of(await running.call(name, get()))
            assert message == f"{'Exception' if name == 'Items' else 'Bad'}: <exception str() failed>"
            assert f"{name}{os.sep}__init__.py" in stack


EXTENSION = """
import azure.functions as func
class App(func.AppExtensionBase):
    @classmethod
    def post_function_load_app_level(cls, function_name, function_directory, *args, **kwargs):
        print(f"app: loaded {function_name}")
    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args, *args, **kwargs):
        context.seen = ["app"]
    @classmethod
    def post_invocation_app_level(cls, logger, context, func_args, func_ret, *args, **kwargs):
        print(f"app: {context.seen} {sorted(func_args)} {func_ret}")
        raise ValueError("a broken hook")
class Own(func.FuncExtensionBase):
    def __init__(self, file_path):
        super().__init__(file_path)
    def post_function_load(self, function_name, function_directory, *args, **kwargs):
        print(f"own: loaded {function_name}")
    def pre_invocation(self, logger, context, func_args, *args, **kwargs):
        context.seen.append("own")
    def post_invocation(self, logger, context, func_args, func_ret, *args, **kwargs):
        print(f"own: {context.seen} {func_ret}")
"""
USER = """
from ..extension import Own
Own(__file__)
{}def main(req, context): return " ".join(getattr(context, "seen", []))
"""


async def test_worker_extensions_stand_around_loads_and_calls(tmp_path: Path, python: Interpreter) -> None:
    packages = {"PYTHONPATH": str(python.packages)} if python.packages else {}
    write_app(tmp_path, Plain=USER.format(""), Async=USER.format("async "))
    write_file(tmp_path / "extension.py", EXTENSION)
    async with bench(tmp_path, python.executable, PYTHON_ENABLE_WORKER_EXTENSIONS="1", **packages) as running:
        assert running.failures == {}
        for name in ("Plain", "Async"):
            assert text_of(await running.call(name, get())) == "app own"
            for line in (f"app: loaded {name}", f"own: loaded {name}"):
                await running.heard.message(line)
        await running.heard.message("own: ['app', 'own'] app own")
        await running.heard.message("app: ['app', 'own'] ['context', 'req'] app own")
        told = await running.heard.message("The post_invocation_app_level of the worker extension App failed.")
        assert "ValueError: a broken hook" in told.message
    async with bench(tmp_path, python.executable, PYTHON_ENABLE_WORKER_EXTENSIONS="0", **packages) as running:
        assert text_of(await running.call("Plain", get())) == ""
        said = [record for record in running.heard.records if "their hooks are not called" in record.message]
        assert len(said) == 1


TRACED = """
from opentelemetry import trace
{}def main(req): return trace.get_current_span().get_span_context().trace_id.to_bytes(16, "big").hex()
"""


@pytest.mark.parametrize("setting", ["PYTHON_ENABLE_OPENTELEMETRY", "PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY"])
async def test_the_callers_trace_is_the_parent_with_opentelemetry(tmp_path: Path, setting: str) -> None:
    write_app(tmp_path, Plain=TRACED.format(""), Async=TRACED.format("async "))
    async with bench(tmp_path, **{setting: "true"}) as running:
        assert running.failures == {}
        for name in ("Plain", "Async"):
            for trace in ("1" * 32, "2" * 32):
                assert text_of(await running.call(name, get(), trace_parent=f"00-{trace}-{'3' * 16}-01")) == trace


async def test_without_the_setting_the_callers_trace_is_no_parent(tmp_path: Path) -> None:
    write_app(tmp_path, Plain=TRACED.format(""))
    async with bench(tmp_path) as running:
        assert text_of(await running.call("Plain", get(), trace_parent=f"00-{'1' * 32}-{'3' * 16}-01")) == "0" * 32


async def test_opentelemetry_without_its_packages_is_told(tmp_path: Path) -> None:
    write_file(tmp_path / "first" / "opentelemetry.py", "")  # stands before the package, and has nothing of it
    (tmp_path / "app").mkdir()
    write_app(tmp_path / "app", Hello="def main(req): return 'hello'")
    settings = {"PYTHONPATH": str(tmp_path / "first"), "PYTHON_ENABLE_OPENTELEMETRY": "1"}
    async with bench(tmp_path / "app", **settings) as running:
        assert text_of(await running.call("Hello", get())) == "hello"
        await running.heard.message("Install opentelemetry-api.")


LEVELS = """
import logging
def main(req): return str(logging.getLogger().getEffectiveLevel())
"""


@pytest.mark.parametrize(("value", "level"), [("true", 10), (" Yes ", 10), ("1", 10), ("0", 20), ("nonsense", 20)])
async def test_debug_logging_is_switched_as_on_the_platform(tmp_path: Path, value: str, level: int) -> None:
    async with bench(write_app(tmp_path, Level=LEVELS), PYTHON_ENABLE_DEBUG_LOGGING=value) as running:
        assert text_of(await running.call("Level", get())) == str(level)


async def test_a_thread_count_that_is_no_number_does_not_end_the_worker(tmp_path: Path) -> None:
    write_app(tmp_path, Hello="def main(req): return 'hello'")
    async with bench(tmp_path, PYTHON_THREADPOOL_THREAD_COUNT="many") as running:
        assert text_of(await running.call("Hello", get())) == "hello"


DECLARED = """
import importlib.metadata, json, sys
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
@app.route(route="sdk/{id}")
def sdk(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    found = [importlib.metadata.version("azure-functions"), list(sys.version_info[:2]), req.route_params["id"]]
    return func.HttpResponse(json.dumps(found), headers={"x-name": context.function_name})
@app.function_name("later")
@app.route(route="later")
async def main(req: func.HttpRequest) -> str: return "later"
"""


async def test_functions_declared_in_code_run_with_the_sdk_of_each_python(tmp_path: Path, python: Interpreter) -> None:
    """Python 3.13 gets azure-functions 2, older ones azure-functions 1."""
    write_file(tmp_path / "host.json", '{"version": "2.0"}')
    write_file(tmp_path / "function_app.py", DECLARED)
    packages = {"PYTHONPATH": str(python.packages)} if python.packages else {}
    async with bench(tmp_path, python.executable, **packages) as running:
        response = response_of(await running.call("sdk", get()))
        version, interpreter_version, id = json.loads(response.body or b"")
        assert version.partition(".")[0] == ("2" if interpreter_version >= [3, 13] else "1")
        assert (id, response.headers["x-name"]) == ("42", "sdk")
        assert text_of(await running.call("later", get())) == "later"
