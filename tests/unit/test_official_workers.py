"""Where official workers are found, what their descriptions say, and how values are told to them."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Binding, Cookie, Event, HttpRequest, HttpResponse, Json, Value
from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.app import App, Function, HostConfig, Settings
from fnhost.host.errors import StartError
from fnhost.host.load.checks import runtime_problems
from fnhost.host.rpc import functionrpc_pb2 as rpc
from fnhost.host.worker.commands import command
from fnhost.host.worker.cookies import read_cookies
from fnhost.host.worker.deferred import deferred_bindings, place_of, refusal
from fnhost.host.worker.official.capabilities import NOTHING, Capabilities, read_capabilities
from fnhost.host.worker.official.messages import failure, is_failure
from fnhost.host.worker.official.metadata import listed, written
from fnhost.host.worker.official.values import decode, encode
from fnhost.host.worker.toolchains import TOOLCHAINS, official, unbuilt
from fnhost.host.worker.toolchains.discovery import find_worker

TYPED = Capabilities(typed_collections=True)


def app(root: Path, language: str = "java", **settings: str) -> App:
    return App(root, language, (), Settings({"PATH": "", **settings}), HostConfig())


def worker(folder: Path, program: str = "worker.jar", **document: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / program).parent.mkdir(parents=True, exist_ok=True)
    (folder / program).touch()
    description = {"language": folder.name, "defaultWorkerPath": program, **document.pop("description", {})}
    (folder / "worker.config.json").write_text(json.dumps({"description": description, **document}), "utf-8")
    return folder


@pytest.mark.parametrize(
    ("func", "workers"),
    [
        ("tools/func", "tools/workers"),
        ("usr/bin/func", "usr/lib/node_modules/azure-functions-core-tools/bin/workers"),
        ("npm/func", "npm/node_modules/azure-functions-core-tools/bin/workers"),
    ],
)
def test_a_worker_is_found_beside_an_installed_func(tmp_path: Path, func: str, workers: str) -> None:
    executable = tmp_path / func
    executable.parent.mkdir(parents=True)
    executable.touch(0o755)
    there = worker(tmp_path / workers / "java")
    found, source = find_worker(app(tmp_path, PATH=str(executable.parent)), "java", "Java")
    assert (found.resolve(), source) == (there, "Azure Functions Core Tools")


def test_what_the_user_names_comes_first_and_must_be_there(tmp_path: Path) -> None:
    own, both = worker(tmp_path / "own" / "java"), worker(tmp_path / "both" / "java").parent
    told = {"languageWorkers__workersDirectory": str(both), "languageWorkers:java:workerDirectory": "own/java"}
    assert find_worker(app(tmp_path, **told), "java", "Java")[0] == own
    del told["languageWorkers:java:workerDirectory"]
    assert find_worker(app(tmp_path, **told), "java", "Java") == (both / "java", "--workers")
    with pytest.raises(StartError, match=r"names '.*none', which has no worker.config.json"):
        find_worker(app(tmp_path, languageWorkers__java__workerDirectory="none"), "java", "Java")
    with pytest.raises(StartError, match=r"The folder of workers '.*none' .* does not exist"):
        find_worker(app(tmp_path, languageWorkers__workersDirectory="none"), "java", "Java")
    with pytest.raises(StartError, match="is not part of fnhost"):
        find_worker(app(tmp_path), "java", "Java")


def test_placeholders_and_profiles_of_a_description_are_filled(tmp_path: Path) -> None:
    folder = worker(
        tmp_path / "python",
        f"3.11/{official.system()}/{official.architecture()}/worker.py",
        description={
            "defaultWorkerPath": "%FUNCTIONS_WORKER_RUNTIME_VERSION%/{os}/{architecture}/worker.py",
            "arguments": ["-never"],
            "supportedRuntimeVersions": ["3.11"],
            "workerIndexing": "true",
        },
        profiles=[
            {"conditions": [{"conditionType": "new"}], "description": {"arguments": ["-x"]}},
            {
                "conditions": [
                    {"conditionType": "hostProperty", "conditionName": "platform", "conditionExpression": "."},
                    {"conditionType": "environment", "conditionName": "A", "conditionExpression": "^b$"},
                ],
                "description": {"arguments": ["-one 'two words' %OPTIONS% %NONE%", "{workerDirectoryPath}/agent"]},
            },
        ],
    )
    settings = Settings({"A": "b", "OPTIONS": "-p -q"})
    found = official.resolve(official.read_config(folder, settings), settings, ["-mine"], "3.11")
    program = f"{folder}/3.11/{official.system()}/{official.architecture()}/worker.py"
    assert found.arguments == ("-one", "two words", "-p", "-q", f"{folder}/agent", "-mine", program)
    assert (found.lists_functions, found.variables) == (True, (("FUNCTIONS_WORKER_RUNTIME_VERSION", "3.11"),))
    with pytest.raises(StartError, match=r"version 3\.14"):
        official.resolve(official.read_config(folder, settings), settings, [], "3.14")


def test_a_description_that_cannot_be_read_is_told_with_its_file(tmp_path: Path) -> None:
    (tmp_path / "worker.config.json").write_text("{}")
    with pytest.raises(StartError, match=r"worker\.config\.json, cannot be read: KeyError\('description'\)"):
        official.read_config(tmp_path, Settings({}))


def test_without_grpc_it_is_told_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = worker(tmp_path / "java")
    monkeypatch.setattr(official, "find_spec", lambda name: None)
    with pytest.raises(StartError, match=r"pip install 'fnhost\[grpc\]'"):
        official.resolve(official.read_config(folder, Settings({})), Settings({}))


def test_python_has_its_own_worker_unless_the_user_asks_for_the_official_one(tmp_path: Path) -> None:
    given = {"python": sys.executable}
    assert command(app(tmp_path, "python"), given).official is None
    folder = worker(tmp_path / "workers" / "python", "worker.py")
    found = command(app(tmp_path, "python", languageWorkers__workersDirectory="workers"), given)
    assert found.official and found.official.directory == folder
    assert found.arguments == (sys.executable, f"{folder}/worker.py")
    assert "found by --workers" in found.source


def test_an_app_in_net_is_started_as_its_build_says(tmp_path: Path) -> None:
    (tmp_path / "App").touch(0o755)
    config = {"description": {"language": "dotnet-isolated", "defaultExecutablePath": "{WorkerRoot}App"}}
    with pytest.raises(StartError, match="run dotnet build"):
        command(app(tmp_path, "dotnet-isolated"))
    (tmp_path / "worker.config.json").write_text(json.dumps(config), "utf-8")
    assert command(app(tmp_path, "dotnet-isolated")).arguments == (f"{tmp_path}/App",)


def test_sources_are_told_to_be_no_app(tmp_path: Path) -> None:
    assert unbuilt(tmp_path) == ""
    (tmp_path / "App.csproj").touch()
    assert "Build it first: dotnet build. Then: fnhost start bin/Debug/net8.0" in unbuilt(tmp_path)
    worker(tmp_path / "bin" / "Debug" / "net9.0")
    assert unbuilt(tmp_path).endswith("Then: fnhost start bin/Debug/net9.0")


@pytest.mark.parametrize(
    ("value", "can", "kind", "content"),
    [
        (None, NOTHING, None, None),
        ("x", NOTHING, "string", "x"),
        (Json('{"a": 1}'), NOTHING, "json", '{"a": 1}'),
        (b"\xff", NOTHING, "binary", b"\xff"),
        (5, NOTHING, "json", "5"),
        (0.5, NOTHING, "json", "0.5"),
        (("a", "b"), NOTHING, "json", '["a","b"]'),
        ((b"\xff",), NOTHING, "json", '["/w=="]'),
        (("a", "b"), TYPED, "collection_string", rpc.CollectionString(values=["a", "b"])),
        ((b"\xff",), TYPED, "collection_bytes", rpc.CollectionBytes(values=[b"\xff"])),
        ((1, 2), TYPED, "collection_sint64", rpc.CollectionSInt64(values=[1, 2])),
        ((0.5,), TYPED, "collection_double", rpc.CollectionDouble(values=[0.5])),
    ],
)
def test_a_value_is_told_by_capability(value: Value, can: Capabilities, kind: str | None, content: object) -> None:
    data = encode(value, can)
    assert data.WhichOneof("data") == kind
    assert kind is None or getattr(data, kind) == content
    if can is TYPED:
        assert decode(data) == value


@pytest.mark.parametrize(
    ("can", "type", "body", "told", "raw"),
    [
        (Capabilities(raw_body_bytes=True, body_only=True), "application/json", b"{}", {"binary": b"{}"}, ""),
        (Capabilities(body_only=True), "application/json", b"{}", {"string": "{}"}, ""),
        (Capabilities(body_only=True), "application/octet-stream", b"ab", {"binary": b"ab"}, ""),
        (Capabilities(body_only=True), "text/plain", b"\xff", {"binary": b"\xff"}, ""),
        (NOTHING, "application/json", b"{}", {"json": "{}"}, "{}"),
        (NOTHING, "application/json", b"{", {"string": "{"}, "{"),
    ],
)
def test_a_body_is_told_by_capability(
    can: Capabilities, type: str, body: bytes, told: dict[str, Any], raw: str
) -> None:
    http = encode(HttpRequest("POST", "http://x/", {"content-type": type}, {}, {}, body), can).http
    assert (http.body, http.raw_body.string) == (rpc.TypedData(**told), raw)


def test_capabilities_are_on_by_any_text() -> None:
    found = read_capabilities({"RawHttpBodyBytes": "false", "WorkerStatus": "", "HttpUri": "http://localhost:1/"})
    assert (found.raw_body_bytes, found.status, found.http_address) == (True, False, "http://localhost:1")


def test_a_cookie_is_read_with_what_it_has() -> None:
    cookie = rpc.RpcHttpCookie(
        name="a", value="b", path=rpc.NullableString(value="/p"), same_site=rpc.RpcHttpCookie.LAX
    )
    cookie.secure.value = True
    cookie.expires.value.seconds = 5
    cookie.domain.SetInParent()
    response = decode(rpc.TypedData(http=rpc.RpcHttp(status_code="204", cookies=[cookie])))
    assert isinstance(response, HttpResponse)
    assert response.cookies == (Cookie("a", "b", path="/p", same_site="Lax", secure=True, expires=5.0),)


def test_cookies_of_a_server_keep_their_attributes() -> None:
    line = "a=b; Max-Age=5; Path=/p; SameSite=None; Secure; HttpOnly; Expires=Thu, 01 Jan 1970 00:00:05 GMT"
    wanted = Cookie("a", "b", None, "/p", 5.0, 5.0, True, True, "ExplicitNone")
    assert list(read_cookies([line, "=;", "c=d; Expires=never"])) == [
        wanted,
        Cookie("c", "d", secure=False, http_only=False),
    ]


@pytest.mark.parametrize(
    ("exception", "text"),
    [
        ({"message": "x", "type": "A.Fault"}, "A.Fault: x"),
        ({"message": "Fault: x", "type": "A.Fault"}, "Fault: x"),
        ({}, "The function failed."),
    ],
)
def test_a_failure_names_its_type(exception: dict[str, str], text: str) -> None:
    assert failure(rpc.StatusResult(exception=rpc.RpcException(**exception))).message == text


@pytest.mark.parametrize("text", ["[", "{}", '[{"name": "a"}]', "[1]"])
def test_a_list_of_functions_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "functions.metadata").write_text(text, "utf-8")
    found = written(tmp_path)
    assert found["result"]["status"] == "failure"
    assert "Build the app again." in found["result"]["exception"]["message"]


@pytest.mark.parametrize(("status", "fails"), [(0, True), (1, False), (2, True), (77, False)])
def test_a_status_that_is_not_known_is_no_failure(status: Any, fails: bool) -> None:
    assert is_failure(rpc.StatusResult(status=status)) == fails


@pytest.mark.parametrize("text", ["{no json", "1 2", "[" * 100_000])
def test_json_that_is_none_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError):
        decode(rpc.TypedData(json=text))


@pytest.mark.parametrize(
    ("text", "value"), [("", None), (" ", None), ("null", Json("null")), ('{"a":1}', Json('{"a":1}'))]
)
def test_json_is_kept_as_it_came(text: str, value: Value) -> None:
    assert decode(rpc.TypedData(json=text)) == value


def test_a_retry_of_an_unknown_strategy_is_told_as_it_came() -> None:
    """The rules of host.json refuse it then, by name."""
    options = rpc.RpcRetryOptions(retry_strategy=7)  # type: ignore[arg-type]
    function = rpc.RpcFunctionMetadata(name="A", retry_options=options)
    found = listed(rpc.FunctionMetadataResponse(function_metadata_results=[function]))
    assert found["functionMetadataResults"][0]["retryOptions"]["retryStrategy"] == "7"


def test_a_build_that_is_older_than_its_sources_is_told(tmp_path: Path) -> None:
    built = tmp_path / "bin" / "Debug" / "net8.0"
    built.mkdir(parents=True)
    for file, written_at in ((built / "App.dll", 100), (tmp_path / "App.csproj", 50), (tmp_path / "Play.cs", 99)):
        file.touch()
        os.utime(file, (written_at, written_at))
    warnings = TOOLCHAINS["dotnet-isolated"].setting_warnings
    assert list(warnings(built, Settings({}))) == []
    os.utime(tmp_path / "Play.cs", (101, 101))
    (sentence,) = warnings(built, Settings({}))
    assert "older than Play.cs" in sentence
    assert f"Run dotnet build in '{tmp_path}'" in sentence
    assert list(warnings(tmp_path, Settings({}))) == []


def test_the_in_process_model_is_told_to_run_nowhere_else() -> None:
    (problem,) = runtime_problems({"dotnet-isolated"}, Settings({"FUNCTIONS_WORKER_RUNTIME": "dotnet"}))
    assert "in-process model" in str(problem)


def test_a_host_without_official_workers_does_not_load_grpc() -> None:
    modules = "fnhost.host.cli, fnhost.host.start.serve, fnhost.host.worker.standby"
    program = f"import sys, {modules}; print({{'grpc', 'google.protobuf'}} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "set()"


def function(*entries: dict[str, Any]) -> Function:
    """With bindings as read from these entries."""
    read = tuple(
        Binding(entry["name"], entry["type"].lower(), entry["direction"], None, {"path": "", **entry})
        for entry in entries
    )
    return Function("Play", Path(), Path(), "", "dotnet-isolated", read, config={"bindings": entries})


def entry(type: str, said: str = "True", **more: Any) -> dict[str, Any]:
    properties = {"SupportsDeferredBinding": said, **more.pop("properties", {})}
    return {"name": "it", "type": type, "direction": "in", "properties": properties, **more}


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ([entry("queueTrigger")], {"it"}),
        ([entry("queueTrigger", "false")], set()),
        ([entry("queueTrigger", properties={"skipDeferredBinding": True})], set()),
        ([entry("blob", direction="out")], set()),
        ([{"name": "it", "type": "blob", "direction": "in"}], set()),
    ],
)
def test_a_worker_says_for_which_bindings_it_wants_no_data(entries: list[dict[str, Any]], names: set[str]) -> None:
    assert set(deferred_bindings(function(*entries))) == names


def test_a_message_is_handed_over_as_its_sdk_has_it() -> None:
    beside = {"Id": "1", "DequeueCount": 2, "InsertionTime": Json('"2026-01-02T03:04:05+00:00"')}
    event = Event("Play", "text", "", metadata=beside)
    (binding,) = deferred_bindings(function(entry("queueTrigger"))).values()
    told = place_of(binding, event, SYSTEM_CLOCK.now)
    assert told.source == "AzureStorageQueues"
    wanted = {"MessageText": "text", "MessageId": "1", "DequeueCount": 2, "InsertedOn": "2026-01-02T03:04:05+00:00"}
    assert json.loads(told.content) == wanted


@pytest.mark.parametrize("type", ["blobTrigger", "blob"])
def test_a_blob_is_handed_over_as_its_place(type: str) -> None:
    event = Event("Play", b"", "", metadata={"BlobTrigger": "box/a/b.txt", "name": "a/b"})
    (binding,) = deferred_bindings(function(entry(type, path="box/{name}.txt"))).values()
    told = place_of(binding, event, SYSTEM_CLOCK.now)
    wanted = {"Connection": "AzureWebJobsStorage", "ContainerName": "box", "BlobName": "a/b.txt"}
    assert (told.source, json.loads(told.content)) == ("AzureStorageBlobs", wanted)
    assert refusal(function(entry(type))) == ""


ENTITY = {"tableName": "rows", "partitionKey": "{part}", "rowKey": "1", "connection": "Rows"}
QUERY = {"tableName": "rows", "filter": "Name eq '{name}'", "take": 5}


@pytest.mark.parametrize(
    ("properties", "wanted"),
    [
        (ENTITY, {"PartitionKey": "a", "RowKey": "1", "Connection": "Rows", "Take": 0, "Filter": None}),
        (QUERY, {"PartitionKey": None, "RowKey": None, "Connection": None, "Take": 5, "Filter": "Name eq 'O''Neil'"}),
    ],
)
def test_a_table_is_handed_over_as_its_place(properties: dict[str, Any], wanted: dict[str, Any]) -> None:
    event = Event("Play", "", "", metadata={"part": "a", "name": "O'Neil"})
    (binding,) = deferred_bindings(function(entry("table", **properties))).values()
    told = place_of(binding, event, SYSTEM_CLOCK.now)
    assert (told.source, json.loads(told.content)) == ("AzureStorageTables", {"TableName": "rows", **wanted})
    assert refusal(function(entry("table"))) == ""


def test_other_types_of_an_sdk_are_refused_by_name() -> None:
    assert "The binding 'it' wants a type of an SDK" in refusal(function(entry("eventHubTrigger")))
