"""Apps with functions in Python and in JavaScript side by side: a worker for each language, started when needed."""

import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.hosts import Host, bindings, http, run, running, write_app
from tests.support.node import HTTP as REQUEST
from tests.support.npm import link_packages
from tests.support.workers import write_file

UNSET = {"FUNCTIONS_WORKER_RUNTIME": ""}
RETURNED = {"name": "$return", "type": "http", "direction": "out"}
NOT_DEPLOYED = (
    "The functions are written for node and python: each language has workers of its own here, but the platform"
)


def script(*entries: Mapping[str, object]) -> str:
    return json.dumps({"bindings": entries})


IN_PYTHON = {
    "Py/__init__.py": "import os\n\n\ndef main(req):\n    return f'python 1 {os.getpid()}'\n",
    "Py/function.json": http(),
}
IN_JAVASCRIPT = {
    "Js/index.js": "module.exports = async () => ({ body: `node 1 ${process.pid}` });",
    "Js/function.json": script(REQUEST, RETURNED),
}


def of(host: Host, name: str) -> tuple[str, int]:
    """What a function says of its language and version, and its process."""
    text, _, pid = host.get(f"/api/{name}").text.rpartition(" ")
    return text, int(pid)


@pytest.mark.parametrize("runtime", ["", "python", "node"])
def test_folders_of_two_languages_are_served_and_reloaded(runtime: str, tmp_path: Path) -> None:
    app = write_app(tmp_path, {**IN_PYTHON, **IN_JAVASCRIPT})
    with running(app, FUNCTIONS_WORKER_RUNTIME=runtime) as host:
        python, node = of(host, "Py"), of(host, "Js")
        assert (python[0], node[0]) == ("python 1", "node 1")
        assert python[1] != node[1]
        host.output.until(NOT_DEPLOYED)
        host.write("Js/index.js", IN_JAVASCRIPT["Js/index.js"].replace("1", "2"))
        host.output.until("Worker process started and initialized.", 2)
        assert (of(host, "Py")[0], of(host, "Js")[0]) == ("python 1", "node 2")
        host.write("Py/__init__.py", IN_PYTHON["Py/__init__.py"].replace("1", "2"))
        host.output.until("Worker process started and initialized.", 3)
        assert (of(host, "Py")[0], of(host, "Js")[0]) == ("python 2", "node 2")
        host.write("Js/index.js", "module.exports = async () => {")
        host.output.until("Js/index.js:1")
        assert (of(host, "Py")[0], of(host, "Js")[0]) == ("python 2", "node 2")


def test_the_death_of_one_worker_is_nothing_to_the_other(tmp_path: Path) -> None:
    app = write_app(tmp_path, {**IN_PYTHON, **IN_JAVASCRIPT})
    with running(app, **UNSET) as host:
        (_, python), (_, node) = of(host, "Py"), of(host, "Js")
        os.kill(node, signal.SIGKILL)
        host.output.until(f"Language Worker Process exited. Pid={node}.")
        assert of(host, "Py")[1] == python
        text, replaced = of(host, "Js")
        assert text == "node 1"
        assert replaced not in (node, python)


def test_a_worker_starts_when_its_language_is_needed(tmp_path: Path) -> None:
    with running(write_app(tmp_path, IN_PYTHON)) as host:
        assert of(host, "Py")[0] == "python 1"
        host.write("Js/function.json", IN_JAVASCRIPT["Js/function.json"])
        host.output.until("Unable to determine the primary function script.")
        host.write("Js/index.js", IN_JAVASCRIPT["Js/index.js"])
        host.output.until(NOT_DEPLOYED)
        assert (of(host, "Py")[0], of(host, "Js")[0]) == ("python 1", "node 1")
        (tmp_path / "Js" / "function.json").unlink()
        host.output.until("Worker process started and initialized.", 3)
        assert host.get("/api/Js").status_code == 404
        assert of(host, "Py")[0] == "python 1"


WALK = """
const df = require('durable-functions');
module.exports = df.orchestrator(function* (context) {
  return yield context.df.callActivity('Greet', 'Ada');
});
"""
START = """
const df = require('durable-functions');
module.exports = async function (context, req) {
  const client = df.getClient(context);
  return client.createCheckStatusResponse(req, await client.startNew('Walk'));
};
"""
CLIENT = {"name": "starter", "type": "durableClient", "direction": "in"}


def test_an_orchestrator_in_one_language_calls_an_activity_in_the_other(
    sqlite: Mapping[str, str], tmp_path: Path
) -> None:
    files = {
        "Start/index.js": START,
        "Start/function.json": script(REQUEST, RETURNED, CLIENT),
        "Walk/index.js": WALK,
        "Walk/function.json": script({"name": "context", "type": "orchestrationTrigger", "direction": "in"}),
        "Greet/__init__.py": "def main(name):\n    return f'Hello, {name}.'\n",
        "Greet/function.json": bindings({"name": "name", "type": "activityTrigger", "direction": "in"}),
    }
    app = link_packages(write_app(tmp_path, files), "v3")
    with running(app, **{**sqlite, **UNSET}) as host:
        links = host.get("/api/Start").json()
        ended = host.until(links["statusQueryGetUri"], runtimeStatus="Completed")
    assert ended["output"] == "Hello, Ada."


def test_functions_declared_in_code_in_both_languages(tmp_path: Path) -> None:
    python = (
        "import azure.functions as func\n\napp = func.FunctionApp(http_auth_level='ANONYMOUS')\n\n\n"
        "@app.route(route='py')\ndef py(req: func.HttpRequest) -> str:\n    return 'python'\n"
    )
    node = "const { app } = require('@azure/functions');\n"
    node += "app.get('Js', { authLevel: 'anonymous', handler: async () => ({ body: 'node' }) });\n"
    package = {"main": "src/*.js", "dependencies": {"@azure/functions": "4"}}
    old = {"Old/index.js": "module.exports = async () => {};", "Old/function.json": script(REQUEST, RETURNED)}
    files = {"function_app.py": python, "src/app.js": node, "package.json": json.dumps(package), **old}
    app = link_packages(write_app(tmp_path, files), "v4")
    with running(app) as host:
        assert (host.get("/api/py").text, host.get("/api/Js").text) == ("python", "node")
        host.output.until(NOT_DEPLOYED)
        host.output.until("Old/function.json: Detected mixed function app.")
        assert host.get("/api/Old").status_code == 404


def test_folders_of_one_language_beside_code_of_the_other(tmp_path: Path) -> None:
    python = (
        "import azure.functions as func\n\napp = func.FunctionApp(http_auth_level='ANONYMOUS')\n\n\n"
        "@app.route(route='py')\ndef py(req: func.HttpRequest) -> str:\n    return 'python'\n"
    )
    with running(write_app(tmp_path, {"function_app.py": python, **IN_JAVASCRIPT})) as host:
        assert (host.get("/api/py").text, of(host, "Js")[0]) == ("python", "node 1")


def test_a_package_json_for_tools_is_no_second_language(tmp_path: Path) -> None:
    tool = {"package.json": '{"main": "tool.js"}', "tool.js": "throw new Error('this is no part of the app');"}
    with running(write_app(tmp_path, {**IN_PYTHON, **tool})) as host:
        assert of(host, "Py")[0] == "python 1"
        assert "Node: " not in host.output.text


def test_a_language_without_an_interpreter_is_a_problem_of_its_functions_alone(tmp_path: Path) -> None:
    app = write_app(tmp_path, {**IN_PYTHON, **IN_JAVASCRIPT})
    with running(app, languageWorkers__node__defaultExecutablePath="/nowhere/node") as host:
        assert of(host, "Py")[0] == "python 1"
        assert host.get("/api/Js").status_code == 404
        host.output.until("The 'Js' function is in error: Js/function.json: The Node that the setting")


@pytest.mark.parametrize("options", [(), ("--static",)])
def test_check_says_that_the_platform_would_not_deploy_it(options: tuple[str, ...], tmp_path: Path) -> None:
    app = write_app(tmp_path, {**IN_PYTHON, **IN_JAVASCRIPT, "local.settings.json": '{"Values": {}}'})
    code, lines = run("check", app, *options, **UNSET)
    assert (code, lines[-1]) == (0, "Functions that can be served: 2. Problems: 0.")
    assert any(line.startswith(NOT_DEPLOYED) for line in lines)


def test_check_loads_the_functions_of_each_language(tmp_path: Path) -> None:
    app = write_app(tmp_path, {**IN_PYTHON, **IN_JAVASCRIPT})
    write_file(app / "Bad" / "index.js", "module.exports = 3;")
    write_file(app / "Bad" / "function.json", script(REQUEST, RETURNED))
    code, lines = run("check", app)
    assert (code, lines[-1]) == (1, "Functions that can be served: 2. Problems: 1.")
    assert any(line.startswith("The 'Bad' function is in error: Bad/index.js: ") for line in lines)


def test_one_function_of_several_languages_runs_alone(tmp_path: Path) -> None:
    timer = {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "0 0 0 1 1 *"}
    files = {"Tick/index.js": "module.exports = async (context) => context.log('ticked');"}
    app = write_app(tmp_path, {**IN_PYTHON, **files, "Tick/function.json": script(timer)})
    code, lines = run("run", "Tick", "--app", app, AzureWebJobsStorage="UseDevelopmentStorage=true")
    assert (code, any("ticked" in line for line in lines)) == (0, True)


def test_a_worker_that_does_not_start_is_a_problem_of_its_language_alone(tmp_path: Path) -> None:
    ends = {"Ends/index.js": "process.exit(3);", "Ends/function.json": script(REQUEST, RETURNED)}
    with running(write_app(tmp_path, {**IN_PYTHON, **ends})) as host:
        assert of(host, "Py")[0] == "python 1"
        host.output.until("The 'Ends' function is in error: The worker ended while it loaded the app.")
        assert host.get("/api/Ends").status_code == 500
        host.write("Ends/index.js", IN_JAVASCRIPT["Js/index.js"])
        host.output.until("Worker process started and initialized.", 2)
        assert (of(host, "Py")[0], of(host, "Ends")[0]) == ("python 1", "node 1")
