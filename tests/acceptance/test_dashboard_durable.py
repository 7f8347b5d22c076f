"""What a stranger asks of durable instances: the dashboard's API of a real host, on each hub."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.durable import ACTIVITY, ORCHESTRATOR
from tests.support.hosts import Host, bindings, http, running, write_app

API = "/runtime/dashboard/api/v1"
FLOW = """
import azure.durable_functions as df


def flow(context):
    context.set_custom_status({"step": 1, "of": 3})
    yield context.call_activity("Step", 7)
    context.set_custom_status({"step": 2, "of": 3})
    answer = yield from approval(context)
    context.set_custom_status({"step": 3, "of": 3})
    return answer


def approval(context):
    return (yield context.wait_for_external_event("Approval"))


main = df.Orchestrator.create(flow)
"""
BROKEN = """
import azure.durable_functions as df


def broken(context):
    order = {"number": 1}
    yield context.call_activity("Step", 7)
    return order["id"]


main = df.Orchestrator.create(broken)
"""
UNLUCKY = """
import azure.durable_functions as df


def unlucky(context):
    yield context.call_activity("Step", 13)


main = df.Orchestrator.create(unlucky)
"""
STEP = """
def main(given: int) -> int:
    if given == 13:
        raise ValueError("thirteen")
    return given + 1
"""
COUNTER = """
import azure.durable_functions as df


def counter(context):
    value = context.get_state(lambda: 0)
    if context.operation_name == "fail":
        raise ValueError("no such thing")
    context.set_state(value + context.get_input())


main = df.Entity.create(counter)
"""
APP = {
    **{f"{name}/function.json": ORCHESTRATOR for name in ("Flow", "Broken", "Unlucky")},
    "Flow/__init__.py": FLOW,
    "Broken/__init__.py": BROKEN,
    "Unlucky/__init__.py": UNLUCKY,
    "Step/function.json": ACTIVITY,
    "Step/__init__.py": STEP,
    "counter/function.json": bindings({"name": "context", "type": "entityTrigger", "direction": "in"}),
    "counter/__init__.py": COUNTER,
    "Hello/function.json": http(),
    "Hello/__init__.py": "def main(req):\n    return 'hello'\n",
}


def line_of(source: str, text: str) -> int:
    return 1 + next(number for number, line in enumerate(source.splitlines()) if text in line)


@dataclass(frozen=True)
class Page:
    """A page of the dashboard: it has the token of this start of the host."""

    host: Host
    token: str

    def get(self, path: str) -> Any:
        response = self.host.get(f"{API}{path}")
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Mapping[str, Any] | None = None, status: int = 202) -> Any:
        response = self.host.post(f"{API}{path}", json=body, headers={"x-fnhost-token": self.token})
        assert response.status_code == status, response.text
        return response.json()

    def start(self, name: str, id: str) -> str:
        return str(self.post("/instances", {"name": name, "id": id}, 201)["id"])

    def until(self, id: str, **wanted: object) -> dict[str, Any]:
        return self.host.until(f"{API}/instances/{quote(id)}", **wanted)


def opened(host: Host) -> Page:
    host.output.until("Worker process started")
    found = re.search(r'name="fnhost-token" content="(\w+)"', host.get("/runtime/dashboard/").text)
    assert found
    return Page(host, found[1])


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_app(tmp_path_factory.mktemp("insight"), APP)


@pytest.fixture(scope="module")
def page(app: Path, hub: Mapping[str, str]) -> Iterator[Page]:
    with running(app, **hub) as host:
        yield opened(host)


def test_an_instance_says_what_it_waits_for_and_at_which_line(page: Page) -> None:
    page.start("Flow", "order 17%")
    found = page.until("order 17%", custom_status_text='{"step":2,"of":3}')
    (wait,) = found["waits"]
    place = "Flow/__init__.py", line_of(FLOW, "wait_for_external_event"), "approval"
    assert (wait["kind"], wait["name"]) == ("event", "Approval")
    assert (wait["file"], wait["line"], wait["function"]) == place
    assert "wait_for_external_event" in wait["source_line"]
    (file,) = page.get(f"/instances/{quote('order 17%')}/code")["files"]
    assert file["path"] == "Flow/__init__.py" and {mark["kind"] for mark in file["marks"]} == {"waits"}
    listed = next(each for each in page.get("/instances?prefix=order")["items"] if each["id"] == "order 17%")
    assert listed["note"]["text"] == "event Approval" and listed["custom_status"]["progress"]["percent"] == 66.67


def test_what_its_custom_status_was_is_known(page: Page) -> None:
    page.start("Flow", "told")
    page.until("told", custom_status_text='{"step":2,"of":3}')
    page.post("/instances/told/raise", {"name": "Approval", "data": "yes"})
    assert page.until("told", status="Completed")["output"] == "yes"
    values = page.get("/instances/told/status-values")["values"]
    assert [(each["value"]["step"], each["source"]) for each in values] == [
        (1, "recorded"),
        (2, "recorded"),
        (3, "recorded"),
    ]
    rows = page.get("/instances/told/timeline")["rows"]
    assert [(row["kind"], row["state"], row["line"]) for row in rows] == [
        ("activity", "done", line_of(FLOW, "call_activity")),
        ("event", "done", line_of(FLOW, "wait_for_external_event")),
    ]
    assert rows[0]["running"] is not None


def test_a_failed_instance_says_why_and_where(page: Page) -> None:
    page.start("Broken", "broken")
    page.start("Unlucky", "unlucky")
    error = page.until("broken", status="Failed")["error"]
    assert (error["type"], error["message"]) == ("KeyError", "'id'")
    assert (error["file"], error["line"]) == ("Broken/__init__.py", line_of(BROKEN, "return order"))
    error = page.until("unlucky", status="Failed")["error"]
    assert (error["type"], error["message"], error["task"]) == ("ValueError", "thirteen", "0")
    assert (error["file"], error["line"]) == ("Step/__init__.py", line_of(STEP, "raise"))
    assert (error["orchestrator"]["file"], error["orchestrator"]["line"]) == (
        "Unlucky/__init__.py",
        line_of(UNLUCKY, "call_activity"),
    )
    task = page.get("/instances/unlucky/tasks/0")
    assert (task["input"], task["error"]["line"]) == (13, line_of(STEP, "raise"))


def test_an_instance_is_steered_and_what_is_not_allowed_is_refused(page: Page) -> None:
    page.start("Flow", "steered")
    page.until("steered", custom_status_text='{"step":2,"of":3}')
    assert "suspended" in page.post("/instances/steered/resume", {}, 409)["error"]
    page.post("/instances/steered/suspend", {"reason": "lunch"})
    assert "suspend" not in page.until("steered", status="Suspended")["allowed"]
    page.post("/instances/steered/resume")
    page.until("steered", status="Running")
    page.post("/instances/steered/terminate", {"reason": "enough"})
    page.until("steered", status="Terminated")
    again = page.post("/instances/steered/restart", {"new_id": False})["id"]
    assert page.until(again, status="Running")["id"] == "steered"
    assert "Terminate it first" in page.post("/instances/steered/purge", {}, 409)["error"]
    response = page.host.post(f"{API}/instances/steered/terminate", json={})
    assert response.status_code == 403, "an action carries the token"


def test_entities_show_state_and_failures(page: Page) -> None:
    page.post("/entities/counter/k/signal", {"operation": "add", "input": json.dumps(4)})
    page.post("/entities/counter/k/signal", {"operation": "fail"})
    address = f"{API}/entities/counter/k"
    found = page.host.until(address, state=4)
    while len(found["operations"]) < 2:
        found = page.host.get(address).json()
    assert [(each["operation"], each["error"]) for each in found["operations"]] == [
        ("fail", "no such thing"),
        ("add", None),
    ]
    (listed,) = page.get("/entities?name=counter")["items"]
    assert (listed["id"], listed["state"]["text"], listed["exists"]) == ("@counter@k", "4", True)


def test_past_values_outlive_the_host_and_are_recomputed_without_their_file(
    sqlite: Mapping[str, str], tmp_path: Path
) -> None:
    app = write_app(tmp_path, APP)
    with running(app, **sqlite) as host:
        page = opened(host)
        page.start("Flow", "one")
        page.until("one", custom_status_text='{"step":2,"of":3}')
        before = page.get("/instances/one/status-values")["values"]
    (file,) = app.glob(".fnhost/*/insight.db")
    with running(app, **sqlite) as host:
        assert opened(host).get("/instances/one/status-values")["values"] == before
    file.unlink()
    with running(app, **sqlite) as host:
        again = opened(host).get("/instances/one/status-values")["values"]
    assert [each | {"source": "recorded"} for each in again] == before
    assert {each["source"] for each in again} == {"recomputed"}
