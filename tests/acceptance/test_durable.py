"""Orchestrations of an app with the real SDK, run by a host and asked over HTTP, on each hub."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.durable import APP, FAN_OUT, WEBHOOKS
from tests.support.hosts import Host, running, write_app


@dataclass(frozen=True)
class Started:
    """An instance, and its links."""

    host: Host
    id: str
    links: Mapping[str, str]

    def until(self, status: str, **wanted: object) -> dict[str, Any]:
        return self.host.until(self.links["statusQueryGetUri"], runtimeStatus=status, **wanted)

    def send(self, event: str, value: object) -> httpx.Response:
        return self.host.post(self.links["sendEventPostUri"].replace("{eventName}", event), json=value)

    def ask(self, verb: str, reason: str) -> int:
        return self.host.post(self.links[f"{verb}PostUri"].replace("{text}", reason)).status_code

    def purge(self) -> httpx.Response:
        return self.host.client.delete(self.links["purgeHistoryDeleteUri"])


@pytest.fixture(scope="module")
def host(hub: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    app = write_app(tmp_path_factory.mktemp("durable"), {**APP, **FAN_OUT})
    with running(app, **hub) as host:
        yield host


def start(host: Host, name: str, given: object = None, instance: str = "") -> Started:
    answer = host.post(f"{WEBHOOKS}/orchestrators/{name}/{instance}", json={"given": given})
    assert answer.status_code == 202, answer.text
    return Started(host, answer.json()["id"], answer.json())


def test_activities_one_after_the_other(host: Host) -> None:
    assert start(host, "Chain", 5).until("Completed")["output"] == [0, 1, 4, 9, 16]


def test_a_fan_out_of_fifty(host: Host) -> None:
    answer = host.post(f"{WEBHOOKS}/orchestrators/FanOut", json={"count": 50}).json()
    assert host.until(answer["statusQueryGetUri"], runtimeStatus="Completed")["output"] == 40425


def test_an_event_ends_the_wait_and_cancels_the_timer(host: Host) -> None:
    waiting = start(host, "Approval", 3600)
    waiting.until("Running", customStatus="waiting")
    assert waiting.send("Approved", {"by": "Ada"}).status_code == 202
    assert waiting.until("Completed")["output"] == {"approved": {"by": "Ada"}}


def test_a_timer_ends_the_wait_for_an_event(host: Host) -> None:
    assert start(host, "Approval", 0.2).until("Completed")["output"] == "too late"


def test_events_that_come_before_anybody_waits_are_kept(host: Host) -> None:
    waiting = start(host, "Early")
    waiting.until("Running", customStatus="not yet waiting")
    for event in ("second", "first", "Go"):
        assert waiting.send(event, event).status_code == 202
    assert waiting.until("Completed")["output"] == ["first", "second"]


def test_an_event_for_an_instance_that_has_ended_is_gone(host: Host) -> None:
    ended = start(host, "Chain", 0)
    ended.until("Completed")
    assert ended.send("Late", 1).status_code == 410


def test_sub_orchestrations(host: Host) -> None:
    parent = start(host, "Parent")
    assert parent.until("Completed")["output"] == [[0, 1], "Child failed", f"{parent.id}:named"]
    child = host.get(f"{WEBHOOKS}/instances/{parent.id}:named").json()
    assert (child["name"], child["runtimeStatus"]) == ("Who", "Completed")


def test_retry_until_it_works(host: Host) -> None:
    assert start(host, "Retry", f"{uuid.uuid4().hex} 3").until("Completed")["output"] == "worked at try 3"


def test_retry_until_the_attempts_are_used_up(host: Host) -> None:
    failed = start(host, "Retry", f"{uuid.uuid4().hex} 9").until("Failed")
    assert "try 3 failed" in failed["output"]


def test_continue_as_new(host: Host) -> None:
    ended = start(host, "Again", 5).until("Completed")
    assert ended["output"] == "after 5 rounds"
    history = host.get(f"{WEBHOOKS}/instances/{ended['instanceId']}?showHistory=true").json()["historyEvents"]
    assert sum(event["EventType"] == "ExecutionStarted" for event in history) == 1


def test_a_failure_tells_what_and_where(host: Host) -> None:
    failed = start(host, "Fails").until("Failed")
    assert failed["output"].startswith("Orchestrator function 'Fails' failed: ")
    assert "no such luck" in failed["output"]
    host.output.until("Executed 'Functions.Fails' (Failed")
    assert "$OutOfProcData$" not in host.output.text


def test_a_failure_that_is_caught(host: Host) -> None:
    assert "ValueError: no such luck" in start(host, "Catches").until("Completed")["output"]


def test_a_custom_status_that_is_too_long_fails_loudly(host: Host) -> None:
    failed = start(host, "Status", 9_000).until("Failed")
    assert failed["output"].endswith("must not exceed 16 KB. The current payload size is 17 KB.")
    host.output.until("must not exceed 16 KB")
    assert start(host, "Status", 8_600).until("Completed")["customStatus"] == "x" * 8_600


def test_a_large_input_and_output(host: Host) -> None:
    text = "Grüße ☃ " * 20_000
    assert start(host, "Echo", text).until("Completed")["output"] == {"given": text}


def test_the_client_of_the_sdk(host: Host) -> None:
    told = host.post("/api/Client", json={"name": "Echo", "input": [1, "zwei", None, {"three": 3.5}]}).json()
    assert told == {"status": "Completed", "output": [1, "zwei", None, {"three": 3.5}], "links": True}


def test_terminate(host: Host) -> None:
    waiting = start(host, "Early")
    waiting.until("Running")
    assert waiting.ask("terminate", "enough") == 202
    assert waiting.until("Terminated")["output"] == "enough"
    assert waiting.ask("terminate", "enough") == 410


def test_suspend_and_resume(host: Host) -> None:
    waiting = start(host, "Approval", 3600)
    waiting.until("Running", customStatus="waiting")
    assert waiting.ask("suspend", "lunch") == 202
    waiting.until("Suspended")
    assert waiting.send("Approved", 1).status_code == 202
    assert waiting.ask("resume", "back") == 202
    assert waiting.until("Completed")["output"] == {"approved": 1}


def test_purge(host: Host) -> None:
    waiting = start(host, "Early")
    waiting.until("Running")
    assert waiting.purge().status_code == 412
    waiting.ask("terminate", "enough")
    waiting.until("Terminated")
    assert waiting.purge().json() == {"instancesDeleted": 1}
    assert waiting.purge().status_code == 404
    assert host.get(f"{WEBHOOKS}/instances/{waiting.id}").status_code == 404


def test_list_by_prefix_status_and_page(host: Host) -> None:
    prefix = uuid.uuid4().hex
    ended = [start(host, "Chain", 0, f"{prefix}-{number}") for number in range(3)]
    for one in ended:
        one.until("Completed")
    waiting = start(host, "Early", None, f"{prefix}-9")
    waiting.until("Running")
    address = f"{WEBHOOKS}/instances?instanceIdPrefix={prefix}"
    assert [one["instanceId"] for one in host.get(address).json()] == [*(one.id for one in ended), waiting.id]
    completed = host.get(f"{address}&runtimeStatus=Completed").json()
    assert [one["instanceId"] for one in completed] == [one.id for one in ended]
    assert walked(host, f"{address}&top=1") == [*(one.id for one in ended), waiting.id]


def walked(host: Host, address: str) -> list[str]:
    found: list[str] = []
    token = ""
    while True:
        answer = host.get(address, headers={"x-ms-continuation-token": token} if token else {})
        found += [one["instanceId"] for one in answer.json()]
        if not (token := answer.headers.get("x-ms-continuation-token", "")):
            return found


def test_an_id_that_is_in_use(host: Host) -> None:
    waiting = start(host, "Early")
    waiting.until("Running")
    again = host.post(f"{WEBHOOKS}/orchestrators/Early/{waiting.id}")
    assert again.status_code == 409
    waiting.ask("terminate", "enough")
    waiting.until("Terminated")
    assert start(host, "Chain", 1, waiting.id).until("Completed")["output"] == [0]


def test_what_cannot_be_started(host: Host) -> None:
    unknown = host.post(f"{WEBHOOKS}/orchestrators/Nobody")
    assert unknown.status_code == 400
    assert "The function 'Nobody' doesn't exist" in unknown.json()["ExceptionMessage"]
    assert host.post(f"{WEBHOOKS}/orchestrators/Chain", content="{not json").json()["Message"] == "Invalid JSON content"
    assert host.get(f"{WEBHOOKS}/instances/nobody").status_code == 404


def test_starting_and_waiting(host: Host) -> None:
    answer = host.post(f"{WEBHOOKS}/orchestrators/Chain?timeout=20&pollingInterval=1", json={"given": 3})
    assert (answer.status_code, answer.json()) == (200, [0, 1, 4])
