"""Apps in languages whose workers speak gRPC: played by a program that follows what each of them does."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.support.durable import WEBHOOKS
from tests.support.hosts import Host, run, running, write_app
from tests.support.official_workers import PROFILES, settings, write_config

REQUEST = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
RESPONSE = {"name": "$return", "type": "http", "direction": "out"}
SCRIPTS = {"python": "app.py", "node": "app.py", "java": "app.jar", "powershell": "app.ps1"}


def function(entry_point: str, script: str = "app.jar", *more: Mapping[str, Any]) -> str:
    document = {"scriptFile": f"../{script}", "entryPoint": entry_point, "bindings": [REQUEST, RESPONSE, *more]}
    return json.dumps(document)


def java(tmp_path: Path, *names: str, **changed: bool) -> tuple[Path, Mapping[str, str]]:
    """An app of functions that do what their names say, and what a host is started with to run it."""
    app = write_app(tmp_path / "app", {"app.jar": "1", **{f"{name}/function.json": function(name) for name in names}})
    return app, settings("java", {**PROFILES["java"], **changed}, tmp_path / "workers")


def dotnet(tmp_path: Path, functions: list[Mapping[str, Any]], **description: object) -> tuple[Path, Mapping[str, str]]:
    """A build of an app in .NET: its worker is the app."""
    app = write_app(tmp_path / "app", {"listed.json": json.dumps(functions), "app.dll": "1"})
    write_config(app, "dotnet-isolated", **description)
    told = settings("dotnet-isolated", PROFILES["dotnet-isolated"], tmp_path / "unused")
    return app, {name: value for name, value in told.items() if not name.startswith("languageWorkers")}


@pytest.mark.parametrize(
    ("plays", "body", "headers"),
    [
        ("python", "binary", "plain"),
        ("node", "binary", "nullable"),
        ("java", "string", "plain"),
        ("powershell", "string", "plain"),
    ],
)
def test_a_function_is_served_by_the_worker_of_its_language(
    tmp_path: Path, plays: str, body: str, headers: str
) -> None:
    language = "python" if plays == "node" else plays  # its interpreter need not be one of Node
    script = SCRIPTS[plays]
    app = write_app(
        tmp_path / "app",
        {script: "", **{f"{name}/function.json": function(name.lower(), script) for name in ("Echo", "Fail")}},
    )
    told = settings(language, PROFILES[plays], tmp_path / "workers")
    with running(app, **told) as host:
        answer = host.post("/api/Echo?q=1", json={"a": 1})
        seen = answer.json()
        assert (answer.status_code, answer.headers["x-played"]) == (201, "yes")
        assert answer.headers["set-cookie"] == "a=b; max-age=5; path=/"
        assert (seen["body"], seen["raw"], seen["headers"]) == (body, None, headers)
        assert seen["types"] == {"req": "httpTrigger", "$return": "http"}
        assert (seen["query"], seen["script"]) == ({"q": "1"}, str(app / script))
        assert (seen["root"], seen["worker"]) == (str(app), str(tmp_path / "workers" / language))
        assert {"Headers", "Query", "q"} <= set(seen["metadata"])
        host.output.until("seen in the worker")
        host.output.until(f"the official worker in {tmp_path / 'workers' / language}, found by the setting")
        assert host.get("/api/Fail").status_code == 500
        host.output.until("Exception: My.Fault: it went wrong")
        alive = host.children()
        assert host.interrupt() == 0
        assert psutil.wait_procs(alive, timeout=10)[1] == []
        assert host.output.count("told to terminate") == PROFILES[plays]["terminates"]


def test_what_a_worker_does_against_the_rules_harms_one_call_at_most(tmp_path: Path) -> None:
    app, told = java(tmp_path, "back", "twice", "strange", "unloadable")
    with running(app, **told) as host:
        assert host.post("/api/twice", content="x").content == b"x"
        assert host.post("/api/back", content="y").content == b"y"
        assert host.get("/api/strange").status_code == 500
        host.output.until("The answer of the function strange cannot be read: ValueError")
        assert host.get("/api/unloadable").status_code == 500
        host.output.until("NoSuchMethodException: it is not there")


RIGHT = ("chatters", "other_outputs", "no_status", "no_http_status")
NO_ANSWER = ("no_result", "no_json")
NO_RESPONSE = ("split_header", "split_name", "split_cookie", "endless_cookie", "late_cookie", "http_in_http")


def test_nonsense_of_a_worker_ends_in_an_error_of_its_call_alone(tmp_path: Path) -> None:
    app, told = java(tmp_path, "echo", "dials_again", *RIGHT, *NO_ANSWER, *NO_RESPONSE)
    with running(app, **told) as host:
        before = pid_of(host)
        for name in RIGHT:
            answer = host.get(f"/api/{name}")
            assert (answer.status_code, answer.text, name) == (200, "answered all the same", name)
        for name in (*NO_ANSWER, *NO_RESPONSE):
            answer = host.get(f"/api/{name}")
            assert (answer.status_code, "x-injected" in answer.headers, name) == (500, False, name)
        for name in NO_ANSWER:
            host.output.until(f"Executed 'Functions.{name}' (Failed")
        for name in NO_RESPONSE:
            host.output.until(f"The response of function '{name}' cannot be sent.")
        assert host.get("/api/dials_again").json() == ["PERMISSION_DENIED"] * 3
        assert pid_of(host) == before and "Traceback" not in host.output.text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dies", "exited with code 137"),
        ("hangs_up", "closed its stream to the host and is replaced"),
        ("crash", "exited with code 9"),
        ("breaks", "closed its stream to the host and is replaced"),
        ("nonsense", "sent what is no message of FunctionRpc"),
    ],
)
def test_a_worker_that_cannot_be_spoken_with_is_replaced(tmp_path: Path, name: str, words: str) -> None:
    app, told = java(tmp_path, "echo", name)
    with running(app, **told) as host:
        before = pid_of(host)
        assert host.get(f"/api/{name}").status_code == 500
        host.output.until(words)
        assert pid_of(host) != before
        assert not psutil.pid_exists(before)


def pid_of(host: Host) -> int:
    return int(host.get("/api/echo").json()["pid"])


def test_a_call_that_is_never_answered_ends_at_its_limit(tmp_path: Path) -> None:
    app, told = java(tmp_path, "echo", "never")
    write_app(app, {"host.json": json.dumps({"version": "2.0", "functionTimeout": "00:00:01"})})
    with running(app, **told) as host:
        before = pid_of(host)
        assert host.get("/api/never").status_code == 500
        host.output.until("Timeout value of 00:00:01")
        assert pid_of(host) != before


def test_a_large_body_goes_there_and_back(tmp_path: Path) -> None:
    app, told = java(tmp_path, "back")
    body = b"\xff" * 64 * 1024 * 1024
    with running(app, **told) as host:
        answer = host.post("/api/back", content=body, headers={"content-type": "application/octet-stream"})
        assert answer.content == body


def test_a_body_beyond_what_a_message_may_have_fails_its_call_alone(tmp_path: Path) -> None:
    app, told = java(tmp_path, "echo", "back")
    mebibyte = 1024 * 1024
    with running(app, **told, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT=str(512 * mebibyte)) as host:
        before = pid_of(host)
        headers = {"content-type": "application/octet-stream", "content-length": str(257 * mebibyte)}
        answer = host.post("/api/back", content=(b"\xff" * mebibyte for _ in range(257)), headers=headers)
        assert answer.status_code == 500
        host.output.until("The inputs of the function back cannot be sent to its worker. It takes 269,4")
        assert host.post("/api/back", content="small").content == b"small"
        assert pid_of(host) == before


def test_a_build_is_live_once_it_is_whole(tmp_path: Path) -> None:
    app, told = java(tmp_path, "echo")
    with running(app, **told) as host:
        before = host.get("/api/echo").json()
        for version in ("2", "3", "4"):
            host.write("app.jar", version)
        host.output.until("Reloaded in")
        after = host.get("/api/echo").json()
        assert (before["version"], after["version"]) == ("1", "4")
        assert before["pid"] != after["pid"]
        assert host.output.count("Reloaded in") == 1


DEFERRED = {
    "name": "row",
    "type": "table",
    "direction": "in",
    "tableName": "rows",
    "partitionKey": "{Query.part}",
    "properties": {"supportsDeferredBinding": "True"},
}


def test_an_app_in_net_lists_its_functions_and_is_its_own_worker(tmp_path: Path) -> None:
    functions = [
        {"name": "Echo", "entryPoint": "App.Play.echo", "bindings": [REQUEST, RESPONSE]},
        {
            "name": "Deferred",
            "entryPoint": "App.Play.places",
            "bindings": [REQUEST, RESPONSE, DEFERRED],
        },
    ]
    app, told = dotnet(tmp_path, functions, workerIndexing="true")
    with running(app, **told, AzureWebJobsStorage="UseDevelopmentStorage=true") as host:
        assert host.get("/api/Echo").json()["script"] == "App.dll"
        told = {"TableName": "rows", "Take": 0, "Filter": None, "Connection": None, "PartitionKey": "a", "RowKey": None}
        wanted = {"row": ["1.0", "AzureStorageTables", "application/json", told]}
        assert host.get("/api/Deferred?part=a").json() == wanted


def test_a_worker_that_refuses_to_start_says_why(tmp_path: Path) -> None:
    app, told = java(tmp_path, "echo", refuses=True)
    code, lines = run("check", app, **told)
    assert code == 1
    assert any("The worker refused to start: NoLicence: it is not signed" in line for line in lines), lines


def test_what_a_worker_lists_wrongly_is_told_with_the_name(tmp_path: Path) -> None:
    good = {"entryPoint": "App.Play.echo", "bindings": [REQUEST, RESPONSE]}
    functions = [
        {"name": "Echo", **good},
        {"name": "NoJson", **good, "raw": ["{no json"]},
        {"name": "NoObject", **good, "raw": ["[]", "5"]},
        {"name": "NoTrigger", **good, "raw": [json.dumps(RESPONSE)]},
        {"name": "", **good},
        {"name": "Retried", **good, "retry": {"retry_strategy": 7, "max_retry_count": 1}},
        {"name": "Never", **good, "retry": {"max_retry_count": -9, "delay_interval": {"seconds": -5}}},
    ]
    app, told = dotnet(tmp_path, functions, workerIndexing="true")
    code, lines = run("check", app, **told)
    assert code == 1 and "Functions that can be served: 1." in lines[-1]
    for words in (
        "The 'NoJson' function is in error: worker.config.json: The worker listed a binding that is no JSON",
        "The 'NoObject' function is in error: worker.config.json#/bindings/0: A binding must be an object.",
        "The 'NoTrigger' function is in error: worker.config.json#/bindings: No trigger binding specified.",
        "'' is not a valid function name.",
        "The 'Retried' function is in error: worker.config.json#/retry/strategy: '7' is not one of",
        "The 'Never' function is in error: worker.config.json#/retry/maxRetryCount: -9 is less than the minimum",
    ):
        assert any(words in line for line in lines), lines


def test_an_app_in_net_whose_worker_lists_nothing_is_read_from_its_build(tmp_path: Path) -> None:
    app, told = dotnet(tmp_path, [])
    listed = {"name": "Echo", "scriptFile": "App.dll", "entryPoint": "App.Play.echo", "bindings": [REQUEST, RESPONSE]}
    write_app(app, {"functions.metadata": json.dumps([listed])})
    with running(app, **told) as host:
        assert host.get("/api/Echo").json()["types"] == {"req": "httpTrigger", "$return": "http"}


def test_requests_go_to_a_worker_that_serves_http_itself(tmp_path: Path) -> None:
    app, told = java(tmp_path, "served", "fail", "crash", proxies=True)
    with running(app, **told) as host:
        answer = host.post("/api/served?tell", content="x", headers={"x-a": "b"})
        _, path, headers, body = answer.json()
        assert (answer.status_code, path, body, headers["x-a"]) == (202, "/api/served?tell", "x", "b")
        assert answer.headers.get_list("set-cookie") == ["a=b", "c=d"], "its headers are its own"
        assert (headers["x-forwarded-host"], headers["x-forwarded-proto"]) == (
            answer.request.headers["host"],
            "http",
        )
        host.output.until(f"Id={headers['x-ms-invocation-id']}")
        for name in ("fail", "crash"):  # over HTTP no answer would ever come
            assert host.get(f"/api/{name}?hold").status_code == 500


def test_a_worker_that_is_not_there_is_told_with_the_ways_to_get_one(tmp_path: Path) -> None:
    app, told = java(tmp_path, "echo")
    without = {name: value for name, value in told.items() if "workerDirectory" not in name}
    code, lines = run("check", app, **without, PATH="")
    assert code == 1
    assert any("Azure Functions Core Tools" in line and "--workers FOLDER" in line for line in lines), lines
    code, lines = run("check", app, "--workers", tmp_path / "workers", **without)
    assert code == 0, lines


def durable(kind: str, entry_point: str, script: str) -> str:
    entry = {"name": "given", "type": kind, "direction": "in"}
    return json.dumps({"scriptFile": f"../{script}", "entryPoint": entry_point, "bindings": [entry]})


def test_durable_functions_speak_protobuf(tmp_path: Path, sqlite: Mapping[str, str]) -> None:
    app, told = java(tmp_path, "echo")
    client = {"name": "client", "type": "durableClient", "direction": "in"}
    write_app(
        app,
        {
            "Flow/function.json": durable("orchestrationTrigger", "orchestrate", "app.jar"),
            "Greet/function.json": durable("activityTrigger", "greet", "app.jar"),
            "Client/function.json": function("client", "app.jar", client),
        },
    )
    with running(app, **told, **sqlite) as host:
        assert host.get("/api/Client").json()["rpcBaseUrl"].startswith("http://localhost:")
        assert host.post(f"{WEBHOOKS}/orchestrators/Flow/one").status_code == 202
        done = host.until(f"{WEBHOOKS}/instances/one", runtimeStatus="Completed")
        assert (done["output"], done["customStatus"]) == (["Hello Tokyo!", "Hello Seattle!"], "2 of 2")


def test_an_orchestration_goes_on_when_its_worker_is_killed_in_an_activity(
    tmp_path: Path, sqlite: Mapping[str, str]
) -> None:
    app, told = java(tmp_path, "echo")
    write_app(
        app,
        {
            "Flow/function.json": durable("orchestrationTrigger", "orchestrate", "app.jar"),
            "Greet/function.json": durable("activityTrigger", "greet_at_last", "app.jar"),
        },
    )
    with running(app, **told, **sqlite, BEGUN=str(tmp_path / "begun")) as host:
        before = pid_of(host)
        assert host.post(f"{WEBHOOKS}/orchestrators/Flow/one").status_code == 202
        host.output.until("the activity has begun")
        psutil.Process(before).kill()
        done = host.until(f"{WEBHOOKS}/instances/one", runtimeStatus="Completed")
        assert (done["output"], done["customStatus"]) == (["Hello Tokyo!", "Hello Seattle!"], "2 of 2")
        assert pid_of(host) != before and host.output.count("the activity has begun") == 1


@pytest.fixture(params=["false", "true"], ids=["own", "external"])
def powershell(request: pytest.FixtureRequest, tmp_path: Path, sqlite: Mapping[str, str]) -> Iterator[Host]:
    """Orchestrators in PowerShell, with the SDK in the worker and with the external one."""
    orchestrators = {
        f"{name}/function.json": durable("orchestrationTrigger", "play", "app.ps1")
        for name in ("hello_cities", "careful", "careless")
    }
    activities = {
        f"{name}/function.json": durable("activityTrigger", name.lower(), "app.ps1") for name in ("Hello", "Fail")
    }
    client = function("client", "app.ps1", {"name": "client", "type": "durableClient", "direction": "in"})
    files = {"app.ps1": "", **orchestrators, **activities, "Client/function.json": client}
    files["host.json"] = json.dumps({"version": "2.0", "managedDependency": {"enabled": True}})
    told = settings("powershell", PROFILES["powershell"], tmp_path / "workers")
    with running(
        write_app(tmp_path / "app", files), **told, **sqlite, ExternalDurablePowerShellSDK=request.param
    ) as host:
        yield host


def test_orchestrators_in_powershell(powershell: Host) -> None:
    host = powershell
    host.output.until("told to install dependencies")
    client = host.get("/api/Client").json()
    rpc = client["rpcBaseUrl"]
    with httpx.Client() as asking:  # the addresses as the commands of both SDKs put them together
        assert asking.post(f"{rpc}orchestrators/hello_cities/one").status_code == 202
        assert asking.get(f"{rpc}/instances/one").status_code in (200, 202)
        assert asking.get(f"{client['baseUrl']}/instances/one").status_code in (200, 202)
    done = host.until(f"{WEBHOOKS}/instances/one", runtimeStatus="Completed")
    assert (done["customStatus"], done["output"]) == ("London", ["Hello Tokyo!", "Hello Seattle!", "Hello London!"])


def test_an_orchestrator_in_powershell_waits_and_outlives_its_worker(powershell: Host) -> None:
    host = powershell
    assert host.post(f"{WEBHOOKS}/orchestrators/careful/two").status_code == 202
    waiting = host.until(f"{WEBHOOKS}/instances/two", customStatus={"Step": 1, "isDone": False})
    assert waiting["runtimeStatus"] == "Running"
    for worker in host.children("worker.py"):
        worker.kill()
    approved = {"IsDone": True, "InstanceId": 7}
    assert host.post(f"{WEBHOOKS}/instances/two/raiseEvent/Approval", json=approved).status_code == 202
    output = host.until(f"{WEBHOOKS}/instances/two", runtimeStatus="Completed")["output"]
    assert output["Told"] == approved, "what user code gives keeps its names"
    assert "it went wrong" in output["error"]


def test_an_orchestrator_in_powershell_that_fails_says_why(powershell: Host) -> None:
    host = powershell
    assert host.post(f"{WEBHOOKS}/orchestrators/careless/three").status_code == 202
    failed = host.until(f"{WEBHOOKS}/instances/three", runtimeStatus="Failed")
    assert failed["customStatus"] == "before" and "it went wrong" in failed["output"]
