"""The dashboard's API of instances over an engine in the test's process, with the real SDK: lists, timelines, verbs."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount

from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.durable.insight.hub import HubInsight, Told
from fnhost.host.durable.insight.index import Filter, IndexRow, InstanceIndex
from fnhost.host.durable.insight.replays import Replays
from fnhost.host.durable.insight.store import InsightStore
from fnhost.host.durable.model.errors import HubError, HubMissing, HubUnreachable, UnreadableRecord
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.instants import Instant, later
from fnhost.host.durable.model.states import Checkpoint, HistoryState, Instance, Page, Query, fold
from fnhost.host.durable.replay.decide import OrchestrationLimits
from fnhost.host.durable.storage.sqlite import SqliteHub
from fnhost.host.logging.log import Log
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.web.dashboard.answers import ApiError
from fnhost.host.web.dashboard.api import api
from fnhost.host.web.dashboard.durable.assembly import Publisher, durable_api
from fnhost.host.web.dashboard.durable.notes import WaitNotes
from fnhost.host.web.dashboard.durable.timelines import Timelines
from fnhost.host.web.dashboard.durable.verbs import VERBS, allowed, refusal
from fnhost.host.web.dashboard.durable.view import HubView, telling
from fnhost.host.web.dashboard.live import LiveEvents, Reader
from tests.support.clocks import ManualClock
from tests.support.engines import Functions, Served, hub_settings, made, serving
from tests.support.sdk import SDK_WARNINGS, entity
from tests.unit.test_timeline import chain

pytestmark = [pytest.mark.anyio, *(pytest.mark.filterwarnings(text) for text in SDK_WARNINGS)]
BEGIN: Instant = "2026-01-01T00:00:00.0000000Z"


def flow(context: df.DurableOrchestrationContext) -> Any:
    context.set_custom_status({"step": 1, "of": 2})
    yield context.call_activity("Step", 8)
    context.set_custom_status({"step": 2, "of": 2})
    approval = yield context.wait_for_external_event("Approval")
    return approval


def fails(context: df.DurableOrchestrationContext) -> Any:
    yield context.call_activity("Unlucky", None)


def adds(context: df.DurableOrchestrationContext) -> Any:
    for _ in range(10_000):
        yield context.call_activity("Add", 1)


def unlucky(given: Any) -> None:
    raise ValueError("no such luck")


ORCHESTRATORS = {"Flow": flow, "Fails": fails, "Adds": adds}
FUNCTIONS = Functions(ORCHESTRATORS, {"Step": lambda given: given + 1, "Unlucky": unlucky})


async def observe(name: str, payload: str, seconds: float) -> Mapping[str, Any]:
    """The SDK's answer alone, as a worker gives it that cannot take steps."""
    context = df.DurableOrchestrationContext.from_json(payload)
    try:
        return {"mode": "answer", "answer": df.Orchestrator(ORCHESTRATORS[name]).handle(context)}
    except Exception as error:
        return {"mode": "answer", "failure": {"message": str(error)}}


@dataclass
class Desk:
    """A page's side of the API, and the engine behind it."""

    client: httpx.AsyncClient
    served: Served
    hub: SqliteHub
    insight: HubInsight
    live: LiveEvents

    async def get(self, path: str, answered: int = 200, **query: Any) -> Any:
        response = await self.client.get(path, params=query)
        assert response.status_code == answered, response.text
        return response.json()

    async def post(self, path: str, body: Any = None, status: int = 202) -> Any:
        response = await self.client.post(path, json=body)
        assert response.status_code == status, response.text
        return response.json()

    async def put(self, instance: Instance) -> None:
        """Store an instance as another program would."""
        await self.hub.record(Checkpoint(HistoryState(), instance.execution_id or "", (), instance))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(made(SqliteHub(hub_settings())))
        assert isinstance(hub, SqliteHub)
        served = await stack.enter_async_context(serving(hub, FUNCTIONS))
        store, replays = InsightStore(tmp_path / "insight.db"), Replays(OrchestrationLimits())
        insight = HubInsight(served.engine, served.client, store, replays, tmp_path, "hub", SYSTEM_CLOCK)
        served.engine.observer = insight
        stack.push_async_callback(insight.close)
        stack.enter_context(replays.lending(observe))
        live = LiveEvents()
        router = await stack.enter_async_context(durable_api(insight, live, Log()))
        transport = httpx.ASGITransport(api([Mount("", app=router)]))
        client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://desk"))
        yield Desk(client, served, hub, insight, live)


def row(number: int, status: RuntimeStatus = RuntimeStatus.Completed, **other: Any) -> Instance:
    made = Instance(
        id=f"order-{number:04}",
        execution_id=f"run-{number}",
        name=("Flow", "Other")[number % 2],
        status=status,
        created=later(BEGIN, number),
        updated=later(BEGIN, 10_000 - number),
        output='"done"',
    )
    return replace(made, **other)


async def has_status(desk: Desk, id: str, status: RuntimeStatus) -> None:
    await desk.served.until(id, lambda found: found.status is status)


# Lists


async def test_a_list_is_filtered_counted_sorted_and_paged(desk: Desk) -> None:
    for number in range(25):
        await desk.put(row(number, RuntimeStatus.Failed if number == 7 else RuntimeStatus.Completed))
    assert desk.insight.is_used is False, "no index is made before somebody looks"
    first = await desk.get("/instances", top=10, name="flow")
    assert [each["id"] for each in first["items"]][:3] == ["order-0024", "order-0022", "order-0020"]
    assert (first["counts"], first["total"]) == ({"Completed": 13}, 13)
    rest = await desk.get("/instances", top=10, name="flow", token=first["token"])
    assert [each["id"] for each in rest["items"]] == ["order-0004", "order-0002", "order-0000"]
    assert rest["token"] is None
    for query, expected in (
        ({"prefix": "order-000", "sort": "id", "top": 2}, ["order-0000", "order-0001"]),
        ({"status": "Failed"}, ["order-0007"]),
        ({"sort": "-updated", "top": 1}, ["order-0000"]),
        ({"from": later(BEGIN, 23), "sort": "created"}, ["order-0023", "order-0024"]),
        ({"q": "ORDER-0012"}, ["order-0012"]),
        ({"from": "1h"}, []),
    ):
        assert [each["id"] for each in (await desk.get("/instances", **query))["items"]] == expected, query


async def test_a_list_says_why_it_is_empty_and_what_is_wrong_with_a_query(desk: Desk) -> None:
    assert (await desk.get("/instances"))["kind"] == "empty"
    await desk.put(row(1))
    await desk.served.run("Fails")
    assert (await desk.get("/instances", prefix="none"))["kind"] == "filtered"
    for query in ({"status": "Runing"}, {"sort": "size"}, {"from": "soon"}, {"top": "many"}, {"token": "x"}):
        assert (await desk.get("/instances", 400, **query))["error"]


async def test_what_is_recorded_and_purged_is_in_the_next_list(desk: Desk) -> None:
    await desk.get("/instances")
    await desk.served.start("Flow", {}, "one")
    await has_status(desk, "one", RuntimeStatus.Running)
    await desk.served.until("one", lambda found: found.custom_status == '{"step":2,"of":2}')
    (item,) = (await desk.get("/instances"))["items"]
    assert (item["status"], item["custom_status"]["progress"]["percent"]) == ("Running", 100.0)
    assert (item["note"]["kind"], item["note"]["text"]) == ("waits", "event Approval")
    await desk.post("/instances/one/terminate", {"reason": "enough"})
    await has_status(desk, "one", RuntimeStatus.Terminated)
    await desk.post("/instances/one/purge")
    assert (await desk.get("/instances"))["items"] == []


class SlowHub(SqliteHub):
    """Its second page comes when `go_on` is set."""

    def __init__(self) -> None:
        super().__init__(hub_settings())
        self.go_on, self.is_asked = asyncio.Event(), asyncio.Event()

    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        if token:
            self.is_asked.set()
            await self.go_on.wait()
        return await super().list(query, min(top, 5), token)


async def test_a_hub_that_takes_long_to_read_is_shown_as_far_as_it_is_read() -> None:
    hub = SlowHub()
    async with made(hub):
        for number in range(8):
            await hub.record(Checkpoint(HistoryState(), f"run-{number}", (), row(number)))
        clock = ManualClock()
        index = InstanceIndex(hub, clock, lambda: False)
        listing = asyncio.create_task(index.list(Filter(), "id", 100, None))
        await hub.is_asked.wait()
        await clock.advance(1)
        found = await listing
        assert (len(found.rows), found.is_complete) == (5, False)
        index.note(row(7, RuntimeStatus.Failed))
        index.forget("order-0006")
        hub.go_on.set()
        found = await index.list(Filter(), "id", 100, None)
        assert (len(found.rows), found.is_complete, found.rows[-1].status) == (7, True, RuntimeStatus.Failed)
        await index.close()


@pytest.mark.parametrize(("is_shared", "seconds"), [(True, 6), (False, 31)])
async def test_what_other_programs_store_is_in_the_list_after_a_while(is_shared: bool, seconds: float) -> None:
    hub, clock = SqliteHub(hub_settings()), ManualClock()
    async with made(hub):
        index = InstanceIndex(hub, clock, lambda: is_shared)
        assert (await index.list(Filter(), "id", 100, None)).is_empty
        await hub.record(Checkpoint(HistoryState(), "run-1", (), row(1)))
        await clock.advance(seconds - 2)
        assert (await index.list(Filter(), "id", 100, None)).is_empty
        await index.settled()
        assert (await index.list(Filter(), "id", 100, None)).is_empty
        await clock.advance(2)
        await index.list(Filter(), "id", 100, None)
        await index.settled()
        assert not (await index.list(Filter(), "id", 100, None)).is_empty
        await index.close()


async def test_a_hub_that_does_not_answer_is_read_again_with_the_next_list() -> None:
    class Away(SqliteHub):
        is_away = True

        async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
            if self.is_away:
                raise HubUnreachable("gone")
            return await super().list(query, top, token)

    hub = Away(hub_settings())
    async with made(hub):
        index = InstanceIndex(hub, SYSTEM_CLOCK, lambda: False)
        with pytest.raises(HubUnreachable):
            await index.list(Filter(), "id", 100, None)
        hub.is_away = False
        assert (await index.list(Filter(), "id", 100, None)).is_complete
        await index.close()


async def test_too_many_instances_are_listed_in_the_order_of_their_ids(desk: Desk) -> None:
    for number in range(8):
        await desk.put(row(number))
    index = InstanceIndex(desk.hub, SYSTEM_CLOCK, lambda: False, most=5)
    first = await index.list(Filter(names=frozenset({"flow"})), "-created", 4, None)
    assert ([each.id for each in first.rows], first.is_sortable) == (["order-0000", "order-0002"], False)
    rest = await index.list(Filter(), "-created", 4, first.token)
    assert [each.id for each in rest.rows] == [f"order-{number:04}" for number in range(4, 8)]
    assert rest.counts is None
    await index.close()


@pytest.mark.parametrize(
    ("error", "status"), [(HubUnreachable("gone"), 503), (HubMissing("gone"), 503), (HubError("odd"), 500)]
)
async def test_a_storage_that_is_away_is_told(error: Exception, status: int) -> None:
    async def endpoint(request: Request) -> Response:
        raise error

    with pytest.raises(ApiError) as told:
        await telling(endpoint)(Request({"type": "http"}))
    assert told.value.status == status


async def test_a_child_without_an_id_of_its_own_leads_to_its_parent(desk: Desk) -> None:
    await desk.put(row(1))
    await desk.put(row(2, id="run-1:0"))
    items = (await desk.get("/instances", sort="id"))["items"]
    assert [(item["id"], item["parent"]) for item in items] == [("order-0001", None), ("run-1:0", "order-0001")]


async def test_a_history_that_cannot_be_read_keeps_nobody_from_acting(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.put(row(1, RuntimeStatus.Running))

    async def load(instance: str) -> HistoryState:
        raise UnreadableRecord("torn")

    monkeypatch.setattr(desk.hub, "load", load)
    found = await desk.get("/instances/order-0001")
    assert (found["replay"]["state"], found["replay"]["note"]) == ("none", "The history cannot be read: torn")
    assert "terminate" in found["allowed"]
    assert (await desk.get("/instances/order-0001/timeline"))["rows"] == []
    assert (await desk.get("/instances"))["items"][0]["status"] == "Running"


# One instance


async def test_an_instance_says_what_it_waits_for_and_what_may_be_done(desk: Desk) -> None:
    await desk.served.start("Flow", {"n": 1}, "one")
    await desk.served.until("one", lambda found: found.custom_status == '{"step":2,"of":2}')
    found = await desk.get("/instances/one")
    (wait,) = found["waits"]
    assert (wait["kind"], wait["name"], wait["source"]) == ("event", "Approval", "recomputed")
    assert (found["custom_status_bytes"], found["custom_status_limit"]) == (34, 17408)
    assert found["allowed"] == ["raise", "suspend", "terminate", "restart"]
    assert found["parent"] is None and found["generation"] == 1
    assert (await desk.get("/instances/two", 404))["error"] == "No instance with ID 'two' was found."


async def test_each_verb_does_what_it_says(desk: Desk) -> None:
    assert await desk.post("/instances", {"name": "Flow", "id": "one", "input": {"n": 1}}, 201) == {"id": "one"}
    assert "already exists" in (await desk.post("/instances", {"name": "Flow", "id": "one"}, 409))["error"]
    assert "Flo" in (await desk.post("/instances", {"name": "Flo"}, 400))["error"]
    await desk.served.until("one", lambda found: found.custom_status == '{"step":2,"of":2}')
    await desk.post("/instances/one/suspend", {"reason": "lunch"})
    await has_status(desk, "one", RuntimeStatus.Suspended)
    await desk.post("/instances/one/resume")
    await has_status(desk, "one", RuntimeStatus.Running)
    await desk.post("/instances/one/raise", {"name": "Approval", "data": {"by": "me"}})
    assert (await desk.served.end("one")).output == '{"by":"me"}'
    again = (await desk.post("/instances/one/restart"))["id"]
    assert again != "one"
    assert await desk.post("/instances/one/restart", {"new_id": False}) == {"id": "one"}
    failed = await desk.served.run("Fails")
    await desk.post(f"/instances/{failed.id}/rewind", {"reason": "mended"})
    assert (await desk.served.end(failed.id)).status is RuntimeStatus.Failed
    assert (await desk.post(f"/instances/{failed.id}/purge"))["deleted"] == 1
    assert (await desk.post("/instances/one/explode", status=404))["error"]
    assert (await desk.post("/instances/one/raise", {"data": 1}, 400))["error"]


@pytest.mark.parametrize("status", RuntimeStatus)
async def test_a_verb_that_is_not_allowed_is_refused_with_a_sentence(desk: Desk, status: RuntimeStatus) -> None:
    await desk.put(row(1, status))
    for verb in VERBS:
        if sentence := refusal(verb, status):
            told = await desk.post(f"/instances/order-0001/{verb}", {"name": "Go"}, 409)
            assert told["error"] == sentence
    assert set(allowed(status)) | {verb for verb in VERBS if refusal(verb, status)} == set(VERBS)


async def test_a_batch_tells_how_far_it_is(desk: Desk) -> None:
    for number in range(12):
        await desk.put(row(number, RuntimeStatus.Running if number == 3 else RuntimeStatus.Completed))
    job = await desk.post("/instances/batch", {"verb": "purge", "filter": {"prefix": "order-"}})
    assert job["of"] == 12
    with desk.live.reading([f"job:{job['job']}"]) as reader:
        told = await until(reader, "job", lambda data: data["done"] + data["failed"] == 12)
    assert (told["done"], told["failed"]) == (11, 1)
    assert told["errors"][0]["id"] == "order-0003" and "Running" in told["errors"][0]["error"]
    assert (await desk.post("/instances/batch", {"verb": "purge"}, 400))["error"]
    assert (await desk.post("/instances/batch", {"verb": "raise", "ids": []}, 400))["error"]


async def until(reader: Reader, name: str, is_wanted: Any) -> Any:
    """The data of the first event of this name that is as wanted."""
    async with asyncio.timeout(20):
        async for text in reader.stream():
            for frame in text.decode().split("\n\n"):
                fields = dict(line.split(": ", 1) for line in frame.splitlines() if ": " in line)
                if fields.get("event") == name and is_wanted(data := json.loads(fields["data"])):
                    return data
    raise AssertionError(name)


# History


async def test_a_history_of_5000_events_is_a_page_of_rows(desk: Desk) -> None:
    events = tuple(chain(1250, failing=700))
    instance = fold(None, events, None)
    assert instance
    instance = replace(instance, id="long", name="Adds")
    await desk.hub.record(Checkpoint(HistoryState(), "run", events, instance))
    response = await desk.client.get("/instances/long/timeline")
    found = response.json()
    (loop, failed, opened) = found["rows"]
    assert (loop["kind"], loop["group"]["count"], loop["children"], found["events"]) == ("loop", 1250, 1250, 5000)
    assert (failed["state"], failed["parent"], failed["error"]) == ("failed", loop["task"], "no such luck")
    assert opened["state"] == "open" and found["length"] == 3
    assert len(response.content) < 300_000 and len(found["episodes"]) <= 500
    page = await desk.get("/instances/long/timeline", parent=loop["task"], from_row=1000, rows=500)
    assert (page["length"], len(page["rows"]), page["rows"][0]["task"]) == (1250, 250, "1000")
    history = await desk.get("/instances/long/history", top=2000, **{"from": 4000})
    assert (len(history["events"]), history["length"], history["next"]) == (1000, 5000, None)
    assert (await desk.get("/instances/long/timeline", 404, parent="nothing"))["error"]


async def test_inputs_that_no_history_keeps_are_recomputed(desk: Desk) -> None:
    await desk.served.start("Flow", {"n": 1}, "one")
    await desk.served.until("one", lambda found: found.custom_status == '{"step":2,"of":2}')
    desk.served.engine.forget("one")
    rows = (await desk.get("/instances/one/timeline"))["rows"]
    assert [(each["task"], each["kind"], each["state"]) for each in rows] == [
        ("0", "activity", "done"),
        ("w1", "event", "open"),
    ]
    task = await desk.get("/instances/one/tasks/0")
    assert (task["input"], task["input_source"], task["output"]) == (8, "recomputed", 9)
    assert (await desk.get("/instances/one/tasks/7", 404))["error"]


async def test_a_failed_call_shows_its_error(desk: Desk) -> None:
    failed = await desk.served.run("Fails")
    found = await desk.get(f"/instances/{failed.id}")
    assert (found["error"]["type"], found["error"]["message"], found["error"]["task"]) == (
        "ValueError",
        "no such luck",
        "0",
    )
    task = await desk.get(f"/instances/{failed.id}/tasks/0")
    assert (task["error"]["message"], task["row"]["state"]) == ("no such luck", "failed")


async def test_a_huge_output_is_cut_and_says_so(desk: Desk) -> None:
    text = json.dumps("x" * 2_000_000)
    await desk.put(row(1, output=text))
    found = await desk.get("/instances/order-0001")
    assert (len(found["output"]), found["cut"]) == (65_536, {"output": len(text)})
    assert len(found["note"]["text"]) <= 300


async def test_an_export_holds_what_a_replay_needs(desk: Desk) -> None:
    ended = await desk.served.run("Fails", {}, "to export?".replace("?", ""))
    response = await desk.client.get(f"/instances/{ended.id}/history", params={"format": "export"})
    assert response.headers["content-disposition"] == 'attachment; filename="to_export.history.json"'
    found = response.json()
    assert found["format"] == "fnhost-history/1" and found["executions"][0]["complete"]
    assert found["executions"][0]["history"][0]["EventType"] == 12


# Past custom statuses


async def test_past_custom_statuses_are_recorded(desk: Desk) -> None:
    await desk.served.start("Flow", {}, "one")
    await desk.served.until("one", lambda found: found.custom_status == '{"step":2,"of":2}')
    values = (await desk.get("/instances/one/status-values"))["values"]
    assert [(each["value"]["step"], each["source"], each["episode"]) for each in values] == [
        (1, "recorded", 0),
        (2, "recorded", 1),
    ]
    assert values[0]["bytes"] == 34
    assert (await desk.get("/instances/one/status-values", limit=1))["more"] is True


# Live


async def test_a_status_change_is_told_to_those_who_read(desk: Desk) -> None:
    with desk.live.reading(["instances", "instance:one"]) as reader:
        await desk.served.start("Flow", {}, "one")
        status = await until(reader, "status", lambda data: data["value"] == {"step": 2, "of": 2})
        assert status["id"] == "one"
    with desk.live.reading(["instances", "instance:one"]) as reader:
        await desk.post("/instances/one/raise", {"name": "Approval"})
        await until(reader, "instance", lambda data: data["id"] == "one" and data["status"] == "Completed")
    with desk.live.reading(["instances", "instance:one"]) as reader:
        await desk.post("/instances/one/purge")
        await until(reader, "instance", lambda data: data == {"id": "one", "deleted": True})


async def test_a_note_that_comes_late_does_not_bring_an_old_row_back(desk: Desk) -> None:
    old = row(1, RuntimeStatus.Running)
    new = replace(old, status=RuntimeStatus.Completed, updated=later(old.updated, 1))
    publisher, tasks = Publisher(desk.live), BackgroundTasks(Log())
    notes = WaitNotes(desk.insight, tasks, SYSTEM_CLOCK, publisher.found)
    publisher.view = HubView(desk.insight, desk.live, tasks, notes, Timelines())
    with desk.live.reading(["instances"]) as reader:
        publisher.told(Told(old.id, old))
        publisher.told(Told(new.id, new))
        publisher.found(IndexRow.of(old))
        told = await until(reader, "instance", lambda data: True)
        assert told["status"] == "Completed"
    tasks.cancel()
    await tasks.wait()


async def test_entities_are_told_with_their_last_operation(desk: Desk) -> None:
    def counter(context: df.DurableEntityContext) -> None:
        if context.operation_name == "fail":
            raise ValueError("no such thing")
        context.set_state(context.get_state(lambda: 0) + 1)

    with desk.served.engine.serving("entity", "counter", entity(counter)), desk.live.reading(["entities"]) as reader:
        assert (await desk.get("/entities"))["names"] == ["counter"]
        await desk.post("/entities/Counter/k/signal", {"operation": "add"})
        told = await until(reader, "entity", lambda data: data["last"] is not None)
        assert (told["id"], told["exists"], told["state"]["text"]) == ("@counter@k", True, "1")
        await desk.post("/entities/counter/k/signal", {"operation": "fail"})
        told = await until(reader, "entity", lambda data: data["last"]["operation"] == "fail")
        assert told["last"]["error"] == "no such thing"
        (item,) = (await desk.get("/entities", name="counter", prefix="k"))["items"]
        assert item == told
        found = await desk.get("/entities/counter/k")
        assert (found["state"], found["queue"], len(found["operations"])) == (1, [], 2)
    assert (await desk.get("/entities/counter/other", 404))["error"]
    assert (await desk.post("/entities/counter/k/signal", {}, 400))["error"]
    assert "counte" in (await desk.post("/entities/counte/k/signal", {"operation": "add"}, 400))["error"]


async def test_what_a_row_waits_for_follows_it(desk: Desk) -> None:
    with desk.live.reading(["instances"]) as reader:
        await desk.served.start("Flow", {}, "one")
        row = await until(reader, "instance", lambda data: data["note"]["text"] == "event Approval")
        assert row["custom_status"]["text"] == '{"step":2,"of":2}'
