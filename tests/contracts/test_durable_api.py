"""The management API over a real port, with a real engine and hub, asked over HTTP and by the Python SDK's own client.

The orchestrators are generators run by the SDK's own replayer. Numbers are those of platform/conformance.md 3.
"""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import httpx
import pytest
from azure.durable_functions.models.utils import http_utils
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from fnhost.bindings.contract import Event, Failure, Fire, Json, Outcome
from fnhost.bindings.durable import WEBHOOK, HubEndpoints
from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.durable.client import DurableClient
from fnhost.host.durable.entities.entity import read_entity
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.messages import ReceivedMessage
from fnhost.host.durable.model.states import HistoryState, Instance, Progress
from fnhost.host.durable.runtime.engine import Engine, EngineSettings
from fnhost.host.durable.storage.hub import HubSettings
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Log
from fnhost.host.web.durable.management import TOKEN, management
from fnhost.host.web.listen.server import serving
from fnhost.host.web.listen.sockets import bind
from tests.support.outages import unreachable
from tests.support.sdk import entity

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:enable_cleanup_closed:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:azure.functions df_:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Potential duplicate Task completion:UserWarning"),
]

Replay = Generator[Any, Any, Any]
KEY = "KEY"
ACCOUNTS = {"Storage": "one account", "Same": "one account", "Elsewhere": "another account"}


# --- an app -----------------------------------------------------------------------------------------------------------


def greet(context: df.DurableOrchestrationContext) -> Replay:
    greeting = yield context.call_activity("SayHello", "Tokyo")
    return [greeting]


def echo(context: df.DurableOrchestrationContext) -> Replay:
    yield context.call_activity("SayHello", "you")
    return context.get_input()


def waiter(context: df.DurableOrchestrationContext) -> Replay:
    context.set_custom_status({"step": 1})
    event = yield context.wait_for_external_event("Go")
    return event


def broken(context: df.DurableOrchestrationContext) -> Replay:
    yield context.call_activity("SayHello", "nobody")
    raise ValueError("no luck")


def busy(context: df.DurableOrchestrationContext) -> Replay:
    yield context.call_activity("Never", None)


def parent(context: df.DurableOrchestrationContext) -> Replay:
    result = yield context.call_sub_orchestrator("Greet")
    return result


def unlucky(context: df.DurableOrchestrationContext) -> Replay:
    luck = yield context.call_activity("Luck", None)
    return luck


def counter(context: df.DurableEntityContext) -> None:
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        context.set_state(value + context.get_input())
    elif context.operation_name == "note":
        context.set_state(json.loads(context._input))
    elif context.operation_name == "":
        context.set_state("nameless")
    elif context.operation_name == "delete":
        context.destruct_on_exit()


def replayed(function: Callable[[df.DurableOrchestrationContext], Replay]) -> Fire:
    """An orchestrator as a worker would run it."""
    handle = df.Orchestrator.create(function)

    async def fire(event: Event) -> Outcome:
        try:
            return Outcome(returned=Json(handle(event.value)))
        except Exception as error:
            return Outcome(failure=Failure(f"{type(error).__name__}: {error}"))

    return fire


async def say_hello(event: Event) -> Outcome:
    value = event.value.text if isinstance(event.value, Json) else event.value
    name = json.loads(value) if isinstance(value, str) and value.startswith('"') else value
    return Outcome(returned=Json(json.dumps(f"Hello {name}!")))


def failing_once() -> Fire:
    """An activity that has bad luck the first time."""
    calls = itertools.count()

    async def fire(event: Event) -> Outcome:
        if next(calls):
            return Outcome(returned=Json('"lucky"'))
        return Outcome(failure=Failure("ValueError: no luck"))

    return fire


async def never(event: Event) -> Outcome:
    await asyncio.Event().wait()
    return Outcome()


ORCHESTRATORS = {
    "Greet": replayed(greet),
    "Echo": replayed(echo),
    "Waiter": replayed(waiter),
    "Broken": replayed(broken),
    "Busy": replayed(busy),
    "Parent": replayed(parent),
    "Unlucky": replayed(unlucky),
    "Pending": never,
}
ACTIVITIES = {"SayHello": say_hello, "Never": never}


# --- a site -----------------------------------------------------------------------------------------------------------


class WatchedHub(SqliteHub):
    """Says when something was recorded."""

    def __init__(self) -> None:
        super().__init__(HubSettings())
        self._recorded = asyncio.Condition()

    async def commit(self, progress: Progress) -> tuple[HistoryState | None, Sequence[ReceivedMessage]]:
        answer = await super().commit(progress)
        async with self._recorded:
            self._recorded.notify_all()
        return answer

    async def until(self, instance: str, is_so: Callable[[Instance], bool]) -> Instance:
        async with asyncio.timeout(20), self._recorded:
            while not ((found := await self.find(instance)) and is_so(found)):
                await self._recorded.wait()
        return found


@dataclass
class Site:
    """A host's durable half: `http` speaks to its webhook, `sdk` to its RPC endpoint."""

    http: httpx.AsyncClient
    sdk: df.DurableOrchestrationClient
    hub: WatchedHub
    origin: str

    async def start(self, function: str, instance: str, body: str = "") -> httpx.Response:
        return await self.http.post(f"/orchestrators/{function}/{instance}", content=body)

    async def signal(self, path: str, body: str = "", **headers: str) -> None:
        answer = await self.http.post(f"/entities/{path}", content=body, headers=headers)
        assert (answer.status_code, answer.content) == (202, b"")

    async def holds(self, name: str, key: str, state: str) -> None:
        """Wait until the entity's state is this JSON text."""
        await self.hub.until(f"@{name}@{key}", lambda found: read_entity(found.input).state == state)

    async def be(self, status: RuntimeStatus, instance: str) -> Instance:
        """Wait until it is so, or has come to another end."""
        found = await self.hub.until(instance, lambda found: found.status is status or found.status.is_terminal)
        assert found.status is status, found
        return found

    async def run(
        self, function: str, instance: str, status: RuntimeStatus = RuntimeStatus.Completed, body: str = ""
    ) -> None:
        """Start it and wait until it is so."""
        started = await self.start(function, instance, body)
        assert started.status_code == 202, started.text
        await self.be(status, instance)


class Door:
    """A port behind which each test puts its own app."""

    def __init__(self) -> None:
        self.sockets = bind("127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self.sockets[0].getsockname()[1]}"
        self.app: ASGIApp = Starlette()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
async def door(anyio_backend: str) -> AsyncIterator[Door]:
    door = Door()
    async with serving(door, door.sockets):
        yield door
        await http_utils._close_session()  # the SDK keeps one for its whole process


@asynccontextmanager
async def a_site(door: Door, *, forwarded: bool = False) -> AsyncIterator[Site]:
    async with WatchedHub() as hub:
        await hub.create()
        engine = Engine(hub, SYSTEM_CLOCK, Log(), EngineSettings())
        address = HubEndpoints("http://localhost:7071", "TestHubName", key=KEY)
        api = management(DurableClient(engine, hub, SYSTEM_CLOCK), address, ACCOUNTS.get, forwarded)
        door.app = Starlette(routes=[Mount(WEBHOOK, api), Mount("/durabletask", api)])
        reached = replace(address, origin=door.origin, rpc=f"{door.origin}/durabletask/")
        with ExitStack() as functions:
            for name, fire in ORCHESTRATORS.items():
                functions.enter_context(engine.serving("orchestrator", name, fire))
            functions.enter_context(engine.serving("entity", "Counter", entity(counter)))
            for name, fire in {**ACTIVITIES, "Luck": failing_once()}.items():
                functions.enter_context(engine.serving("activity", name, fire))
            async with engine.running(), httpx.AsyncClient(base_url=f"{door.origin}{WEBHOOK}") as http:
                yield Site(http, df.DurableOrchestrationClient(reached.client()), hub, door.origin)


@pytest.fixture
async def site(door: Door) -> AsyncIterator[Site]:
    async with a_site(door) as site:
        yield site


# --- 1: start ---------------------------------------------------------------------------------------------------------


async def test_a_start_answers_with_links_that_work_at_once(site: Site) -> None:
    answer = await site.start("Pending", "one")
    assert answer.status_code == 202
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["retry-after"] == "10"
    links = answer.json()
    assert answer.headers["location"] == links["statusQueryGetUri"]
    assert set(links) == {
        "id",
        "statusQueryGetUri",
        "sendEventPostUri",
        "terminatePostUri",
        "purgeHistoryDeleteUri",
        "restartPostUri",
        "suspendPostUri",
        "resumePostUri",
    }
    assert links["statusQueryGetUri"] == (
        f"{site.origin}{WEBHOOK}/instances/one?taskHub=TestHubName&connection=Storage&code={KEY}"
    )
    status = (await site.http.get(links["statusQueryGetUri"])).json()
    assert status["runtimeStatus"] == "Pending"
    assert status["input"] is None
    assert status["instanceId"] == "one"


async def test_an_id_is_made_up_when_none_is_given(site: Site) -> None:
    answer = await site.http.post("/orchestrators/Pending")
    assert re.fullmatch("[0-9a-f]{32}", answer.json()["id"])


@pytest.mark.parametrize("body", ['{"b": 1, "a": [2]}', '"text"', '""', "null", "5", "[]", ' {"é":"漢"} '])
async def test_any_json_is_an_input(site: Site, body: str) -> None:
    await site.start("Pending", "one", body)
    assert (await site.http.get("/instances/one")).json()["input"] == json.loads(body)


@pytest.mark.parametrize("body", ["{", "hello", " ", "NaN", "{} x", "\x00"])
async def test_a_body_that_is_not_json_is_refused(site: Site, body: str) -> None:
    answer = await site.start("Pending", "one", body)
    assert answer.status_code == 400
    assert answer.json()["Message"] == "Invalid JSON content"
    assert set(answer.json()) == {"Message", "ExceptionMessage", "ExceptionType", "StackTrace"}
    assert (await site.http.get("/instances/one")).status_code == 404


async def test_an_unknown_orchestrator_is_refused_by_name(site: Site) -> None:
    answer = await site.start("Nobody", "one")
    assert answer.status_code == 400
    assert answer.json()["Message"] == "One or more of the arguments submitted is incorrect"
    assert answer.json()["ExceptionType"] == "System.ArgumentException"
    assert re.fullmatch(
        r"The function 'Nobody' doesn't exist, is disabled, or is not an orchestrator function. Additional info: "
        r"The following are the known orchestrator functions: ('\w+'(, |\.$))+",
        answer.json()["ExceptionMessage"],
    )


async def test_orchestrators_are_found_in_any_case(site: Site) -> None:
    await site.run("gREET", "one")
    assert (await site.http.get("/instances/one")).json()["name"] == "gREET"


@pytest.mark.parametrize("instance", ["@x", "x" * 257, "a%01b", "a%5Cb", "a%23b"])
async def test_a_bad_id_is_refused(site: Site, instance: str) -> None:
    answer = await site.start("Pending", instance)
    assert answer.status_code == 400
    assert answer.json()["Message"] == "One or more of the arguments submitted is incorrect"


async def test_a_live_id_is_refused(site: Site) -> None:
    await site.start("Pending", "one")
    answer = await site.start("Pending", "one")
    assert answer.status_code == 409
    assert answer.json() == {"Message": "An Orchestration instance with the status Pending already exists."}


async def test_a_finished_id_starts_anew(site: Site) -> None:
    await site.run("Greet", "one")
    assert (await site.start("Pending", "one")).status_code == 202
    status = (await site.http.get("/instances/one?showHistory=true")).json()
    assert (status["runtimeStatus"], status["output"]) == ("Pending", None)
    assert "historyEvents" not in status


async def test_a_version_is_kept(site: Site) -> None:
    await site.http.post("/orchestrators/Pending/one?version=2.1")
    assert (await site.http.get("/instances/one")).json()["version"] == "2.1"


# --- waiting ----------------------------------------------------------------------------------------------------------


async def test_a_start_can_wait_for_the_output(site: Site) -> None:
    answer = await site.http.post("/orchestrators/Greet?timeout=20&pollingInterval=0.01")
    assert (answer.status_code, answer.json()) == (200, ["Hello Tokyo!"])


async def test_a_start_that_waits_for_a_failure_gets_the_status(site: Site) -> None:
    answer = await site.http.post("/orchestrators/Broken?timeout=20&pollingInterval=0.01")
    assert (answer.status_code, answer.json()["runtimeStatus"]) == (200, "Failed")


async def test_a_start_that_waits_in_vain_gets_the_links(site: Site) -> None:
    answer = await site.http.post("/orchestrators/Pending/one?timeout=0.05&pollingInterval=0.01")
    assert (answer.status_code, answer.json()["id"]) == (202, "one")


async def test_an_interval_beyond_the_timeout_is_refused_after_the_start(site: Site) -> None:
    answer = await site.http.post("/orchestrators/Pending/one?timeout=1&pollingInterval=5")
    assert answer.status_code == 400
    assert answer.json()["ExceptionMessage"] == "Total timeout 1 should be bigger than retry timeout 5"
    assert (await site.http.get("/instances/one")).status_code == 202


# --- 2: status --------------------------------------------------------------------------------------------------------


async def test_a_running_instance_tells_where_to_ask_again(site: Site) -> None:
    await site.run("Waiter", "one", RuntimeStatus.Running, '{"a":1}')
    answer = await site.http.get("/instances/one?code=stale&showInput=False&x=%20+")
    assert answer.status_code == 202
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["location"] == f"{site.origin}{WEBHOOK}/instances/one?code=stale&showInput=False&x=%20+"
    status = answer.json()
    assert list(status) == [
        "name",
        "instanceId",
        "runtimeStatus",
        "input",
        "customStatus",
        "output",
        "createdTime",
        "lastUpdatedTime",
    ]
    assert (status["runtimeStatus"], status["input"], status["customStatus"]) == ("Running", None, {"step": 1})
    for name in ("createdTime", "lastUpdatedTime"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", status[name])


async def test_a_completed_instance_shows_its_output(site: Site) -> None:
    await site.run("Greet", "one")
    answer = await site.http.get("/instances/one")
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert (answer.json()["runtimeStatus"], answer.json()["output"]) == ("Completed", ["Hello Tokyo!"])


async def test_a_failed_instance_is_200_or_if_wanted_500(site: Site) -> None:
    await site.run("Broken", "one", RuntimeStatus.Failed)
    answers = [await site.http.get(f"/instances/one?returnInternalServerErrorOnFailure={x}") for x in ("no", "true")]
    assert [answer.status_code for answer in answers] == [200, 500]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["output"].startswith("Orchestrator function 'Broken' failed: ")


@pytest.mark.parametrize("query", ["", "?showHistory=true"])
async def test_an_unknown_instance_is_an_empty_404(site: Site, query: str) -> None:
    answer = await site.http.get(f"/instances/nobody{query}")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (404, b"", "0")
    assert "content-type" not in answer.headers


# --- 3: history -------------------------------------------------------------------------------------------------------


async def history(site: Site, instance: str, query: str = "") -> Any:
    status = (await site.http.get(f"/instances/{instance}?showHistory=true{query}")).json()
    return status["historyEvents"]


async def test_a_history_shows_what_was_done(site: Site) -> None:
    await site.run("Greet", "one", body="1")
    started, done, ended = await history(site, "one", "&showHistoryOutput=true")
    assert (started["EventType"], started["FunctionName"], started["Input"]) == ("ExecutionStarted", "Greet", "1")
    assert (done["EventType"], done["FunctionName"], done["Result"]) == ("TaskCompleted", "SayHello", "Hello Tokyo!")
    assert started["Timestamp"] <= done["ScheduledTime"] <= done["Timestamp"]
    assert (ended["EventType"], ended["Result"]) == ("ExecutionCompleted", ["Hello Tokyo!"])
    assert not any({"EventId", "IsPlayed", "TaskScheduledId"} & event.keys() for event in (started, done, ended))


async def test_a_history_hides_outputs_unless_wanted_and_inputs_when_unwanted(site: Site) -> None:
    await site.run("Greet", "one", body="1")
    assert not any("Result" in event for event in await history(site, "one"))
    assert not any("Input" in event for event in await history(site, "one", "&showInput=false"))


async def test_a_history_shows_what_is_pending(site: Site) -> None:
    await site.run("Busy", "one", RuntimeStatus.Running)
    assert [(event["EventType"], event.get("Name")) for event in await history(site, "one")] == [
        ("ExecutionStarted", None),
        ("TaskScheduled", "Never"),
    ]


async def test_a_history_shows_events_and_the_end_by_force(site: Site) -> None:
    await site.run("Waiter", "one", RuntimeStatus.Running)
    await site.http.post("/instances/one/raiseEvent/Other", json={"x": 1})
    await site.http.post("/instances/one/terminate?reason=enough")
    await site.be(RuntimeStatus.Terminated, "one")
    events = {event["EventType"]: event for event in await history(site, "one", "&showHistoryOutput=true")}
    assert (events["EventRaised"]["Name"], events["EventRaised"]["Input"]) == ("Other", '{"x":1}')
    assert events["ExecutionTerminated"]["Input"] == "enough"
    assert events["ExecutionCompleted"]["OrchestrationStatus"] == "Terminated"


# --- 4: raise event ---------------------------------------------------------------------------------------------------


async def test_an_event_reaches_a_running_instance(site: Site) -> None:
    await site.run("Waiter", "one", RuntimeStatus.Running)
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    answer = await site.http.post("/instances/one/RAISEEVENT/Go", content='{"x": [1]}', headers=headers)
    assert (answer.status_code, answer.content) == (202, b"")
    assert json.loads((await site.be(RuntimeStatus.Completed, "one")).output or "") == {"x": [1]}


async def test_an_event_for_a_pending_instance_is_taken(site: Site) -> None:
    await site.start("Pending", "one")
    assert (await site.http.post("/instances/one/raiseEvent/Go", json=1)).status_code == 202


@pytest.mark.parametrize(("instance", "expected"), [("nobody", 404), ("done", 410)])
@pytest.mark.parametrize(("content_type", "body"), [("application/json", "1"), ("text/plain", "1"), ("", "{")])
async def test_an_event_for_nobody_is_refused_first(
    site: Site, instance: str, expected: int, content_type: str, body: str
) -> None:
    await site.run("Greet", "done")
    headers = {"content-type": content_type}
    answer = await site.http.post(f"/instances/{instance}/raiseEvent/Go", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (expected, b"")


async def test_an_event_must_be_called_json(site: Site) -> None:
    await site.start("Pending", "one")
    answer = await site.http.post("/instances/one/raiseEvent/Go", content="1", headers={"content-type": "text/json"})
    assert answer.status_code == 400
    assert answer.json() == {"Message": "Only application/json request content is supported"}


@pytest.mark.parametrize("body", ["", "{"])
async def test_an_event_must_be_json(site: Site, body: str) -> None:
    await site.start("Pending", "one")
    headers = {"content-type": "application/json"}
    answer = await site.http.post("/instances/one/raiseEvent/Go", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["Message"] == "Invalid JSON content"
    if not body:
        assert answer.json()["ExceptionMessage"].startswith("Error reading JToken from JsonReader.")


# --- 5: terminate, suspend, resume, rewind ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "output"),
    [("", None), ("?reason=fed+up%26done", "fed up&done"), ('?reason={"a":1}', {"a": 1}), ("?reason=42", 42)],
)
async def test_terminate_ends_it_with_the_reason(site: Site, reason: str, output: Any) -> None:
    await site.run("Waiter", "one", RuntimeStatus.Running)
    answer = await site.http.post(f"/instances/one/terminate{reason}")
    assert (answer.status_code, answer.content) == (202, b"")
    await site.be(RuntimeStatus.Terminated, "one")
    assert (await site.http.get("/instances/one")).json()["output"] == output
    assert (await site.http.post("/instances/one/terminate")).status_code == 410


async def test_suspend_and_resume(site: Site) -> None:
    await site.run("Waiter", "one", RuntimeStatus.Running)
    assert (await site.http.post("/instances/one/suspend?reason=lunch")).status_code == 202
    await site.be(RuntimeStatus.Suspended, "one")
    assert (await site.http.get("/instances/one")).status_code == 202
    assert (await site.http.post("/instances/one/raiseEvent/Go", json="hi")).status_code == 202
    assert (await site.http.post("/instances/one/resume")).status_code == 202
    assert (await site.be(RuntimeStatus.Completed, "one")).output == '"hi"'


async def test_suspend_and_resume_in_the_wrong_state_are_errors(site: Site) -> None:
    await site.run("Waiter", "one", RuntimeStatus.Running)
    resume = await site.http.post("/instances/one/resume")
    await site.http.post("/instances/one/suspend")
    await site.be(RuntimeStatus.Suspended, "one")
    suspend = await site.http.post("/instances/one/suspend")
    text = "Cannot {} the orchestration instance one because instance is in the {} state."
    assert [answer.json()["ExceptionMessage"] for answer in (resume, suspend)] == [
        text.format("resume", "Running"),
        text.format("suspend", "Suspended"),
    ]
    for answer in (resume, suspend):
        assert answer.status_code == 500
        assert answer.json()["Message"] == "Something went wrong while processing your request"
        assert answer.json()["ExceptionType"] == "System.InvalidOperationException"


@pytest.mark.parametrize("verb", ["terminate", "suspend", "resume"])
async def test_nothing_can_be_told_to_the_unknown_and_the_finished(site: Site, verb: str) -> None:
    await site.run("Greet", "done")
    answers = [await site.http.post(f"/instances/{instance}/{verb}") for instance in ("nobody", "done", "done")]
    assert [answer.status_code for answer in answers] == [404, 410, 410]
    assert [answer.content for answer in answers] == [b"", b"", b""]


async def test_rewind_takes_the_failure_back_and_goes_on(site: Site) -> None:
    await site.run("Unlucky", "one", RuntimeStatus.Failed)
    rewound = await site.http.post("/instances/one/rewind?reason=again")
    assert (rewound.status_code, rewound.content) == (202, b"")
    await site.be(RuntimeStatus.Completed, "one")
    assert (await site.http.get("/instances/one")).json()["output"] == "lucky"


async def test_only_failures_can_be_rewound(site: Site) -> None:
    await site.run("Greet", "done")
    unknown, done = [await site.http.post(f"/instances/{each}/rewind") for each in ("nobody", "done")]
    assert (unknown.status_code, unknown.json()) == (404, 'No orchestration with instance ID "$nobody" found.')
    assert (done.status_code, done.json()) == (
        412,
        'This orchestration has status Completed, but only orchestrations in the "Failed" state can be rewound.',
    )


# --- 6: restart -------------------------------------------------------------------------------------------------------


async def test_restart_runs_it_again_under_a_new_id_or_the_same(site: Site) -> None:
    await site.run("Echo", "one", body='"{\\"a\\": 1}"')
    fresh = await site.http.post("/instances/one/restart?timeout=20&pollingInterval=0.01")
    assert (fresh.status_code, fresh.json()) == (200, {"a": 1})
    again = await site.http.post("/instances/one/restart?restartWithNewInstanceId=false")
    assert (again.status_code, again.json()["id"]) == (202, "one")
    other = await site.http.post("/instances/one/restart")
    assert re.fullmatch("[0-9a-f]{32}", other.json()["id"])


async def test_restart_of_an_unknown_id_is_400(site: Site) -> None:
    answer = await site.http.post("/instances/nobody/restart")
    assert answer.status_code == 400
    assert answer.json()["Message"] == "InstanceId does not match a valid orchestration instance."
    assert answer.json()["ExceptionMessage"] == "An orchestrastion with the instanceId nobody was not found."


async def test_restart_under_a_live_id_is_409(site: Site) -> None:
    await site.start("Pending", "one")
    answer = await site.http.post("/instances/one/restart?restartWithNewInstanceId=false")
    assert answer.status_code == 409
    assert answer.json()["Message"] == "A non-terminal instance with this instance ID already exists."


# --- 7: purge ---------------------------------------------------------------------------------------------------------


async def test_purge_deletes_what_is_finished(site: Site) -> None:
    await site.run("Greet", "one")
    await site.start("Pending", "two")
    gone, live = await site.http.delete("/instances/one"), await site.http.delete("/instances/two")
    assert (gone.status_code, gone.json()) == (200, {"instancesDeleted": 1})
    assert (live.status_code, live.json()) == (
        412,
        "Only orchestrations in a terminal state can be purged, "
        "but the orchestration with instance ID two has status Pending",
    )
    again, entity = await site.http.delete("/instances/one"), await site.http.delete("/instances/@counter@a")
    assert (again.status_code, again.content) == (404, b"")
    assert (entity.status_code, entity.json()) == (200, {"instancesDeleted": 0})


@pytest.mark.parametrize("status", ["", "&runtimeStatus=Running,Pending", "&runtimeStatus=Failed,Completed"])
async def test_purge_by_filter_deletes_nothing_alive(site: Site, status: str) -> None:
    await site.run("Greet", "one")
    await site.run("Broken", "two", RuntimeStatus.Failed)
    await site.start("Pending", "three")
    purged = await site.http.delete(f"/instances/?createdTimeFrom=2020-01-01T00:00:00Z{status}")
    assert (purged.status_code, purged.json()) == (200, {"instancesDeleted": 2})
    again = await site.http.delete("/instances/?createdTimeFrom=2020-01-01T00:00:00Z")
    assert (again.status_code, again.content) == (404, b"")
    assert [each["instanceId"] for each in (await site.http.get("/instances")).json()] == ["three"]


async def test_purge_by_filter_keeps_to_the_filter(site: Site) -> None:
    await site.run("Greet", "one")
    await site.run("Broken", "two", RuntimeStatus.Failed)
    early = await site.http.delete("/instances?createdTimeFrom=2020-01-01&createdTimeTo=2021-01-01")
    assert early.status_code == 404
    failed = await site.http.delete("/instances?createdTimeFrom=2020-01-01&runtimeStatus=Failed")
    assert failed.json() == {"instancesDeleted": 1}
    assert (await site.http.get("/instances/one")).status_code == 200


@pytest.mark.parametrize("query", ["", "?createdTimeFrom=yesterday", "?runtimeStatus=Failed"])
async def test_purge_by_filter_wants_a_start(site: Site, query: str) -> None:
    answer = await site.http.delete(f"/instances{query}")
    assert (answer.status_code, answer.json()) == (400, "Please provide value for 'createdTimeFrom' parameter.")


# --- 8: list ----------------------------------------------------------------------------------------------------------


async def ids(site: Site, query: str = "") -> list[str]:
    answer = await site.http.get(f"/instances{query}")
    assert answer.status_code == 200
    return [each["instanceId"] for each in answer.json()]


async def test_a_list_filters(site: Site) -> None:
    assert await ids(site) == []
    await site.run("Greet", "b-done")
    await site.run("Broken", "b-failed", RuntimeStatus.Failed)
    await site.start("Pending", "a-pending", '"in"')
    assert await ids(site, "/") == ["a-pending", "b-done", "b-failed"]
    assert await ids(site, "?instanceIdPrefix=b-") == ["b-done", "b-failed"]
    assert await ids(site, "?runtimeStatus=Pending,Failed") == ["a-pending", "b-failed"]
    assert await ids(site, "?runtimeStatus=1&runtimeStatus=6") == ["a-pending", "b-done"]
    assert await ids(site, "?runtimeStatus=completed") == ["a-pending", "b-done", "b-failed"]
    assert await ids(site, "?createdTimeFrom=2999-01-01") == []
    assert await ids(site, "?createdTimeTo=2999-01-01T00:00:00Z&top=0") == ["a-pending", "b-done", "b-failed"]
    assert "historyEvents" not in (await site.http.get("/instances?showHistory=true")).json()[0]


async def test_a_list_shows_inputs_unless_unwanted(site: Site) -> None:
    await site.start("Pending", "one", '"in"')
    assert [(await site.http.get(f"/instances{q}")).json()[0]["input"] for q in ("", "?showInput=false")] == [
        "in",
        None,
    ]


async def test_a_list_is_walked_by_its_token(site: Site) -> None:
    wanted = ["a", "b ü漢", "c"]
    for instance in wanted:
        await site.start("Pending", instance)
    walked: list[str] = []
    headers: dict[str, str] = {}
    for _ in wanted:
        page = await site.http.get("/instances?top=1", headers=headers)
        walked += [each["instanceId"] for each in page.json()]
        headers = {"x-ms-continuation-token": page.headers.get("x-ms-continuation-token", "")}
    assert walked == wanted
    assert headers == {"x-ms-continuation-token": ""}


async def test_a_list_includes_children(site: Site) -> None:
    await site.run("Parent", "one")
    assert len(await ids(site)) == 2


# --- 9: entities ------------------------------------------------------------------------------------------------------

JSON_BODY = {"content-type": "application/json; charset=utf-8"}


async def test_an_entity_is_told_and_read(site: Site) -> None:
    assert (await site.http.get("/entities/Counter/cats")).status_code == 404
    await site.signal("Counter/cats?op=add", '"5"', **JSON_BODY)
    await site.holds("counter", "cats", "5")
    found = await site.http.get("/entities/COUNTER/cats")
    assert (found.status_code, found.text) == (200, "5")
    assert (await site.http.get("/entities/counter/Cats")).status_code == 404


async def test_a_signal_that_is_not_json_is_a_text(site: Site) -> None:
    await site.signal("Counter/notes?op=note", "a word", **{"content-type": "text/plain"})
    await site.holds("counter", "notes", '"a word"')


async def test_the_key_and_the_operation_may_be_empty(site: Site) -> None:
    await site.signal("Counter")
    await site.holds("counter", "", '"nameless"')
    assert (await site.http.get("/entities/Counter/$")).json() == "nameless"


async def test_a_deleted_entity_is_gone(site: Site) -> None:
    await site.signal("Counter/cats?op=add", '"5"', **JSON_BODY)
    await site.holds("counter", "cats", "5")
    assert (await site.http.delete("/entities/Counter/cats")).status_code == 202
    gone = await site.hub.until("@counter@cats", lambda found: found.custom_status == "{}")
    assert (await site.http.get("/entities/Counter/cats")).status_code == 404
    assert (await site.http.get("/entities")).json() == []
    assert gone.status is RuntimeStatus.Running


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_only_what_can_be_an_entity_is_told(site: Site, method: str) -> None:
    nameless = await site.http.request(method, "/entities")
    unknown = await site.http.request(method, "/entities/Nothing/a")
    slash = await site.http.request(method, "/entities/Counter/a%2Fb")
    assert [each.status_code for each in (nameless, unknown, slash)] == [400, 400, 400]
    assert [list(each.json()) for each in (nameless, unknown, slash)] == [["Message"]] * 3
    assert unknown.json()["Message"].endswith("The following are the known entity functions: 'Counter'.")


async def test_a_signal_that_says_it_is_json_must_be(site: Site) -> None:
    answer = await site.http.post("/entities/Counter/a?op=add", content="{", headers=JSON_BODY)
    assert answer.status_code == 400
    assert answer.json()["Message"].startswith("Could not parse JSON content: ")


async def test_entities_are_listed(site: Site) -> None:
    for path, state in (("counter/cats", "5"), ("counter/dogs", "6")):
        await site.signal(f"{path}?op=add", f'"{state}"', **JSON_BODY)
        await site.holds(*path.split("/"), state)
    await site.run("Greet", "an orchestration")
    plain, full, other = [
        await site.http.get(f"/entities{query}") for query in ("", "/Counter?fetchState=true", "/count")
    ]
    ids = [{"name": "counter", "key": key} for key in ("cats", "dogs")]
    assert [(each["entityId"], each["state"]) for each in plain.json()] == [(each, None) for each in ids]
    assert [(each["entityId"], each["state"]) for each in full.json()] == list(zip(ids, (5, 6), strict=True))
    assert other.json() == []
    times = [each["lastOperationTime"] for each in plain.json()]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z", at) for at in times)
    since = await site.http.get(f"/entities?lastOperationTimeFrom={times[1]}")
    until = await site.http.get(f"/entities?lastOperationTimeTo={times[0]}")
    assert [[each["entityId"]["key"] for each in found.json()] for found in (since, until)] == [["dogs"], ["cats"]]


async def test_a_list_of_entities_is_walked_by_its_token(site: Site) -> None:
    for key in "ab":
        await site.signal(f"counter/{key}")
        await site.holds("counter", key, '"nameless"')
    first = await site.http.get("/entities?top=1")
    rest = await site.http.get("/entities?top=1", headers={TOKEN: first.headers[TOKEN]})
    assert [each["entityId"]["key"] for each in (*first.json(), *rest.json())] == ["a", "b"]
    assert TOKEN not in rest.headers


async def test_the_sdk_signals_and_reads(site: Site) -> None:
    us = df.EntityId("Counter", "mine")
    assert not (await site.sdk.read_entity_state(us)).entity_exists
    await site.sdk.signal_entity(us, "add", 3)
    await site.holds("counter", "mine", "3")
    found = await site.sdk.read_entity_state(us)
    assert (found.entity_exists, found.entity_state) == (True, 3)


# --- 10: the Python SDK -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [{"a": 1}, [1, "é"], "text", 5, None, True, ""])
async def test_the_sdks_inputs_come_back_round(site: Site, value: Any) -> None:
    instance = await site.sdk.start_new("Echo", None, value)
    await site.be(RuntimeStatus.Completed, instance)
    status = await site.sdk.get_status(instance)
    assert status.runtime_status is df.OrchestrationRuntimeStatus.Completed
    assert status.output == value


async def test_the_sdk_posts_inputs_encoded_twice_and_they_stay_so(site: Site) -> None:
    instance = await site.sdk.start_new("Pending", "one", {"a": 1})
    assert (await site.sdk.get_status(instance)).input_ == '{"a": 1}'


async def test_the_sdk_raises_what_the_start_says(site: Site) -> None:
    with pytest.raises(Exception, match="The function 'Nobody' doesn't exist"):
        await site.sdk.start_new("Nobody")
    await site.sdk.start_new("Pending", "one")
    with pytest.raises(Exception, match="An Orchestration instance with the status Pending already exists"):
        await site.sdk.start_new("Pending", "one")


async def test_the_sdk_sees_and_leads_an_instance(site: Site) -> None:
    sdk = site.sdk
    assert not await sdk.get_status("one")
    await sdk.start_new("Waiter", "one")
    await site.be(RuntimeStatus.Running, "one")
    await sdk.suspend("one", "a & b")
    await site.be(RuntimeStatus.Suspended, "one")
    assert (await sdk.get_status("one")).runtime_status is df.OrchestrationRuntimeStatus.Suspended
    await sdk.resume("one", "go on")
    await site.be(RuntimeStatus.Running, "one")
    await sdk.raise_event("one", "Go", {"x": 1})
    await site.be(RuntimeStatus.Completed, "one")
    assert (await sdk.get_status("one")).output == '{"x": 1}'
    with pytest.raises(Exception, match="is gone"):
        await sdk.raise_event("one", "Go")
    await sdk.terminate("one", "late")
    with pytest.raises(Exception, match=r"No instance with ID .nobody. found"):
        await sdk.terminate("nobody", "none")
    restarted = await sdk.restart("one")
    assert re.fullmatch("[0-9a-f]{32}", restarted["id"])


async def test_the_sdk_lists_and_purges(site: Site) -> None:
    await site.run("Greet", "one")
    await site.run("Broken", "two", RuntimeStatus.Failed)
    assert [each.instance_id for each in await site.sdk.get_status_all()] == ["one", "two"]
    failed = df.OrchestrationRuntimeStatus.Failed
    assert [each.instance_id for each in await site.sdk.get_status_by(runtime_status=[failed])] == ["two"]
    assert (await site.sdk.purge_instance_history("one")).instances_deleted == 1
    assert (await site.sdk.purge_instance_history("one")).instances_deleted == 0


async def test_the_sdk_waits_for_completion(site: Site) -> None:
    instance = await site.sdk.start_new("Greet")
    answer = await site.sdk.wait_for_completion_or_create_check_status_response(None, instance, 20_000, 10)
    assert (answer.status_code, json.loads(answer.get_body())) == (200, ["Hello Tokyo!"])


# --- 11, 12, 13: addresses, ids, keys ---------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1:7071", "localhost:8080", "my-laptop"])
async def test_links_use_the_host_the_caller_used(site: Site, host: str) -> None:
    answer = await site.http.post("/orchestrators/Pending/one", headers={"host": host})
    assert answer.json()["restartPostUri"].startswith(f"http://{host}{WEBHOOK}/instances/one/restart?")
    status = await site.http.get("/instances/one", headers={"host": host})
    assert status.headers["location"] == f"http://{host}{WEBHOOK}/instances/one"


@pytest.mark.parametrize("trusted", [True, False])
async def test_links_follow_a_proxy_when_it_is_trusted(door: Door, trusted: bool) -> None:
    headers = {"x-forwarded-host": "my.example", "x-forwarded-proto": "https"}
    async with a_site(door, forwarded=trusted) as site:
        answer = await site.http.post("/orchestrators/Pending/one", headers=headers)
        assert answer.headers["location"].startswith(f"https://my.example{WEBHOOK}/instances/one?") is trusted


@pytest.mark.parametrize("instance", ["a b", "a:b", "a@b", "ü漢", "50%", "it's (1)!"])
async def test_links_of_odd_ids_work(site: Site, instance: str) -> None:
    assert await site.sdk.start_new("Pending", instance.replace("%", "%25")) == instance
    links = (await site.http.get(f"/instances?instanceIdPrefix={instance[0]}")).json()
    assert links[0]["instanceId"] == instance
    made = HubEndpoints(site.origin, "TestHubName", key=KEY).started(instance)
    for link in (made["statusQueryGetUri"], made["statusQueryGetUri"].replace("+", "%20")):
        answer = await site.http.get(link)
        assert (answer.status_code, answer.json()["instanceId"]) == (202, instance)
        assert answer.headers["location"] == link


async def test_a_plus_in_a_path_is_a_space_and_a_slash_divides(site: Site) -> None:
    assert (await site.http.post("/orchestrators/Pending/a+b")).json()["id"] == "a b"
    assert (await site.http.post("/orchestrators/Pending/a%2Fb")).status_code == 400
    assert (await site.http.get("/instances/a/b")).status_code == 404


@pytest.mark.parametrize("prefix", [f"{WEBHOOK}/", f"{WEBHOOK}//", "/durabletask//"])
async def test_slashes_more_or_less_do_not_matter(site: Site, prefix: str) -> None:
    await site.start("Pending", "one")
    for path in ("instances/one", "instances/one/", "INSTANCES//one"):
        assert (await site.http.get(f"{site.origin}{prefix}{path}")).status_code == 202


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "instances/one"), ("GET", "orchestrators/Greet"), ("POST", "instances"), ("GET", ""), ("GET", "nothing")],
)
async def test_what_has_no_route_is_an_empty_404(site: Site, method: str, path: str) -> None:
    answer = await site.http.request(method, f"/{path}")
    assert (answer.status_code, answer.content) == (404, b"")


async def test_makeprimary_is_granted(site: Site) -> None:
    assert (await site.http.post("/makeprimary")).status_code == 200


@pytest.mark.parametrize("query", ["", "?code=WRONG", f"?code={KEY}"])
async def test_locally_any_key_will_do(site: Site, query: str) -> None:
    assert (await site.http.post(f"/orchestrators/Pending{query}")).status_code == 202


# --- other hubs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query", ["taskHub=testhubNAME", "connection=storage", "taskHub=&connection=", "connection=Same"]
)
async def test_our_own_hub_has_several_names(site: Site, query: str) -> None:
    await site.start("Pending", "one")
    assert (await site.http.get(f"/instances/one?{query}")).status_code == 202


@pytest.mark.parametrize("query", ["taskHub=Other", "connection=Elsewhere"])
async def test_any_other_hub_looks_empty(site: Site, query: str) -> None:
    await site.start("Pending", "one")
    assert (await site.http.get(f"/instances?{query}")).json() == []
    assert (await site.http.get(f"/instances/one?{query}")).status_code == 404
    assert (await site.http.post(f"/orchestrators/Greet?{query}")).status_code == 501


async def test_a_connection_that_cannot_be_resolved_is_500(site: Site) -> None:
    answer = await site.http.get("/instances?connection=Nowhere")
    assert answer.status_code == 500
    assert answer.json()["ExceptionMessage"] == "Unable to resolve the Azure Storage connection named 'Nowhere'."


# --- trouble ----------------------------------------------------------------------------------------------------------


async def test_a_hub_that_cannot_be_used_is_a_503_that_names_the_cause(door: Door, tmp_path: Path) -> None:
    async with SqliteHub(HubSettings(), tmp_path / "missing" / "hub.db") as hub:
        client = DurableClient(Engine(hub, SYSTEM_CLOCK, Log(), EngineSettings()), hub, SYSTEM_CLOCK)
        door.app = management(client, HubEndpoints(door.origin, "TestHubName"), ACCOUNTS.get)
        async with httpx.AsyncClient(base_url=door.origin) as http:
            answer = await http.get("/instances/one")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "hub.db cannot be opened" in answer.json()["ExceptionMessage"]
    assert "No such file or directory" in answer.json()["ExceptionMessage"]


@pytest.mark.parametrize(
    "verb, path", [("GET", "instances/one"), ("POST", "orchestrators/Greet"), ("GET", "instances")]
)
async def test_a_storage_that_is_away_is_a_503_that_says_so(door: Door, verb: str, path: str) -> None:
    async with WatchedHub() as hub:
        engine = Engine(hub, SYSTEM_CLOCK, Log(), EngineSettings())
        away = unreachable(hub, lambda _: False, lambda _: True)
        door.app = management(
            DurableClient(engine, away, SYSTEM_CLOCK), HubEndpoints(door.origin, "TestHubName"), ACCOUNTS.get
        )
        with engine.serving("orchestrator", "Greet", never):
            async with httpx.AsyncClient(base_url=door.origin) as http:
                answer = await http.request(verb, path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json() == {
        "Message": "The task hub's storage does not answer. Orchestrations wait until it is back.",
        "ExceptionMessage": "It is off.",
        "ExceptionType": "System.TimeoutException",
        "StackTrace": None,
    }


async def test_large_inputs_pass(site: Site) -> None:
    large = json.dumps("x" * 8_000_000)
    await site.start("Pending", "one", large)
    assert (await site.http.get("/instances/one")).json()["input"] == json.loads(large)
