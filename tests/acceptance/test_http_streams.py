"""Bodies that are handed on as they come, between a client and a worker that serves HTTP itself."""

import json
import select
import socket
import struct
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.support.hosts import Host, running, write_app
from tests.support.node import NODE, write_v4
from tests.support.official_workers import PROFILES, settings

SERVER = Path(__file__).parents[1] / "support" / "streaming_server.py"
TRIGGER = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
PATIENCE = 30.0
LARGE = 60 * 2**20
Start = Callable[[Path], tuple[Path, Mapping[str, str]]]


def handler(tmp_path: Path) -> tuple[Path, Mapping[str, str]]:
    """A custom handler."""
    description = {"defaultExecutablePath": sys.executable, "arguments": [str(SERVER)]}
    section = {"description": description, "enableProxyingHttpRequest": True}
    function = json.dumps({"bindings": [TRIGGER, {"name": "res", "type": "http", "direction": "out"}]})
    files = {"Served/function.json": function, "Go/function.json": function}
    files["host.json"] = json.dumps({"version": "2.0", "customHandler": section})
    return write_app(tmp_path / "app", files), {"FUNCTIONS_WORKER_RUNTIME": "custom"}


def official(tmp_path: Path, entry_point: str = "served") -> tuple[Path, Mapping[str, str]]:
    """An app in .NET, with a worker that is played."""
    bindings = [TRIGGER, {"name": "$return", "type": "http", "direction": "out"}]
    entries = {"Served": entry_point, "Go": "served"}
    files = {
        f"{name}/function.json": json.dumps({"scriptFile": "../app.jar", "entryPoint": entry, "bindings": bindings})
        for name, entry in entries.items()
    }
    profile = {**PROFILES["java"], "proxies": True, "capabilities": PROFILES["dotnet-isolated"]["capabilities"]}
    return write_app(tmp_path / "app", {"app.jar": "1", **files}), settings("java", profile, tmp_path / "workers")


@pytest.fixture(params=[handler, official], ids=["handler", "official"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Host]:
    app, told = request.param(tmp_path)
    with running(app, **told) as host:
        yield host


class Client:
    """A connection on which a test decides when which byte is sent and read."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket, self.received = connection, b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def until(self, data: bytes) -> None:
        """Read until `data` has come."""
        while data not in self.received:
            piece = self.socket.recv(65_536)
            assert piece, f"{data[:100]!r} never came: {self.received[-500:]!r}"
            self.received += piece

    def rest(self) -> bytes:
        """All until the host closes the connection."""
        while piece := self.socket.recv(65_536):
            self.received += piece
        return self.received


@contextmanager
def asking(host: Host, method: str, target: str, *headers: str) -> Iterator[Client]:
    """A request whose body is still to come."""
    with socket.create_connection(("localhost", host.client.base_url.port or 0), timeout=PATIENCE) as connection:
        client = Client(connection)
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers, "", ""]
        client.send("\r\n".join(lines).encode())
        yield client


def upload_until_nobody_reads(client: Client, size: int) -> int:
    """Returns how many bytes of `size` were taken."""
    client.socket.setblocking(False)
    sent, piece = 0, b"x" * 65_536
    while sent < size and select.select([], [client.socket], [], 1.0)[1]:
        sent += client.socket.send(piece[: size - sent])
    client.socket.settimeout(PATIENCE)
    return sent


def test_each_piece_goes_both_ways_before_the_next_comes(host: Host) -> None:
    for framing in ("Content-Length: 6", "Transfer-Encoding: chunked"):
        is_chunked = "chunked" in framing
        with asking(host, "POST", "/api/Served?echo", framing) as client:
            for piece in (b"abc", b"def"):
                client.send(b"3\r\n%b\r\n" % piece if is_chunked else piece)
                client.until(b"3\r\n%b\r\n" % piece)
            client.send(b"0\r\n\r\n" if is_chunked else b"")
            client.until(b"0\r\n\r\n")
        assert b"HTTP/1.1 200 OK\r\n" in client.received and b"text/event-stream" in client.received


def test_a_function_is_asked_before_the_first_byte_of_the_body_comes(host: Host) -> None:
    for framing in ("Content-Length: 6", "Transfer-Encoding: chunked"):
        with asking(host, "POST", "/api/Served?wait", framing) as client:
            client.until(b"3\r\none\r\n")
            assert host.get("/api/Go").text == "gone on"
            client.until(b"0\r\n\r\n")


NODE_APP = """
const { app } = require('@azure/functions');
const opened = [];

app.setup({ enableHttpStream: true });
app.http('Served', { authLevel: 'anonymous', handler: async (request) => {
  if (request.query.has('echo')) return { headers: { 'content-type': 'text/event-stream' }, body: request.body };
  return { body: (async function* () {
    yield 'one';
    await new Promise((resolve) => opened.push(resolve));
    yield 'two';
  })() };
} });
app.get('Go', { authLevel: 'anonymous', handler: async () => {
  opened.pop()();
  return { body: 'gone on' };
} });
app.get('Nothing', { authLevel: 'anonymous', handler: async () => undefined });
"""


def test_an_app_for_node_streams(tmp_path: Path) -> None:
    with running(write_v4(tmp_path / "app", {"src/app.js": NODE_APP}), **NODE) as host:
        test_each_piece_goes_both_ways_before_the_next_comes(host)
        with asking(host, "GET", "/api/Served") as client:
            client.until(b"3\r\none\r\n")
            assert host.get("/api/Go").text == "gone on"
            client.until(b"3\r\ntwo\r\n0\r\n\r\n")
        assert host.get("/api/Nothing").status_code == 204


PYTHON_APP = """
import asyncio

import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, StreamingResponse

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
opened = asyncio.Event()


@app.route(route="Served")
async def served(req: Request) -> StreamingResponse:
    async def pieces():
        yield "one"
        await opened.wait()
        yield "two"

    return StreamingResponse(pieces())


@app.route(route="Go")
async def go(req: Request) -> str:
    opened.set()
    return "gone on"


@app.route(route="upload/{name}", methods=["POST"])
async def upload(req: Request) -> JSONResponse:
    size = 0
    async for piece in req.stream():
        size += len(piece)
    return JSONResponse({req.path_params["name"]: size}, status_code=201)


@app.route(route="plain")
def plain(req: Request) -> JSONResponse:
    return JSONResponse(dict(req.query_params))


@app.route(route="fails")
def fails(req: Request) -> str:
    raise ValueError("it went wrong")
"""


def test_an_app_for_python_streams(tmp_path: Path) -> None:
    with running(write_app(tmp_path, {"function_app.py": PYTHON_APP})) as host:
        with asking(host, "GET", "/api/Served") as client:
            client.until(b"3\r\none\r\n")
            assert host.get("/api/Go").json() == "gone on"
            client.until(b"3\r\ntwo\r\n0\r\n\r\n")
        answer = host.post("/api/upload/size", content=b"x" * 5_000_000)
        assert (answer.status_code, answer.json()) == (201, {"size": 5_000_000})
        assert host.get("/api/plain?a=b").json() == {"a": "b"}
        assert host.get("/api/fails").status_code == 500
        host.output.until("ValueError: it went wrong")


def test_a_response_begins_before_it_is_whole(host: Host) -> None:
    with asking(host, "GET", "/api/Served?wait") as client:
        client.until(b"\r\n\r\n3\r\none\r\n")
        assert b"two" not in client.received
        assert host.get("/api/Go").text == "gone on"
        client.until(b"3\r\ntwo\r\n0\r\n\r\n")
        client.send(b"HEAD /api/Served?tell HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        last = client.rest().partition(b"0\r\n\r\n")[2]
    assert last.startswith(b"HTTP/1.1 202") and last.endswith(b"\r\n\r\n"), "the connection goes on; HEAD has no body"


def test_an_upload_is_no_faster_than_it_is_read(host: Host) -> None:
    with asking(host, "POST", "/api/Served?hold", f"Content-Length: {LARGE}") as client:
        sent = upload_until_nobody_reads(client, LARGE)
        assert sent < LARGE / 2, "the host has taken what nobody reads"
        assert host.get("/api/Go").text == "gone on"
        client.send(b"x" * (LARGE - sent))
        client.until(str(LARGE).encode())


@pytest.mark.parametrize("wanted", ["cut", "die"])
def test_a_response_that_ends_in_its_middle_is_cut(host: Host, wanted: str) -> None:
    with asking(host, "GET", f"/api/Served?{wanted}") as client:
        client.until(b"3\r\none\r\n")
        if wanted == "die":
            assert host.get("/api/Go").text == "gone on"
        try:
            assert not client.rest().endswith(b"0\r\n\r\n")
        except ConnectionResetError:
            pass
    host.output.until("Executed 'Functions.Served' (Failed")
    assert "failed in the host" not in host.output.text


def test_a_long_header_is_handed_on(host: Host) -> None:
    answer = host.get("/api/Served?long")
    assert (answer.status_code, len(answer.headers["x-long"])) == (204, 30_000)


def test_a_failure_before_the_first_byte_is_answered(host: Host) -> None:
    assert host.get("/api/Served?early").status_code == 500
    host.output.until("Executed 'Functions.Served' (Failed")


def test_a_body_above_the_limit_is_refused(tmp_path: Path) -> None:
    app, told = handler(tmp_path)
    with running(app, **told, FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="1000") as host:
        assert host.post("/api/Served", content=b"x" * 1001).status_code == 413
        with asking(host, "POST", "/api/Served", "Transfer-Encoding: chunked") as client:
            client.send(b"3e9\r\n%b\r\n" % (b"x" * 1001))
            client.until(b"HTTP/1.1 413")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_that_leaves_ends_what_is_made_for_it(host: Host, method: str) -> None:
    length = [f"Content-Length: {LARGE}"] if method == "POST" else []
    with asking(host, method, "/api/Served?forever", *length) as client:
        client.until(b"x" * 100_000)
        if length:
            assert upload_until_nobody_reads(client, LARGE) < LARGE / 2
    host.output.until("nobody reads any more")
    host.output.until("Executed 'Functions.Served'")
    assert "failed in the host" not in host.output.text


def test_a_client_that_leaves_its_upload_to_a_silent_function_ends_it(host: Host) -> None:
    with asking(host, "POST", "/api/Served?silent", f"Content-Length: {LARGE}") as client:
        assert upload_until_nobody_reads(client, LARGE) < LARGE / 2
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    host.output.until("nobody waits any more")
    host.output.until("Executed 'Functions.Served'")
    assert "failed in the host" not in host.output.text


def test_a_worker_is_told_that_nobody_waits_any_more(tmp_path: Path) -> None:
    app, told = official(tmp_path, "never_served")
    with running(app, **told) as host:
        with asking(host, "GET", "/api/Served?wait") as client:
            client.until(b"one")
        host.output.until("told to cancel")
    assert "failed in the host" not in host.output.text


def test_a_function_that_ends_without_an_answer_has_failed(tmp_path: Path) -> None:
    app, told = official(tmp_path)
    with running(app, **told) as host:
        assert host.get("/api/Served?hold").status_code == 500  # it is served over HTTP only when somebody goes on
        host.output.until("The function has ended, but its worker has not answered the request over HTTP")


def test_an_invocation_that_fails_ends_its_response(tmp_path: Path) -> None:
    app, told = official(tmp_path, "fail_midway")
    with running(app, **told) as host, asking(host, "GET", "/api/Served?wait") as client:
        client.until(b"one")
        try:
            assert b"two" not in client.rest()
        except ConnectionResetError:
            pass
        host.output.until("it went wrong")


def test_a_save_ends_no_stream_and_an_end_all(tmp_path: Path) -> None:
    app, told = handler(tmp_path)
    with ExitStack() as stack:
        with running(app, **told) as host:
            client = stack.enter_context(asking(host, "POST", "/api/Served?echo", "Content-Length: 9"))
            client.send(b"abc")
            client.until(b"3\r\nabc\r\n")
            (app / "New").mkdir()
            (app / "New/function.json").write_text((app / "Go/function.json").read_text("utf-8"), "utf-8")
            host.output.until("New: ")
            assert host.get("/api/New?tell").status_code == 202
            client.send(b"def")
            client.until(b"3\r\ndef\r\n")
        assert not client.rest().endswith(b"0\r\n\r\n")
    assert "failed in the host" not in host.output.text
