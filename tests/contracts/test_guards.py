"""What is refused before an endpoint sees it: names, origins, and bodies over the limit of JSON endpoints."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from fnhost.host.web.listen.guards import JSON_LIMIT, private
from fnhost.host.web.listen.names import HostNames, exposure, is_any, read_names
from fnhost.host.web.listen.server import serving

pytestmark = pytest.mark.anyio


async def size(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await PlainTextResponse(str(len(body)))(scope, receive, send)


@asynccontextmanager
async def a_private_endpoint() -> AsyncIterator[httpx.AsyncClient]:
    listening = socket.create_server(("127.0.0.1", 0))
    async with (
        serving(private(size), [listening]),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}") as client,
    ):
        yield client


async def test_a_private_endpoint_serves_programs_alone() -> None:
    async with a_private_endpoint() as client:
        assert (await client.post("/", content=b"{}")).text == "2"
        for origin in ("http://evil.example", "http://localhost:3000", "null"):
            for method in ("GET", "POST"):
                assert (await client.request(method, "/", headers={"Origin": origin})).status_code == 403
        assert (await client.get("/", headers={"Host": "evil.example"})).status_code == 403


async def test_a_json_endpoint_has_a_limit_with_and_without_a_length() -> None:
    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield bytes(1_000_000)

    async with a_private_endpoint() as client:
        assert (await client.post("/", content=bytes(JSON_LIMIT))).text == str(JSON_LIMIT)
        assert (await client.post("/", content=chunks(30))).text == str(JSON_LIMIT)
        assert (await client.post("/", content=bytes(JSON_LIMIT + 1))).status_code == 413
        assert (await client.post("/", content=chunks(31))).status_code == 413


@pytest.mark.parametrize(
    ("address", "allowed", "host", "admitted"),
    [
        ("127.0.0.1", "", "localhost", True),
        ("127.0.0.1", "", "LOCALHOST:7071", True),
        ("127.0.0.1", "", "localhost.", True),
        ("127.0.0.1", "", "a.b.localhost:7071", True),
        ("127.0.0.1", "", "127.1.2.3:80", True),
        ("127.0.0.1", "", "[::1]:80", True),
        ("127.0.0.1", "", "host.docker.internal:7071", True),
        ("127.0.0.1", "", "evil.example", False),
        ("127.0.0.1", "", "localhost.evil.example", False),
        ("127.0.0.1", "", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "", "xlocalhost", False),
        ("127.0.0.1", "", "192.168.1.5", False),
        ("127.0.0.1", "", "0.0.0.0", False),
        ("127.0.0.1", "my.name; *.example.com", "MY.name:1", True),
        ("127.0.0.1", "my.name,*.example.com", "a.example.com", True),
        ("127.0.0.1", "*.example.com", "example.com", False),
        ("127.0.0.1", "*", "evil.example", True),
        ("192.168.1.5", "", "192.168.1.5:7071", True),
        ("192.168.1.5", "", "192.168.1.6:7071", False),
        ("my.machine", "", "my.machine", True),
        ("0.0.0.0", "", "10.1.2.3", True),
        ("::", "", "[2001:db8::1]:7071", True),
        ("0.0.0.0", "", "evil.example", False),
        ("0.0.0.0", "", socket.gethostname(), True),
    ],
)
def test_the_names_a_host_answers_to(address: str, allowed: str, host: str, admitted: bool) -> None:
    names = read_names(address, allowed)
    assert [names.admits(host), names.admits(host)] == [admitted, admitted]


@pytest.mark.parametrize(
    ("origin", "ours"),
    [
        ("http://localhost:3000", True),
        ("https://127.0.0.1", True),
        ("http://evil.example", False),
        ("null", False),
        ("file://", False),
        ("http://localhost@evil.example", False),
        ("http://localhost:1/evil.example", False),
    ],
)
def test_pages_of_this_machine(origin: str, ours: bool) -> None:
    assert HostNames().admits_origin(origin) is ours


def test_a_host_that_others_reach_says_where() -> None:
    assert (
        exposure("127.0.0.1", 7071, False) == exposure("localhost", 7071, False) == exposure("::1", 7071, False) == ""
    )
    assert "at 192.168.1.5:7071. Nothing asks them for a key: add --enable-auth" in exposure("192.168.1.5", 7071, False)
    assert "--enable-auth" not in exposure("192.168.1.5", 7071, True)
    assert "[2001:db8::1]:7071" in exposure("2001:db8::1", 7071, False)
    assert exposure("0.0.0.0", 7071, False).endswith("leave --address out.")
    assert is_any("::") and is_any("") and not is_any("my.machine")
