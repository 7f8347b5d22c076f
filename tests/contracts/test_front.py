"""The front door over a real port: routes, waiting, limits, keys, CORS and admin.

Rules from platform/http.md, platform/keys-and-admin.md 3 to 7.
"""

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from fnhost.bindings.contract import Binding, Event, Failure, HttpRequest, HttpResponse, Outcome, Value
from fnhost.bindings.http.trigger import HttpSettings, RouteTable, open_trigger
from fnhost.host.app import App, Function, HostConfig, Settings
from fnhost.host.errors import Problem, StartError, WorkerCrashed
from fnhost.host.logging.log import Level, Log, Record
from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.cors import Cors, read_cors
from fnhost.host.web.front import Front
from fnhost.host.web.keys import Keys
from fnhost.host.web.listen.server import serving

pytestmark = pytest.mark.anyio

Answer = Callable[[HttpRequest], Awaitable[Value]]
OUT = Binding("$return", "http", "out")


# --- an app and its doors


async def hello(request: HttpRequest) -> Value:
    return f"Hello {request.query.get('name', 'world')}"


async def told(request: HttpRequest) -> Value:
    """What the function was told, as JSON."""
    body = None if request.body is None else request.body.decode()
    seen = {"url": request.url, "params": dict(request.params), "headers": dict(request.headers), "body": body}
    return HttpResponse(body=json.dumps(seen), headers={"content-type": "application/json"})


@dataclass
class Case:
    """An app under test: functions by name, each with the properties of its trigger and what it answers."""

    root: Path
    functions: Mapping[str, tuple[dict[str, Any], Answer]]
    settings: HttpSettings = field(default_factory=HttpSettings)
    environment: Mapping[str, str] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    view: Mapping[str, Any] = field(default_factory=dict)
    timer: bool = False

    def app(self) -> App:
        functions = [self.function(name, self.trigger(name), OUT) for name in self.functions]
        if self.timer:
            functions.append(self.function("Tick", Binding("timer", "timertrigger", "in")))
        return App(
            root=self.root,
            language="python",
            functions=tuple(functions),
            settings=Settings(self.environment),
            config=HostConfig(raw={"version": "2.0"}),
            problems=(Problem("Bad/function.json", "/bindings", "No trigger binding specified.", function="Bad"),),
        )

    def trigger(self, name: str) -> Binding:
        return Binding("req", "httptrigger", "in", properties={"authLevel": "anonymous"} | self.functions[name][0])

    def function(self, name: str, *bindings: Binding) -> Function:
        directory = self.root / name
        config = {"bindings": [{"type": binding.type, "name": binding.name} for binding in bindings]}
        script = directory / "__init__.py"
        return Function(name, directory, script, "main", "python", bindings, name in self.disabled, config=config)

    async def fire(self, event: Event) -> Outcome:
        assert isinstance(event.value, HttpRequest)
        try:
            returned = await self.functions[event.function][1](event.value)
        except ValueError as error:
            return Outcome(failure=Failure(f"ValueError: {error}"))
        return Outcome({"$return": returned}, returned)


@asynccontextmanager
async def generation(case: Case) -> AsyncIterator[ActiveApp]:
    """The view of a running app: its triggers listen while inside."""
    routes = RouteTable(case.settings, case.disabled)
    app = case.app()
    stopping = asyncio.Event()
    triggers = [open_trigger(routes, name, case.trigger(name), (case.trigger(name), OUT)) for name in case.functions]
    tasks = [asyncio.create_task(trigger.listen(case.fire, stopping)) for trigger in triggers]
    try:
        yield ActiveApp(**{"app": app, "routes": routes, "fire_manually": not_expected} | case.view)
    finally:
        stopping.set()
        await asyncio.gather(*tasks)


async def not_expected(name: str, given: str) -> None:
    raise AssertionError(f"{name} was run with {given}")


@asynccontextmanager
async def served(front: Front) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the front, on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    async with (
        serving(front, [listening]),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}") as client,
    ):
        yield client


def front_of(case: Case, log: Log | None = None, **options: Any) -> Front:
    return Front(case.root, log or Log(), Keys(case.root / "keys.json"), **options)


@asynccontextmanager
async def asking(case: Case, log: Log | None = None, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    front = front_of(case, log, **options)
    async with generation(case) as view, served(front) as client:
        with front.showing(view):
            yield client


# --- routes and requests


async def test_a_function_answers(tmp_path: Path) -> None:
    async with asking(Case(tmp_path, {"Hello": ({}, hello)})) as client:
        answer = await client.get("/api/hello/?name=Ada")
        assert (answer.status_code, answer.text) == (200, "Hello Ada")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_no_route_and_no_method_are_an_empty_404(tmp_path: Path) -> None:
    functions = {"Hello": ({"methods": ["get"]}, hello), "Item": ({"route": "items/{id:int}"}, hello)}
    async with asking(Case(tmp_path, functions)) as client:
        for method, path in [
            ("GET", "/api/nothing"),
            ("GET", "/hello"),
            ("PUT", "/api/hello"),
            ("HEAD", "/api/hello"),
            ("OPTIONS", "/api/hello"),
            ("GET", "/api/items/abc"),
            ("GET", "/runtime/webhooks/durabletask/instances"),
            ("POST", "/"),
        ]:
            answer = await client.request(method, path)
            assert (answer.status_code, answer.content) == (404, b""), (method, path)
            assert answer.headers["content-length"] == "0"
            assert "allow" not in answer.headers


async def test_the_first_function_by_name_wins(tmp_path: Path) -> None:
    async def first(request: HttpRequest) -> Value:
        return "A " + request.params.get("p", "")

    async with asking(Case(tmp_path, {"B": ({"route": "x"}, hello), "A": ({"route": "{*p}"}, first)})) as client:
        assert (await client.get("/api/x")).text == "A x"


async def test_a_function_is_told_the_request(tmp_path: Path) -> None:
    async with asking(Case(tmp_path, {"Told": ({"route": "told/{id}/{*rest}"}, told)})) as client:
        answer = await client.post(
            "/api/told/a%2Fb%20c/x/y?q=%20", content=b"body", headers=[("X-Tag", "1"), ("x-tag", "2")]
        )
        assert answer.headers["content-type"] == "application/json"
        seen = answer.json()
        assert seen["url"] == f"{client.base_url}/api/told/a%2Fb%20c/x/y?q=%20"
        assert seen["params"] == {"id": "a%2Fb c", "rest": "x/y"}
        assert seen["headers"]["x-tag"] == "1,2"
        assert seen["body"] == "body"


async def test_an_empty_prefix_serves_the_root(tmp_path: Path) -> None:
    case = Case(tmp_path, {"All": ({"route": "/{*rest}"}, hello)}, HttpSettings(prefix=""))
    async with asking(case) as client:
        assert (await client.get("/")).text == "Hello world"
        assert (await client.get("/admin/nothing")).status_code == 404


async def test_a_chunked_body_is_dropped_with_a_warning(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"lost"

    records: list[Record] = []
    async with asking(Case(tmp_path, {"Told": ({}, told)}), Log(records.append)) as client:
        assert (await client.post("/api/told", content=chunks())).json()["body"] is None
        assert (await client.post("/api/told", content=b"kept")).json()["body"] == "kept"
    assert [(record.level, record.function) for record in records] == [(Level.WARNING, "Told")]
    assert "Content-Length" in records[0].message


async def test_a_body_over_the_limit_is_413(tmp_path: Path) -> None:
    async with asking(Case(tmp_path, {"Told": ({}, told)}, HttpSettings(body_limit=4))) as client:
        assert (await client.post("/api/told", content=b"1234")).status_code == 200
        assert (await client.post("/api/told", content=b"12345")).status_code == 413


async def test_a_large_body_arrives_whole(tmp_path: Path) -> None:
    async def size(request: HttpRequest) -> Value:
        return str(len(request.body or b""))

    async with asking(Case(tmp_path, {"Size": ({}, size)})) as client:
        assert (await client.post("/api/size", content=bytes(20_000_000))).text == "20000000"


# --- answers


async def test_no_body_where_none_belongs(tmp_path: Path) -> None:
    async def nothing(request: HttpRequest) -> Value:
        return None

    async def unchanged(request: HttpRequest) -> Value:
        return HttpResponse(status="304", body="text")

    functions = {"Hello": ({}, hello), "Nothing": ({}, nothing), "Unchanged": ({}, unchanged)}
    async with asking(Case(tmp_path, functions)) as client:
        head = await client.head("/api/hello")
        assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "11")
        empty = await client.get("/api/nothing")
        assert (empty.status_code, empty.content) == (204, b"")
        assert "content-length" not in empty.headers
        assert (await client.get("/api/unchanged")).content == b""
        assert (await client.get("/api/hello")).text == "Hello world"


async def test_failures_are_an_empty_500(tmp_path: Path) -> None:
    async def failing(request: HttpRequest) -> Value:
        raise ValueError("secret")

    async def dying(request: HttpRequest) -> Value:
        raise WorkerCrashed("killed")

    async def forging(request: HttpRequest) -> Value:
        return HttpResponse(headers={"x": "a\r\nb: c"})

    records: list[Record] = []
    functions = {"Failing": ({}, failing), "Dying": ({}, dying), "Forging": ({}, forging)}
    async with asking(Case(tmp_path, functions), Log(records.append)) as client:
        for name in functions:
            answer = await client.get(f"/api/{name}")
            assert (answer.status_code, answer.content) == (500, b"")
    assert [record.message for record in records] == [
        "The response of function 'Forging' cannot be sent. The response header 'x' contains a control character."
    ]


async def test_cookies_are_headers_of_their_own(tmp_path: Path) -> None:
    async def cookies(request: HttpRequest) -> Value:
        return '{"body":"","cookies":[{"name":"a","value":"1"},{"name":"b","value":"2"}]}'

    async with asking(Case(tmp_path, {"Cookies": ({}, cookies)})) as client:
        assert (await client.get("/api/cookies")).headers.get_list("set-cookie") == ["a=1; path=/", "b=2; path=/"]


async def test_custom_headers_are_on_every_answer(tmp_path: Path) -> None:
    async def mine(request: HttpRequest) -> Value:
        return HttpResponse(headers={"X-Frame-Options": "mine"}, body="x")

    settings = HttpSettings(headers=((b"x-frame-options", b"DENY"),))
    async with asking(Case(tmp_path, {"Mine": ({}, mine)}, settings)) as client:
        for path in ("/api/mine", "/api/nothing", "/"):
            assert (await client.get(path)).headers.get_list("x-frame-options") == ["DENY"]


# --- how many at once


@dataclass
class Turnstile:
    """A function that lets the test see when it is entered, and decide when it leaves."""

    entered: asyncio.Event = field(default_factory=asyncio.Event)
    leave: asyncio.Event = field(default_factory=asyncio.Event)
    count: int = 0

    async def __call__(self, request: HttpRequest) -> Value:
        self.count += 1
        self.entered.set()
        await self.leave.wait()
        return "left"


async def test_more_than_may_be_outstanding_are_429(tmp_path: Path) -> None:
    turnstile = Turnstile()
    async with asking(Case(tmp_path, {"Slow": ({}, turnstile)}, HttpSettings(outstanding=1))) as client:
        first = asyncio.create_task(client.get("/api/slow"))
        await turnstile.entered.wait()
        refused = await client.get("/api/slow")
        assert (refused.status_code, refused.content, refused.headers["X-FUNCTION-SCALEOUT"]) == (429, b"", "1")
        turnstile.leave.set()
        assert (await first).text == "left"
        assert (await client.get("/api/slow")).status_code == 200


async def test_more_than_may_run_wait_their_turn(tmp_path: Path) -> None:
    turnstile = Turnstile()
    case = Case(tmp_path, {"Slow": ({}, turnstile)}, HttpSettings(concurrent=1, outstanding=2))
    async with asking(case) as client:
        first = asyncio.create_task(client.get("/api/slow"))
        await turnstile.entered.wait()
        others = [asyncio.create_task(client.get("/api/slow")) for _ in range(2)]
        refused, waiting = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        assert [each.result().status_code for each in refused] == [429]
        assert turnstile.count == 1
        turnstile.leave.set()
        assert [(await each).status_code for each in (first, *waiting)] == [200, 200]


async def test_a_client_that_leaves_does_not_cancel_the_function(tmp_path: Path) -> None:
    turnstile, finished = Turnstile(), asyncio.Event()

    async def slow(request: HttpRequest) -> Value:
        await turnstile(request)
        finished.set()
        return "too late"

    async with asking(Case(tmp_path, {"Slow": ({}, slow), "Hello": ({}, hello)})) as client:
        async with httpx.AsyncClient(base_url=client.base_url) as impatient:
            asked = asyncio.create_task(impatient.get("/api/slow"))
            await turnstile.entered.wait()
            asked.cancel()
            await asyncio.wait([asked])
        assert (await client.get("/api/hello")).status_code == 200
        turnstile.leave.set()
        await finished.wait()


# --- generations


async def test_requests_wait_for_a_generation(tmp_path: Path) -> None:
    case = Case(tmp_path, {"Hello": ({}, hello)})
    front = front_of(case)
    async with served(front) as client:
        waiting = asyncio.create_task(client.get("/api/hello"))
        assert (await client.get("/admin/host/status")).json()["state"] == "Starting"
        assert not waiting.done()
        async with generation(case) as view:
            with front.showing(view):
                assert (await waiting).text == "Hello world"


async def test_requests_that_waited_too_long_are_503(tmp_path: Path) -> None:
    front = front_of(Case(tmp_path, {}), patience=0.05)
    async with served(front) as client:
        answer = await client.get("/api/hello")
        assert (answer.status_code, answer.text) == (503, "Function host is not running.")


@pytest.mark.parametrize("enable_auth", [False, True])
async def test_an_app_in_error_is_answered_at_once_with_its_problems(tmp_path: Path, enable_auth: bool) -> None:
    case = Case(tmp_path, {"Hello": ({}, hello)}, view={"state": "Error", "errors": ("host.json is broken",)})
    async with asking(case, patience=3600.0, enable_auth=enable_auth) as client:
        answer = await client.get("/api/hello")
        told = "" if enable_auth else "\nhost.json is broken"
        assert (answer.status_code, answer.text) == (503, f"Function host is not running.{told}")
        if enable_auth:
            return
        status = (await client.get("/admin/host/status")).json()
        assert (status["state"], status["errors"]) == ("Error", ["host.json is broken"])
        assert (await client.get("/admin/host/ping")).status_code == 200


async def test_the_next_generation_replaces_this_one_at_once(tmp_path: Path) -> None:
    async def bonjour(request: HttpRequest) -> Value:
        return "Bonjour"

    front = front_of(Case(tmp_path, {}))
    async with AsyncExitStack() as stack:
        old = await stack.enter_async_context(generation(Case(tmp_path, {"Hello": ({}, hello)})))
        new = await stack.enter_async_context(generation(Case(tmp_path, {"Hello": ({}, bonjour)})))
        client = await stack.enter_async_context(served(front))
        leaving = front.showing(old)
        leaving.__enter__()
        assert (await client.get("/api/hello")).text == "Hello world"
        with front.showing(new):
            assert (await client.get("/api/hello")).text == "Bonjour"
            leaving.__exit__(None, None, None)
            assert (await client.get("/api/hello")).text == "Bonjour"
        assert front.view is None


async def test_an_app_can_be_taken_offline(tmp_path: Path) -> None:
    async with asking(Case(tmp_path, {"Hello": ({}, hello)})) as client:
        page = tmp_path / "app_offline.htm"
        page.write_text("<h1>Back soon</h1>")
        for path in ("/api/hello", "/", "/admin/host/status"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (503, "<h1>Back soon</h1>")
            assert answer.headers["content-type"] == "text/html"
        page.unlink()
        assert (await client.get("/api/hello")).status_code == 200


@pytest.mark.parametrize("kind", ["folder", "pipe", "link out of the app"])
async def test_only_a_regular_file_of_the_app_takes_it_offline(tmp_path: Path, kind: str) -> None:
    app, page = tmp_path / "app", tmp_path / "app" / "app_offline.htm"
    app.mkdir()
    (tmp_path / "secret").write_text("not the app's")
    match kind:
        case "folder":
            page.mkdir()
        case "pipe":
            os.mkfifo(page)
        case _:
            page.symlink_to(tmp_path / "secret")
    async with asking(Case(app, {"Hello": ({}, hello)})) as client:
        assert (await client.get("/api/hello")).text == "Hello world"


# --- what is built in


async def test_webhooks_are_mounted_by_name(tmp_path: Path) -> None:
    async def where(request: Request) -> PlainTextResponse:
        return PlainTextResponse(f"{request.url.path} {request.scope['root_path']} {request.path_params['id']}")

    webhooks = {"durabletask": Starlette(routes=[Route("/instances/{id}", where)])}
    functions = {"All": ({"route": "{*rest}"}, hello)}
    async with asking(Case(tmp_path, functions, HttpSettings(prefix=""), view={"webhooks": webhooks})) as client:
        answer = await client.get("/runtime/webhooks/DurableTask/instances/a")
        assert answer.text == "/runtime/webhooks/DurableTask/instances/a /runtime/webhooks/DurableTask a"
        unknown = await client.get("/runtime/webhooks/blobs")
        assert (unknown.status_code, unknown.content) == (404, b"")


async def test_the_home_page_greets_and_can_be_turned_off(tmp_path: Path) -> None:
    case = Case(tmp_path, {"Hello": ({"route": "greet/{name}"}, hello)}, timer=True)
    async with asking(case) as client:
        page = await client.get("/")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert "Hello: /api/greet/{name}" in page.text
        assert '"/admin/functions"' in page.text
    async with asking(replace(case, environment={"AzureWebJobsDisableHomepage": "true"})) as client:
        assert (await client.get("/")).status_code == 204


# --- CORS


async def test_listed_origins_may_read(tmp_path: Path) -> None:
    cors = read_cors("http://localhost:3000, https://a.example/", credentials=True)
    case = Case(tmp_path, {"Hello": ({"methods": ["get"]}, hello)})
    async with asking(case, cors=cors) as client:
        answer = await client.get("/api/hello", headers={"Origin": "http://localhost:3000"})
        assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
        assert answer.headers["access-control-allow-credentials"] == "true"
        assert answer.headers["vary"] == "Origin"
        for origin in ("http://localhost:3001", "http://evil.example"):
            other = await client.get("/api/hello", headers={"Origin": origin})
            assert other.status_code == 200
            assert "access-control-allow-origin" not in other.headers
        assert "access-control-allow-origin" not in (await client.get("/api/hello")).headers
        status = await client.get("/admin/host/status", headers={"Origin": "https://a.example"})
        assert status.headers["access-control-allow-origin"] == "https://a.example"


async def test_preflights_are_answered_before_routing(tmp_path: Path) -> None:
    asking_first = {"Origin": "http://x:1", "Access-Control-Request-Method": "PUT"}
    async with asking(Case(tmp_path, {}), cors=Cors(frozenset({"*"}))) as client:
        answer = await client.options("/api/any", headers=asking_first | {"Access-Control-Request-Headers": "x-a,x-b"})
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-methods"] == "PUT"
        assert answer.headers["access-control-allow-headers"] == "x-a,x-b"
        assert (await client.options("/api/any")).status_code == 404


@pytest.mark.parametrize(("text", "credentials"), [("localhost:3000", False), ("http://a/path", False), ("*", True)])
def test_origins_that_cannot_be_meant_are_refused(text: str, credentials: bool) -> None:
    with pytest.raises(StartError):
        read_cors(text, credentials)


# --- keys


async def test_without_keys_everybody_is_the_administrator(tmp_path: Path) -> None:
    levels = {level: ({"authLevel": level}, hello) for level in ("anonymous", "function", "admin")}
    async with asking(Case(tmp_path, levels)) as client:
        assert {(await client.get(f"/api/{level}?code=wrong")).status_code for level in levels} == {200}


async def test_keys_open_what_their_level_says(tmp_path: Path) -> None:
    levels = {level: ({"authLevel": level}, hello) for level in ("anonymous", "function", "admin")}
    keys = Keys(tmp_path / "keys.json")
    master, shared = keys.of("host")["_master"], keys.of("host")["default"]
    own, system = keys.of("function/function")["default"], keys.system("durabletask")
    opened = {"": {"anonymous"}, "wrong": {"anonymous"}, system: {"anonymous"}, master: set(levels)}
    opened |= {key: {"anonymous", "function"} for key in (own, shared)}
    async with asking(Case(tmp_path, levels), enable_auth=True) as client:
        for key, expected in opened.items():
            answers = {level: await client.get(f"/api/{level}", params={"code": key}) for level in levels}
            assert {level for level in levels if answers[level].status_code == 200} == expected
            assert {answers[level].status_code for level in set(levels) - expected} <= {401}
        header_wins = await client.get("/api/admin", params={"code": master}, headers={"x-functions-key": "wrong"})
        assert (header_wins.status_code, header_wins.content) == (401, b"")
        assert (await client.get("/admin/functions")).status_code == 401
        assert (await client.get("/admin/functions", headers={"x-functions-key": master})).status_code == 200
        assert (await client.get("/admin/host/ping")).status_code == 200


async def test_a_webhook_takes_its_system_key(tmp_path: Path) -> None:
    async def fine(request: Request) -> PlainTextResponse:
        return PlainTextResponse("fine")

    keys = Keys(tmp_path / "keys.json")
    opening = {keys.system("durabletask"), keys.of("host")["_master"]}
    view = {"webhooks": {"durabletask": Starlette(routes=[Route("/x", fine)])}}
    async with asking(Case(tmp_path, {}, view=view), enable_auth=True) as client:
        for key in (*opening, keys.of("host")["default"], ""):
            answer = await client.get("/runtime/webhooks/durabletask/x", params={"code": key})
            assert answer.status_code == (200 if key in opening else 401)


def test_keys_are_kept_and_only_the_owner_may_read_them(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "keys.json"
    key = Keys(path).system("durabletask")
    assert Keys(path).system("durabletask") == key
    assert (len(key), path.stat().st_mode & 0o777) == (56, 0o600)
    path.write_text("{")
    with pytest.raises(StartError, match="the keys cannot be read"):
        Keys(path)


async def test_a_disabled_function_runs_for_the_administrator(tmp_path: Path) -> None:
    functions = {"Open": ({}, hello), "Closed": ({"authLevel": "function"}, hello)}
    case = Case(tmp_path, functions, disabled=frozenset(functions))
    async with asking(case) as client:
        assert (await client.get("/api/open")).status_code == 404
        assert (await client.get("/api/closed")).status_code == 200
    keys = Keys(tmp_path / "keys.json")
    own, master = keys.of("function/closed")["default"], keys.of("host")["_master"]
    async with asking(case, enable_auth=True) as client:
        assert (await client.get("/api/closed", params={"code": own})).status_code == 404
        assert (await client.get("/api/closed", params={"code": master})).status_code == 200


# --- admin


async def test_ping_and_status(tmp_path: Path) -> None:
    async with asking(Case(tmp_path, {}), host_id="machine-1") as client:
        for method in ("GET", "POST"):
            ping = await client.request(method, "/admin/host/ping")
            assert (ping.status_code, ping.content, ping.headers["cache-control"]) == (200, b"", "no-store, no-cache")
        status = (await client.get("/admin/host/status")).json()
        assert (status["id"], status["state"], status["version"][:2]) == ("machine-1", "Running", "4.")
        assert "errors" not in status
        assert (await client.get("/admin/host/config")).json() == {"version": "2.0"}


async def test_the_last_log_records_are_shown(tmp_path: Path) -> None:
    log = Log()
    log.information("Host.Test", "one", "Hello", "id-1")
    log.warning("Host.Test", "two", "Hello", "id-2")
    log.error("Host.Test", "three", "Other", "id-3")
    cases = {
        "": ["one", "two", "three"],
        "top=2": ["two", "three"],
        "top=0": ["three"],
        "function=hello&level=warning": ["two"],
        "invocation=id-3": ["three"],
        "instance=none": [],
        "after=2": ["three"],
        "after=9": [],
    }
    async with asking(Case(tmp_path, {}), log) as client:
        for query, wanted in cases.items():
            found = (await client.get(f"/admin/host/logs?{query}")).json()
            assert [record["message"] for record in found["records"]] == wanted, query
        assert found["dropped"] == 0
        for query, told in {
            "level=loud": "level=loud is not a log level. Use one of Trace, Debug,",
            "top=-1": "top=-1 is not a whole number.",
            "after=x": "after=x is not a whole number.",
        }.items():
            answer = await client.get(f"/admin/host/logs?{query}")
            assert (answer.status_code, answer.text.startswith(told)) == (400, True), answer.text


async def test_all_that_keeps_functions_from_service_is_shown(tmp_path: Path) -> None:
    case = Case(tmp_path, {}, view={"failures": {"Late": "ImportError: no module"}})
    front = front_of(case)
    front.refused = ("Late/__init__.py:3 SyntaxError",)
    async with generation(case) as view, served(front) as client:
        with front.showing(view):
            found = (await client.get("/admin/host/problems")).json()
    assert found == {
        "state": "Running",
        "refused": ["Late/__init__.py:3 SyntaxError"],
        "problems": [
            {
                "file": "Bad/function.json",
                "pointer": "/bindings",
                "message": "No trigger binding specified.",
                "hint": "",
                "function": "Bad",
            }
        ],
        "failures": {"Late": "ImportError: no module"},
        "warnings": [],
    }


async def test_functions_are_described(tmp_path: Path) -> None:
    (tmp_path / "Hello").mkdir()
    (tmp_path / "Hello" / "sample.dat").write_text("sample")
    case = Case(tmp_path, {"Hello": ({"route": "Greet/{Name}"}, hello)}, timer=True)
    async with asking(case) as client:
        listed = (await client.get("/admin/functions")).json()
        assert listed[0] == {
            "name": "Hello",
            "script_root_path_href": f"{client.base_url}/admin/vfs/Hello/",
            "script_href": f"{client.base_url}/admin/vfs/Hello/__init__.py",
            "config_href": f"{client.base_url}/admin/vfs/Hello/function.json",
            "test_data_href": f"{client.base_url}/admin/vfs/data/Functions/sampledata/Hello.dat",
            "href": f"{client.base_url}/admin/functions/Hello",
            "invoke_url_template": f"{client.base_url}/api/greet/{{name}}",
            "language": "python",
            "config": {"bindings": [{"type": "httptrigger", "name": "req"}, {"type": "http", "name": "$return"}]},
            "files": None,
            "test_data": "sample",
            "isDisabled": False,
            "isDirect": False,
            "isProxy": False,
        }
        assert (listed[1]["name"], listed[1]["invoke_url_template"]) == ("Tick", None)
        assert (await client.get("/admin/functions/hello")).json() == listed[0]


async def test_a_function_tells_what_is_wrong_with_it(tmp_path: Path) -> None:
    case = Case(tmp_path, {"Hello": ({}, hello), "Fine": ({}, hello)}, view={"failures": {"Hello": "SyntaxError"}})
    async with asking(case) as client:
        assert (await client.get("/admin/functions/hello/status")).json() == {"errors": ["SyntaxError"]}
        assert (await client.get("/admin/functions/fine/status")).json() == {}
        broken = (await client.get("/admin/functions/bad/status")).json()
        assert broken == {"errors": ["Bad/function.json#/bindings: No trigger binding specified."]}
        for path in ("nothing/status", "nothing", "bad"):
            answer = await client.get(f"/admin/functions/{path}")
            assert (answer.status_code, answer.content) == (404, b"")


async def test_a_function_is_run_by_hand(tmp_path: Path) -> None:
    runs: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    ended = asyncio.Event()

    async def run(name: str, given: str) -> None:
        await runs.put((name, given))
        await ended.wait()
        raise WorkerCrashed("and nobody hears of it here")

    async with asking(Case(tmp_path, {}, timer=True, view={"fire_manually": run})) as client:
        for body, given in [
            ({"input": '{"a":1}'}, '{"a":1}'),
            ({}, ""),
            ({"input": None}, ""),
            ({"input": {"a": 1}}, '{"a": 1}'),
        ]:
            answer = await client.post("/admin/functions/tick", json=body)
            assert (answer.status_code, answer.content) == (202, b"")
            assert await runs.get() == ("Tick", given)
        ended.set()
        for content, kind, status in [
            (b"{}", "text/plain", 415),
            (b"", "application/json", 400),
            (b"null", "application/json", 400),
        ]:
            refused = await client.post("/admin/functions/tick", content=content, headers={"content-type": kind})
            assert (refused.status_code, refused.content) == (status, b"")
        assert (await client.post("/admin/functions/nothing", json={})).status_code == 404


async def test_keys_are_listed_and_changed(tmp_path: Path) -> None:
    async with asking(Case(tmp_path, {"Hello": ({}, hello)})) as client:
        listed = (await client.get("/admin/host/keys")).json()
        assert {key["name"] for key in listed["keys"]} == {"_master", "default"}
        assert listed["links"] == [{"rel": "self", "href": f"{client.base_url}/admin/host/keys"}]
        path = "/admin/functions/Hello/keys/mine"
        assert (await client.get(path)).status_code == 404
        assert (await client.post(path)).status_code == 201
        put = await client.put(path, json={"name": "mine", "value": "secret"})
        assert (put.status_code, put.json()["value"]) == (200, "secret")
        assert (await client.get(path)).json()["value"] == "secret"
        assert (await client.put(path, json={"name": "mine"})).status_code == 400
        assert (await client.delete(path)).status_code == 204
        assert (await client.delete("/admin/host/keys/_master")).status_code == 400
        assert (await client.get("/admin/host/otherkeys")).status_code == 404
