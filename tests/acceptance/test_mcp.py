"""The Model Context Protocol, spoken by the official client over standard input and at an address of a host."""

import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from fnhost.host.system.ports import free_port
from tests.support.durable import APP
from tests.support.hosts import PATIENCE, Host, http, launched, running, write_app

pytestmark = pytest.mark.anyio

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
ACCEPT = {"accept": "application/json, text/event-stream"}
HELLO = {"Hello/__init__.py": "def main(req) -> str:\n    return 'hello'\n", "Hello/function.json": http()}
WITHOUT = ("-c", "import sys; sys.modules['mcp'] = None; from fnhost.__main__ import main; sys.exit(main())")
"""`fnhost` where the package `mcp` is not installed."""


@pytest.fixture(scope="module")
def host(sqlite: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with running(write_app(tmp_path_factory.mktemp("mcp"), {**APP, **HELLO}), **sqlite) as host:
        yield host


@asynccontextmanager
async def stdio(app: Path, url: str = "") -> AsyncIterator[Client]:
    """With the handshake of older clients."""
    arguments = ["-m", "fnhost", "mcp", str(app), *(["--url", url] if url else [])]
    server = stdio_client(StdioServerParameters(command=sys.executable, args=arguments))
    async with Client(server, mode="legacy") as client:
        yield client


@asynccontextmanager
async def over_http(host: Host, key: str = "", mode: str = "auto") -> AsyncIterator[Client]:
    headers = {"x-functions-key": key} if key else {}
    async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http:
        server = streamable_http_client(f"{host.client.base_url}/admin/mcp", http_client=http)
        async with Client(server, mode=mode) as client:
            yield client


@pytest.fixture(params=["stdio", "http"])
async def either(request: pytest.FixtureRequest, host: Host) -> AsyncIterator["Model"]:
    """By each of the two ways in. The tools behind them are the same."""
    way = stdio(host.app, str(host.client.base_url)) if request.param == "stdio" else over_http(host)
    async with way as client:
        yield Model(client)


@pytest.fixture
async def model(host: Host) -> AsyncIterator["Model"]:
    async with over_http(host) as client:
        yield Model(client)


class Model:
    """What a language model does with the tools."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert result.structured_content is not None
        return dict(result.structured_content)

    async def refused(self, tool: str, **arguments: object) -> str:
        """The text of a tool that failed."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error, result.content
        return "".join(getattr(part, "text", "") for part in result.content)

    async def until(self, id: str, **wanted: object) -> dict[str, Any]:
        """The instance as soon as it says what is wanted. The test's own time limit ends a wait in vain."""
        while not wanted.items() <= (found := await self.call("get_instance", id=id)).items():
            pass
        return found

    async def until_logged(self, kind: str, **query: object) -> dict[str, Any]:
        """The first record of this kind of event."""
        while True:
            for record in (await self.call("get_logs", **query))["records"]:
                if record["event"] == kind:
                    return dict(record)


async def test_functions_are_listed_and_called(either: Model) -> None:
    listed = {each["name"]: each for each in (await either.call("list_functions"))["functions"]}
    assert listed["Hello"]["trigger"] == "httpTrigger"
    assert listed["Chain"]["trigger"] == "orchestrationTrigger"
    answer = await either.call("call_http_function", path="/api/Hello?name=Ada", method="post", body="{}")
    assert (answer["status"], answer["body"], answer["isCut"]) == (200, "hello", False)


async def test_a_function_is_run_and_its_log_tells_what_became_of_it(model: Model) -> None:
    ran = await model.call("run_function", name="Unlucky", input="null")
    failed = await model.until_logged("invocationException", after=ran["after"], function="unlucky")
    assert failed["exception"] == "ValueError: no such luck"
    assert [each["level"] for each in (await model.call("get_logs", level="Error", top=1))["records"]] == ["Error"]


async def test_an_instance_is_started_and_steered_to_its_end(either: Model) -> None:
    id = (await either.call("start_orchestration", name="Approval", input={"given": 3600}))["instanceId"]
    await either.until(id, runtimeStatus="Running", customStatus="waiting")
    await either.call("suspend_instance", id=id, reason="lunch")
    await either.until(id, runtimeStatus="Suspended")
    await either.call("resume_instance", id=id)
    await either.until(id, runtimeStatus="Running")
    await either.call("raise_event", id=id, name="Approved", data={"by": "Ada"})
    await either.until(id, runtimeStatus="Completed")
    ended = await either.call("get_instance", id=id, history=True)
    assert ended["output"] == {"approved": {"by": "Ada"}}
    assert "EventRaised" in [event["EventType"] for event in ended["historyEvents"]]
    assert "410: The instance has ended already." in await either.refused("raise_event", id=id, name="Approved")


async def test_an_instance_is_ended_started_again_and_deleted(model: Model) -> None:
    id = (await model.call("start_orchestration", name="Early", id=f"a b@{id_of(model)}"))["instanceId"]
    await model.until(id, customStatus="not yet waiting")
    await model.call("terminate_instance", id=id, reason="enough")
    assert (await model.until(id, runtimeStatus="Terminated"))["output"] == "enough"
    other = (await model.call("restart_instance", id=id))["instanceId"]
    await model.until(other, customStatus="not yet waiting")
    assert await model.call("purge_instance", id=id) == {"instancesDeleted": 1}
    assert "404: There is nothing of that name." in await model.refused("get_instance", id=id)
    assert "412: Only orchestrations in a terminal state" in await model.refused("purge_instance", id=other)


async def test_a_failed_instance_is_rewound(model: Model) -> None:
    id = (await model.call("start_orchestration", name="Fails"))["instanceId"]
    await model.until(id, runtimeStatus="Failed")
    before = (await model.call("get_logs", top=1))["records"][-1]["number"]
    await model.call("rewind_instance", id=id, reason="again")
    await model.until_logged("invocationException", after=before, instance=id, level="Error")


async def test_instances_are_listed_by_page_and_deleted_by_filter(model: Model) -> None:
    prefix = f"listed-{id_of(model)}-"
    for number in range(3):
        await model.call("start_orchestration", name="Chain", input={"given": 0}, id=f"{prefix}{number}")
        last = await model.until(f"{prefix}{number}", runtimeStatus="Completed")
    first = await model.call("list_instances", id_prefix=prefix, top=2, status=["Completed", "Failed"])
    rest = await model.call("list_instances", id_prefix=prefix, top=2, token=first["token"])
    found = [each["instanceId"] for page in (first, rest) for each in page["instances"]]
    assert found == [f"{prefix}{number}" for number in range(3)]
    gone = await model.call("purge_instances", created_from="2000-01-01T00:00:00Z", created_to="2000-01-02T00:00:00Z")
    assert gone == {"instancesDeleted": 0}
    gone = await model.call("purge_instances", created_from=last["createdTime"], status=["Completed"])
    assert gone["instancesDeleted"] >= 1


def id_of(model: Model) -> str:
    """A part of an id that no other test uses."""
    return f"{id(model):x}"


READ = {"list_functions", "list_problems", "get_logs", "list_instances", "get_instance"}
DESTROY = {"terminate_instance", "restart_instance", "purge_instance", "purge_instances", "call_http_function"}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_clients_of_every_age_are_told_what_a_tool_may_do(host: Host, mode: str) -> None:
    async with over_http(host, mode=mode) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    hints = {name: tool.annotations for name, tool in tools.items() if tool.annotations}
    assert {name for name, hint in hints.items() if hint.read_only_hint} == READ
    assert {name for name, hint in hints.items() if hint.destructive_hint} == DESTROY | {"run_function"}
    assert hints.keys() == tools.keys()
    assert all(tool.description for tool in tools.values())


async def test_a_model_is_told_what_keeps_a_saved_file_from_service(tmp_path: Path) -> None:
    with running(write_app(tmp_path, HELLO)) as host:
        async with over_http(host) as client:
            model = Model(client)
            assert (await model.call("list_problems"))["refused"] == []
            assert "Without Durable Functions in the app" in await model.refused("list_instances")
            host.write("Hello/__init__.py", "def main(req) -> str:\n    return 'hello\n")
            host.output.until("The last good version keeps serving.")
            found = await model.call("list_problems")
            assert found["state"] == "Running"
            assert "SyntaxError" in "\n".join(found["refused"])
            host.write("Hello/__init__.py", HELLO["Hello/__init__.py"])
            host.output.until("Reloaded in")
            assert (await model.call("list_problems"))["refused"] == []


async def test_keys_are_demanded_and_the_apps_own_is_used_on_this_machine(tmp_path: Path) -> None:
    files = {**HELLO, "Hello/function.json": http(authLevel="function")}
    with running(write_app(tmp_path, files), "--enable-auth") as host:
        assert host.post("/admin/mcp", json=PING, headers=ACCEPT).status_code == 401
        async with stdio(tmp_path) as client:  # which finds the host itself, on a port that nobody named
            assert (await Model(client).call("call_http_function", path="/api/Hello"))["body"] == "hello"
        async with stdio(Path("/"), str(host.client.base_url)) as client:
            assert "Give `fnhost mcp` its master key with --key." in await Model(client).refused("list_functions")
        key = json.loads((tmp_path / ".fnhost" / "keys.json").read_text())["host"]["_master"]
        document = host.get("/admin/openapi.json", headers={"x-functions-key": key}).json()
        assert {} not in document["paths"]["/api/Hello"]["get"]["security"]
        async with over_http(host, key) as client:
            assert (await Model(client).call("call_http_function", path="api/Hello"))["body"] == "hello"


async def test_without_a_host_a_tool_says_what_to_do(tmp_path: Path, unused_tcp_port: int) -> None:
    settings = f'{{"IsEncrypted": false, "Host": {{"LocalHttpPort": {unused_tcp_port}}}}}'
    app = write_app(tmp_path, {"local.settings.json": settings})
    async with stdio(app) as client:
        told = await Model(client).refused("list_functions")
    assert f"No host answers at http://127.0.0.1:{unused_tcp_port}" in told
    assert "Start it with `fnhost start` in the app's folder, or name its address with --url." in told


@pytest.fixture
def unused_tcp_port() -> int:
    return free_port()


PAGES: Sequence[tuple[str, Mapping[str, str], int]] = [
    ("POST", {"origin": "https://evil.example"}, 403),
    ("POST", {"origin": "null"}, 403),
    ("POST", {"host": "evil.example"}, 403),
    ("GET", {"origin": "https://evil.example"}, 403),
    ("GET", {}, 405),
    ("POST", {"origin": "http://localhost:3000"}, 200),
]


async def test_pages_of_other_sites_do_not_reach_it_and_no_route_takes_its_place(tmp_path: Path) -> None:
    route = http(route="{*path}", methods=["get", "post"])
    host_json = '{"version": "2.0", "extensions": {"http": {"routePrefix": ""}}}'
    app = write_app(tmp_path, {**HELLO, "Hello/function.json": route, "host.json": host_json})
    with running(app, "--cors", "*") as host:
        for method, headers, status in PAGES:
            answer = host.client.request(method, "/admin/mcp", json=PING, headers={**ACCEPT, **headers})
            assert answer.status_code == status, (method, headers, answer.text)
        assert host.get("/admin/openapi.json").json()["openapi"] == "3.1.0"
        assert host.get("/other").text == "hello"


def test_a_missing_package_names_the_command_that_installs_it(tmp_path: Path) -> None:
    sentence = f"Install it: {sys.executable} -m pip install 'fnhost[mcp]'"
    with launched("mcp", program=WITHOUT) as (process, output):
        assert process.wait(PATIENCE) == 1
        output.until(sentence)
    with running(write_app(tmp_path, HELLO), program=WITHOUT) as host:
        answer = host.post("/admin/mcp", json=PING, headers=ACCEPT)
    assert (answer.status_code, answer.text.endswith(sentence)) == (501, True)


def test_it_ends_with_its_standard_input() -> None:
    with launched("mcp") as (process, output):
        assert (process.wait(PATIENCE), output.text) == (0, "")


def test_it_ends_at_ctrl_c() -> None:
    command = (sys.executable, "-m", "fnhost", "mcp")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        process.stdin.write(f"{json.dumps(PING)}\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["id"] == PING["id"]
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0


def test_an_address_that_is_none_is_refused() -> None:
    with launched("mcp", "--url", "localhost") as (process, output):
        assert process.wait(PATIENCE) == 1
        output.until("--url localhost is not the address of a host. Write it as http://127.0.0.1:7071.")
