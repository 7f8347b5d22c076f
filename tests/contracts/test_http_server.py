"""The HTTP server on a real port, spoken to in bytes: bodies, pipelines, limits, slow clients, ends (docs/http.md)."""

import asyncio
import json
import select
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from fnhost.host.web.listen.exchange import leaving
from fnhost.host.web.listen.limits import Limits
from fnhost.host.web.listen.response import ResponseCut
from fnhost.host.web.listen.server import serving
from tests.support.clocks import ManualClock
from tests.support.raw_http import Answer, answers, ask, connected, read_all, request, send_all

pytestmark = pytest.mark.anyio

T = TypeVar("T")
QUICK = Limits(head_time=0.3, keep_alive_time=0.6, rate=1000, grace=0.2, drain_time=0.3, tick=0.05)
LARGE = 20_000_000


async def body_of(receive: Receive) -> bytes | None:
    """None when the client went before it was whole."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message["body"]
        if not message["more_body"]:
            return body


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Tells the request; `/large` gives a large body, `/chunked` one in pieces, `/unread` does not look at its own."""
    path = scope["path"]
    if path == "/fails":
        raise ValueError("a fault of the application")
    body = b"" if path == "/unread" else await body_of(receive)
    if body is None:
        return
    told = {"method": scope["method"], "path": path, "version": scope["http_version"], "body": body.decode("latin-1")}
    answer = bytes(LARGE) if path == "/large" else json.dumps(told).encode()
    length = [] if path == "/chunked" else [(b"Content-Length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    if path == "/chunked":
        await send({"type": "http.response.body", "body": answer[:10], "more_body": True})
        answer = answer[10:]
    await send({"type": "http.response.body", "body": answer})


@asynccontextmanager
async def server(app: ASGIApp = echo, limits: Limits | None = None) -> AsyncIterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    async with serving(app, [listening], limits=limits):
        yield listening.getsockname()[1]


async def beside(work: Callable[[], T]) -> T:
    """A blocking client, while the loop serves it."""
    return await asyncio.to_thread(work)


async def asked(*packets: bytes, limits: Limits | None = None, half_close: bool = True) -> list[Answer]:
    async with server(limits=limits) as port:
        return await beside(lambda: ask(port, *packets, half_close=half_close))


def told(answer: Answer) -> dict[str, str]:
    assert answer.status == 200, answer
    return dict(json.loads(answer.body))


# --- bodies


@pytest.mark.parametrize("offer", ["h2c", "websocket", "TLS/1.0, foo/2"])
@pytest.mark.parametrize("is_split", [False, True])
async def test_an_offer_to_upgrade_is_ignored(offer: str, is_split: bool, capfd: pytest.CaptureFixture[str]) -> None:
    inner = request("DELETE /inner")
    sent = request(
        "POST /x", "Connection: Upgrade, HTTP2-Settings", f"Upgrade: {offer}", "HTTP2-Settings: AA", body=inner
    )
    packets = (sent[: -len(inner)], inner) if is_split else (sent,)
    found = await asked(*packets, request("GET /next"))
    assert [told(each)["path"] for each in found] == ["/x", "/next"]
    assert told(found[0])["body"] == inner.decode()
    assert capfd.readouterr() == ("", "")


async def test_a_body_in_chunks_is_read() -> None:
    sent = (
        b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1;a=b\r\n!\r\n0\r\nA: b\r\n\r\n"
    )
    assert [told(each)["body"] for each in await asked(sent + request("GET /"))] == ["hi!", ""]
    single = [sent[index : index + 1] for index in range(len(sent))]
    assert [told(each)["body"] for each in await asked(*single)] == ["hi!"]


async def test_a_client_that_waits_for_100_is_told_to_continue() -> None:
    async with server() as port:

        def converse() -> bytes:
            with connected(port) as client:
                head = request("POST /x", "Expect: 100-continue", "Content-Length: 2")
                client.sendall(head)
                assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
                client.sendall(b"hi")
                client.shutdown(socket.SHUT_WR)
                return read_all(client)

        assert told(answers(await beside(converse))[0])["body"] == "hi"


async def test_a_client_that_waits_for_100_in_vain_is_not_misread() -> None:
    """Nobody can know whether its body comes: the connection ends with the response."""
    found = await asked(request("POST /unread", "Expect: 100-continue", "Content-Length: 20"), request("GET /body"))
    assert [each.headers["connection"] for each in found] == ["close"]


async def test_a_body_that_nobody_reads_is_drained() -> None:
    found = await asked(request("POST /unread", body=bytes(3_000_000)) + request("GET /next"))
    assert [told(each)["path"] for each in found] == ["/unread", "/next"]


async def test_a_body_that_is_cut_is_refused() -> None:
    found = await asked(request("POST /x", "Content-Length: 9") + b"cut")
    assert [each.status for each in found] == [400]
    assert "ended before its body" in found[0].text


async def test_a_body_that_is_cut_after_another_request_is_refused() -> None:
    found = await asked(request("GET /first") + request("POST /x", "Content-Length: 9") + b"cut")
    assert [each.status for each in found] == [200, 400]


async def test_a_broken_chunk_is_refused() -> None:
    found = await asked(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nno size\r\n")
    assert [each.status for each in found] == [400]


# --- responses


async def test_a_pipeline_is_answered_in_its_order() -> None:
    paths = [f"/{index}" for index in range(2000)]
    found = await asked(b"".join(request(f"GET {path}") for path in paths))
    assert [told(each)["path"] for each in found] == paths


@pytest.mark.parametrize(
    ("version", "option", "count", "answered"),
    [
        ("1.0", "close", 1, "close"),
        ("1.0", "x", 1, "close"),
        ("1.0", "keep-alive", 2, "keep-alive"),
        ("1.1", "close", 1, "close"),
        ("1.1", "x", 2, None),
    ],
)
async def test_connections_are_kept_as_the_client_says(
    version: str, option: str, count: int, answered: str | None
) -> None:
    sent = f"GET /a HTTP/{version}\r\nHost: x\r\nConnection: {option}\r\n\r\n".encode()
    found = await asked(sent + sent)
    assert [each.headers.get("connection") for each in found] == [answered] * count


async def test_a_response_of_unknown_length() -> None:
    assert told((await asked(request("GET /chunked")))[0])["path"] == "/chunked"
    old = await asked(b"GET /chunked HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert "transfer-encoding" not in old[0].headers
    assert told(old[0])["version"] == "1.0"


async def test_head_has_no_body_and_the_length_of_one() -> None:
    found = await asked(request("HEAD /x"))
    assert (found[0].body, found[0].headers["content-length"]) == (b"", "62")


async def test_a_fault_of_the_application_is_an_empty_500(caplog: pytest.LogCaptureFixture) -> None:
    found = await asked(request("GET /fails"))
    assert (found[0].status, found[0].body, found[0].headers["connection"]) == (500, b"", "close")
    assert "a fault of the application" in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x", b"a\r\nb: c")],
        [(b"x y", b"a")],
        [(b"", b"a")],
        [(b"x", b"a\0")],
        [(b"content-length", b"x")],
        [(b"content-length", b"1")],
    ],
)
async def test_a_response_is_never_torn(headers: list[tuple[bytes, bytes]], caplog: pytest.LogCaptureFixture) -> None:
    async def torn(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"more than one"})

    async with server(torn) as port:
        found = await beside(lambda: ask(port, request("GET /")))
    assert [each.status for each in found] == ([] if headers == [(b"content-length", b"1")] else [500])
    assert caplog.records


async def test_date_and_server_are_the_hosts_unless_the_application_says_them() -> None:
    async def dated(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"Date", b"then"), (b"X-MiXed", b"1"), (b"SERVER", b"mine"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body"})

    async with server(dated) as port:
        found = await beside(lambda: ask(port, request("GET /")))
    assert found[0].names == ("Date", "X-MiXed", "SERVER", "content-length")
    assert (await asked(request("GET /")))[0].headers["server"] == "Kestrel"


# --- clients that are slow, or go


async def test_a_head_that_does_not_come_is_408() -> None:
    found = await asked(b"GET / HTTP/1.1\r\nHost: x\r\n", limits=QUICK, half_close=False)
    assert [each.status for each in found] == [408]


async def test_a_silent_connection_is_closed() -> None:
    assert await asked(b"\r\n", limits=QUICK, half_close=False) == []
    assert len(await asked(request("GET /"), limits=QUICK, half_close=False)) == 1


async def test_a_body_that_comes_too_slowly_is_408() -> None:
    head = request("POST /x", "Content-Length: 100000")
    found = await asked(head + b"some", limits=QUICK, half_close=False)
    assert [(each.status, each.headers["connection"]) for each in found] == [(408, "close")]


async def test_a_client_that_does_not_read_is_closed_and_forgotten() -> None:
    sent = asyncio.Event()

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        await echo(scope, receive, send)
        sent.set()

    async with server(watched, QUICK) as port:
        with connected(port, receive_buffer=4096) as client:
            client.sendall(request("GET /large"))
            await asyncio.wait_for(sent.wait(), 20)
            assert len(await beside(lambda: read_all(client))) < LARGE


async def test_a_client_that_reads_at_last_gets_all() -> None:
    async with server() as port:
        with connected(port) as client:
            client.sendall(request("GET /large", "Connection: close"))
            await asyncio.sleep(0)
            found = answers(await beside(lambda: read_all(client)))
    assert [len(each.body) for each in found] == [LARGE]


async def test_an_application_learns_that_its_client_is_gone() -> None:
    begun, gone = asyncio.Event(), asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        assert await body_of(receive) is None
        gone.set()

    async with server(waiting) as port:
        with connected(port) as client:
            client.sendall(request("POST /", "Content-Length: 5"))
            await asyncio.wait_for(begun.wait(), 20)
        await asyncio.wait_for(gone.wait(), 20)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def shut(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize("leave", [reset, socket.socket.close, shut])
@pytest.mark.parametrize("length", [50_000, LARGE])
async def test_an_application_that_reads_nothing_learns_that_its_client_is_gone(
    leave: Callable[[socket.socket], None], length: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when so much waits for it that the connection is not read any more."""
    begun, gone = asyncio.Event(), asyncio.Event()

    async def waiting(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await leaving(scope)()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"for nobody"})
        gone.set()

    async with server(waiting, Limits(received=1000, tick=0.05)) as port:
        with connected(port) as client:
            client.sendall(request("POST /", f"Content-Length: {length}") + bytes(50_000))
            await asyncio.wait_for(begun.wait(), 20)
            assert not gone.is_set()
            leave(client)
            await asyncio.wait_for(gone.wait(), 20)
    assert not caplog.records


async def test_a_client_that_leaves_with_unsent_bytes_is_missed_with_the_next_piece() -> None:
    """The end of its stream stands behind bytes that nobody takes."""
    closed, gone = asyncio.Event(), asyncio.Event()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        await closed.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"piece", "more_body": True})
        await leaving(scope)()
        gone.set()
        raise ResponseCut

    async with server(late, Limits(tick=0.05)) as port:
        with connected(port) as client:
            client.sendall(request("POST /", f"Content-Length: {LARGE}"))
            client.setblocking(False)
            while (await beside(lambda: select.select([], [client], [], 1.0)))[1]:
                client.send(bytes(65_536))
        closed.set()
        await asyncio.wait_for(gone.wait(), 20)


async def test_a_client_is_not_blamed_for_what_the_application_does_not_read() -> None:
    clock, begun, go_on = ManualClock(), asyncio.Event(), asyncio.Event()

    async def late(scope: Scope, receive: Receive, send: Send) -> None:
        first = await receive()
        begun.set()
        await go_on.wait()
        size = len(first["body"]) + len(await body_of(receive) or b"")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"%d" % size})

    listening = socket.create_server(("127.0.0.1", 0))
    async with serving(late, [listening], clock=clock):
        sent = request("POST /", f"Content-Length: {LARGE}", "Connection: close") + bytes(LARGE)
        asking = asyncio.create_task(beside(lambda: ask(listening.getsockname()[1], sent)))
        await asyncio.wait_for(begun.wait(), 20)
        await clock.advance(60)
        go_on.set()
        assert [(each.status, each.text) for each in await asking] == [(200, str(LARGE))]


async def test_a_refusal_reaches_a_client_that_is_still_sending() -> None:
    """Closing at once would reset the connection, and take the answer from the client."""

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"3"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": b"too"})

    async with server(refusing) as port:

        def converse() -> bytes:
            with connected(port) as client:
                client.sendall(request("POST /", f"Content-Length: {LARGE}"))
                send_all(client, bytes(LARGE))
                return read_all(client)

        found = answers(await beside(converse))
    assert [(each.status, each.text) for each in found] == [(413, "too")]


async def test_the_server_ends_though_a_request_does_not(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()

    async def endless(scope: Scope, receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with server(endless) as port:
        client = socket.create_connection(("127.0.0.1", port))
        idle = socket.create_connection(("127.0.0.1", port))
        client.sendall(request("GET /"))
        await asyncio.wait_for(begun.wait(), 20)
    with client, idle:
        assert (read_all(client), read_all(idle)) == (b"", b"")
    assert not caplog.records
