"""Several hosts on one task hub: they share its queues, hand them over, and take them over from the dead."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from fnhost.azurite import Azurite
from fnhost.bindings.storage import parse
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.instants import later, utc_now
from fnhost.host.durable.model.states import Instance, PartitionLease
from fnhost.host.durable.runtime.engine import EngineSettings
from fnhost.host.durable.sharing.identity import HostIdentity, persistent_identity, temporary_identity
from fnhost.host.durable.sharing.leases import LeaseSettings
from fnhost.host.durable.storage.azure import AzureHub
from fnhost.host.durable.storage.hub import HubSettings
from fnhost.host.logging.log import Level, Log
from tests.acceptance.conftest import on_azurite
from tests.support.engines import PATIENCE, POLL, Functions, Served, hub_settings, serving
from tests.support.sdk import SDK_WARNINGS
from tests.support.storms import storm

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]


def named(name: str, *dead: str) -> HostIdentity:
    return HostIdentity(name, dead.__contains__)


class Gate:
    """An activity that says that it has begun, and ends when it may."""

    def __init__(self) -> None:
        self.begun, self.open = asyncio.Event(), asyncio.Event()
        self.runs = 0

    async def __call__(self, given: object) -> str:
        self.runs += 1
        self.begun.set()
        await self.open.wait()
        return "passed"


def echo(context):  # type: ignore[no-untyped-def]
    return (yield context.call_activity("Echo", context.instance_id))


def twice(context):  # type: ignore[no-untyped-def]
    """A child in each of many places, most of which another host serves."""
    ids = [f"{context.instance_id}-{number}" for number in range(8)]
    return (yield context.task_all([context.call_sub_orchestrator("Echoes", None, child) for child in ids]))


def waiting(context):  # type: ignore[no-untyped-def]
    return (yield context.wait_for_external_event("Go"))


def timed(context):  # type: ignore[no-untyped-def]
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    return "rung"


def passing_a_gate(context):  # type: ignore[no-untyped-def]
    return (yield context.call_activity("Gate", None))


def functions(gate: Gate | None = None) -> Functions:
    return Functions(
        {"Echoes": echo, "Twice": twice, "Waiting": waiting, "Timed": timed, "Gated": passing_a_gate},
        {"Echo": lambda given: given, "Gate": gate or Gate()},
    )


class Site:
    """A hub in the emulator, and hosts on it."""

    def __init__(self, storage: Azurite, settings: HubSettings) -> None:
        self.account, self.settings = parse(storage.connection_string), settings
        self.hub = AzureHub(settings, self.account, Log())

    @asynccontextmanager
    async def host(
        self, identity: HostIdentity, app: str = "", gate: Gate | None = None, **leases: float
    ) -> AsyncIterator[Served]:
        name = self.settings.name
        settings = HubSettings(name, self.settings.partitions, self.settings.hidden, app=app)
        how = EngineSettings(
            leases=LeaseSettings(alone=0.1, shared=0.1, app_retry=0.1, app_renewal=0.1, hub=name, **leases),
            hidden=self.settings.hidden,
            shortest_poll=0.02,
            longest_poll=0.1,
        )
        async with AzureHub(settings, self.account, Log()) as hub:
            async with serving(hub, functions(gate), how, identity=identity) as served:
                yield served

    async def until_owned(self, **counts: int) -> None:
        """Return as soon as each host owns so many queues, and nobody asks for one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                if await self.owned() == counts:
                    return
                await asyncio.sleep(POLL)

    async def take(self, queue: str, owner: str) -> None:
        """Write the row as if its lease had run out, however often its owner renews it."""
        is_taken = False
        while not is_taken:
            (row,) = [one for one in await self.hub.partition_leases() if one.queue == queue]
            taken = PartitionLease(queue, owner, until=later(utc_now(), 30), version=row.version)
            is_taken = await self.hub.update_partition_lease(taken)

    async def owned(self) -> Mapping[str, int]:
        rows = await self.hub.partition_leases()
        owners = ["moving" if row.next_owner else row.owner or "nobody" for row in rows]
        return {owner: owners.count(owner) for owner in owners}


@pytest.fixture
async def site(storage: Azurite) -> AsyncIterator[Site]:
    site = Site(storage, hub_settings(hidden=20.0))
    async with site.hub:
        await site.hub.create()
        yield site
        await site.hub.delete()


def outputs(ended: Sequence[Instance]) -> list[object]:
    assert {one.status for one in ended} == {RuntimeStatus.Completed}
    return [json.loads(one.output or "null") for one in ended]


async def test_a_host_alone_serves_everything_at_once_and_gives_it_back(site: Site) -> None:
    async with site.host(named("A")) as served:
        assert await site.owned() == {"A": 4}
        ids = [f"i{number}" for number in range(12)]
        assert outputs([await served.run("Echoes", None, one) for one in ids]) == ids
    assert await site.owned() == {"nobody": 4}
    async with site.host(named("B")):
        assert await site.owned() == {"B": 4}


async def test_hosts_share_the_queues_and_each_others_work(site: Site) -> None:
    async with site.host(named("A")) as first, site.host(named("B")) as second:
        await site.until_owned(A=2, B=2)
        for served in (first, second):
            ids = [uuid.uuid4().hex for _ in range(4)]
            started = [await served.start("Twice", None, one) for one in ids]
            found = outputs([await served.end(one) for one in started])
            assert found == [[f"{one}-{number}" for number in range(8)] for one in ids]


async def test_what_one_host_asks_the_other_is_seen_at_once(site: Site) -> None:
    """Not after the twenty seconds for which a message in our own hands is hidden."""
    async with site.host(named("A")) as first, site.host(named("B")) as second:
        await site.until_owned(A=2, B=2)
        async with asyncio.timeout(10):
            for number in range(8):
                one = await first.start("Waiting", None, f"w{number}")
                await second.client.raise_event(one, "Go", "1")
                assert (await first.end(one)).output == "1"


async def test_a_host_that_leaves_hands_over_what_waits(site: Site) -> None:
    async with AsyncExitStack() as stack:
        async with site.host(named("A")) as first:
            ids = [await first.start("Waiting", None, f"w{number}") for number in range(8)]
            for one in ids:
                await first.until(one, lambda found: found.status is RuntimeStatus.Running)
            second = await stack.enter_async_context(site.host(named("B")))
            await site.until_owned(A=2, B=2)
        await site.until_owned(B=4)
        for one in ids:
            await second.client.raise_event(one, "Go", "1")
            assert (await second.end(one)).output == "1"


async def test_a_host_that_leaves_hands_over_its_timers(site: Site) -> None:
    """They are hidden for as long as our hold lasts, twenty seconds, and due before."""
    async with site.host(named("A")) as first:
        ids = [await first.start("Timed", None, f"t{number}") for number in range(8)]
        for one in ids:
            await first.until(one, lambda found: found.status is RuntimeStatus.Running)
    async with site.host(named("B")) as second, asyncio.timeout(10):
        assert outputs([await second.end(one) for one in ids]) == ["rung"] * 8


async def test_a_host_finishes_what_runs_before_it_hands_over(site: Site) -> None:
    gates = Gate(), Gate()
    async with site.host(named("A"), gate=gates[0]) as first:
        ids = [await first.start("Gated", None, f"g{number}") for number in range(8)]
        await gates[0].begun.wait()
        async with site.host(named("B"), gate=gates[1]):
            await site.until_owned(A=2, B=2)
            gates[0].open.set()
            assert outputs([await first.end(one) for one in ids]) == ["passed"] * 8
    assert [gate.runs for gate in gates] == [8, 0]


async def test_the_queues_of_a_dead_host_are_taken_when_its_lease_is_over(site: Site) -> None:
    now = utc_now()
    for row in await site.hub.partition_leases():
        lease = PartitionLease(row.queue, "dead", None, now, later(now, -27), later(now, 3), version=row.version)
        assert await site.hub.update_partition_lease(lease)
    async with site.host(named("B")) as served:
        assert "B" not in await site.owned()
        assert outputs([await served.run("Echoes", None, "i1")]) == ["i1"]
        assert await site.owned() == {"B": 4}
        assert utc_now() > later(now, 3)


@pytest.mark.parametrize("identity", [named("dead"), named("B", "dead")])
async def test_nobody_waits_for_a_host_that_is_surely_dead(site: Site, identity: HostIdentity) -> None:
    """Be it that it was started again, or that its mark is free."""
    for row in await site.hub.partition_leases():
        assert await site.hub.update_partition_lease(
            PartitionLease(row.queue, "dead", until=later(utc_now(), 30), version=row.version)
        )
    async with site.host(identity):
        assert await site.owned() == {identity.id: 4}


async def test_a_host_whose_queues_were_taken_stops_at_once(site: Site) -> None:
    gate = Gate()
    async with site.host(named("A"), gate=gate) as served:
        await served.start("Gated", None, "g1")
        await gate.begun.wait()
        for queue in site.hub.queues:
            await site.take(queue, "B")
        async with site.host(named("B")) as other:
            gate.open.set()
            assert outputs([await other.end("g1")]) == ["passed"]
            await site.until_owned(A=2, B=2)
    assert gate.runs == 1


async def test_one_app_at_a_time_runs_instances_and_any_may_ask(site: Site) -> None:
    async with AsyncExitStack() as stack:
        async with site.host(named("A"), app="one") as first:
            second = await stack.enter_async_context(site.host(named("B"), app="two"))
            assert second.said(f"Another app has the task hub '{site.settings.name}'")
            assert second.said("set extensions.durableTask.hubName in host.json")
            assert outputs([await second.run("Echoes", None, "i1")]) == ["i1"]
            assert await site.owned() == {"A": 4}
            assert first.records == []
        assert outputs([await second.run("Echoes", None, "i2")]) == ["i2"]
        assert await site.owned() == {"B": 4}


async def test_apps_that_do_not_reserve_the_hub_share_it(site: Site) -> None:
    free = {"use_app_lease": False}
    async with site.host(named("A"), app="one", **free), site.host(named("B"), app="two", **free):
        await site.until_owned(A=2, B=2)


async def test_apps_of_two_folders_on_one_hub_are_told_so_once(site: Site, tmp_path: Path) -> None:
    with (
        persistent_identity("box", tmp_path / "a", "my shop") as shop,
        persistent_identity("box", tmp_path / "b", "bank") as bank,
    ):
        async with site.host(shop) as first, site.host(bank) as second:
            await site.until_owned(**{shop.id: 2, bank.id: 2})
            text = f"An app in another folder uses the task hub '{site.settings.name}' as well (its host is box-{{}}"
            assert second.said(text.format("myshop"), Level.WARNING) == 1
            assert first.said(text.format("bank"), Level.WARNING) == 1
            assert second.said("set extensions.durableTask.hubName in host.json") == 1


async def test_hosts_of_one_folder_are_no_strangers(site: Site, tmp_path: Path) -> None:
    with persistent_identity("box", tmp_path) as one, persistent_identity("box", tmp_path) as other:
        async with site.host(one) as first, site.host(other) as second:
            await site.until_owned(**{one.id: 2, other.id: 2})
            assert [served.said("another folder") for served in (first, second)] == [0, 0]


# --- marks -----------------------------------------------------------------------------------------------------------


def test_a_host_is_called_as_the_one_before_it_and_no_two_alike(tmp_path: Path) -> None:
    with persistent_identity("box", tmp_path) as first, persistent_identity("box", tmp_path) as second:
        assert first.id != second.id
        assert not first.is_gone(second.id)
        known = {first.id, second.id}
    with persistent_identity("box", tmp_path) as again:
        assert again.id in known
        (other,) = known - {again.id}
        assert again.is_gone(other)
        assert not again.is_gone(again.id)


def test_a_host_of_this_machine_without_a_mark_here_is_a_stranger(tmp_path: Path) -> None:
    with persistent_identity("box", tmp_path, "shop") as identity:
        others = (identity.id, "box-bank1234", "box", "elsewhere-bank1234", "box-../x")
        assert [identity.is_other_app(other) for other in others] == [False, True, False, False, False]


@pytest.mark.parametrize("other", ["box-12345678", "other-12345678", "box", "box-../x", ""])
def test_who_left_no_mark_here_may_be_alive(other: str, tmp_path: Path) -> None:
    with persistent_identity("box", tmp_path) as identity:
        assert not identity.is_gone(other)
    assert not temporary_identity("box").is_gone(other)


def test_a_folder_that_cannot_be_written_does_not_keep_a_host_from_running(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with persistent_identity("box", tmp_path / "file") as identity:
        assert identity.id.startswith("box-")


# --- processes -------------------------------------------------------------------------------------------------------


async def test_every_job_ends_right_while_hosts_die_end_and_come(storage: Azurite, tmp_path: Path) -> None:
    """Two of them in one folder, a third in another; the seed is one that kills and stops."""
    visible = "AzureFunctionsJobHost__extensions__durableTask__storageProvider__controlQueueVisibilityTimeout"
    settings = {**on_azurite(storage), visible: "00:00:03"}
    await asyncio.to_thread(weather, tmp_path, settings)


def weather(root: Path, settings: Mapping[str, str]) -> None:
    with contextmanager(storm)(root, ["one", "one"], settings, seed=5) as found:
        found.start(0)
        found.start(1)
        found.blow(6, jobs=5)
        found.check(PATIENCE)
