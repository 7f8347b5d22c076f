"""The management API asked for anything at all: never a 5xx, never a traceback, and nothing is kept of it.

Seeded, so that what is found is found again. What the platform documents as 500 is not asked for here.
"""

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import psutil
import pytest
from azure.durable_functions import DurableOrchestrationContext as Context

from fnhost.azurite import Azurite
from fnhost.bindings.durable import HubEndpoints
from fnhost.host.durable.storage.retrying import ClientHub
from fnhost.host.logging.log import Level
from fnhost.host.web.durable.management import TOKEN, management
from fnhost.host.web.listen.server import serving as serving_http
from fnhost.host.web.listen.sockets import bind
from tests.support.engines import HUBS, Functions, Served, hub_settings, made, serving
from tests.support.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.anyio, *map(pytest.mark.filterwarnings, SDK_WARNINGS)]
REQUESTS = 400
LONGEST_PATH = 8000
"""Less than the longest request line that the server takes."""
GROWTH = 60_000_000
"""Bytes by which the process may be larger after all requests: caches of the allocator, and no more."""

TEXTS: Sequence[str] = (
    *("", " ", "0", "-1", "1", "true", "null", "[]", "one", "@one@two", "@", "@@", "%", "..", ".", "'", '"', "a\\b"),
    *(
        "\x00",
        "\n",
        "\r\nX: y",
        "\x7f",
        "\u2028",
        "\ud7ff",
        "\ufffe",
        "\uffff",
        "\U0010ffff",
        "\U0001f600",
        "é",
        "#",
        "?",
    ),
    *("a" * 300, "b" * 3000, "1e308", "1e309", "nan", "-inf", "1_0", "9" * 4000, "٣", "0x10", "2147483648"),
    *("0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-14:00"),
    *("2024-02-30", "2024-01-01T24:00:00", "1600-12-31", "2024-01-01T00:00:00 00:00", "+292277026596-01-01"),
    *("Running,Failed", "Nothing", "6,7,99999999999999999999", ",,,", "running"),
    *("http://127.0.0.1:1/devstoreaccount1/x-largemessages/y", "http://[", "https://", "javascript:alert(1)"),
    *("W10=", "e30=", "bnVsbA==", "eyJodWIiOiJ4In0=", "====", "AAAA"),
)
BODIES: Sequence[bytes] = (
    *(
        b"",
        b"null",
        b"{}",
        b"[",
        b"\xff\xfe",
        b"\xef\xbb\xbf1",
        b"NaN",
        b"1" * 5000,
        b'"\\ud800"',
        b"[" * 5000,
        b"\x00",
    ),
    *(b'"\\u0000"', '"\U0010ffff"'.encode(), b'{"a":' * 200 + b"1" + b"}" * 200, b'"' + b"x" * 100_000 + b'"'),
)
TYPES = (
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "",
    "application/JSON ;x",
    "multipart/form-data",
)
PATHS = (
    *(("GET", "instances"), ("GET", "instances/{}"), ("DELETE", "instances/{}"), ("DELETE", "instances")),
    *(("POST", "orchestrators/{}"), ("POST", "orchestrators/Quick/{}"), ("POST", "instances/{}/raiseEvent/{}")),
    *(("POST", "instances/{}/terminate"), ("POST", "instances/{}/rewind"), ("POST", "instances/{}/restart")),
    *(("GET", "entities"), ("GET", "entities/{}"), ("GET", "entities/{}/{}"), ("POST", "entities/{}/{}")),
    *(("DELETE", "entities/{}/{}"), ("PATCH", "{}"), ("OPTIONS", "instances/{}"), ("GET", "{}/{}/{}/{}")),
)
QUERIES = (
    *("createdTimeFrom", "createdTimeTo", "lastOperationTimeFrom", "lastOperationTimeTo", "runtimeStatus", "top"),
    *("instanceIdPrefix", "showInput", "showHistory", "showHistoryOutput", "fetchState", "op", "reason", "version"),
    *("restartWithNewInstanceId", "taskHub", "code", "pollingInterval", "TOP", ""),
)


def quick(context: Context) -> Generator[Any, Any, Any]:
    yield context.task_all([])
    return "done"


def broken(context: Context) -> Generator[Any, Any, Any]:
    yield context.task_all([])
    raise ValueError("no luck")


@dataclass(frozen=True)
class Site:
    http: httpx.AsyncClient
    served: Served


@pytest.fixture(params=["azurite", "memory"])
async def site(request: pytest.FixtureRequest, storage: Azurite, tmp_path: Path) -> AsyncIterator[Site]:
    async with asked(HUBS[request.param](storage, tmp_path)(hub_settings(partitions=1))) as site:
        yield site


@asynccontextmanager
async def asked(opened: Any) -> AsyncIterator[Site]:
    async with (
        made(opened) as hub,
        serving(hub, Functions({"Quick": quick, "Broken": broken}), client_hub=ClientHub(hub)) as served,
    ):
        sockets = bind("127.0.0.1", 0)
        origin = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        api = management(served.client, HubEndpoints(origin, "TestHubName"), {"Storage": "x"}.get)
        async with serving_http(api, sockets), httpx.AsyncClient(base_url=origin, timeout=30) as http:
            yield Site(http, served)


class Asking:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def text(self) -> str:
        count = self._random.choice((1, 1, 1, 2))
        return "".join(self._random.choice(TEXTS) for _ in range(count))[:1500]

    def request(self, site: Site) -> httpx.Request:
        method, path = self._random.choice(PATHS)
        filled = path.format(*(quote(self.text(), safe=self._random.choice(("", "@"))) for _ in range(4)))
        names = self._random.sample(QUERIES, self._random.randint(0, 3))
        query = "&".join(f"{name}={quote(self.text(), safe='')}" for name in names if self._fits(name, path))
        headers = {"Content-Type": self._random.choice(TYPES)}
        if self._random.random() < 0.4:
            headers[TOKEN] = quote(self.text(), safe="=")
        body = self._random.choice(BODIES) if method == "POST" else b""
        return site.http.build_request(method, f"/{filled}?{query}", content=body, headers=headers)

    def _fits(self, name: str, path: str) -> bool:
        """A start in another hub is a documented 501."""
        return not (name == "taskHub" and path.startswith("orchestrators"))


AT_ONCE = (
    *(("POST", "orchestrators/Broken/{}"), ("DELETE", "instances/{}"), ("POST", "instances/{}/rewind")),
    *(("POST", "instances/{}/restart?restartWithNewInstanceId=false"), ("GET", "instances/{}?showHistory=true")),
    *(("POST", "instances/{}/raiseEvent/x"), ("POST", "instances/{}/terminate"), ("POST", "instances/{}/rewind")),
)


async def send(site: Site, request: httpx.Request) -> None:
    answer = await site.http.send(request)
    shown = f"{request.method} {str(request.url)[:500]} {request.headers.get(TOKEN)} {request.content[:80]!r}"
    assert answer.status_code < 500, f"{shown}: {answer.status_code} {answer.text[:500]}"
    assert "Traceback" not in answer.text, shown
    path = request.url.raw_path
    if b"%00" in path.partition(b"?")[0] or len(path) > LONGEST_PATH:
        assert answer.status_code in (400, 414), f"{shown}: the server itself refuses it"
    elif answer.content:
        assert answer.headers["content-type"].startswith("application/json"), shown
        answer.json()


async def test_nothing_that_is_asked_is_a_server_error(site: Site, capfd: pytest.CaptureFixture[str]) -> None:
    asking, process = Asking(14), psutil.Process()
    for name in ("one", "@one@two"):
        await send(site, site.http.build_request("POST", f"/orchestrators/Quick/{name}", content=b"1"))
    for _ in range(20):
        await send(site, asking.request(site))
    gc.collect()
    tasks, size = len(asyncio.all_tasks()), process.memory_info().rss
    for _ in range(REQUESTS // 8):
        await asyncio.gather(*(send(site, asking.request(site)) for _ in range(8)))
    gc.collect()
    assert process.memory_info().rss - size < GROWTH
    assert len(asyncio.all_tasks()) - tasks < 50
    assert site.served.said("", Level.ERROR) == 0, [r.message for r in site.served.records if r.level >= Level.ERROR]
    printed = capfd.readouterr()
    assert "Traceback" not in printed.err + printed.out


async def test_verbs_on_one_instance_at_the_same_time_leave_it_whole(site: Site) -> None:
    """Whatever wins: none is a server error, nothing is started in vain, and what is left comes to its end."""
    chosen, json = random.Random(9), {"Content-Type": "application/json"}

    async def ask() -> None:
        for _ in range(REQUESTS // 16):
            (method, path), instance = chosen.choice(AT_ONCE), chosen.choice("ab")
            content = b"1" if method == "POST" else b""
            await send(
                site, site.http.build_request(method, f"/{path.format(instance)}", content=content, headers=json)
            )

    await asyncio.gather(*(ask() for _ in range(16)))
    for instance in "ab":
        if await site.served.client.find(instance):
            await site.served.end(instance)


@pytest.mark.parametrize("token", ["x", "W10=", "eyJodWIiOiJ4In0="])
async def test_a_token_that_is_none_is_a_400_in_words(site: Site, token: str) -> None:
    for path in ("/instances", "/entities"):
        answer = await site.http.get(path, headers={TOKEN: token})
        assert answer.status_code == 400
        assert "continuation token" in answer.json()["ExceptionMessage"]
