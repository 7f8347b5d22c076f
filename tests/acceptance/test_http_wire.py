"""`fnhost start` spoken to in bytes: what a function is told, what is refused, and 2,000 requests that went wrong."""

import json
import random
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

import psutil
import pytest

from tests.support.hosts import Host, http, running, write_app
from tests.support.raw_http import Answer, answers, ask, connected, read_all, request, send_all

TELL = """
import json

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    told = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "query": dict(req.params),
        "params": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(told), mimetype="application/json")
"""
ANSWER = """
import azure.functions as func

HEADERS = {
    "accent": {"X-Name": "\\u00e9"},
    "name": {"X Name": "a"},
    "own": {"Date": "then", "SERVER": "mine", "X-MiXed": "1", "Connection": "keep-alive", "Keep-Alive": "timeout=1",
            "Transfer-Encoding": "chunked", "Upgrade": "h2c", "Trailer": "x", "TE": "x", "Proxy-Connection": "x"},
}


BREAK = '{"body": "x", "headers": {"X-Name": "a\\\\r\\\\nSet-Cookie: b=c"}}'


def main(req: func.HttpRequest):
    kind = req.route_params["kind"]
    if kind == "break":
        return BREAK
    return func.HttpResponse("x", status_code=int(kind) if kind.isdigit() else 200, headers=HEADERS.get(kind, {}))
"""
FILES = {
    "Tell/function.json": http(route="tell/{*rest}"),
    "Tell/__init__.py": TELL,
    "Answer/function.json": http(route="answer/{kind}"),
    "Answer/__init__.py": ANSWER,
    "Slow/function.json": http(route="slow/{value:regex(^(a|a)*$)}"),
    "Slow/__init__.py": "def main(req):\n    return 'matched'\n",
}


@dataclass(frozen=True)
class Wire:
    host: Host
    port: int

    def ask(self, *packets: bytes) -> list[Answer]:
        return ask(self.port, *packets)

    def one(self, line: str, *fields: str, body: bytes = b"") -> Answer:
        (answer,) = self.ask(request(line, *fields, body=body))
        return answer

    def told(self, line: str, *fields: str, body: bytes = b"") -> dict[str, object]:
        answer = self.one(line, *fields, body=body)
        assert answer.status == 200, answer
        return dict(json.loads(answer.body))


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with running(write_app(tmp_path_factory.mktemp("wire"), FILES)) as host:
        assert host.client.base_url.port
        yield Wire(host, host.client.base_url.port)


# --- what a function is told


def test_a_client_that_offers_http2_is_served_its_body(wire: Wire) -> None:
    told = wire.told("POST /api/tell", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", body=b'{"a": 1}')
    assert told["body"] == '{"a": 1}'
    assert wire.host.output.count("pgrade") == 0


@pytest.mark.parametrize(
    ("target", "rest"),
    [
        ("/api/x/../tell/a/%2e%2e/b%2Fc", "b%2Fc"),
        ("/%61pi/tell/%7e/%c3%a9/%ff", "~/é/%ff"),
        ("http://localhost/api/tell/x", "x"),
    ],
)
def test_a_path_is_normalised_before_it_is_routed(wire: Wire, target: str, rest: str) -> None:
    assert wire.told(f"GET {target}")["params"] == {"rest": rest}


def test_text_is_utf_8_and_query_names_are_one_in_any_case(wire: Wire) -> None:
    told = wire.told("M-SEARCH /api/tell?E=5&e=6&f=%FF+%C3%A9", "X-Name: é€")
    assert (told["method"], told["query"]) == ("M-SEARCH", {"E": "5,6", "f": "%FF é"})
    assert isinstance(told["headers"], dict)
    assert told["headers"]["x-name"] == "é€"


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /api/tell/%00", 400),
        ("GET /api/tell" + "x" * 9000, 414),
        ("OPTIONS *", 404),
        ("GET *", 405),
        ("GET /api/../admin/host/ping", 200),
        ("GET /api/nothing/../../admin/host/nothing", 404),
    ],
)
def test_targets_that_are_no_functions(wire: Wire, line: str, status: int) -> None:
    assert wire.one(line).status == status


# --- what a function answers


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("break", "The response header 'X-Name' contains a control character."),
        ("accent", "The response header 'X-Name' has characters outside ASCII"),
        ("name", "'X Name' cannot be the name of a response header."),
        ("99", "'99' cannot be the status of a response"),
        ("1000", "'1000' cannot be the status of a response"),
    ],
)
def test_a_response_that_cannot_be_sent_is_an_empty_500_and_a_sentence(wire: Wire, kind: str, reason: str) -> None:
    answer = wire.one(f"GET /api/answer/{kind}")
    assert (answer.status, answer.body) == (500, b"")
    wire.host.output.until(f"The response of function 'Answer' cannot be sent. {reason}")


def test_a_functions_headers_keep_their_spelling_and_leave_the_connection_alone(wire: Wire) -> None:
    answer = wire.one("GET /api/answer/own", "Connection: close")
    assert answer.names == ("Date", "SERVER", "X-MiXed", "content-type", "content-length", "connection")
    assert (answer.headers["date"], answer.headers["connection"]) == ("then", "close")


def test_a_regular_expression_without_end_is_ended(wire: Wire) -> None:
    assert wire.one("GET /api/slow/aaa").text == "matched"
    assert wire.one("GET /api/slow/" + "a" * 5000 + "!").status == 500
    wire.host.output.until("The constraint 'regex(^(a|a)*$)' was not decided for a value of 5001 characters")


# --- who may ask, and how much


def test_a_name_of_another_is_403_and_says_the_way_out(wire: Wire) -> None:
    (answer,) = wire.ask(b"GET /api/tell HTTP/1.1\r\nHost: evil.example:7071\r\n\r\n")
    assert answer.status == 403
    assert "'evil.example:7071' is not a name of this host" in answer.text
    assert "AllowedHosts" in answer.text


@pytest.mark.parametrize("host", ["localhost:1", "app.localhost", "127.0.0.1", "127.9.9.9:7071", "[::1]:7071", ""])
def test_names_of_the_machine_are_answered(wire: Wire, host: str) -> None:
    (answer,) = wire.ask(f"GET /api/tell HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert answer.status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost.evil.example"])
def test_a_page_of_another_site_changes_nothing(wire: Wire, origin: str) -> None:
    for line in ("POST /admin/functions/Tell", "DELETE /runtime/webhooks/durabletask/instances/x"):
        assert wire.one(line, f"Origin: {origin}", "Content-Type: application/json", body=b"{}").status == 403
    assert wire.one("GET /admin/host/status", f"Origin: {origin}").status == 200
    assert wire.one("POST /api/tell", f"Origin: {origin}", body=b"{}").status == 200


def test_a_page_of_this_machine_is_served(wire: Wire) -> None:
    fields = ("Origin: http://localhost:3000", "Content-Type: application/json")
    assert wire.one("POST /admin/functions/Tell", *fields, body=b"{}").status == 202


@pytest.mark.parametrize(
    ("path", "length"),
    [("/api/tell", 104_857_601), ("/admin/functions/Tell", 30_000_001), ("/admin/host/keys/x", 30_000_001)],
)
def test_a_body_over_the_limit_is_413_for_whoever_is_still_sending(wire: Wire, path: str, length: int) -> None:
    with connected(wire.port) as client:
        client.sendall(request(f"PUT {path}", f"Content-Length: {length}"))
        send_all(client, bytes(5_000_000))
        client.shutdown(socket.SHUT_WR)
        found = answers(read_all(client))
    assert [(each.status, each.headers["connection"]) for each in found] == [(413, "close")]


def test_an_endless_body_in_chunks_ends_at_the_limit(wire: Wire) -> None:
    chunk = b"%x\r\n%b\r\n" % (1 << 20, bytes(1 << 20))
    with connected(wire.port) as client:
        client.sendall(request("PUT /admin/host/keys/x", "Transfer-Encoding: chunked"))
        for _ in range(40):
            send_all(client, chunk)
        assert [each.status for each in answers(read_all(client))] == [413]


def test_a_host_open_to_others_says_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = write_app(tmp_path_factory.mktemp("open"), FILES)
    with running(app, "--address", "0.0.0.0", AllowedHosts="my.name;*.example.com") as host:
        host.output.until("Other machines can reach this host at")
        host.output.until("--enable-auth")
        for name, status in [("my.name", 200), ("a.example.com", 200), ("10.1.2.3", 200), ("other.name", 403)]:
            assert host.get("/api/tell", headers={"Host": name}).status_code == status


# --- requests that went wrong

SEED, COUNT, WARM = 14, 2000, 200
GROWTH = 24 * 1024 * 1024
"""Bytes the host may grow by: the largest head, body and backlog of a connection, many times over."""
ABORT = struct.pack("ii", 1, 0)
SEEDS = (
    request("GET /api/tell/a%20b?x=1&y=2", "Accept: */*", "X-A: b"),
    request("POST /api/tell", "Content-Type: application/json", body=b'{"name": "x"}'),
    request("POST /api/tell", "Transfer-Encoding: chunked") + b"4\r\nbody\r\n3;a=b\r\nend\r\n0\r\nA: b\r\n\r\n",
    request("PUT /admin/host/keys/fuzz", "Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n",
    request("POST /api/tell", "Connection: Upgrade", "Upgrade: h2c", body=b"upgrade"),
    request("POST /api/tell", "Expect: 100-continue", body=b"expected"),
    request("GET http://localhost/api/../admin/host/status", "Origin: http://evil.example"),
    b"GET /api/tell HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    request("POST /runtime/webhooks/durabletask/orchestrators/X", body=b"[1]"),
    request("OPTIONS *"),
)
PIECES = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\r\n ", b"\r\n\r\n", b"%00", b"%2e%2e/", b"/../", b"%ff",
    b"\xff", b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Host: evil.example\r\n", b"Connection: close\r\n", b"ffffffffffffffffff\r\n", b"HTTP/9.9", b"?",
    b"&a=b" * 200, b"a" * 9000, b"X: y\r\n" * 120,
)  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """One to three requests after one another, with one to six faults."""
    data = b"".join(chance.choices(SEEDS, k=chance.choice((1, 1, 1, 2, 3))))
    for _ in range(chance.randint(1, 6)):
        data = FAULTS[chance.randrange(len(FAULTS))](data, chance.randrange(len(data) + 1), chance)
    return data


FAULTS = (
    lambda data, at, chance: data[:at] + chance.choice(PIECES) + data[at:],
    lambda data, at, chance: data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :],
    lambda data, at, chance: data[:at] + data[at + chance.randint(1, 30) :],
    lambda data, at, chance: data[:at] + data[max(at - chance.randint(1, 60), 0) :],
    lambda data, at, chance: data[:at] if chance.random() < 0.2 else data,
    lambda data, at, chance: data[:at] + chance.randbytes(chance.randint(1, 40)) + data[at:],
)


def send_mutated(port: int, data: bytes, chance: random.Random) -> list[Answer]:
    """In one to three packets; one client in eight goes without a word."""
    with connected(port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        cuts = sorted(chance.choices(range(len(data) + 1), k=chance.randrange(3)))
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            send_all(client, data[start:end])
        if chance.random() < 0.125:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            return []
        try:
            client.shutdown(socket.SHUT_WR)
        except OSError:
            return []
        return answers(read_all(client))


def test_two_thousand_requests_that_went_wrong_do_no_harm(wire: Wire) -> None:
    chance = random.Random(SEED)
    host = psutil.Process(wire.host.process.pid)
    statuses: set[int] = set()
    before, told = 0, wire.host.output.count("Traceback")
    for index in range(COUNT):
        if index == WARM:
            before = host.memory_info().rss
        data = mutated(chance)
        found = send_mutated(wire.port, data, chance)
        bad = [each.status for each in found if each.status >= 500 and each.status != 505]
        assert not bad, (index, bad, data)
        statuses.update(each.status for each in found)
    assert {200, 400, 403, 404, 405, 414, 431, 505} <= statuses, statuses
    assert wire.one("GET /api/tell").status == 200
    assert host.memory_info().rss - before < GROWTH
    assert wire.host.output.count("Traceback") == told
