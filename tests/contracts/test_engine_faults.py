"""A storage account of which some requests go wrong: in the end each row is what its history says, and nothing is lost.

The faults are those of a network and of a busy service, before and after a request had its effect, seeded.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from aiohttp import web

from fnhost.azurite import Azurite
from fnhost.bindings.storage import parse
from fnhost.host.durable.model.errors import Conflict, HubUnreachable
from fnhost.host.durable.model.history import EventRaised, Execution, ExecutionStarted, RuntimeStatus, TaskScheduled
from fnhost.host.durable.model.states import Checkpoint, HistoryState, Instance, Query, fold
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.hub import all_of
from fnhost.host.durable.storage.retrying import ClientHub, RetryingHub
from fnhost.host.logging.log import Level, Log
from tests.support.engines import POLL, Served, hub_settings, made, serving
from tests.support.programs import Tree, events_of, fits, functions, last_status, meaning
from tests.support.proxies import Answer, Fault, Faults, Forward, Treatment, proxied
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]
T = TypeVar("T")
PATIENCE = 60.0
AT = "2025-03-04T10:20:00.1234567Z"

PROGRAMS: Sequence[Sequence[Tree]] = (
    [["status", "one"], ["do", ["all", [["act", n, 0] for n in range(5)]]], ["status", "two"], ["do", ["act", 1, 0]]],
    [["do", ["sub", [["status", "in"], ["do", ["act", "a", 0]], ["do", ["act", "b", 0]]], None]], ["do", ["fail", 0]]],
    [["do", ["act", 1, 0]], ["again", [["status", "again"], ["do", ["act", 2, 0]], ["do", ["act", 3, 0]]]]],
    [["status", "waits"], ["do", ["event", "Go"]], ["do", ["act", "x" * 70_000, 0]]],
    [["do", ["retry", "r", 2, 3, "kept"]], ["do", ["timer", 50]], ["throw"]],
)
ALL_PROGRAMS = [(number, steps) for number, steps in enumerate(PROGRAMS * 3)]


@asynccontextmanager
async def beside(storage: Azurite, treat: Treatment, **values: Any) -> AsyncIterator[tuple[AzureHub, AzureHub]]:
    """A hub as it is, and as it is seen through a proxy."""
    account, settings = parse(storage.connection_string), hub_settings(hidden=2.0, partitions=1, **values)
    async with made(AzureHub(settings, account, Log())) as hub, proxied(account, treat) as seen:
        assert isinstance(hub, AzureHub)
        async with AzureHub(settings, seen, Log()) as faulty:
            yield hub, faulty


async def persistent(ask: Callable[[], Awaitable[T]]) -> T:
    """A client of the platform tries again what is answered with 503."""
    while True:
        try:
            return await ask()
        except HubUnreachable:
            continue


async def play(served: Served, number: int, steps: Sequence[Tree]) -> Instance:
    name, client = f"program-{number}", served.client
    given = json.dumps(json.dumps({"salt": name, "steps": steps}))
    await persistent(lambda: client.start("Play", name, given))
    for event in events_of(steps):
        await persistent(lambda event=event: client.raise_event(name, event, json.dumps(event)))  # type: ignore[misc]
    async with asyncio.timeout(PATIENCE):
        while not (found := await persistent(lambda: client.wait(name, PATIENCE, POLL))).status.is_terminal:
            continue
    return found


def expect_meant(found: Instance, steps: Sequence[Tree]) -> None:
    if ["throw"] in steps:
        assert found.status is RuntimeStatus.Failed
    else:
        assert fits(meaning(steps), json.loads(found.output or "null"))
    assert found.custom_status == last_status(steps)


async def expect_rows_like_histories(hub: AzureHub) -> list[Instance]:
    rows = [row async for row in all_of(hub, Query())]
    for row in rows:
        state = await hub._histories.load(row.id)  # `load` of the hub would mend the row
        folded = fold(None, state.events, state.custom_status)
        assert folded and replace(folded, generation=row.generation) == row, "a merge keeps the starter's generation"
        raised = [event.name for event in state.events if isinstance(event, EventRaised)]
        assert len(raised) == len(set(raised))
    return rows


@pytest.mark.parametrize(("share", "seed"), [(0.05, 1), (0.2, 2)])
async def test_rows_are_what_histories_say_whatever_requests_fail(storage: Azurite, share: float, seed: int) -> None:
    faults = Faults(0.0, seed)
    async with beside(storage, faults.treat) as (hub, faulty):
        async with serving(faulty, functions(), EngineSettings(hidden=2.0), client_hub=ClientHub(faulty)) as served:
            faults.share = share
            await asyncio.gather(*(play(served, *program) for program in ALL_PROGRAMS))
            faults.share = 0.0
        rows = {row.id: row for row in await expect_rows_like_histories(hub)}
        for number, steps in ALL_PROGRAMS:
            expect_meant(rows[f"program-{number}"], steps)
        assert all(row.status.is_terminal for row in rows.values())
        assert len(rows) == len(ALL_PROGRAMS) + 3, "each child once"
    assert faults.count > 10


# --- one fault at one place -------------------------------------------------------------------------------------------


class OneFault:
    """Lets the first request that `fits` fail."""

    def __init__(self, fault: Fault, fits: Callable[[str, str], bool]) -> None:
        self.has_failed = False
        self._fault, self._fits, self._faults = fault, fits, Faults(0.0, 0)

    async def treat(self, request: web.BaseRequest, forward: Forward) -> Answer:
        body = (await request.read()).decode("utf-8", "replace")
        if self.has_failed or not self._fits(f"{request.method} {request.path}", body):
            return await forward(request)
        self.has_failed = True
        return await self._faults.fail(self._fault, request, forward)


def last_row(request: str, body: str) -> bool:
    return "Instances" in request and '"RuntimeStatus":"Completed"' in body


def last_history(request: str, body: str) -> bool:
    return "$batch" in request and "ExecutionCompleted" in body


def first_status(request: str, body: str) -> bool:
    return "Instances" in request and "CustomStatus" in body and "one" in body


@pytest.mark.parametrize("where", [last_row, last_history, first_status])
@pytest.mark.parametrize("fault", ["throttled", "refused", "failed after", "reset after", "cut"])
async def test_a_write_that_fails_once_is_done_once(
    storage: Azurite, where: Callable[[str, str], bool], fault: Fault
) -> None:
    one, steps = OneFault(fault, where), [["status", "one"], ["do", ["act", 1, 0]], ["do", ["event", "Go"]]]
    async with beside(storage, one.treat) as (hub, faulty):
        async with serving(faulty, functions(), client_hub=hub) as served:
            found = await play(served, 0, steps)
            expect_meant(found, steps)
            assert served.said("", Level.ERROR) == 0
        await expect_rows_like_histories(hub)
    assert one.has_failed


@pytest.mark.parametrize("fault", ["refused", "failed after", "reset after", "cut"])
@pytest.mark.parametrize("batch", ["T1", "T150", "T299"])
async def test_a_record_asked_again_meets_itself_and_goes_on(storage: Azurite, fault: Fault, batch: str) -> None:
    """Its 300 events are written in several transactions; large texts keep their blobs."""
    one = OneFault(fault, lambda request, body: "$batch" in request and f'"{batch}"' in body)
    run = Execution("order-42", "e")
    names = [f"T{n}" for n in range(300)]
    scheduled = [
        TaskScheduled(timestamp=AT, event_id=n, name=name, version="", input="x" * 70_000 if n % 100 == 0 else "1")
        for n, name in enumerate(names)
    ]
    events = (ExecutionStarted(timestamp=AT, orchestration_instance=run, name="Play", input="{}"), *scheduled)
    row = fold(None, events, '"set"')
    assert row
    checkpoint = Checkpoint(HistoryState(), "e", events, row)
    async with beside(storage, one.treat, keep_inputs=True) as (hub, faulty):
        recorded = await RetryingHub(faulty, Log()).record(checkpoint)
        assert one.has_failed
        assert await hub.load("order-42") == recorded
        assert await hub.find("order-42") == row
        with pytest.raises(Conflict):
            await hub.record(Checkpoint(HistoryState(), "e", events, row))


async def test_a_row_that_a_crash_left_behind_is_written_when_its_history_is_loaded(storage: Azurite) -> None:
    one = OneFault("refused", last_row)
    async with beside(storage, one.treat) as (hub, faulty):
        async with serving(faulty, functions(), client_hub=hub) as served:
            given = json.dumps(json.dumps({"salt": "s", "steps": [["do", ["act", 1, 0]]]}))
            record, torn = faulty._instances.record, asyncio.Event()

            async def dies(*args: object) -> None:
                """As if the host had ended between the two writes."""
                if one.has_failed:
                    torn.set()
                    await asyncio.Event().wait()
                await record(*args)  # type: ignore[arg-type]

            faulty._instances.record = dies  # type: ignore[method-assign]
            await served.client.start("Play", "order-42", given)
            async with asyncio.timeout(PATIENCE):
                await torn.wait()
            assert (await served.client.expect("order-42")).status is RuntimeStatus.Running
            await hub.load("order-42")
            assert (await served.client.expect("order-42")).status is RuntimeStatus.Completed
        await expect_rows_like_histories(hub)
