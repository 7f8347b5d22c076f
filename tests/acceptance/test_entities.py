"""Entities of an app with the real SDK, run by a host and asked over HTTP, on each hub."""

from collections.abc import Iterator, Mapping

import pytest

from tests.support.hosts import Host, bindings, running, write_app

WEBHOOKS = "/runtime/webhooks/durabletask"
CLIENT = {"name": "starter", "type": "durableClient", "direction": "in"}
APP = {
    "Counter/function.json": bindings({"name": "context", "type": "entityTrigger", "direction": "in"}),
    "Counter/__init__.py": """
import azure.durable_functions as df


def counter(context):
    value = context.get_state(lambda: 0)
    if context.operation_name == "add":
        context.set_state(value + context.get_input())
    elif context.operation_name == "get":
        context.set_result(value)
    elif context.operation_name == "delete":
        context.destruct_on_exit()
    else:
        raise ValueError(f"no such operation: {context.operation_name}")


main = df.Entity.create(counter)
""",
    "Sum/function.json": bindings({"name": "context", "type": "orchestrationTrigger", "direction": "in"}),
    "Sum/__init__.py": """
import azure.durable_functions as df


def orchestrate(context):
    counter = df.EntityId("Counter", context.instance_id)
    context.signal_entity(counter, "add", 3)
    yield context.task_all([context.call_entity(counter, "add", number) for number in range(1, 11)])
    total = yield context.call_entity(counter, "get")
    try:
        yield context.call_entity(counter, "dance")
    except Exception as error:
        return [total, str(error)]


main = df.Orchestrator.create(orchestrate)
""",
    "Tell/function.json": bindings(
        {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous", "methods": ["post"]},
        {"name": "$return", "type": "http", "direction": "out"},
        CLIENT,
    ),
    "Tell/__init__.py": """
import azure.durable_functions as df


async def main(req, starter):
    client = df.DurableOrchestrationClient(starter)
    await client.signal_entity(df.EntityId("Counter", req.params["key"]), "add", int(req.params["add"]))
    return "told"
""",
    "Read/function.json": bindings(
        {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"},
        {"name": "$return", "type": "http", "direction": "out"},
        CLIENT,
    ),
    "Read/__init__.py": """
import azure.durable_functions as df


async def main(req, starter):
    found = await df.DurableOrchestrationClient(starter).read_entity_state(df.EntityId("Counter", req.params["key"]))
    return f"{found.entity_exists} {found.entity_state}"
""",
}


@pytest.fixture(scope="module")
def host(hub: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running(write_app(tmp_path_factory.mktemp("entities"), APP), **hub) as host:
        yield host


def test_an_orchestration_calls_an_entity(host: Host) -> None:
    answer = host.post(f"{WEBHOOKS}/orchestrators/Sum").json()
    ended = host.until(answer["statusQueryGetUri"], runtimeStatus="Completed")
    assert ended["output"] == [58, "no such operation: dance"]


def test_functions_tell_and_read_an_entity(host: Host) -> None:
    assert host.get("/api/Read?key=mine").text == "False None"
    for number in (2, 3):
        assert host.post(f"/api/Tell?key=mine&add={number}").text == "told"
    host.until_text("/api/Read?key=mine", "True 5")


def test_tools_tell_and_delete_an_entity(host: Host) -> None:
    assert host.post(f"{WEBHOOKS}/entities/Counter/tools?op=add", json="7").status_code == 202
    host.until_text(f"{WEBHOOKS}/entities/counter/tools", "7")
    assert host.client.delete(f"{WEBHOOKS}/entities/counter/tools").status_code == 202
    host.until_text(f"{WEBHOOKS}/entities/counter/tools", "")
