"""Apps on azure-functions-durable 2.x, which speaks protobuf and gRPC, and `fnhost durabletask` for other programs."""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from durabletask import client, task, worker

from fnhost.host.system.ports import free_port
from tests.support import durabletask_program
from tests.support.hosts import STARTED, Host, bindings, http, launched, run, running, write_app
from tests.support.interpreters import Interpreter, with_grpc_sdk
from tests.support.npm import PACKAGES, node, packages

SQLITE = {"AzureFunctionsJobHost__extensions__durableTask__storageProvider__type": "sqlite"}
DECLARED = """
import json

import azure.functions as func
import azure.durable_functions as df

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="start/{name}")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client):
    instance = await client.start_new(req.route_params["name"], None, req.params.get("input"))
    return client.create_check_status_response(req, instance)


@app.route(route="pollers")
def pollers(req: func.HttpRequest) -> str:
    import gc, threading
    gc.collect()
    return json.dumps([each.name for each in threading.enumerate() if "_poll_wrapper" in each.name])


@app.orchestration_trigger(context_name="context")
def recommend(context):
    context.set_custom_status({"city": "London"})
    cities = yield context.task_all([context.call_activity("greet", city) for city in ("Tokyo", "Seattle")])
    entity = df.EntityId("counter", "K")
    context.signal_entity(entity, "add", 2)
    cities.append((yield context.call_entity(entity, "add", 1)))
    cities.append((yield context.wait_for_external_event("go")))
    return cities


@app.orchestration_trigger(context_name="context")
def stubborn(context):
    options = df.RetryOptions(1, 3)
    try:
        yield context.call_activity_with_retry("refuse", options, "x")
    except Exception as error:
        context.set_custom_status(str(error))
    yield context.call_sub_orchestrator_with_retry("failing", options)


@app.orchestration_trigger(context_name="context")
def failing(context):
    raise ValueError("always")


@app.activity_trigger(input_name="city")
def greet(city: str) -> str:
    return f"Hello {city}!"


@app.activity_trigger(input_name="what")
def refuse(what: str) -> None:
    raise KeyError(what)


@app.entity_trigger(context_name="context")
def counter(context):
    count = context.get_state(lambda: 0) + context.get_input()
    context.set_state(count)
    context.set_result(count)
"""
STARTER = """
import azure.durable_functions as df


async def main(req, starter):
    client = df.DurableOrchestrationClient(starter)
    return client.create_check_status_response(req, await client.start_new("Hello", None, None))
"""
FOLDERS = {
    "Start/function.json": bindings(
        *json.loads(http(route="start"))["bindings"], {"name": "starter", "type": "durableClient", "direction": "in"}
    ),
    "Start/__init__.py": STARTER,
    "Hello/function.json": bindings({"name": "context", "type": "orchestrationTrigger", "direction": "in"}),
    "Hello/__init__.py": "import azure.durable_functions as df\n\n\ndef run(context):\n"
    "    return [(yield context.call_activity('Greet', 'Tokyo'))]\n\n\nmain = df.Orchestrator.create(run)\n",
    "Greet/function.json": bindings({"name": "city", "type": "activityTrigger", "direction": "in"}),
    "Greet/__init__.py": "def main(city: str) -> str:\n    return f'Hello {city}!'\n",
}


def with_packages(app: Path, sdk: Interpreter) -> Path:
    assert sdk.packages
    lib = app / ".python_packages" / "lib"
    lib.mkdir(parents=True)
    (lib / "site-packages").symlink_to(sdk.packages)
    return app


if SDK := with_grpc_sdk():  # without Python 3.13 there is no such app
    sdk = SDK

    @pytest.fixture(scope="module")
    def declared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
        app = with_packages(write_app(tmp_path_factory.mktemp("app"), {"function_app.py": DECLARED}), sdk)
        with running(app, "--python", sdk.executable, **SQLITE) as host:
            yield host

    def test_orchestrations_entities_and_the_client_work(declared: Host) -> None:
        links = declared.post("/api/start/recommend").json()
        status = declared.until(links["statusQueryGetUri"], customStatus={"city": "London"})
        assert status["name"] == "recommend" and "BuiltIn__" not in declared.output.text
        assert declared.post(links["sendEventPostUri"].replace("{eventName}", "go"), json={"a": 1}).status_code == 202
        ended = declared.until(links["statusQueryGetUri"], runtimeStatus="Completed")
        assert ended["output"] == ["Hello Tokyo!", "Hello Seattle!", 3, {"a": 1}]

    def test_retries_end_and_failures_are_told(declared: Host) -> None:
        links = declared.post("/api/start/stubborn").json()
        ended = declared.until(links["statusQueryGetUri"], runtimeStatus="Failed")
        assert "'x'" in ended["customStatus"] and "always" in ended["output"]
        history = declared.get(f"{links['statusQueryGetUri']}&showHistory=true").json()["historyEvents"]
        failed = [event["FailureDetails"] for event in history if event["EventType"] == "TaskFailed"]
        assert [(each["ErrorType"], each["ErrorMessage"]) for each in failed] == [("KeyError", "'x'")] * 3
        shown = declared.get(f"/runtime/dashboard/api/v1/instances/{links['id']}").json()
        assert shown["error"]["type"] == "KeyError" or "always" in shown["error"]["message"]
        assert "speak the protobuf form are not replayed" in shown["replay"]["note"]

    def test_grpc_stays_open_between_clients(declared: Host) -> None:
        """And the extension that the SDK registers for itself is nothing to warn of."""
        polling = declared.get("/api/pollers").json()
        assert len(polling) == 1
        assert declared.post("/api/start/failing").status_code == 202
        assert declared.get("/api/pollers").json() == polling
        assert "worker extensions" not in declared.output.text

    def test_functions_in_folders_are_known_by_their_sdk(tmp_path: Path) -> None:
        app = with_packages(write_app(tmp_path, FOLDERS), sdk)
        with running(app, "--python", sdk.executable, **SQLITE) as host:
            links = host.get("/api/start").json()
            assert host.until(links["statusQueryGetUri"], runtimeStatus="Completed")["output"] == ["Hello Tokyo!"]


def test_without_its_packages_the_host_names_them(tmp_path: Path) -> None:
    """Any binding may say that it needs gRPC."""
    flagged = {"name": "context", "type": "orchestrationTrigger", "direction": "in", "durableRequiresGrpc": True}
    app = write_app(tmp_path / "app", {**FOLDERS, "Hello/function.json": bindings(flagged)})
    hidden = write_app(tmp_path / "hidden", {"grpc/__init__.py": "raise ImportError('No module named grpc')"})
    with launched("start", app, "--port", 0, **SQLITE, PYTHONPATH=str(hidden)) as (process, output):
        output.until("pip install 'fnhost[grpc]'")
        assert process.wait(30) == 1


def test_a_client_starts_what_an_app_serves(tmp_path: Path) -> None:
    """Whatever the SDK of the app: here it is 1.x."""
    port = free_port()
    app = write_app(tmp_path, {**FOLDERS, "Start/__init__.py": "def main(req, starter):\n    return 'unused'\n"})
    with running(app, "--grpc-port", port, **SQLITE) as host:
        host.output.until(f"localhost:{port}")
        with client.TaskHubGrpcClient(host_address=f"localhost:{port}") as asked:
            state = asked.wait_for_orchestration_completion(asked.schedule_new_orchestration("Hello"), timeout=30)
    assert state and state.serialized_output == '["Hello Tokyo!"]'


def test_a_port_that_is_taken_on_one_family_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, lines = run("durabletask", tmp_path, "--grpc-port", taken.getsockname()[1], "--port", 0)
    assert code == 1 and "is taken. Name another with --grpc-port" in lines[-1]


def test_a_program_runs_its_orchestrations_on_the_scheduler(tmp_path: Path) -> None:
    def double(context: task.ActivityContext, given: int) -> int:
        return given * 2

    def walk(context: task.OrchestrationContext, given: int) -> object:
        return (yield context.call_activity(double, input=given))

    port = free_port()
    with launched("durabletask", tmp_path, "--grpc-port", port, "--port", 0) as (_, output):
        output.until(f"localhost:{port}")
        with worker.TaskHubGrpcWorker(host_address=f"localhost:{port}") as program:
            program.add_orchestrator(walk)
            program.add_activity(double)
            program.start()
            with client.TaskHubGrpcClient(host_address=f"localhost:{port}") as asked:
                instance = asked.schedule_new_orchestration(walk, input=21)
                state = asked.wait_for_orchestration_completion(instance, timeout=30)
    assert state and state.serialized_output == "42"
    assert (tmp_path / ".fnhost" / "TestHubName.db").exists()
    assert STARTED in output.text


def test_what_a_killed_program_had_goes_to_the_next(tmp_path: Path) -> None:
    port = free_port()
    address, module = f"localhost:{port}", ("-m", "tests.support.durabletask_program")
    with launched("durabletask", tmp_path, "--grpc-port", port, "--port", 0) as (_, output):
        output.until(address)
        with client.TaskHubGrpcClient(host_address=address) as asked:
            instance = asked.schedule_new_orchestration("walk", input=21)
            with launched(address, "hangs", program=module) as (process, told):
                told.until("the activity has begun")
                process.kill()
                process.wait(30)
            assert asked.get_orchestration_state(instance).runtime_status is client.OrchestrationStatus.RUNNING  # type: ignore[union-attr]
            with launched(address, program=module):
                state = asked.wait_for_orchestration_completion(instance, timeout=30)
    assert state and state.serialized_output == "42"


def test_a_program_in_javascript_runs_on_the_scheduler(tmp_path: Path) -> None:
    """The SDK for JavaScript, client and worker: among others an activity that returns nothing."""
    port, program = free_port(), Path(durabletask_program.__file__).with_suffix(".js")
    modules = {"NODE_PATH": str(packages(PACKAGES / "durabletask"))}
    with launched("durabletask", tmp_path, "--grpc-port", port, "--port", 0) as (_, output):
        output.until(f"localhost:{port}")
        command = [node(), str(program), f"localhost:{port}"]
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=90, check=False, env={**os.environ, **modules}
        )
    assert ran.returncode == 0, f"{ran.stdout}{ran.stderr}{output.tail}"
    found = dict(map(json.loads, ran.stdout.splitlines()))
    assert found.pop("fails").endswith("Activity function 'unknown' is not registered.")
    assert found == {
        "everything": {
            "first": "Hello Tokyo!",
            "none": True,
            "both": ["Hello a!", "Hello b!"],
            "child": "Hello child!",
            "retried": 3,
            "count": 5,
            "event": {"yes": True},
        },
        "entity": 5,
        "again": "3",
        "suspended": "SUSPENDED",
        "resumed": "RUNNING",
        "terminated": ["TERMINATED", '"enough"'],
        "purged": 1,
    }
