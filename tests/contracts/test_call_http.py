"""The activity behind `call_http`, against a real server."""

import gzip
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from fnhost.bindings.contract import Json, Outcome
from fnhost.host.durable.model.text import MAX_VALUE_BYTES
from fnhost.host.durable.runtime import http_activity
from fnhost.host.durable.runtime.http_activity import HttpCall, HttpCalls, follow
from fnhost.host.system.ports import free_port
from fnhost.host.web.listen.tls import certificate

pytestmark = pytest.mark.anyio


async def echo(request: web.Request) -> web.Response:
    found = {"method": request.method, "path": request.path, "headers": dict(request.headers)}
    return web.json_response({**found, "body": (await request.read()).decode()})


async def redirect(request: web.Request) -> web.Response:
    """To `/hop/STATUS/N`: N more redirects of that status, then the echo."""
    left = int(request.match_info["left"])
    target = f"/hop/{request.match_info['status']}/{left - 1}" if left else request.query.get("to", "/echo")
    return web.Response(status=int(request.match_info["status"]), headers={"Location": target})


async def bomb(request: web.Request) -> web.Response:
    body = gzip.compress(bytes(MAX_VALUE_BYTES + 1), 9)
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


async def strange_header(request: web.Request) -> web.StreamResponse:
    transport = request.transport
    assert transport
    transport.write(b"HTTP/1.1 200 OK\r\nX-Name: caf\xe9\r\nX-Utf: \xc3\xa9\r\nContent-Length: 2\r\n\r\nok")  # type: ignore[attr-defined]
    transport.close()
    return web.StreamResponse()


@pytest.fixture
async def server() -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/echo", echo)
    application.router.add_route("*", "/hop/{status}/{left}", redirect)
    application.router.add_get("/bomb", bomb)
    application.router.add_get("/strange", strange_header)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", (port := free_port())).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


async def call(uri: str, method: str = "GET", **request: Any) -> Outcome:
    async with HttpCalls() as calls:
        return await calls.call(json.dumps([{"method": method, "uri": uri, **request}]))


def result(outcome: Outcome) -> Mapping[str, Any]:
    assert isinstance(outcome.returned, Json), outcome.failure
    return dict(json.loads(outcome.returned.text))


def echoed(outcome: Outcome) -> Mapping[str, Any]:
    return dict(json.loads(result(outcome)["content"]))


def failure(outcome: Outcome) -> str:
    assert outcome.failure
    return outcome.failure.message


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [(301, "GET", ""), (302, "GET", ""), (303, "GET", ""), (307, "POST", "a=1"), (308, "POST", "a=1")],
)
async def test_redirects_are_followed_as_dotnet_does(server: str, status: int, method: str, body: str) -> None:
    found = echoed(await call(f"{server}/hop/{status}/2", "POST", content="a=1", headers={"X-Mine": "1"}))
    assert (found["method"], found["body"], found["headers"]["X-Mine"]) == (method, body, "1")


async def test_https_is_never_left_for_http(server: str, tmp_path: Path) -> None:
    path, port = certificate(tmp_path, None, None), free_port()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(path)
    application = web.Application()
    application.router.add_get("/hop/{status}/{left}", redirect)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=str(path)))
        async with aiohttp.ClientSession(connector=connector) as session:
            call = HttpCall("GET", f"https://localhost:{port}/hop/302/1?to={server}/echo", {})
            assert json.loads(await follow(session, call))["statusCode"] == 404, "redirects stay within https"
            call = HttpCall("GET", f"https://localhost:{port}/hop/302/0?to={server}/echo", {})
            found = json.loads(await follow(session, call))
    finally:
        await runner.cleanup()
    assert (found["statusCode"], found["headers"]["Location"]) == (302, f"{server}/echo")


async def test_a_put_stays_a_put_after_302(server: str) -> None:
    assert echoed(await call(f"{server}/hop/302/0", "PUT", content="a"))["method"] == "PUT"


async def test_fifty_redirects_are_followed_and_no_more(server: str) -> None:
    assert result(await call(f"{server}/hop/302/49"))["statusCode"] == 200
    last = result(await call(f"{server}/hop/302/50"))
    assert (last["statusCode"], last["headers"]["Location"]) == (302, "/echo")


async def test_no_credentials_go_to_another_host(server: str) -> None:
    headers = {"Authorization": "Bearer x", "Cookie": "a=1", "x-functions-key": "k", "X-Mine": "1"}
    here = echoed(await call(f"{server}/hop/302/0", headers=headers))["headers"]
    assert "Authorization" not in here and here["Cookie"] == "a=1"
    other = server.replace("127.0.0.1", "localhost")
    there = echoed(await call(f"{server}/hop/302/0?to={other}/echo", headers=headers))["headers"]
    assert there["X-Mine"] == "1"
    assert not {"Authorization", "Cookie", "x-functions-key"} & there.keys()


async def test_a_body_is_counted_as_it_is_inflated(server: str) -> None:
    assert "is longer than 104,857,600 bytes" in failure(await call(f"{server}/bomb"))


async def test_a_header_that_is_not_utf_8_is_read_as_latin_1(server: str) -> None:
    headers = result(await call(f"{server}/strange"))["headers"]
    assert (headers["X-Name"], headers["X-Utf"]) == ("café", "é")


async def test_multipart_is_refused_in_words(server: str) -> None:
    headers = {"content-type": "Multipart/form-data; boundary=x"}
    assert "does not take multipart content" in failure(await call(f"{server}/echo", "POST", headers=headers))


async def test_a_request_without_address_is_refused_in_words() -> None:
    assert "needs a method and a URI" in failure(await call(""))


async def test_a_server_that_does_not_answer_in_time_is_a_failure(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_activity, "TIMEOUT", 0.0)
    assert failure(await call(f"{server}/echo")).startswith("TaskCanceledException")
