"""Apps for Node through `fnhost start`: what is served, reloaded, printed, and what happens when the worker dies."""

import json
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from tests.support.hosts import Host, launched, running, write_app
from tests.support.npm import link_packages

WEBHOOKS = "/runtime/webhooks/durabletask"
NODE = {"FUNCTIONS_WORKER_RUNTIME": "node"}
KEPT = "The last good version keeps serving."


def bindings(*entries: Mapping[str, object]) -> str:
    return json.dumps({"bindings": entries})


def http(**trigger: object) -> str:
    given = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous", **trigger}
    return bindings(given, {"name": "res", "type": "http", "direction": "out"})


ORCHESTRATION = bindings({"name": "context", "type": "orchestrationTrigger", "direction": "in"})
ENTITY = bindings({"name": "context", "type": "entityTrigger", "direction": "in"})
ACTIVITY = bindings({"name": "name", "type": "activityTrigger", "direction": "in"})
SHARED = "module.exports = async (context) => { context.res = { body: require('../shared/word.cjs') }; };\n"
HELLO = "module.exports = async function (context, req) {{\n  context.res = {{ body: '{}' }};\n}};\n"

APP = {
    "Hello/function.json": http(),
    "Hello/index.js": HELLO.format("first"),
    "Body/function.json": http(methods=["post"], route="body/{id:int?}"),
    "Body/index.js": """
module.exports = (context, req) => {
  context.res.status(202).json({ kind: typeof req.body, body: req.body, id: req.params.id });
};
""",
    "Untouched/function.json": http(),
    "Untouched/index.js": "module.exports = async () => {};",
    "Returned/function.json": http().replace('"res"', '"$return"'),
    "Returned/index.js": "module.exports = async (context, req) => req.query.say && { body: req.query.say };",
    "Throws/function.json": http(),
    "Throws/index.js": "module.exports = async () => {\n  throw new TypeError('on purpose');\n};\n",
    "Pid/function.json": http(),
    "Pid/index.mjs": "export default async (context) => { context.res = { body: `pid ${process.pid}` }; };",
    "Ends/function.json": http(),
    "Ends/index.js": "module.exports = async () => process.exit(4);",
    "Never/function.json": http(),
    "Never/index.js": "module.exports = (context) => { console.log('never done'); };",
}


def pid_of(host: Host) -> int:
    return int(host.get("/api/Pid").text.removeprefix("pid "))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running(write_app(tmp_path_factory.mktemp("node"), APP), **NODE) as host:
        yield host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with running(write_app(tmp_path, APP), **NODE) as host:
        yield host


@pytest.mark.parametrize(
    ("sent", "kind", "value"),
    [("123", "number", 123), ("true", "boolean", True), ('{"a":1}', "object", {"a": 1}), ("text", "string", "text")],
)
def test_a_text_body_is_what_its_json_says(served: Host, sent: str, kind: str, value: object) -> None:
    answer = served.post("/api/body/7", content=sent, headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.headers["content-type"]) == (202, "application/json; charset=utf-8")
    assert answer.json() == {"kind": kind, "body": value, "id": "7"}


def test_an_untouched_response_is_200_and_no_returned_one_204(served: Host) -> None:
    untouched, nothing, said = map(served.get, ("/api/Untouched", "/api/Returned", "/api/Returned?say=x"))
    assert (untouched.status_code, untouched.content) == (200, b"")
    assert (nothing.status_code, nothing.content) == (204, b"")
    assert (said.status_code, said.text) == (200, "x")


def test_an_exception_is_an_empty_500_and_its_stack_is_printed(served: Host) -> None:
    answer = served.get("/api/Throws")
    assert (answer.status_code, answer.content) == (500, b"")
    served.output.until("Exception: on purpose")
    served.output.until("Throws/index.js:2")


def test_the_worker_is_a_node_and_no_other_was_started(served: Host) -> None:
    served.get("/api/Hello")
    names = [Path(process.exe()).name for process in served.children()]
    assert "node" in names
    assert not [name for name in names if name.startswith("python")]


def test_process_exit_in_a_function_is_told_and_the_worker_replaced(host: Host) -> None:
    pid = pid_of(host)
    assert host.get("/api/Ends").status_code == 500
    host.output.until("process.exit(4) was called in function 'Ends' (invocation ")
    host.output.until(f"Language Worker Process exited. Pid={pid}.")
    assert pid_of(host) != pid


CRASHES = {
    "Uncaught": "setTimeout(() => { throw new Error('from a timer'); }); await new Promise(() => {});",
    "Unhandled": "Promise.reject(new Error('nobody waits')); await new Promise(() => {});",
    "Killed": "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});",
}
TOLD = (
    "Uncaught exception in function 'Uncaught'",
    "Unhandled rejection in function 'Unhandled'",
    "with code 137 (0x89)",
)


def test_each_crash_is_told_and_the_worker_replaced_until_the_third_ends_the_host(tmp_path: Path) -> None:
    files = {f"{name}/index.js": f"module.exports = async () => {{ {code} }};" for name, code in CRASHES.items()}
    definitions = {f"{name}/function.json": http() for name in CRASHES}
    with running(write_app(tmp_path, {**APP, **files, **definitions}), **NODE) as host:
        for name, told in zip(CRASHES, TOLD, strict=True):
            assert host.get("/api/Hello").text == "first"
            assert (answer := host.get(f"/api/{name}")).status_code == 500, answer
            host.output.until(told)
        host.output.until("Exceeded language worker restart retry count for runtime:node.")
        assert host.process.wait(30) == 1


def test_a_function_that_never_calls_done_times_out(tmp_path: Path) -> None:
    limit = json.dumps({"version": "2.0", "functionTimeout": "00:00:01"})
    with running(write_app(tmp_path, {**APP, "host.json": limit}), **NODE) as host:
        pid = pid_of(host)
        assert host.get("/api/Never").status_code == 500
        host.output.until("Timeout value of 00:00:01 exceeded by function 'Functions.Never' (Id: '")
        assert pid_of(host) != pid


def test_a_saved_script_is_live(host: Host) -> None:
    assert host.get("/api/Hello").text == "first"
    host.write("Hello/index.js", HELLO.format("second"))
    host.until_text("/api/Hello", "second")
    host.write("shared/word.cjs", "module.exports = 'third';")
    host.write("Hello/index.js", SHARED)
    host.until_text("/api/Hello", "third")
    host.write("shared/word.cjs", "module.exports = 'fourth';")
    host.until_text("/api/Hello", "fourth")


def test_a_saved_package_json_is_live(host: Host) -> None:
    host.write("package.json", '{"type": "module"}')
    host.output.until(KEPT)  # the scripts of the other functions are no ES modules
    host.write("package.json", "{}")
    host.write("Hello/index.js", HELLO.format("second"))
    host.until_text("/api/Hello", "second")


@pytest.mark.parametrize("file", ["index.js", "index.mjs"])
def test_a_syntax_error_keeps_the_last_good_version(tmp_path: Path, file: str) -> None:
    app = {"Hello/function.json": http(), "Hello/index.mjs": "export default (c) => { c.res.send('first'); };"}
    with running(write_app(tmp_path, app), **NODE) as host:
        (tmp_path / "Hello" / "index.mjs").unlink()
        host.write(f"Hello/{file}", "const broken = (\n\n];\n")
        host.output.until(KEPT)
        host.output.until(f"Hello/{file}:3")
        host.output.until("SyntaxError: Unexpected token ']'")
        assert host.get("/api/Hello").text == "first"
        (tmp_path / "Hello" / file).unlink()
        host.write("Hello/index.js", HELLO.format("mended"))
        host.until_text("/api/Hello", "mended")


def test_check_reads_an_app_for_node(tmp_path: Path) -> None:
    with launched("check", write_app(tmp_path, APP), **NODE) as (process, output):
        assert process.wait(30) == 0, output.text


WALK = """
const df = require('durable-functions');

module.exports = df.orchestrator(function* (context) {
  const seen = [];
  for (let number = 0; number < 20; number++) {
    seen.push(yield context.df.callActivity('Double', number));
    context.df.setCustomStatus(`at ${number}`);
  }
  const counter = new df.EntityId('Counter', context.df.instanceId);
  for (const number of seen) yield context.df.callEntity(counter, 'add', number);
  return yield context.df.callEntity(counter, 'get');
});
"""
COUNTER = """
const df = require('durable-functions');

module.exports = df.entity((context) => {
  const sum = context.df.getState(() => 0);
  if (context.df.operationName === 'add') context.df.setState(sum + context.df.getInput());
  else context.df.return(sum);
});
"""
CLIENT = """
const df = require('durable-functions');

module.exports = async function (context, req) {
  const client = df.getClient(context);
  const id = await client.startNew('Walk', req.query.id, { any: 'input' });
  return client.createCheckStatusResponse(req, id);
};
"""
STARTER = bindings(
    {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"},
    {"name": "starter", "type": "durableClient", "direction": "in"},
    {"name": "$return", "type": "http", "direction": "out"},
)
DURABLE = {
    "Pid/function.json": APP["Pid/function.json"],
    "Pid/index.mjs": APP["Pid/index.mjs"],
    "Walk/function.json": ORCHESTRATION,
    "Walk/index.js": WALK,
    "Double/function.json": ACTIVITY,
    "Double/index.js": "module.exports = async (context, number) => 2 * number;",
    "Counter/function.json": ENTITY,
    "Counter/index.js": COUNTER,
    "Start/function.json": STARTER,
    "Start/index.js": CLIENT,
}


def test_an_orchestration_survives_the_death_of_its_worker(hub: Mapping[str, str], tmp_path: Path) -> None:
    app = link_packages(write_app(tmp_path, DURABLE), "v3")
    with running(app, **hub, **NODE) as host:
        answer = host.get("/api/Start?id=the-walk")
        assert (answer.status_code, answer.json()["id"]) == (202, "the-walk")
        for steps in (3, 9):
            host.output.until("Executed 'Functions.Double' (Succeeded", steps)
            pid = pid_of(host)
            os.kill(pid, signal.SIGKILL)
            host.output.until(f"Language Worker Process exited. Pid={pid}.")
        ended = host.until(answer.json()["statusQueryGetUri"], runtimeStatus="Completed")
    assert (ended["output"], ended["customStatus"], ended["input"]) == (380, "at 19", {"any": "input"})


def test_no_worker_is_left_behind(tmp_path: Path) -> None:
    with running(write_app(tmp_path, APP), **NODE) as host:
        pid = pid_of(host)
        host.kill()
        _, alive = psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=10)
    assert not alive


WAITS = """
const df = require('durable-functions');

module.exports = df.orchestrator(function* (context) {
  context.df.setCustomStatus('waiting');
  return yield context.df.waitForExternalEvent('Go');
});
"""
OPERATIONS = """
const { setTimeout: sleep } = require('node:timers/promises');

const df = require('durable-functions');

module.exports = async function (context) {
  const client = df.getClient(context);
  const { OrchestrationRuntimeStatus: is } = df;
  const told = {};
  const until = async (id, status) => {
    for (;;) {
      const found = await client.getStatus(id);
      if (found.runtimeStatus === status && (status !== is.Running || found.customStatus)) return found;
      await sleep(20);
    }
  };

  const begun = Date.now() - 5000;
  const first = await client.startNew('Waits', 'first', ['in']);
  const running = await until(first, is.Running);
  told.running = [running.name, running.instanceId, running.input, running.customStatus];
  told.urls = Object.keys(client.createHttpManagementPayload(first)).sort();
  await client.raiseEvent(first, 'Go', { any: [1, null, 'value'] });
  told.completed = (await until(first, is.Completed)).output;

  const second = await client.startNew('Waits', 'second');
  await until(second, is.Running);
  await client.terminate(second, 'because');
  told.terminated = (await until(second, is.Terminated)).output;

  const history = await client.getStatus(first, true, true, true);
  told.history = history.historyEvents.map((event) => event.EventType);
  told.all = (await client.getStatusAll()).map((each) => each.instanceId).sort();
  const by = await client.getStatusBy(new Date(begun), undefined, [is.Terminated]);
  told.by = by.map((each) => each.instanceId);

  const counter = new df.EntityId('Counter', 'one');
  await client.signalEntity(counter, 'add', 4);
  await client.signalEntity(counter, 'add', 3);
  let state;
  do state = await client.readEntityState(counter);
  while (state.entityState !== 7 && !(await sleep(20)));
  told.entity = [state.entityExists, state.entityState];
  told.nobody = (await client.readEntityState(new df.EntityId('Counter', 'none'))).entityExists;

  told.purged = (await client.purgeInstanceHistory(first)).instancesDeleted;
  told.gone = (await client.getStatus(first)).runtimeStatus === undefined;
  const purgedBy = await client.purgeInstanceHistoryBy(new Date(begun), new Date(Date.now() + 5000), [is.Terminated]);
  told.purgedBy = purgedBy.instancesDeleted;
  return { body: told };
};
"""


def test_a_client_can_do_all_that_its_sdk_offers(hub: Mapping[str, str], tmp_path: Path) -> None:
    files = {"Waits/index.js": WAITS, "Waits/function.json": ORCHESTRATION}
    files |= {"Counter/index.js": COUNTER, "Counter/function.json": ENTITY}
    files |= {"Operations/index.js": OPERATIONS, "Operations/function.json": STARTER}
    with running(link_packages(write_app(tmp_path, files), "v3"), **hub, **NODE) as host:
        answer = host.get("/api/Operations")
        assert answer.status_code == 200, host.output.tail
        told = answer.json()
    assert told["running"] == ["Waits", "first", ["in"], "waiting"]
    assert {"statusQueryGetUri", "sendEventPostUri", "terminatePostUri", "purgeHistoryDeleteUri"} <= set(told["urls"])
    assert (told["completed"], told["terminated"]) == ({"any": [1, None, "value"]}, "because")
    assert told["history"][0] == "ExecutionStarted" and told["history"][-1] == "ExecutionCompleted"
    assert ({"first", "second"} <= set(told["all"]), told["by"]) == (True, ["second"])
    assert (told["entity"], told["nobody"]) == ([True, 7], False)
    assert (told["purged"], told["gone"], told["purgedBy"]) == (1, True, 1)
