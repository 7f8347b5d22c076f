"""The gRPC server that official workers dial, asked by a client of gRPC."""

import asyncio
from collections.abc import AsyncIterator

import grpc
import pytest

from fnhost.host.rpc import functionrpc_pb2 as rpc
from fnhost.host.worker.official.server import METHOD, SERVICE, EventStream, FunctionRpcServer

HELLO = rpc.StreamingMessage(start_stream=rpc.StartStream(worker_id="known")).SerializeToString()
STRANGER = rpc.StreamingMessage(start_stream=rpc.StartStream(worker_id="unknown")).SerializeToString()
LOG = rpc.StreamingMessage(rpc_log=rpc.RpcLog(message="first")).SerializeToString()


class Heard:
    """A peer that answers each message with itself."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.ended = asyncio.Event()

    def connected(self, stream: EventStream) -> None:
        self._stream = stream

    def received(self, message: bytes) -> None:
        self.messages.append(message)
        self._stream.send(message)

    def disconnected(self) -> None:
        self.ended.set()


@pytest.fixture
async def server(anyio_backend: str) -> AsyncIterator[FunctionRpcServer]:
    found = FunctionRpcServer()
    await asyncio.gather(found.start(), found.start())
    yield found
    await found.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_a_worker_is_known_by_its_first_message_and_its_stream_ends_for_its_peer(
    server: FunctionRpcServer,
) -> None:
    peer = Heard()
    server.expect("known", peer)
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stream = channel.stream_stream(f"/{SERVICE}/{METHOD}")()
        await stream.write(HELLO)
        for message in (b"a", b"b"):
            await stream.write(message)
            assert await stream.read() == message
        stream.cancel()
    await asyncio.wait_for(peer.ended.wait(), 10)
    assert peer.messages == [b"a", b"b"]


@pytest.mark.anyio
@pytest.mark.parametrize("first", [STRANGER, LOG, b"\x0f\xff", HELLO])
async def test_a_stream_of_nobody_is_refused(server: FunctionRpcServer, first: bytes) -> None:
    """That of a worker which is not expected any more too."""
    server.expect("known", Heard())
    server.forget("known")
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stream = channel.stream_stream(f"/{SERVICE}/{METHOD}")()
        await stream.write(first)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stream.read()
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
