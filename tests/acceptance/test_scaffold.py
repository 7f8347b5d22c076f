"""`fnhost init`, `fnhost new`, `fnhost start`: what the templates write runs at once, in each programming model."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from azure.core.exceptions import ResourceExistsError

from fnhost.azurite import Azurite
from fnhost.host.commands.scaffold.init import InitOptions
from fnhost.host.commands.scaffold.new import NewOptions, new
from tests.acceptance.conftest import on_azurite
from tests.support import official_workers as official
from tests.support.durable import WEBHOOKS
from tests.support.hosts import PATIENCE, POLL, PROGRAM, Host, run, running
from tests.support.npm import link_packages
from tests.support.storage import container, fresh, queue
from tests.support.terminals import terminal

QUEUES = {"python": "python-queue-items", "node": "js-queue-items"}
SUPPORT = Path(__file__).parents[1] / "support"
CONTAINER = "samples-workitems"
KINDS = ("http", "timer", "queue", "blob", "starter", "orchestrator", "activity", "entity")
NODE_V4_FUNCTIONS = {f"my_{kind}": kind for kind in ("http", "timer", "queue", "blob", "orchestrator", "entity")}
SUCCESS = 'The function "{}" was created successfully from the "{}" template.'


def scaffolded(root: Path, runtime: str, version: str, **functions: str) -> Path:
    """A new app with a function of each of these templates, by the name of the function."""
    code, lines = run("init", root, "--worker-runtime", runtime, "--model", version, "--skip-npm-install")
    assert code == 0, lines
    if runtime in ("node", "typescript"):
        link_packages(root, version.lower())
    for name, template in functions.items():
        wanted = NewOptions(template=template, name=name, project=InitOptions(installs=False))
        assert new(root, wanted, runs(runtime)) == 0
    return root


def runs(runtime: str) -> dict[str, str]:
    return {"FUNCTIONS_WORKER_RUNTIME": runtime}


def settings(storage: Azurite, runtime: str) -> dict[str, str]:
    return {**on_azurite(storage), **runs(runtime), "AzureFunctionsWebHost__hostid": fresh("host")}


def fire_storage(storage: Azurite, runtime: str, host: Host, queue_function: str, blob_function: str) -> None:
    """A message and a blob reach their functions."""
    with queue(storage.connection_string, QUEUES[runtime]) as messages, suppress(ResourceExistsError):
        messages.create_queue()
    with queue(storage.connection_string, QUEUES[runtime]) as messages:
        messages.send_message("to the queue")
    with container(storage.connection_string, CONTAINER) as blobs:
        with suppress(ResourceExistsError):
            blobs.create_container()
        blob = fresh("blob")
        blobs.upload_blob(blob, b"four")
    host.output.until(f"The queue trigger function {queue_function} received: to the queue")
    host.output.until(f"The blob trigger function {blob_function} found ")
    host.output.until(f"{blob}" if runtime == "node" else f"{CONTAINER}/{blob} (4 bytes)")


def fire_timer(host: Host, name: str) -> None:
    assert host.post(f"/admin/functions/{name}", json={}).status_code == 202
    host.output.until(f"The timer trigger function {name} ran")


def until_completed(host: Host, started: Mapping[str, str]) -> object:
    found = host.until(f"{WEBHOOKS}/instances/{started['id']}", runtimeStatus="Completed")
    return found["output"]


def until_state(host: Host, name: str, state: object) -> None:
    """The entity `name` with the key `one` has this state."""
    end = time.monotonic() + PATIENCE
    while (found := host.get(f"{WEBHOOKS}/entities/{name}/one")).status_code != 200 or found.json() != state:
        assert time.monotonic() < end, f"{found.text}\n{host.output.tail}"
        time.sleep(POLL)


def use_node_v4(storage: Azurite, host: Host) -> None:
    """Each function of the model, in JavaScript or TypeScript, does its work."""
    assert host.get("/api/my_http?name=Ada").text == "Hello, Ada!"
    fire_timer(host, "my_timer")
    fire_storage(storage, "node", host, "my_queue", "my_blob")
    started = host.post("/api/orchestrators/my_orchestratorOrchestrator").json()
    assert until_completed(host, started) == ["Hello, Tokyo", "Hello, Seattle", "Hello, London"]
    assert host.post("/api/my_entity/one").status_code == 202
    until_state(host, "my_entity", 1)


@pytest.mark.parametrize(("runtime", "version"), [("python", "V1"), ("python", "V2"), ("node", "V3")])
def test_every_template_runs_at_once(storage: Azurite, tmp_path: Path, runtime: str, version: str) -> None:
    names = {f"my_{kind}": kind for kind in KINDS if kind != "activity"}
    activity = "hello" if version == "V2" else "Hello"
    app = scaffolded(tmp_path / "app", runtime, version, **names, **{activity: "activity"})
    with running(app, **settings(storage, runtime)) as host:
        assert host.get("/api/my_http?name=Ada").text == "Hello, Ada. It works."
        assert host.post("/api/my_http", json={"name": "Bob"}).text == "Hello, Bob. It works."
        assert "Say who you are" in host.get("/api/my_http").text
        fire_timer(host, "my_timer")
        fire_storage(storage, runtime, host, "my_queue", "my_blob")
        started = host.post("/api/orchestrators/my_orchestrator").json()
        assert until_completed(host, started) == ["Hello Tokyo!", "Hello Seattle!", "Hello London!"]
        given: object = "3" if runtime == "python" else 3  # the SDK for Python wants JSON inside JSON
        assert host.post(f"{WEBHOOKS}/entities/my_entity/one?op=add", json=given).status_code == 202
        until_state(host, "my_entity", 3)


def test_every_template_of_node_v4_runs_at_once(storage: Azurite, tmp_path: Path) -> None:
    app = scaffolded(tmp_path / "app", "node", "V4", **NODE_V4_FUNCTIONS)
    with running(app, **settings(storage, "node")) as host:
        use_node_v4(storage, host)
        assert host.get("/api/my_entity/one").json() == 1


def test_every_template_of_typescript_is_compiled_and_runs(storage: Azurite, tmp_path: Path) -> None:
    app = scaffolded(tmp_path / "app", "typescript", "V4", **NODE_V4_FUNCTIONS)
    code, lines = run("check", app, **runs("node"))
    assert code == 1 and any('compile it first, with "npm run build"' in line for line in lines), lines
    code, lines = run("new", "--app", app, "--template", "HTTP trigger", "--name", "a-b", **runs("node"))
    assert code == 1 and "It is a name in TypeScript as well" in lines[-1]
    compiled = subprocess.run([app / "node_modules/.bin/tsc"], cwd=app, capture_output=True, text=True, check=False)
    assert compiled.returncode == 0, compiled.stdout
    with running(app, **settings(storage, "node")) as host:
        use_node_v4(storage, host)


def test_templates_of_custom_handlers_are_functions_of_the_handler(tmp_path: Path) -> None:
    app = scaffolded(tmp_path / "app", "custom", "V1", Hello="http", Tick="timer")
    handler = app / "handler"
    handler.write_text(f"#!{sys.executable}\n{(SUPPORT / 'streaming_server.py').read_text('utf-8')}", "utf-8")
    handler.chmod(0o755)
    with running(app, FUNCTIONS_WORKER_RUNTIME="custom") as host:
        assert host.get("/api/Hello").status_code == 500  # it answers, and not as a handler does
        host.output.until("Invalid HttpResponseMessage")


def test_templates_of_powershell_are_loaded_by_its_worker(tmp_path: Path) -> None:
    names = {kind.title(): kind for kind in ("http", "timer", "starter", "orchestrator", "activity")}
    app = scaffolded(tmp_path / "app", "powershell", "V1", **names)
    told = official.settings("powershell", official.PROFILES["powershell"], tmp_path / "workers")
    code, lines = run("check", app, **told)
    assert (code, lines[-1]) == (0, "Functions that can be served: 5. Problems: 0."), lines


@pytest.mark.parametrize(("language", "tool"), [("java", "mvn archetype:generate"), ("dotnet-isolated", "dotnet new")])
def test_other_languages_are_made_by_their_own_tools(tmp_path: Path, language: str, tool: str) -> None:
    code, lines = run("init", tmp_path / "app", "--worker-runtime", language)
    assert code == 1 and tool in lines[-1]


def test_an_app_of_es_modules_gets_modules(tmp_path: Path) -> None:
    app = scaffolded(tmp_path / "app", "node", "V4")
    package = json.loads((app / "package.json").read_text("utf-8"))
    (app / "package.json").write_text(json.dumps({**package, "type": "module"}), "utf-8")
    for name in ("http", "orchestrator", "entity"):
        new(app, NewOptions(template=name, name=name, project=InitOptions(installs=False)), runs("node"))
    code, lines = run("check", app, **runs("node"))
    assert (code, lines[-1]) == (0, "Functions that can be served: 6. Problems: 0."), lines


def test_an_app_without_functions_is_served(tmp_path: Path) -> None:
    app = scaffolded(tmp_path / "app", "python", "V2")
    code, lines = run("check", app)
    assert code == 1
    assert any("No job functions found" in line for line in lines)


def test_new_makes_the_app_first_where_there_is_none(tmp_path: Path) -> None:
    said = ("--template", "HTTP trigger", "--name", "Hello", "--authlevel", "anonymous")
    code, lines = run("new", "--app", tmp_path, *said, "--worker-runtime", "python", "--model", "V1")
    assert code == 0
    assert lines[-1] == SUCCESS.format("Hello", "HTTP trigger")
    trigger = json.loads((tmp_path / "Hello" / "function.json").read_text("utf-8"))["bindings"][0]
    assert trigger["authLevel"] == "anonymous"
    with running(tmp_path) as host:
        assert host.get("/api/Hello?name=Ada").text == "Hello, Ada. It works."


def test_what_is_missing_is_refused_where_nobody_can_be_asked(tmp_path: Path) -> None:
    code, lines = run("init", tmp_path / "app")
    assert (code, lines[-1].endswith("python, node, typescript, powershell or custom.")) == (1, True)
    code, lines = run("new", "--app", tmp_path / "app", "--template", "HTTP trigger")
    assert (code, "Say both: --template and --name." in lines[-1]) == (1, True)
    assert not (tmp_path / "app").exists()


def test_a_person_at_a_terminal_is_asked(tmp_path: Path) -> None:
    command = [sys.executable, *PROGRAM, "new", "--app", tmp_path, "--model", "V1"]
    with terminal(command) as asked:
        asked.shown.until("Choose option: ")
        asked.type("7\n")
        asked.shown.until("Choose option: ", 2)
        asked.type("1\n")
        asked.shown.until("Select a number for template:")
        asked.shown.until("Choose option: ", 3)
        asked.type("2\n")
        asked.shown.until("Function name: [TimerTrigger] ")
        asked.type("\n")
        assert asked.process.wait(PATIENCE) == 0
        asked.shown.until(SUCCESS.format("TimerTrigger", "Timer trigger"))
    with terminal([*command, "--template", "http", "--name", "TimerTrigger"]) as asked:
        asked.shown.until("A directory with the name TimerTrigger already exists. Overwrite [y/n]? [n] ")
        asked.type("\n")
        assert asked.process.wait(PATIENCE) == 1
    with terminal([*command, "--template", "http", "--name", "TimerTrigger"]) as asked:
        asked.shown.until("Overwrite [y/n]? [n] ")
        asked.type("y\n")
        assert asked.process.wait(PATIENCE) == 0
    assert "httpTrigger" in (tmp_path / "TimerTrigger" / "function.json").read_text("utf-8")
