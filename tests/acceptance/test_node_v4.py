"""Apps that register their functions with @azure/functions 4.x and durable-functions 3.x, through `fnhost start`."""

import os
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx

from tests.support.hosts import running
from tests.support.node import NODE, write_v4

HTTP = """
const { app } = require('@azure/functions');

const hello = async (request, context) => {
  context.log('greeting');
  return { status: 201, body: `Hello, ${request.params.name}.` };
};
app.http('Hello', { methods: ['GET'], authLevel: 'anonymous', route: 'hello/{name}', handler: hello });
app.get('Pid', { authLevel: 'anonymous', handler: async () => ({ body: String(process.pid) }) });
"""
DURABLE = """
const { app } = require('@azure/functions');
const df = require('durable-functions');

df.app.orchestration('Walk', function* (context) {
  const seen = [];
  for (let number = 0; number < 10; number++) {
    seen.push(yield context.df.callActivity('Double', number));
    context.df.setCustomStatus(`at ${number}`);
  }
  const sum = new df.EntityId('Sum', context.df.instanceId);
  for (const number of seen) yield context.df.callEntity(sum, 'add', number);
  return yield context.df.callEntity(sum, 'get');
});
df.app.activity('Double', { handler: (number) => 2 * number });
df.app.entity('Sum', (context) => {
  const sum = context.df.getState(() => 0);
  if (context.df.operationName === 'add') context.df.setState(sum + context.df.getInput());
  else context.df.return(sum);
});
const start = async (request, context) => {
  const client = df.getClient(context);
  const id = await client.startNew('Walk');
  return client.createCheckStatusResponse(request, id);
};
app.http('Start', { authLevel: 'anonymous', extraInputs: [df.input.durableClient()], handler: start });
"""


def test_functions_registered_in_code_are_served_and_reloaded(tmp_path: Path) -> None:
    app = write_v4(tmp_path / "app", {"src/functions/http.js": HTTP}, "src/functions/*.js")
    with running(app, **NODE) as host:
        answer = host.get("/api/hello/Ada")
        assert (answer.status_code, answer.text) == (201, "Hello, Ada.")
        assert host.get("/api/Hello").status_code == 404
        host.output.until("greeting")
        host.write("src/functions/http.js", HTTP.replace("Hello,", "Welcome,"))
        host.until_text("/api/hello/Ada", "Welcome, Ada.")
        host.write("src/functions/more.js", "app.get(")
        host.output.until("src/functions/more.js:1")
        assert host.get("/api/hello/Ada").text == "Welcome, Ada."


def test_an_orchestration_survives_the_death_of_its_worker(hub: Mapping[str, str], tmp_path: Path) -> None:
    app = write_v4(tmp_path / "app", {"src/http.js": HTTP, "src/durable.js": DURABLE})
    with running(app, **hub, **NODE) as host:
        links = host.get("/api/Start").json()
        host.output.until("Executed 'Functions.Double' (Succeeded", 3)
        pid = int(host.get("/api/Pid").text)
        os.kill(pid, signal.SIGKILL)
        host.output.until(f"Language Worker Process exited. Pid={pid}.")
        ended = host.until(links["statusQueryGetUri"], runtimeStatus="Completed")
    assert (ended["output"], ended["customStatus"]) == (90, "at 9")


def test_a_problem_names_the_line_that_registered_its_function_and_no_other_is_lost(tmp_path: Path) -> None:
    code = HTTP + "app.get('Second', { route: 'PID', handler: async () => ({}) });\n"
    code += "app.timer('Tick', { schedule: 'often', handler: () => {} });\n"
    with running(write_v4(tmp_path / "app", {"src/all.js": code}), **NODE) as host:
        assert host.get("/api/hello/Ada").text == "Hello, Ada."
        host.output.until("The 'Second' function is in error: src/all.js line 10#/bindings/0: The route specified")
        host.output.until("The 'Tick' function is in error: src/all.js line 11#/bindings/0/schedule: ")


STREAMING = """
const { app } = require('@azure/functions');

app.setup({ enableHttpStream: true });
app.http('Echo', {
  authLevel: 'anonymous',
  route: 'echo/{id}',
  handler: async (request) => ({
    status: 203,
    headers: {
      'x-told': [request.method, request.params.id, request.query.get('a'), request.headers.get('x-b')].join(),
    },
    body: request.body,
  }),
});
app.get('Pieces', {
  authLevel: 'anonymous',
  handler: async (request) => ({
    body: (async function* () {
      yield 'one ';
      if (request.query.has('fail')) throw new Error('in the middle');
      yield 'two';
    })(),
  }),
});
app.get('Exits', { authLevel: 'anonymous', handler: async () => process.exit(3) });
"""


def test_an_app_that_streams_http(tmp_path: Path) -> None:
    sent = os.urandom(3_000_000)
    with running(write_v4(tmp_path / "app", {"src/app.js": STREAMING}), **NODE) as host:
        with ThreadPoolExecutor(8) as pool:
            posted = [
                pool.submit(host.post, f"/api/echo/{n}?a=x", content=sent, headers={"X-B": "y"}) for n in range(8)
            ]
            answers = [each.result() for each in posted]
        assert [(each.status_code, each.headers["x-told"]) for each in answers] == [
            (203, f"POST,{number},x,y") for number in range(8)
        ]
        assert all(each.content == sent for each in answers)
        assert host.get("/api/Pieces").text == "one two"
        with suppress(httpx.RemoteProtocolError):  # its first piece may have left already
            assert host.get("/api/Pieces?fail=1").status_code == 500
        host.output.until("Exception: in the middle")
        assert host.get("/api/Exits").status_code == 500
        assert host.get("/api/Pieces").text == "one two"
