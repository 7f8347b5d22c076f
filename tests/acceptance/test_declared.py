"""Functions declared in code (Python v2): listed by a worker, served like folders (platform/app-files.md 7)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fnhost.azurite import Azurite
from tests.support.hosts import Host, http, run, running, write_app
from tests.support.storage import fresh

APP = """
import azure.functions as func
import azure.durable_functions as df
from more import blueprint

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
app.register_functions(blueprint)


@app.route(route="hello/{name}", methods=["GET"])
def Hello(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("Hello " + req.route_params["name"])


@app.function_name("Send")
@app.route()
@app.queue_output(arg_name="the_message", queue_name="%QUEUE%", connection="AzureWebJobsStorage")
def send(req: func.HttpRequest, the_message: func.Out[str]) -> str:
    the_message.set(req.get_body().decode())
    return "sent"


@app.queue_trigger(arg_name="msg", queue_name="%QUEUE%", connection="")
def work(msg: func.QueueMessage):
    print("got", msg.get_body().decode(), flush=True)


@app.schedule(schedule="0 0 0 1 1 *", arg_name="timer", run_on_startup=True)
def tick(timer: func.TimerRequest) -> None:
    print("tick", timer.past_due, flush=True)


@app.route(route="start")
@app.durable_client_input(client_name="client")
async def start(req: func.HttpRequest, client):
    instance = await client.start_new("walk", None, {"n": 2})
    return await client.wait_for_completion_or_create_check_status_response(req, instance)


@app.orchestration_trigger(context_name="context")
def walk(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("double", context.get_input()["n"]))


@app.activity_trigger(input_name="number")
def double(number: int) -> int:
    return number * 2
"""
MORE = """
import azure.functions as func

blueprint = func.Blueprint()


@blueprint.route(route="flaky")
@blueprint.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:00")
def flaky(req: func.HttpRequest, context: func.Context) -> str:
    if context.retry_context.retry_count < 2:
        raise ValueError("again")
    return f"after {context.retry_context.retry_count}"
"""
PLAIN = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return "{}"
"""
SQLITE = {"AzureFunctionsJobHost__extensions__durableTask__storageProvider__type": "sqlite"}


@pytest.fixture
def settings(storage: Azurite) -> dict[str, str]:
    names = {"AzureFunctionsWebHost__hostid": fresh("host"), "QUEUE": fresh("q")}
    return {**SQLITE, **names, "AzureWebJobsStorage": storage.connection_string}


@pytest.fixture
def host(tmp_path: Path, settings: dict[str, str]) -> Iterator[Host]:
    with running(write_app(tmp_path, {"function_app.py": APP, "more.py": MORE}), **settings) as host:
        yield host


def test_every_kind_of_function_is_served(host: Host) -> None:
    assert host.get("/api/hello/Ada").text == "Hello Ada"
    assert host.post("/api/Send", content="one").text == "sent"
    host.output.until("got one")
    host.output.until("tick False")
    assert host.get("/api/flaky").text == "after 2"
    assert host.get("/api/start").json() == 4
    listed = {each["name"]: each for each in host.get("/admin/functions").json()}
    assert sorted(listed) == ["Hello", "Send", "double", "flaky", "start", "tick", "walk", "work"]
    assert listed["Hello"]["config"]["entryPoint"] == "Hello"
    assert host.output.count("\tHello: [GET] http://localhost:") == 1


def test_a_save_is_live_and_a_broken_one_is_shown_with_its_traceback(tmp_path: Path) -> None:
    with running(write_app(tmp_path, {"function_app.py": PLAIN.format("first")})) as host:
        assert host.get("/api/hello").text == "first"
        host.write("function_app.py", PLAIN.format("second"))
        host.until_text("/api/hello", "second")
        host.write("function_app.py", "import nothing_of_that_name\n" + PLAIN.format("third"))
        host.output.until("The last good version keeps serving.")
        host.output.until(
            "Worker failed to index functions: ModuleNotFoundError: No module named 'nothing_of_that_name'"
        )
        host.output.until('function_app.py", line 1, in <module>')
        assert host.get("/api/hello").text == "second"
        host.write("function_app.py", PLAIN.format("fourth"))
        host.until_text("/api/hello", "fourth")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise RuntimeError('on import')\n", "RuntimeError: on import"),
        ("import azure.functions as func\n", "Could not find top level function app instances in function_app.py."),
        (
            PLAIN.format("") + "other = func.FunctionApp()\n",
            "More than one FunctionApp or other top level function app instances are defined: app, other.",
        ),
        (
            PLAIN.format("") + "@app.route(route='two')\ndef hello(req) -> str:\n    return ''\n",
            "Function hello does not have a unique function name.",
        ),
    ],
)
def test_an_app_that_cannot_be_listed(tmp_path: Path, code: str, message: str) -> None:
    exit, lines = run("check", write_app(tmp_path, {"function_app.py": code}))
    assert exit == 1
    assert "function_app.py: Worker failed to index functions: " in "\n".join(lines)
    assert message in "\n".join(lines)


def test_a_problem_of_a_blueprint_names_its_file(tmp_path: Path) -> None:
    more = MORE + (
        "\n\n@blueprint.schedule(schedule='never', arg_name='timer')\ndef tick(timer: func.TimerRequest) -> None: ...\n"
    )
    code = PLAIN.format("x") + "\nfrom lib.more import blueprint\napp.register_functions(blueprint)\n"
    with running(write_app(tmp_path, {"function_app.py": code, "lib/more.py": more, "lib/__init__.py": ""})) as host:
        assert host.get("/api/flaky").text == "after 2"
        host.output.until("lib/more.py line 15#/bindings/0/schedule: Unable to configure binding 'timer'")


def test_a_problem_names_file_and_line(tmp_path: Path) -> None:
    code = PLAIN.format("x") + (
        "\n\n@app.schedule(schedule='often', arg_name='timer')\ndef tick(timer: func.TimerRequest) -> None: ...\n"
    )
    with running(write_app(tmp_path, {"function_app.py": code})) as host:
        assert host.get("/api/hello").text == "x"
        host.output.until("function_app.py line 12#/bindings/0/schedule: Unable to configure binding 'timer'")


def test_folders_beside_it_are_refused(tmp_path: Path) -> None:
    old = {"Old/__init__.py": "def main(req) -> str:\n    return 'old'\n", "Old/function.json": http()}
    with running(write_app(tmp_path, {"function_app.py": PLAIN.format("new"), **old})) as host:
        assert host.get("/api/hello").text == "new"
        assert host.get("/api/Old").status_code == 404
        host.output.until("Old/function.json: Detected mixed function app. Some functions may not be indexed")


def test_another_name_for_the_file(tmp_path: Path) -> None:
    name = {"PYTHON_SCRIPT_FILE_NAME": "my_app.py"}
    with running(write_app(tmp_path, {"my_app.py": PLAIN.format("named")}), **name) as host:
        assert host.get("/api/hello").text == "named"


def test_commands_know_its_functions(tmp_path: Path, settings: dict[str, str]) -> None:
    app = write_app(tmp_path, {"function_app.py": APP, "more.py": MORE})
    exit, lines = run("check", app, **settings)
    assert (exit, "Functions that can be served: 8. Problems: 0." in lines) == (0, True)
    exit, lines = run("run", "work", "--input", "by hand", "--app", app, **settings)
    assert (exit, any("got by hand" in line for line in lines)) == (0, True)


def test_several_processes_and_a_replaced_one(tmp_path: Path) -> None:
    code = (
        PLAIN.format("x")
        + "\n\n@app.route(route='pid')\ndef pid(req) -> str:\n    return str(__import__('os').getpid())\n"
    )
    with running(write_app(tmp_path, {"function_app.py": code}), FUNCTIONS_WORKER_PROCESS_COUNT="2") as host:
        pids = {int(host.get("/api/pid").text) for _ in range(4)}
        assert len(pids) == 2
        for child in host.children():
            if child.pid in pids:
                child.kill()
        host.output.until("Language Worker Process exited.", 2)
        assert int(host.get("/api/pid").text) not in pids


def test_an_asgi_app(tmp_path: Path) -> None:
    code = """
import azure.functions as func

async def web(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    text = f"{scope['method']} {scope['path']}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": text})

app = func.AsgiFunctionApp(app=web, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
    host_json = json.dumps({"version": "2.0", "extensions": {"http": {"routePrefix": ""}}})
    with running(write_app(tmp_path, {"function_app.py": code, "host.json": host_json})) as host:
        assert host.get("/any/where").text == "GET /any/where"
