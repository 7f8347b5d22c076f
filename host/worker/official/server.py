"""The platform's service `FunctionRpc`: one gRPC server for all official workers of a host, on loopback.

A worker dials in, and says with its first message which it is (platform/official-workers.md 2). Messages are handed on
as they travel: what is no message is the fault of one worker alone.
"""

import asyncio
import os
from typing import Any, Protocol

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # else it prints a line whenever a worker is started

import grpc
from google.protobuf.message import DecodeError

from fnhost.host.rpc import functionrpc_pb2 as rpc

ADDRESS = "127.0.0.1"
SERVICE, METHOD = "AzureFunctionsRpcMessages.FunctionRpc", "EventStream"
LONGEST_MESSAGE = 2**31 - 1
OPTIONS = (("grpc.max_receive_message_length", LONGEST_MESSAGE), ("grpc.max_send_message_length", LONGEST_MESSAGE))


class EventStream:
    """What the host says to one worker, in order."""

    def __init__(self) -> None:
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue()

    def send(self, message: bytes) -> None:
        self._waiting.put_nowait(message)

    async def write_to(self, context: Any) -> None:
        """Until it is cancelled, or the stream breaks."""
        while True:
            await context.write(await self._waiting.get())


class Peer(Protocol):
    """The host's end of the conversation with one worker."""

    def connected(self, stream: EventStream) -> None: ...

    def received(self, message: bytes) -> None: ...

    def disconnected(self) -> None: ...


class FunctionRpcServer:
    """Hands every stream to the peer that waits for its worker. `port` is 0 until it is started."""

    def __init__(self) -> None:
        self.port = 0
        self._peers: dict[str, Peer] = {}
        self._server: grpc.aio.Server | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Once, however often it is called."""
        async with self._starting:
            if self._server is None:
                server = grpc.aio.server(options=OPTIONS)
                handler: Any = grpc.stream_stream_rpc_method_handler(self._event_stream)
                server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
                self.port = server.add_insecure_port(f"{ADDRESS}:0")
                await server.start()
                self._server = server

    async def close(self) -> None:
        """Workers have ended before: one that still has a stream prints an error at its end."""
        if self._server:
            await self._server.stop(0)

    def expect(self, worker: str, peer: Peer) -> None:
        """Whoever opens a stream with this id is the peer's worker; one stream for each id."""
        self._peers[worker] = peer

    def forget(self, worker: str) -> None:
        self._peers.pop(worker, None)

    async def _event_stream(self, requests: Any, context: Any) -> None:
        """Cancelled when the stream breaks."""
        peer = self._peer_of(await context.read())
        if peer is None:
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "The first message must name a worker of this host.")
            return
        stream = EventStream()
        peer.connected(stream)
        writing = asyncio.ensure_future(stream.write_to(context))
        try:
            while (message := await context.read()) is not grpc.aio.EOF:
                peer.received(message)
        finally:
            writing.cancel()
            peer.disconnected()

    def _peer_of(self, first: Any) -> Peer | None:
        try:
            message = rpc.StreamingMessage.FromString(first) if isinstance(first, bytes) else None
        except DecodeError:
            message = None
        return self._peers.pop(message.start_stream.worker_id, None) if message else None
