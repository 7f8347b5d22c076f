"""What a custom handler is sent and what its answers mean, and what host.json says of it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Binding, Event, HttpRequest, HttpResponse, Json, Value
from fnhost.host.app import App, Function, HostConfig, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker import Invocation, RetryContext
from fnhost.host.worker.handlers.payload import BadAnswer, outcome, payload
from fnhost.host.worker.toolchains.custom import find_handler, handler_files, read_handler, runs_handler

NOW = datetime(2026, 11, 25, 12, 0, 0, 123456, UTC)
REQUEST = HttpRequest(
    "POST",
    "http://localhost:7071/api/F/5?q=1",
    {"accept": "*/*", "x-my-id": "7", "content-type": "application/json"},
    {"q": "1"},
    {"id": "5"},
    b'{"a": 1}',
)


def invocation(value: Value, *outputs: Binding, metadata: Mapping[str, Value] | None = None, **more: Any) -> Invocation:
    trigger = Binding("in", "httptrigger" if isinstance(value, HttpRequest) else "queuetrigger", "in")
    function = Function("F", Path("F"), Path("F/function.json"), "", "custom", (trigger, *outputs))
    event = Event("F", value, "", metadata=metadata or {})
    return Invocation("id", function, {"in": value, **more.pop("inputs", {})}, event, **more)


def sent(one: Invocation) -> Any:
    return json.loads(payload(one, NOW))


def test_a_request_is_an_object_with_lists_of_header_values() -> None:
    assert sent(invocation(REQUEST))["Data"]["in"] == {
        "Url": "http://localhost:7071/api/F/5?q=1",
        "Method": "POST",
        "Query": {"q": "1"},
        "Headers": {"Accept": ["*/*"], "X-My-Id": ["7"], "Content-Type": ["application/json"]},
        "Params": {"id": "5"},
        "Identities": [],
        "Body": '{"a": 1}',
    }


@pytest.mark.parametrize("kind", ["application/octet-stream", "multipart/form-data; boundary=x"])
def test_a_binary_body_is_base64(kind: str) -> None:
    request = HttpRequest("POST", "http://x/", {"content-type": kind}, {}, {}, b"\xff\x00")
    assert sent(invocation(request))["Data"]["in"]["Body"] == "/wA="


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", '"text"'),
        ('{"a": 1}', '"{\\"a\\": 1}"'),
        (5, "5"),
        (1.5, "1.5"),
        (None, "null"),
        (b"\xff\x00", "/wA="),
        (Json('{"a": [1]}'), {"a": [1]}),
        (Json("[1, 2]"), "[1,2]"),
        (Json('"2026-11-25T12:00:00+00:00"'), "2026-11-25T12:00:00+00:00"),
        (("a", "b"), '["a", "b"]'),
    ],
)
def test_objects_stay_objects_and_scalars_are_encoded_once_more(value: Value, expected: object) -> None:
    assert sent(invocation("x", inputs={"more": value}))["Data"]["more"] == expected


def test_metadata_has_no_second_copy_of_the_trigger() -> None:
    told: Mapping[str, Value] = {"DequeueCount": 2, "BlobTrigger": "a/b", "QueueTrigger": "x", "Gone": None}
    found = sent(invocation("x", metadata=told, retry=RetryContext(1, 3, "boom")))["Metadata"]
    assert found.pop("sys").keys() == {"MethodName", "UtcNow", "RandGuid"}
    retried = {"RetryCount": 1, "MaxRetryCount": 3, "Exception": {"Message": "boom"}}
    assert found == {"DequeueCount": "2", "RetryContext": retried}


RES, QUEUE = Binding("res", "http", "out"), Binding("msg", "queue", "out")
BINARY, RETURN = Binding("raw", "queue", "out", "binary"), Binding("$return", "queue", "out")


def answered(answer: object, *outputs: Binding, kind: str = "application/json") -> tuple[Any, Any, list[str]]:
    found, lines = outcome(invocation("x", *outputs), kind, json.dumps(answer).encode())
    return found.outputs, found.returned, lines


def test_outputs_returns_and_logs() -> None:
    answer = {
        "outputs": {
            "msg": "some text!",
            "raw": "YWJj",
            "res": {"statusCode": 201, "body": {"a": 1}, "headers": {"x": 1}},
        },
        "LOGS": ["one", 2],
        "ReturnValue": {"b": 2},
    }
    outputs, returned, lines = answered(answer, RES, QUEUE, BINARY, RETURN)
    assert outputs == {
        "msg": "some text!",
        "raw": "YWJj",
        "res": HttpResponse("201", {"x": "1"}, Json('{"a":1}')),
        "$return": Json('{"b":2}'),
    }
    assert returned == Json('{"b":2}')
    assert lines == ["one", "2"]


@pytest.mark.parametrize(("text", "expected"), [("abcd", b"i\xb7\x1d"), ("", b""), ("abc", "abc"), ("a?cd", "a?cd")])
def test_a_text_that_is_base64_becomes_bytes(text: str, expected: object) -> None:
    assert answered({"Outputs": {"msg": text}}, QUEUE)[0] == {"msg": expected}


def test_a_response_may_be_json_text_and_is_empty_without_one() -> None:
    text = '{"status": 204, "body": "gone"}'
    assert answered({"Outputs": {"res": text}}, RES)[0] == {"res": HttpResponse("204", {}, "gone")}
    assert answered({}, RES)[0] == {"res": HttpResponse()}
    assert outcome(invocation("x", RES), "", b"")[0].outputs == {"res": HttpResponse()}


@pytest.mark.parametrize(
    ("kind", "body", "text"),
    [
        ("text/plain", b"{}", "its Content-Type is text/plain, and must be application/json"),
        ("", b"{}", "its Content-Type is missing"),
        ("application/json", b"{", "it is not JSON"),
        ("application/json", b"[]", "it is not a JSON object"),
        ("application/json", b'{"Outputs": [1]}', "its Outputs are not a JSON object"),
        ("application/json", b'{"Outputs": {"res": "text"}}', "Output body should have 'StatusCode'"),
        ("application/json", b'{"Outputs": {"res": 5}}', "Output body should have 'StatusCode'"),
    ],
)
def test_what_is_no_result_is_told(kind: str, body: bytes, text: str) -> None:
    with pytest.raises(BadAnswer, match=text):
        outcome(invocation("x", RES), kind, body)


def app(root: Path, section: Mapping[str, Any], runtime: str = "custom", name: str = "customHandler") -> App:
    settings = Settings({"FUNCTIONS_WORKER_RUNTIME": runtime, "PATH": "/bin", "STAGE": "dev"})
    return App(root, runtime, (), settings, HostConfig(raw={name: section}))


def test_a_description_with_everything(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "handler-dev").touch(0o755)
    handler = read_handler(
        app(
            tmp_path,
            {
                "description": {
                    "defaultExecutablePath": "handler-%STAGE%",
                    "workerDirectory": "bin",
                    "workingDirectory": "work",
                    "arguments": '["-a"]',
                    "defaultWorkerPath": "main.rb",
                    "workerArguments": ["-b"],
                },
                "enableForwardingHttpRequest": "true",
                "initializationTimeout": "00:00:05",
                "port": 8080,
            },
        )
    )
    assert handler.executable == str(tmp_path / "bin" / "handler-dev")
    assert handler.arguments == ("-a", str(tmp_path / "bin" / "main.rb"), "-b")
    assert (handler.directory, handler.forwards, handler.timeout, handler.port) == (tmp_path / "work", True, 5, 8080)


def test_the_deprecated_section_forwards_under_the_name_of_the_function(tmp_path: Path) -> None:
    handler = read_handler(app(tmp_path, {"description": {"defaultExecutablePath": "sh"}}, name="httpWorker"))
    assert (handler.forwards, handler.hides_path) == (True, True)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        (None, "host.json has no section customHandler"),
        ({}, "host.json#/customHandler/description: Missing worker Description"),
        ({"description": {"defaultExecutablePath": "nothing"}}, "'nothing' that host.json names does not exist"),
        ({"description": {"defaultExecutablePath": "plain"}}, "is not executable. Run: chmod .x plain"),
    ],
)
def test_a_handler_that_cannot_be_started_is_told(tmp_path: Path, section: Any, text: str) -> None:
    (tmp_path / "plain").touch(0o644)
    with pytest.raises(StartError, match=text):
        find_handler(app(tmp_path, section), None)


def test_files_that_the_handler_is_made_of(tmp_path: Path) -> None:
    for name in ("handler", "main.py"):
        (tmp_path / name).touch(0o755)
    described = {"description": {"defaultExecutablePath": "handler", "arguments": ["main.py", "--fast"]}}
    assert handler_files(app(tmp_path, described)) == ["handler", "main.py"]


@pytest.mark.parametrize(
    ("runtime", "raw", "expected"),
    [
        ("custom", {}, True),
        ("", {"CustomHandler": {}}, True),
        ("", {}, False),
        ("python", {"customHandler": {}}, False),
    ],
)
def test_who_runs_the_functions(runtime: str, raw: Mapping[str, Any], expected: bool) -> None:
    assert runs_handler(Settings({"FUNCTIONS_WORKER_RUNTIME": runtime}), HostConfig(raw=raw)) is expected
