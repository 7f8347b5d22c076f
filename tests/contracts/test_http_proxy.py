"""Requests that are passed on to a worker's own HTTP server, when that worker ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from fnhost.bindings.contract import HttpRequest
from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.worker.proxy import HttpProxy

pytestmark = pytest.mark.anyio

REQUEST = HttpRequest("GET", "http://localhost/api/Long", {}, {}, {}, b"")
PIECE = 10_000


class SlowClient:
    """Takes the first piece of a response, and the others when it may go on."""

    has_body = is_broken = is_started = False

    def __init__(self) -> None:
        self.size = 0
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def broken(self) -> None:
        await asyncio.Event().wait()

    async def body(self) -> AsyncIterator[bytes]:
        yield b""

    async def start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.is_started = True

    async def write(self, piece: bytes) -> None:
        self.size += len(piece)
        self.begun.set()
        await self.go_on.wait()

    async def end(self) -> None: ...


@asynccontextmanager
async def worker(count: int, whole: bool) -> AsyncIterator[tuple[HttpProxy, asyncio.Event]]:
    """One that sends so many pieces and ends when the event is set, with the end of its response if it is `whole`."""
    ends = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write((b"%x\r\n" % PIECE + bytes(PIECE) + b"\r\n") * count)
        writer.write(b"0\r\n\r\n" if whole else b"")
        await ends.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield HttpProxy(f"http://127.0.0.1:{port}", SYSTEM_CLOCK), ends


@pytest.mark.parametrize("count", [1, 10, 100])
@pytest.mark.parametrize("whole", [True, False])
async def test_what_a_worker_has_sent_before_its_end_is_handed_on(count: int, whole: bool) -> None:
    client = SlowClient()
    async with worker(count, whole) as (proxy, ends):
        forwarded = asyncio.create_task(proxy.forward(REQUEST, client, {}))
        await client.begun.wait()
        ends.set()
        await proxy.close()
        client.go_on.set()
        failure = await asyncio.wait_for(forwarded, 20)
    assert client.size == count * PIECE
    assert (failure is None) == whole
    assert failure is None or "The worker did not answer over HTTP" in failure.message


async def test_nothing_is_asked_of_a_worker_that_has_ended() -> None:
    async with worker(1, whole=True) as (proxy, _):
        await proxy.close()
        failure = await proxy.forward(REQUEST, SlowClient(), {})
    assert failure and failure.message.endswith("The worker did not answer over HTTP: it has ended")
