"""Who may use the dashboard, over a real port: pages of this very origin, with the token of this start."""

import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fnhost.host.logging.log import Log
from fnhost.host.web.cors import read_cors
from fnhost.host.web.dashboard.answers import answer, read_members
from fnhost.host.web.dashboard.mount import Dashboard
from fnhost.host.web.dashboard.pages import page_or_file
from fnhost.host.web.front import Front
from fnhost.host.web.keys import HOST, MASTER, Keys
from fnhost.host.web.listen.server import serving

pytestmark = pytest.mark.anyio

HOME = "/runtime/dashboard/"
API = f"{HOME}api/v1/thing"
NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


async def thing(request: Request) -> Response:
    return answer({"method": request.method, "given": await read_members(request)})


@asynccontextmanager
async def opened(root: Path, *, asks: bool = False) -> AsyncIterator[tuple[httpx.AsyncClient, Dashboard, list[None]]]:
    """A client of a front with a dashboard of one route, which tells each time that somebody was admitted."""
    keys, seen = Keys(root / "keys.json"), list[None]()
    dashboard = Dashboard(
        [Route("/thing", thing, methods=["GET", "POST"])], lambda: seen.append(None), keys if asks else None
    )
    front = Front(root, Log(), keys, cors=read_cors("*"), enable_auth=asks, patience=0.1)
    front.dashboard = dashboard
    listening = socket.create_server(("127.0.0.1", 0))
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with serving(front, [listening]), httpx.AsyncClient(base_url=base) as client:
        yield client, dashboard, seen


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        (NAVIGATION, 403),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost:3000"}, 403),
        ({"origin": "http://127.0.0.1:1", "sec-fetch-site": "same-origin"}, 403),
        ({"origin": "http://[:"}, 403),
        ({"host": "evil.example"}, 403),
    ],
)
async def test_reading_the_api(tmp_path: Path, headers: Mapping[str, str], status: int) -> None:
    async with opened(tmp_path) as (client, _, seen):
        response = await client.get(API, headers=headers)
        assert response.status_code == status, response.text
        assert "access-control-allow-origin" not in response.headers
        assert len(seen) == (status == 200)


async def test_changing_takes_the_token_and_the_own_origin(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, dashboard, seen):
        own = {"origin": str(client.base_url).rstrip("/")}
        for headers in ({}, own, {"x-fnhost-token": ""}, {"x-fnhost-token": "0" * 32}, {"x-fnhost-token": "\u00fc"}):
            assert (await client.post(API, headers={k: v.encode() for k, v in headers.items()})).status_code == 403
        token = {"x-fnhost-token": dashboard.token}
        foreign = await client.post(API, headers=token | {"origin": "http://evil.example"})
        assert (foreign.status_code, len(seen)) == (403, 0)
        assert foreign.json()["hint"] is None and "another origin" in foreign.json()["error"]
        for headers in (token, token | own):
            assert (await client.post(API, headers=headers, json={"a": 1})).json() == {
                "method": "POST",
                "given": {"a": 1},
            }


async def test_a_preflight_of_another_page_is_refused_whatever_cors_allows(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, _, _):
        asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
        response = await client.options(API, headers=asked)
        assert response.status_code == 403 and "access-control-allow-origin" not in response.headers


async def test_a_link_from_elsewhere_opens_the_page_in_a_tab_but_not_in_a_frame(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, dashboard, _):
        page = await client.get(HOME, headers=NAVIGATION)
        assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
        assert re.search(r'<meta name="fnhost-token" content="([0-9a-f]{32})">', page.text)[1] == dashboard.token  # type: ignore[index]
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        framed = await client.get(HOME, headers=NAVIGATION | {"sec-fetch-dest": "iframe"})
        assert framed.status_code == 403 and dashboard.token not in framed.text
        read = await client.get(HOME, headers={"sec-fetch-site": "cross-site", "sec-fetch-mode": "cors"})
        assert read.status_code == 403 and dashboard.token not in read.text


async def test_every_answer_has_the_headers_and_errors_have_one_shape(tmp_path: Path) -> None:
    async with opened(tmp_path) as (client, dashboard, _):
        token = {"x-fnhost-token": dashboard.token}
        answers = [
            await client.get(f"{HOME}api/v1/nothing"),
            await client.delete(API, headers=token),
            await client.post(API, headers=token, content=b"{"),
            await client.post(API, headers=token, content=b"[]"),
            await client.post(HOME, headers=token),
        ]
        assert [answer.status_code for answer in answers] == [404, 405, 400, 400, 405]
        for answer in answers:
            assert set(answer.json()) == {"error", "hint"}
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
        assert (await client.get(HOME.rstrip("/"))).headers["location"] == HOME
        assert (await client.get(f"{HOME}assets/no-such.js")).status_code == 404


async def test_a_host_that_demands_keys_asks_for_the_master_key_once(tmp_path: Path) -> None:
    async with opened(tmp_path, asks=True) as (client, dashboard, seen):
        assert (await client.get(API)).status_code == 401
        page = await client.get(HOME)
        assert page.status_code == 401 and "master key" in page.text and dashboard.token not in page.text
        login, key = f"{HOME}login", Keys(tmp_path / "keys.json").of(HOST)[MASTER]
        assert (await client.post(login, data={"key": "wrong"})).status_code == 403
        assert (await client.post(login, data={"key": "x" * 20_000})).status_code == 413
        foreign = await client.post(login, data={"key": key}, headers={"origin": "http://evil.example"})
        assert foreign.status_code == 403 and not seen and not client.cookies
        entered = await client.post(login, data={"key": key})
        assert (entered.status_code, entered.headers["location"]) == (303, HOME)
        assert {"HttpOnly", "SameSite=strict"} <= set(entered.headers["set-cookie"].split("; "))
        assert key not in entered.headers["set-cookie"]
        assert dashboard.token in (await client.get(HOME)).text
        assert (await client.get(API)).status_code == 200
        assert (await client.post(API)).status_code == 403, "the token is asked for as well"


async def test_files_of_the_build_and_nothing_beside_them(tmp_path: Path) -> None:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<html><head><title>x</title></head></html>")
    (static / "assets" / "app-1a2b.js").write_text("1")
    (static / "assets" / "tool.exe").write_text("1")
    (static / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.js").write_text("2")
    script = await page_or_file("assets/app-1a2b.js", "t", static)
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    for path in ("assets/../../secret.js", "assets/tool.exe", "assets/", "assets/a\0.js", "assets/none.js"):
        assert (await page_or_file(path, "t", static)).status_code == 404, path
    assert (await page_or_file("icon.svg", "t", static)).headers["cache-control"] == "no-cache"
    for path in ("", "index.html", "instances/a.js", "instances/%2e", "../secret.js"):
        page = await page_or_file(path, 't"<', static)
        assert bytes(page.body).startswith(b'<html><head>\n<meta name="fnhost-token" content="t&quot;&lt;">'), path
