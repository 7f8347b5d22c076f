"""The dashboard's API over a real host: what pages are told of invocations, reloads and settings, and how live."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from fnhost.azurite import Azurite
from tests.support.hosts import Host, bindings, http, running, write_app
from tests.support.storage import fresh

HOME = "/runtime/dashboard/"
API = f"{HOME}api/v1"
ORDER = """
import json, logging
import azure.functions as func

def read(body):
    return json.loads(body)["id"]

def main(req: func.HttpRequest) -> func.HttpResponse:
    logging.warning("asked for %s", req.get_body().decode())
    print("printed <b>")
    return func.HttpResponse(f"order {read(req.get_body())}", status_code=201, headers={"x-kind": "order"})
"""
ROOT = "import azure.functions as func\n\n\ndef main(req: func.HttpRequest) -> str:\n    return 'from the app'\n"
APP = {
    "host.json": '{"version": "2.0",\n "extensions": {"http": {\n  "routePrefix": ""}}}',
    "local.settings.json": json.dumps(
        {
            "IsEncrypted": False,
            "Values": {"FUNCTIONS_WORKER_RUNTIME": "python", "Shop__Password": "hunter2", "Color": "red"},
        }
    ),
    "Order/__init__.py": ORDER,
    "Order/function.json": http(route="orders", methods=["post"]),
    "Tick/__init__.py": "def main(timer):\n    print('tick')\n",
    "Tick/function.json": bindings(
        {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": "0 0 3 * * *", "useMonitor": False}
    ),
    "Whole/__init__.py": ROOT,
    "Whole/function.json": http(route="{*path}"),
    "Wrong/__init__.py": "def main(msg):\n    pass\n",
    "Wrong/function.json": '{"scriptFile": "__init__.py", "bindings": [{\n  "name": "msg",\n  "type": "qeueTrigger"}]}',
}


class Stream:
    """The events of some topics, as a page reads them."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()
        self.id = ""

    def next(self) -> tuple[str, Any]:
        """The next event: its name and its data."""
        fields: dict[str, str] = {}
        for line in self._lines:
            if not line and "event" in fields:
                self.id = fields.get("id", self.id)
                return fields["event"], json.loads(fields["data"])
            name, _, value = line.partition(": ")
            fields[name] = value
        raise AssertionError("The stream ended.")

    def until(self, event: str, **wanted: object) -> dict[str, Any]:
        """The data of the next event of this name that says what is wanted."""
        while True:
            name, data = self.next()
            if name == event and wanted.items() <= data.items():
                return dict(data)


@contextmanager
def reading(host: Host, topics: str, last_id: str = "") -> Iterator[Stream]:
    headers = {"last-event-id": last_id} if last_id else {}
    with host.client.stream("GET", f"{API}/events", params={"topics": topics}, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        yield Stream(response)


def token(host: Host) -> str:
    found = re.search(r'name="fnhost-token" content="([0-9a-f]{32})"', host.get(HOME).text)
    assert found
    return found[1]


def post(host: Host, place: str, /, **body: object) -> httpx.Response:
    return host.post(f"{API}/{place}", json=body, headers={"x-fnhost-token": token(host)})


def ended(host: Host, id: str) -> dict[str, Any]:
    """The invocation, once it has ended and its response is known."""
    with reading(host, "invocations") as stream:
        while (found := host.get(f"{API}/invocations/{id}").json())["state"] == "running":
            stream.until("invocation", id=id)
    return dict(found)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, storage: Azurite) -> Iterator[Host]:
    settings = {"AzureWebJobsStorage": storage.connection_string, "AzureFunctionsWebHost__hostid": fresh("host")}
    with running(write_app(tmp_path_factory.mktemp("shop"), APP), **settings) as host:
        assert f"Dashboard: http://localhost:{host.client.base_url.port}{HOME}" in host.output.text
        yield host


def test_the_functions_have_their_address_and_their_problems_a_line(host: Host) -> None:
    found = {function["name"]: function for function in host.get(f"{API}/functions").json()}
    assert {name: function["state"] for name, function in found.items()} == {
        "Order": "ok", "Tick": "ok", "Whole": "ok", "Wrong": "broken",
    }  # fmt: skip
    assert found["Order"]["address"].endswith("/orders") and found["Order"]["methods"] == ["POST"]
    assert (found["Order"]["script"], found["Order"]["line"]) == ("Order/__init__.py", 8)
    assert found["Whole"]["route_values"] == [{"name": "path", "constraint": None, "optional": False}]
    assert found["Tick"]["next_run"].endswith("T03:00:00.0000000Z")
    (problem,) = found["Wrong"]["problems"]
    assert (problem["file"], problem["line"], problem["hint"]) == (
        "Wrong/function.json", 3, "Did you mean 'queueTrigger'?",
    )  # fmt: skip
    app = host.get(f"{API}/app").json()
    assert (app["state"], app["problems"][0]) == ("running", problem)
    assert [worker["language"] for worker in app["workers"]] == ["python"]


def test_an_invocation_shows_its_request_logs_exception_and_response(host: Host) -> None:
    host.get(HOME)
    with reading(host, "invocations") as stream:
        assert (
            host.post("/orders?n=1", content=b'{"name": 1}', headers={"authorization": "Bearer x"}).status_code == 500
        )
        row = stream.until("invocation", function="Order", state="failed", status=500)
    assert (row["phase"], row["what"], row["error"]) == ("ended", "POST /orders?n=1", "KeyError: 'id'")
    found = host.get(f"{API}/invocations/{row['id']}").json()
    assert found["request"]["body"] == {
        "content_type": None, "size": 11, "cut": None, "text": '{"name": 1}', "base64": None,
    }  # fmt: skip
    assert {"name": "authorization", "value": "Bearer x", "secret": True} in found["request"]["headers"]
    first, second = found["exception"]["frames"]
    assert (found["exception"]["type"], found["exception"]["message"]) == ("KeyError", "'id'")
    assert (first["file"], first["line"], first["function"], first["is_user"]) == ("Order/__init__.py", 6, "read", True)
    assert {"line": 6, "text": '    return json.loads(body)["id"]'} in first["source"]
    assert second["function"] == "main"
    lines = {(line["source"], line["level"], line["text"]) for line in found["logs"]}
    assert ("user", "Warning", 'asked for {"name": 1}') in lines
    with reading(host, f"log:{row['id']}") as stream:  # what a worker prints comes over another pipe
        while not any(line["text"] == "printed <b>" for line in found["logs"]):
            stream.until("log")
            found = host.get(f"{API}/invocations/{row['id']}").json()
    assert found["response"] == {"status": 500, "headers": [], "body": found["response"]["body"]}


def test_send_again_as_it_was_and_changed(host: Host) -> None:
    large = json.dumps({"id": 7, "text": "é" * 40_000}).encode()
    begun = post(host, "functions/Order/call", method="POST", headers={"x-y": "z"}, body='{"id": 4}')
    assert begun.status_code == 202 and begun.json()["response"] is None
    first = ended(host, begun.json()["invocation"])
    assert (first["response"]["status"], first["response"]["body"]["text"]) == (201, "order 4")
    assert {"name": "x-kind", "value": "order", "secret": False} in first["response"]["headers"]
    copy = ended(host, post(host, f"invocations/{first['id']}/again").json()["invocation"])
    assert (copy["again_of"], copy["request"]["body"]) == (first["id"], first["request"]["body"])
    assert copy["request"]["headers"] == first["request"]["headers"]
    changed = post(host, f"invocations/{first['id']}/again", changes={"body": '{"id": 5}'})
    assert ended(host, changed.json()["invocation"])["response"]["body"]["text"] == "order 5"
    answer = host.post("/orders", content=large)
    assert answer.text == "order 7"
    newest = host.get(f"{API}/invocations?fn=order&limit=1").json()["items"][0]
    body = host.get(f"{API}/invocations/{newest['id']}").json()["request"]["body"]
    assert (body["size"], body["cut"]) == (len(large), 65_536) and body["text"].startswith('{"id": 7')
    refused = post(host, f"invocations/{newest['id']}/again")
    assert refused.status_code == 409 and "the first 65,536 are kept" in refused.json()["error"]


def test_other_functions_are_fired_now_and_what_cannot_run_is_said(host: Host) -> None:
    fired = ended(host, post(host, "functions/tick/call").json()["invocation"])
    assert (fired["function"], fired["state"], fired["inputs"][0]["name"]) == ("Tick", "succeeded", "timer")
    again = ended(host, post(host, f"invocations/{fired['id']}/again").json()["invocation"])
    assert (again["again_of"], again["inputs"]) == (fired["id"], fired["inputs"])
    assert post(host, "functions/None/call").status_code == 404
    assert post(host, "functions/Wrong/call").status_code == 404
    assert "route values" in post(host, "functions/Whole/call").json()["error"]
    assert "address of the host" in post(host, "functions/Whole/call", path="/admin/host/keys").json()["error"]
    assert "no request" in post(host, "functions/Order/call", method="BAD METHOD").json()["error"]
    assert post(host, "functions/Order/call", path="/orders", headers={"a": "b\r\nc: d"}).status_code == 400
    unrouted = post(host, "functions/Whole/call", method="GET", path="/some/where").json()
    assert ended(host, unrouted["invocation"])["response"]["body"]["text"] == "from the app"
    assert host.get(f"{API}/invocations/none").status_code == 410
    listed = host.get(f"{API}/invocations?limit=1").json()
    assert len(listed["items"]) == 1
    following = host.get(f"{API}/invocations?limit=1&after={listed['next']}").json()
    assert following["items"][0]["started"] <= listed["items"][0]["started"]
    assert host.get(f"{API}/invocations?limit=x").status_code == 400


def test_a_catch_all_without_a_prefix_does_not_get_the_dashboards_paths(host: Host) -> None:
    assert host.get("/runtime/anything").text == host.get("/").text == "from the app"
    assert 'name="fnhost-token"' in host.get(HOME).text
    assert 'name="fnhost-token"' in host.get(f"{HOME}instances/a%2Fb").text
    assert host.get(f"{API}/nothing").json()["error"] == f"There is nothing at GET {API}/nothing."


def test_settings_tell_where_each_value_is_from_and_no_secret(host: Host) -> None:
    response = host.get(f"{API}/settings")
    assert "hunter2" not in response.text
    found = response.json()
    places = {value["pointer"]: value for value in found["host_json"]}
    prefix, timeout = places["/extensions/http/routePrefix"], places["/functionTimeout"]
    assert (prefix["value"], prefix["from"], prefix["line"]) == ("", "host.json", 3)
    assert (timeout["value"], timeout["from"]) == ("00:30:00", "default")
    named = {variable["name"]: variable for variable in found["environment"]}
    assert named["Color"] == {
        "name": "Color", "value": "red", "secret": False, "length": None, "from": "local.settings.json",
    }  # fmt: skip
    assert (named["Shop__Password"]["value"], named["Shop__Password"]["length"]) == (None, 7)
    assert named["FUNCTIONS_WORKER_RUNTIME"]["from"] == "environment"
    tag = response.headers["etag"]
    assert host.get(f"{API}/settings", headers={"if-none-match": tag}).status_code == 304


def test_a_refused_reload_is_shown_and_a_stream_goes_on_where_it_broke(host: Host) -> None:
    with reading(host, "app,reload") as stream:
        name, hello = stream.next()
        assert (name, hello["version"]) == ("hello", host.get(f"{API}/app").json()["version"])
        last = stream.id
        host.write("Order/__init__.py", ORDER + "\ndef broken(:\n")
        seen = stream.until("reload", result="refused")
        assert seen["changed"] == ["Order/__init__.py"]
        assert [(one["function"], one["file"], one["line"]) for one in seen["problems"]] == [
            ("Order", "Order/__init__.py", 13)
        ]
    with reading(host, "app,reload", last) as stream:
        assert stream.next()[0] == "hello" and stream.until("reload") == seen
    refused = host.get(f"{API}/app").json()["refused"]
    assert refused == seen == host.get(f"{API}/reloads").json()[0] == host.get(f"{API}/reloads/{seen['n']}").json()
    with reading(host, "app,reload", last) as stream:
        host.write("Order/__init__.py", ORDER + "\n")
        entered = stream.until("reload", result="entered")
    assert entered["version"] == seen["version"] + 1 and host.get(f"{API}/app").json()["refused"] is None
    with reading(host, "app,reload", "1-1") as stream:
        assert [stream.next()[0] for _ in range(2)] == ["hello", "reset"]


def test_a_route_prefix_of_the_hosts_own_is_warned_of(tmp_path: Path) -> None:
    app = write_app(tmp_path, {
        "host.json": '{"version": "2.0", "extensions": {"http": {"routePrefix": "runtime"}}}',
        "Whole/__init__.py": ROOT,
        "Whole/function.json": http(route="{*path}"),
    })  # fmt: skip
    with running(app) as host:
        host.output.until("routePrefix: 'runtime' begins with 'runtime'")
        assert 'name="fnhost-token"' in host.get(HOME).text
        assert host.get("/runtime/else").text == "from the app"
        assert f'href="{HOME}"' in host.get("/").text


def test_there_is_none_if_it_is_not_wanted_or_not_safe(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"Whole/__init__.py": ROOT, "Whole/function.json": http(route="{*path}")})
    with running(app, "--no-dashboard") as host:
        assert "Dashboard" not in host.output.text
        assert host.get(HOME).status_code == 404 and "dashboard" not in host.get("/").text
    with running(app, "--address", "0.0.0.0") as host:
        host.output.until("There is no dashboard, as other machines can reach this host")
        assert host.get(HOME).status_code == 404


FLOW = """
import azure.durable_functions as df

def orchestrate(context):
    context.set_custom_status({"step": 1, "of": 2})
    yield context.call_activity("Say", "first")
    answer = yield context.wait_for_external_event("Approval")
    return answer

main = df.Orchestrator.create(orchestrate)
"""
SAY = "import logging\n\ndef main(text: str) -> str:\n    logging.info('says %s', text)\n    return text\n"
DURABLE = {
    "host.json": '{"version": "2.0", "extensions": {"durableTask": {"storageProvider": {"type": "sqlite"}}}}',
    "Flow/__init__.py": FLOW,
    "Flow/function.json": bindings({"name": "context", "type": "orchestrationTrigger", "direction": "in"}),
    "Say/__init__.py": SAY,
    "Say/function.json": bindings({"name": "text", "type": "activityTrigger", "direction": "in"}),
    "Hello/__init__.py": ROOT,
    "Hello/function.json": http(),
}


def test_instances_their_invocations_and_their_hub_in_one_host(tmp_path: Path) -> None:
    with running(write_app(tmp_path, DURABLE)) as host:
        hub = host.get(f"{API}/app").json()["hub"]
        assert hub["kind"] == "sqlite" and all(each["mine"] for each in hub["partitions"])
        assert {each["owner"] for each in hub["partitions"]} == {hub["host"]}
        with reading(host, "instances,log:instance:one") as stream:
            assert post(host, "instances", name="Flow", id="one").json() == {"id": "one"}
            assert stream.until("log", source="user")["text"] == "says first"
            waiting = stream.until("instance", id="one", status="Running")
            while not waiting["custom_status"]["text"]:
                waiting = stream.until("instance", id="one")
            assert json.loads(waiting["custom_status"]["text"]) == {"step": 1, "of": 2}
            assert waiting["custom_status"]["progress"]["of"] == 2
            one = host.get(f"{API}/instances/one").json()
            while not one["waits"] or one["waits"][0]["kind"] != "event":
                stream.until("instance", id="one")
                one = host.get(f"{API}/instances/one").json()
            assert (one["waits"][0]["name"], one["waits"][0]["file"], one["waits"][0]["line"]) == (
                "Approval", "Flow/__init__.py", 7,
            )  # fmt: skip
            lines = host.get(f"{API}/instances/one/logs").json()["items"]
            assert "says first" in {line["text"] for line in lines}
            rows = host.get(f"{API}/invocations?instance=one").json()["items"]
            assert {row["function"] for row in rows} == {"Flow", "Say"}
            said = next(row for row in rows if row["function"] == "Say")
            assert host.get(f"{API}/invocations/{said['id']}").json()["inputs"][0]["value"]["text"] == '"first"'
            episode = next(row["id"] for row in rows if row["is_episode"])
            assert "restart this one" in post(host, f"invocations/{episode}/again").json()["error"]
            assert post(host, "instances/one/raise", name="Approval", data="yes").status_code == 202
            assert stream.until("instance", id="one", status="Completed")["note"]["kind"] == "output"
            assert host.interrupt() == 0, "an open stream does not keep the host"


def test_where_keys_are_demanded_the_master_key_opens_it_and_its_calls(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"Hello/__init__.py": ROOT, "Hello/function.json": http(authLevel="function")})
    with running(app, "--enable-auth") as host:
        assert host.get(f"{API}/app").status_code == 401 and host.get("/api/Hello").status_code == 401
        master = json.loads((app / ".fnhost/keys.json").read_text())["host"]["_master"]
        assert host.post(f"{HOME}login", data={"key": master}).status_code == 303
        called = ended(host, post(host, "functions/Hello/call").json()["invocation"])
        assert called["response"]["body"]["text"] == "from the app"
        settings = host.get(f"{API}/settings")
        assert {"scope": "host", "name": "_master"} in settings.json()["keys"] and master not in settings.text
