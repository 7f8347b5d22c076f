"""The HTTP binding without a server: requests read, answers rendered, routes in order (platform/http.md)."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from fnhost.bindings.contract import (
    Binding,
    BindingError,
    Cookie,
    Event,
    Failure,
    HttpRequest,
    HttpResponse,
    Json,
    Outcome,
)
from fnhost.bindings.http.escapes import decode_path, decode_query
from fnhost.bindings.http.request import Scope, read_metadata, read_request
from fnhost.bindings.http.response import BadResponse, HttpReply, render
from fnhost.bindings.http.templates import compile_template
from fnhost.bindings.http.trigger import (
    REMEMBERED,
    HttpRoute,
    HttpSettings,
    HttpTrigger,
    RouteTable,
    open_trigger,
    read_settings,
    template_text,
)
from tests.support.effort import is_linear

TEXT = (b"content-type", b"text/plain; charset=utf-8")


def scope(target: str = "/api/x", method: str = "GET", headers: Mapping[str, str] | None = None) -> Scope:
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "method": method,
        "scheme": "http",
        "server": ("127.0.0.1", 7071),
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
    }


def binding(**properties: Any) -> Binding:
    return Binding("req", "httptrigger", "in", properties=properties)


OUT = Binding("$return", "http", "out")


# --- requests


def test_a_request_keeps_its_address_as_written() -> None:
    request = read_request(scope("/api/a%20b?x=%31&y", headers={"Host": "localhost:7071"}), {"id": "1"}, None)
    assert request == HttpRequest(
        method="GET",
        url="http://localhost:7071/api/a%20b?x=%31&y",
        headers={"host": "localhost:7071"},
        query={"x": "1", "y": ""},
        params={"id": "1"},
    )


def test_a_request_without_host_is_addressed_to_the_server() -> None:
    assert read_request(scope(), {}, None).url == "http://127.0.0.1:7071/api/x"


def test_repeated_names_are_joined_with_a_comma() -> None:
    asked = scope("/api/x?a=1&a=2&A=3&b=c+d%2B")
    asked["headers"] = [(b"x-tag", b"one"), (b"accept", b"*/*"), (b"x-tag", b"two")]
    request = read_request(asked, {}, None)
    assert request.query == {"a": "1,2,3", "b": "c d+"}
    assert request.headers == {"x-tag": "one,two", "accept": "*/*"}


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("/x", "/x"),
        ("/a%20b", "/a b"),
        ("/a%2Fb%2fc", "/a%2Fb%2fc"),
        ("/%C3%A9", "/é"),
        ("/a%252Fb", "/a%2Fb"),
        ("/%ff%C3%A9%c3", "/%ffé%c3"),
        ("/%zz%", "/%zz%"),
        ("/a+b", "/a+b"),
    ],
)
def test_a_path_is_decoded_but_for_slashes_and_what_is_not_utf_8(raw: str, path: str) -> None:
    assert decode_path(raw) == path


@pytest.mark.parametrize(("raw", "text"), [("a+b%2B", "a b+"), ("%2F%00", "/\0"), ("%FF", "%FF"), ("100%", "100%")])
def test_a_query_is_decoded(raw: str, text: str) -> None:
    assert decode_query(raw) == text


def test_query_names_are_one_whatever_their_case() -> None:
    assert read_request(scope("/api/x?E=5&e=6&f=&E=7"), {}, None).query == {"E": "5,6,7", "f": ""}


def test_many_names_are_joined_in_linear_time() -> None:
    def reading(count: int) -> Callable[[], HttpRequest]:
        asked = scope("/api/x?" + "&".join(f"n{index}=1" for index in range(count)) + "&n0=2")
        asked["headers"] = [(b"h%d" % index, b"1") for index in range(count)] + [(b"h0", b"2")]
        return lambda: read_request(asked, {}, None)

    request = reading(3)()
    assert (request.query, request.headers) == (
        {"n0": "1,2", "n1": "1", "n2": "1"},
        {"h0": "1,2", "h1": "1", "h2": "1"},
    )
    assert is_linear(reading(4_000), reading(16_000))


def test_request_headers_are_utf_8() -> None:
    asked = scope()
    asked["headers"] = [(b"x-name", "é €".encode())]
    assert read_request(asked, {}, None).headers == {"x-name": "é €"}


def test_metadata_prefers_route_to_query_to_body() -> None:
    request = HttpRequest(
        "POST",
        "",
        {"x-tenant": "t"},
        {"Name": "query", "code": "secret", "page": "2"},
        {"id": "route"},
        json.dumps({"name": "body", "id": 1, "page": 1, "tags": ["é"], "text": "t"}).encode(),
    )
    assert read_metadata(request) == {
        "tags": Json('["é"]'),
        "text": "t",
        "Name": "query",
        "page": "2",
        "id": "route",
        "Query": Json('{"Name":"query","code":"secret","page":"2"}'),
        "Headers": Json('{"x-tenant":"t"}'),
    }


@pytest.mark.parametrize("body", [None, b"", b"[1]", b"no json", b"\xff"])
def test_a_body_that_is_no_object_adds_no_metadata(body: bytes | None) -> None:
    assert set(read_metadata(HttpRequest("POST", "", {}, {}, {}, body))) == {"Query", "Headers"}


# --- responses

RENDERED: list[tuple[Any, HttpReply]] = [
    (None, HttpReply(204)),
    ("hello", HttpReply(200, (TEXT,), b"hello")),
    ("", HttpReply(200, (TEXT,), b"")),
    ("é", HttpReply(200, (TEXT,), "é".encode())),
    ('{"a":1,"b":[]}', HttpReply(200, (TEXT,), b'{\n  "a": 1,\n  "b": []\n}')),
    ('["é"]', HttpReply(200, (TEXT,), '[\n  "é"\n]'.encode())),
    (Json('{"a":{}}'), HttpReply(200, (TEXT,), b'{\n  "a": {}\n}')),
    ("true", HttpReply(200, (TEXT,), b"True")),
    ("1.0", HttpReply(200, (TEXT,), b"1")),
    ("17", HttpReply(200, (TEXT,), b"17")),
    ('"quoted"', HttpReply(200, (TEXT,), b"quoted")),
    ("null", HttpReply(200)),
    ("NaN", HttpReply(200, (TEXT,), b"NaN")),
    (
        '{"status":404,"headers":{"x":"y"}}',
        HttpReply(200, (TEXT,), b'{\n  "status": 404,\n  "headers": {\n    "x": "y"\n  }\n}'),
    ),
    ('{"Body":"no","status":404}', HttpReply(404, (TEXT,), b"no")),
    ('{"body":{"a":1},"status":404,"statusCode":"201"}', HttpReply(201, (TEXT,), b'{"a":1}')),
    (
        '{"body":"<p>","headers":{"Content-Type":"text/html"}}',
        HttpReply(200, ((b"Content-Type", b"text/html"),), b"<p>"),
    ),
    ('{"body":null}', HttpReply(200)),
    (
        '{"body":{"a":1},"enableContentNegotiation":true}',
        HttpReply(200, ((b"content-type", b"application/json; charset=utf-8"),), b'{"a":1}'),
    ),
    (
        '{"body":"x","cookies":[{"name":"a","value":"b","maxAge":5,"httpOnly":true}]}',
        HttpReply(200, (TEXT, (b"set-cookie", b"a=b; max-age=5; path=/; httponly")), b"x"),
    ),
    (" true", HttpReply(200, (TEXT,), b"True")),
    (" false", HttpReply(200, (TEXT,), b"False")),
    ('\r\n\t {"body":"x"}', HttpReply(200, (TEXT,), b"x")),
    *((f" {text} ", HttpReply(200, (TEXT,), text.encode())) for text in ("-1", "0.5", "7")),
    *(
        (text, HttpReply(200, (TEXT,), text.encode()))
        for text in ("", " ", "hello", "NaN", "-Infinity", "\xa01", "null!")
    ),
    (b"\x00\x01", HttpReply(200, (), b"\x00\x01")),
    (5, HttpReply(200, (TEXT,), b"5")),
    (HttpResponse(), HttpReply(200)),
    (HttpResponse(status="404", body="gone"), HttpReply(404, (TEXT,), b"gone")),
    (HttpResponse(status="abc"), HttpReply(200)),
    (HttpResponse(body='{"a":1}'), HttpReply(200, (TEXT,), b'{"a":1}')),
    (HttpResponse(body=b"\xff"), HttpReply(200, (), b"\xff")),
    (HttpResponse(body=Json('{"a":1}')), HttpReply(200, (TEXT,), b'{\n  "a": 1\n}')),
    (HttpResponse(body=Json('"\\ud800"')), HttpReply(200, (TEXT,), b"?")),
    (
        HttpResponse(body=Json("[1]"), negotiate=True),
        HttpReply(200, ((b"content-type", b"application/json; charset=utf-8"),), b"[1]"),
    ),
    (
        HttpResponse(headers={"Content-Type": "application/json", "X-A": "a", "Content-Length": "99"}, body="{}"),
        HttpReply(200, ((b"Content-Type", b"application/json"), (b"X-A", b"a")), b"{}"),
    ),
    (HttpResponse(headers={"X-A": "1", "x-a": "2"}), HttpReply(200, ((b"X-A", b"1"),))),
    (HttpResponse(headers={name: "x" for name in ("Connection", "Keep-Alive", "TE", "Upgrade")}), HttpReply(200)),
    (
        HttpResponse(headers={"Server": "mine", "date": "then"}),
        HttpReply(200, ((b"Server", b"mine"), (b"date", b"then"))),
    ),
    (HttpResponse(status="299"), HttpReply(299)),
    (HttpResponse(status="OK"), HttpReply(200)),
]


@pytest.mark.parametrize(("value", "response"), RENDERED)
def test_a_value_is_rendered(value: Any, response: HttpReply) -> None:
    assert render(value) == response


@pytest.mark.parametrize(
    ("cookie", "text"),
    [
        (Cookie("a", "b c/ü"), b"a=b%20c%2F%C3%BC; path=/"),
        (
            Cookie("a", "b", "x.example", "/p", 0.0, 60.0, True, True, "ExplicitNone"),
            b"a=b; expires=Thu, 01 Jan 1970 00:00:00 GMT; max-age=60; domain=x.example; path=/p; secure; "
            b"samesite=none; httponly",
        ),
        (Cookie("a", "", same_site="None"), b"a=; path=/"),
        (Cookie("a", "b", same_site="Lax"), b"a=b; path=/; samesite=lax"),
        (Cookie("a", "b", domain="", path="", max_age=0), b"a=b; max-age=0; domain=; path="),
    ],
)
def test_a_cookie_is_written(cookie: Cookie, text: bytes) -> None:
    assert render(HttpResponse(cookies=(cookie,))).headers == ((b"set-cookie", text),)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"x": "a\r\nset-cookie: b=c"}, "control character"),
        ({"x y": "a"}, "name of a response header"),
        ({"x": "€"}, "'x' has characters outside ASCII"),
        ({"x": "é"}, "outside ASCII"),
        ({"x": "a\0"}, "control character"),
        ({"": "a"}, "name of a response header"),
        ({"é": "a"}, "name of a response header"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused(headers: dict[str, str], reason: str) -> None:
    with pytest.raises(BadResponse, match=reason):
        render(HttpResponse(headers=headers))


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"max_age": float("inf")}, "'inf' as its max-age"),
        ({"max_age": float("nan")}, "'nan' as its max-age"),
        ({"expires": 2.0**62}, "as its expires"),
        ({"expires": -(2.0**62)}, "as its expires"),
    ],
)
def test_a_cookie_of_no_time_is_refused(members: dict[str, float], reason: str) -> None:
    with pytest.raises(BadResponse, match=reason):
        render(HttpResponse(cookies=(Cookie("a", "b", **members),)))  # type: ignore[arg-type]


@pytest.mark.parametrize("cookie", ['{"name":"a","value":"b","maxAge":"soon"}', '{"name":"a","value":"b","maxAge":[]}'])
def test_a_cookie_of_json_of_no_time_is_refused(cookie: str) -> None:
    with pytest.raises(BadResponse, match="The cookie 'a' cannot have"):
        render(f'{{"body":"x","cookies":[{cookie}]}}')


def test_a_cookie_of_json_may_have_any_same_site() -> None:
    reply = render('{"body":"x","cookies":[{"name":"a","value":"b","sameSite":["Lax"]}]}')
    assert (b"set-cookie", b"a=b; path=/") in reply.headers


@pytest.mark.parametrize("status", ["0", "-1", "99", "100", "101", "1000", "9" * 5000])
def test_a_number_that_is_no_status_is_refused(status: str) -> None:
    with pytest.raises(BadResponse, match="cannot be the status"):
        render(HttpResponse(status=status))


def test_a_collection_is_no_body() -> None:
    with pytest.raises(BadResponse, match="tuple"):
        render(("a", "b"))


# --- routes


async def never(scope: Scope, params: Mapping[str, str], body: bytes | None) -> HttpReply:
    raise AssertionError("nobody asks")


def route(function: str, template: str, *methods: str, all_methods: bool = True) -> HttpRoute:
    chosen = frozenset(methods) if methods or not all_methods else None
    return HttpRoute(function, compile_template(template), chosen, "anonymous", False, never)


def matched(routes: RouteTable, method: str, path: str) -> str | None:
    found = routes.match(method, path)
    return found[0].function if found else None


def test_routes_are_tried_by_function_name_and_method() -> None:
    routes = RouteTable(HttpSettings())
    with ExitStack() as stack:
        for each in (
            route("Zeta", "api/items/list", "GET"),
            route("beta", "api/{*path}", "GET"),
            route("Alpha", "api/items/{id:int}", "GET", "PURGE"),
            route("gamma", "api/items/{id}", "POST"),
            route("nobody", "api/{*path}", all_methods=False),
        ):
            stack.enter_context(routes.listening(each))
        assert matched(routes, "GET", "/api/items/5") == "Alpha"
        assert matched(routes, "PURGE", "/api/items/5") == "Alpha"
        assert matched(routes, "GET", "/api/items/list") == "beta"
        assert matched(routes, "POST", "/api/items/list") == "gamma"
        assert matched(routes, "HEAD", "/api/items/5") is None
        assert matched(routes, "PUT", "/api/items/5") is None
    assert matched(routes, "GET", "/api/items/5") is None


def test_a_route_found_before_gives_way_to_one_that_comes_and_goes() -> None:
    routes = RouteTable(HttpSettings())
    with routes.listening(route("beta", "api/items", "GET")):
        for _ in range(2):
            assert matched(routes, "GET", "/api/items") == "beta"
            assert matched(routes, "POST", "/api/items") is None
        with routes.listening(route("Alpha", "api/items")):
            for _ in range(2):
                assert matched(routes, "GET", "/api/items") == "Alpha"
        assert matched(routes, "GET", "/api/items") == "beta"
        for number in range(2 * REMEMBERED):  # spellings of one path
            spelled = "".join(c.upper() if number >> i & 1 else c for i, c in enumerate("/api/items"))
            assert matched(routes, "GET", spelled) == "beta"
    assert matched(routes, "GET", "/api/items") is None


def test_hidden_routes_are_told() -> None:
    routes = RouteTable(HttpSettings())
    with ExitStack() as stack:
        for each in (
            route("A", "api/items/{id}", "GET"),
            route("B", "api/items/search", "GET"),
            route("C", "api/items/search", "POST"),
            route("D", "api/things/{id:int}"),
            route("E", "api/things/{name}"),
            route("F", "api/items/{id?}", "GET"),
        ):
            stack.enter_context(routes.listening(each))
        assert routes.shadowed() == [
            "The route 'api/items/search' of function 'B' is hidden by 'api/items/{id}' of function 'A': "
            "routes are tried in the order of function names. Rename one of them."
        ]


@pytest.mark.parametrize(
    ("prefix", "properties", "text"),
    [
        ("api", {}, "api/Hello"),
        ("api", {"route": "  "}, "api/Hello"),
        ("api", {"route": None}, "api/Hello"),
        ("api", {"route": "items/{id}"}, "api/items/{id}"),
        ("", {"route": "items"}, "items"),
        ("", {"route": "/"}, "/"),
    ],
)
def test_the_template_of_a_function(prefix: str, properties: dict[str, Any], text: str) -> None:
    assert template_text(prefix, "Hello", binding(**properties)) == text


def test_a_route_with_a_leading_slash_under_a_prefix_is_refused() -> None:
    with pytest.raises(BindingError, match="'api//x' is not valid"):
        open_trigger(RouteTable(HttpSettings()), "Hello", binding(route="/x"), (binding(route="/x"), OUT))


def test_settings_are_read_whatever_their_case() -> None:
    section = {
        "RoutePrefix": "",
        "maxConcurrentRequests": 2,
        "maxOutstandingRequests": 3,
        "customHeaders": {"X-A": "b"},
    }
    assert read_settings(section, "1000") == HttpSettings("", 2, 3, ((b"X-A", b"b"),), 1000)
    assert read_settings({}) == HttpSettings()


@pytest.mark.parametrize(
    "section", [{"maxConcurrentRequests": "many"}, {"customHeaders": ["x"]}, {"customHeaders": {"x": "\n"}}]
)
def test_settings_of_the_wrong_kind_are_refused(section: dict[str, Any]) -> None:
    with pytest.raises(BindingError):
        read_settings(section)


# --- the trigger


def opened(*bindings: Binding) -> HttpTrigger:
    trigger = open_trigger(RouteTable(HttpSettings()), "Hello", bindings[0], bindings)
    assert isinstance(trigger, HttpTrigger)
    return trigger


def asked(trigger: HttpTrigger, outcome: Outcome, asking: Scope) -> tuple[HttpReply, Event]:
    events: list[Event] = []

    async def fire(event: Event) -> Outcome:
        events.append(event)
        return outcome

    return asyncio.run(trigger.answer(fire, asking, {}, None)), events[0]


def test_the_http_output_is_the_response() -> None:
    named = Binding("res", "http", "out")
    queue = Binding("$return", "queue", "out")
    outcome = Outcome({"res": "named", "$return": "returned"}, "returned")
    assert asked(opened(binding(), OUT), outcome, scope())[0].body == b"returned"
    assert asked(opened(binding(), named, queue), outcome, scope())[0].body == b"named"
    assert asked(opened(binding(), OUT), Outcome(), scope())[0] == HttpReply(204)
    assert asked(opened(binding(), queue), Outcome(), scope())[0] == HttpReply(204)


def test_what_is_returned_to_another_binding_is_the_response_where_the_http_output_has_no_value() -> None:
    """As the platform's own end-to-end tests of its Python worker expect: 200, not 204."""
    named, queue = Binding("res", "http", "out"), Binding("$return", "queue", "out")
    outcome = Outcome({"$return": "returned"}, "returned")
    for bindings in ((binding(), queue), (binding(), named, queue)):
        reply = asked(opened(*bindings), outcome, scope())[0]
        assert (reply.status, reply.body) == (200, b"returned")


def test_a_failure_is_an_empty_500() -> None:
    failed = Outcome({"$return": "x"}, failure=Failure("ValueError: no"))
    assert asked(opened(binding(), OUT), failed, scope())[0] == HttpReply(500)


def test_the_event_tells_function_reason_and_trace() -> None:
    _, event = asked(
        opened(binding(), OUT), Outcome(), scope(headers={"traceparent": "00-a-b-01", "tracestate": "s=1"})
    )
    assert (event.function, event.trace_parent, event.trace_state) == ("Hello", "00-a-b-01", "s=1")
    assert event.reason == "This function was programmatically called via the host APIs."
    assert event.metadata == {}


def test_a_request_without_trace_gets_a_new_one() -> None:
    first, second = (asked(opened(binding(), OUT), Outcome(), scope())[1].trace_parent for _ in range(2))
    assert first != second
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", first)


def test_metadata_is_there_for_bindings_with_expressions() -> None:
    blob = Binding("file", "blob", "in", properties={"path": "files/{name}"})
    _, event = asked(opened(binding(), blob, OUT), Outcome(), scope("/api/x?name=a.txt"))
    assert event.metadata["name"] == "a.txt"
