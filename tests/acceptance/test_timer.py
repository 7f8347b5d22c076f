"""The timer trigger, with a real status blob and a real lock (platform/timer.md 2 and 3)."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.storage.blob import BlobLeaseClient, ContainerClient

from fnhost.azurite import Azurite
from tests.support.hosts import bindings, http, running, write_app
from tests.support.storage import container, fresh

TICK = """
import azure.functions as func

def main(timer: func.TimerRequest) -> None:
    print(f"tick past_due={timer.past_due} status={bool(timer.schedule_status)}", flush=True)
"""
HELLO = {"Hello/__init__.py": "def main(req) -> str:\n    return 'hello'\n", "Hello/function.json": http()}
YEARLY = "0 0 0 1 1 *"


class Site:
    """A host id of this test alone, and the settings that say so."""

    def __init__(self, connection: str) -> None:
        self.id = fresh("host")
        self.settings = {"AzureWebJobsStorage": connection, "AzureFunctionsWebHost__hostid": self.id}
        self.connection = connection
        self.status = f"timers/{self.id}/Host.Functions.Tick/status"


@pytest.fixture
def site(storage: Azurite) -> Site:
    return Site(storage.connection_string)


@pytest.fixture
def hosts(site: Site) -> Iterator[ContainerClient]:
    with container(site.connection, "azure-webjobs-hosts") as client:
        if not client.exists():
            client.create_container()
        yield client


def app(root: Path, schedule: str, **more: object) -> Path:
    trigger = {"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": schedule, **more}
    return write_app(root, {**HELLO, "Tick/__init__.py": TICK, "Tick/function.json": bindings(trigger)})


def stored(client: ContainerClient, site: Site) -> dict[str, datetime]:
    found = json.loads(client.download_blob(site.status).readall())
    return {name: datetime.fromisoformat(text) for name, text in found.items()}


def write_status(client: ContainerClient, site: Site, last: datetime, next: datetime) -> None:
    times = {"Last": last, "Next": next, "LastUpdated": last}
    text = json.dumps({name: time.isoformat() for name, time in times.items()})
    client.upload_blob(site.status, text, overwrite=True)


def test_a_timer_fires_and_says_when(tmp_path: Path, site: Site) -> None:
    with running(app(tmp_path, "*/1 * * * * *"), "--verbose", **site.settings) as host:
        host.output.until("tick past_due=False status=False", 2)
        host.output.until("Executed 'Functions.Tick' (Succeeded", 2)
        assert host.output.count("(Reason='Timer fired at 20") >= 2
        assert host.output.count("The next 5 occurrences of the 'Tick' schedule (Cron: '*/1 * * * * *') will be:") == 1


def test_a_run_on_startup_and_after_a_save(tmp_path: Path, site: Site, hosts: ContainerClient) -> None:
    with running(app(tmp_path, YEARLY, runOnStartup=True), **site.settings) as host:
        host.output.until("tick past_due=False status=True")
        host.output.until("Trigger Details: UnscheduledInvocationReason: RunOnStartup")
        host.write("Tick/__init__.py", TICK.replace("tick", "tock"))
        host.output.until("tock past_due=False")
        host.output.until("Executed 'Functions.Tick' (Succeeded", 2)
    status = stored(hosts, site)
    assert (status["Next"].month, status["Next"].day) == (1, 1) and status["Last"].year > 2000


def test_the_first_start_ever_writes_a_status_and_runs_nothing(
    tmp_path: Path, site: Site, hosts: ContainerClient
) -> None:
    with running(app(tmp_path, YEARLY), "--verbose", **site.settings) as host:
        host.output.until("The next 5 occurrences of the 'Tick' schedule")
    status = stored(hosts, site)
    assert status["Last"].year == 1 and status["Next"] > datetime.now(UTC)
    assert host.output.count("Executing 'Functions.Tick'") == 0


def test_a_missed_occurrence_runs_at_once(tmp_path: Path, site: Site, hosts: ContainerClient) -> None:
    last = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    write_status(hosts, site, last, last + timedelta(hours=1))
    with running(app(tmp_path, "01:00:00"), **site.settings) as host:
        host.output.until("tick past_due=True status=True")
        host.output.until("Trigger Details: UnscheduledInvocationReason: IsPastDue, OriginalSchedule: ")
        host.output.until("Executed 'Functions.Tick' (Succeeded")
        assert host.output.count("Executing 'Functions.Tick'") == 1
    assert stored(hosts, site)["Next"] > datetime.now(UTC)


def test_a_changed_schedule_is_not_past_due(tmp_path: Path, site: Site, hosts: ContainerClient) -> None:
    last = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    write_status(hosts, site, last, last + timedelta(hours=1))
    with running(app(tmp_path, "02:00:00"), "--verbose", **site.settings) as host:
        host.output.until("The next 5 occurrences of the 'Tick' schedule")
        assert host.output.count("Executing 'Functions.Tick'") == 0


def test_a_run_by_hand_has_the_status_on_record(tmp_path: Path, site: Site, hosts: ContainerClient) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    write_status(hosts, site, now, now + timedelta(hours=1))
    with running(app(tmp_path, "01:00:00"), **site.settings) as host:
        assert host.post("/admin/functions/Tick", json={}).status_code == 202
        host.output.until("tick past_due=False status=True")


def test_one_host_of_an_app_fires_and_the_next_takes_over(tmp_path: Path, site: Site) -> None:
    code = app(tmp_path, "*/1 * * * * *")
    with running(code, **site.settings) as first:
        first.output.until("Executed 'Functions.Tick'")
        with running(code, **site.settings) as second:
            second.output.until("holds the lock of function 'Tick'")
            first.output.until("Executed 'Functions.Tick'", first.output.count("Executed 'Functions.Tick'") + 2)
            assert second.output.count("Executing 'Functions.Tick'") == 0
            first.interrupt()
            second.output.until("Executed 'Functions.Tick' (Succeeded")


def test_a_lock_that_was_lost_is_taken_again(tmp_path: Path, site: Site, hosts: ContainerClient) -> None:
    lock = BlobLeaseClient(hosts.get_blob_client(f"locks/{site.id}/Host.Functions.Tick.Listener"))
    with running(app(tmp_path, "*/1 * * * * *"), **site.settings) as host:
        host.output.until("Executed 'Functions.Tick'")
        lock.break_lease(0)
        lock.acquire(15)
        host.output.until("holds the lock of function 'Tick'")
        fired = host.output.count("Executing 'Functions.Tick'")
        lock.release()
        host.output.until("Executed 'Functions.Tick' (Succeeded", fired + 1)


def test_a_bad_schedule_stops_only_its_function(tmp_path: Path, site: Site) -> None:
    with running(app(tmp_path, "every now and then"), **site.settings) as host:
        assert host.get("/api/Hello").text == "hello"
        host.output.until("'every now and then' was not recognized as a valid cron expression or timespan string.")
