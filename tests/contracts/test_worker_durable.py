"""Recorded histories, replayed by the real SDK in a real worker (platform/replay.md 4)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from fnhost.bindings.contract import Json
from fnhost.host.logging.log import Level
from tests.support.workers import HTTP, Bench, bench, get, write_app, write_function

pytestmark = pytest.mark.anyio
HISTORIES = Path(__file__).parents[1] / "histories"
ORCHESTRATIONS = ("py-activity-chain", "py-timer-short", "py-orchestrator-raises")
TRIGGER = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
ENTITY = {"name": "context", "type": "entityTrigger", "direction": "in"}
CLIENT = {"name": "starter", "type": "durableClient", "direction": "in"}
RETURN = {"name": "$return", "type": "http", "direction": "out"}
STARTER = """
import azure.durable_functions as df

async def main(req, starter: str) -> str:
    client = df.DurableOrchestrationClient(starter)
    return client.create_http_management_payload("the-id")["statusQueryGetUri"]
"""


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((HISTORIES / f"{name}.json").read_text("utf-8"))
    return found


def source_of(kind: str, name: str, function: str) -> str:
    imports = "import datetime as dt\nimport azure.durable_functions as df\n"
    return f"{imports}{recorded(name)[f'{kind}_source']}\nmain = df.{kind.title()}.create({function})"


@pytest.fixture(scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    root = write_app(tmp_path_factory.mktemp("durable"))
    for name in ORCHESTRATIONS:
        write_function(root / name, source_of("orchestrator", name, recorded(name)["scenario"]), TRIGGER)
    write_function(root / "counter", source_of("entity", "py-entity-existing-get", "counter"), ENTITY)
    write_function(root / "starter", STARTER, HTTP, CLIENT, RETURN)
    async with bench(root) as running:
        yield running


@pytest.mark.parametrize("name", ORCHESTRATIONS)
async def test_every_episode_is_answered_as_recorded(worker: Bench, name: str) -> None:
    for episode in recorded(name)["episodes"]:
        outcome = await worker.call(name, json.dumps(episode["request"]))
        if expected := episode["response"].get("returned"):
            assert isinstance(outcome.returned, Json)
            assert json.loads(outcome.returned.text) == expected
        else:
            assert outcome.failure
            assert outcome.failure.message == episode["response"]["raised"]["message"]


async def test_an_entity_answers_its_batch(worker: Bench) -> None:
    entity = recorded("py-entity-existing-get")
    outcome = await worker.call("counter", json.dumps(entity["request"]))
    assert isinstance(outcome.returned, Json)
    answered = json.loads(outcome.returned.text)
    assert answered["entityState"] == entity["response"]["returned"]["entityState"]
    assert [result["result"] for result in answered["results"]] == ["7"]


async def test_a_durable_client_reads_its_addresses(worker: Bench) -> None:
    addresses = {
        "taskHubName": "hub",
        "creationUrls": {},
        "managementUrls": {"id": "INSTANCEID", "statusQueryGetUri": "http://localhost/INSTANCEID"},
        "baseUrl": "http://localhost",
        "requiredQueryStringParameters": "",
        "rpcBaseUrl": "http://localhost",
    }
    outcome = await worker.call("starter", get(), {"starter": json.dumps(addresses)})
    assert outcome.returned == "http://localhost/the-id"


async def test_a_large_history_travels(worker: Bench) -> None:
    request = recorded("py-activity-chain")["episodes"][0]["request"]
    outcomes = await asyncio.gather(
        *(worker.call("py-activity-chain", json.dumps({**request, "input": "ä" * 1_000_000})) for _ in range(3))
    )
    assert not any(outcome.failure for outcome in outcomes)


async def test_the_sdk_is_imported_without_a_word(worker: Bench) -> None:
    assert not [record for record in worker.heard.records if record.level >= Level.WARNING]
