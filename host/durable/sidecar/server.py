"""The gRPC server: requests go to the client of the task hub in service, errors become status codes.

The service stands in no package, so its methods are named by hand (host/rpc/durabletask.proto).
"""

import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, TypeAlias, TypeVar

os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")  # else each start of a process is told about on stderr

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from fnhost.clock import Clock
from fnhost.host.durable.client import (
    ClientError,
    DurableClient,
    Finished,
    InvalidId,
    InvalidKey,
    NotFailed,
    NotFinished,
    NotFound,
    WrongHub,
    WrongState,
)
from fnhost.host.durable.model.errors import AlreadyExists, HubUnreachable, InvalidToken
from fnhost.host.durable.sidecar import client_calls as calls
from fnhost.host.durable.sidecar.work import StreamedWork, WorkStream
from fnhost.host.errors import StartError
from fnhost.host.rpc import durabletask_pb2 as pb

SERVICE = "TaskHubSidecarService"
PORT = 4001
"""The usual port of such a service: SDKs dial it where they are told no other."""
OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 5000),
)
GRACE = 0.5
"""Seconds that calls have to end when the host does."""

OpenClient: TypeAlias = Callable[[str], AbstractAsyncContextManager[DurableClient]]
"""The client of the hub of a name, which may be empty."""
Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Asked = TypeVar("Asked", bound=Message)
Told = TypeVar("Told", bound=Message)

CODES: tuple[tuple[tuple[type[Exception], ...], grpc.StatusCode], ...] = (
    ((NotFound,), grpc.StatusCode.NOT_FOUND),
    ((AlreadyExists,), grpc.StatusCode.ALREADY_EXISTS),
    ((Finished, NotFailed, NotFinished, WrongState, calls.NotAllowed), grpc.StatusCode.FAILED_PRECONDITION),
    ((InvalidId, InvalidKey, InvalidToken, WrongHub, calls.BadRequest), grpc.StatusCode.INVALID_ARGUMENT),
    ((HubUnreachable,), grpc.StatusCode.UNAVAILABLE),
    ((Exception,), grpc.StatusCode.INTERNAL),
)
"""The first that fits counts (platform/durable-protobuf.md 8)."""


def code_of(error: Exception) -> grpc.StatusCode:
    return next(code for types, code in CODES if isinstance(error, types))


def hub_named(context: Context) -> str:
    """The task hub that a call's metadata name: .NET and Python each have a key of their own."""
    named = {str(key).lower(): str(value) for key, value in context.invocation_metadata() or ()}
    return named.get("durable-taskhub") or named.get("taskhub") or ""


class Sidecar:
    """The methods of the service."""

    def __init__(self, client: OpenClient, work: StreamedWork) -> None:
        self._client, self._work = client, work

    def handlers(self) -> grpc.GenericRpcHandler:
        unary = {
            "Hello": self._unary(_hello, Empty),
            "StartInstance": self._unary(calls.start_instance, pb.CreateInstanceRequest),
            "GetInstance": self._unary(calls.get_instance, pb.GetInstanceRequest),
            "WaitForInstanceStart": self._unary(calls.wait_for_instance_start, pb.GetInstanceRequest),
            "WaitForInstanceCompletion": self._unary(calls.wait_for_instance_completion, pb.GetInstanceRequest),
            "RaiseEvent": self._unary(calls.raise_event, pb.RaiseEventRequest),
            "TerminateInstance": self._unary(calls.terminate_instance, pb.TerminateRequest),
            "SuspendInstance": self._unary(calls.suspend_instance, pb.SuspendRequest),
            "ResumeInstance": self._unary(calls.resume_instance, pb.ResumeRequest),
            "RewindInstance": self._unary(calls.rewind_instance, pb.RewindInstanceRequest),
            "RestartInstance": self._unary(calls.restart_instance, pb.RestartInstanceRequest),
            "QueryInstances": self._unary(calls.query_instances, pb.QueryInstancesRequest),
            "ListInstanceIds": self._unary(calls.list_instance_ids, pb.ListInstanceIdsRequest),
            "PurgeInstances": self._unary(calls.purge_instances, pb.PurgeInstancesRequest),
            "SignalEntity": self._unary(calls.signal_entity, pb.SignalEntityRequest),
            "GetEntity": self._unary(calls.get_entity, pb.GetEntityRequest),
            "QueryEntities": self._unary(calls.query_entities, pb.QueryEntitiesRequest),
            "CleanEntityStorage": self._unary(calls.clean_entity_storage, pb.CleanEntityStorageRequest),
            "CreateTaskHub": self._unary(calls.create_task_hub, pb.CreateTaskHubRequest),
            "DeleteTaskHub": self._unary(calls.delete_task_hub, pb.DeleteTaskHubRequest),
        }
        work = self._work
        answers = {
            "CompleteActivityTask": _told(work.activity_done, pb.ActivityResponse, pb.CompleteTaskResponse),
            "CompleteOrchestratorTask": _told(work.orchestrator_done, pb.OrchestratorResponse, pb.CompleteTaskResponse),
            "CompleteEntityTask": _told(work.entity_done, pb.EntityBatchResult, pb.CompleteTaskResponse),
            "AbandonTaskActivityWorkItem": _told(
                self._abandon, pb.AbandonActivityTaskRequest, pb.AbandonActivityTaskResponse
            ),
            "AbandonTaskOrchestratorWorkItem": _told(
                self._abandon, pb.AbandonOrchestrationTaskRequest, pb.AbandonOrchestrationTaskResponse
            ),
            "AbandonTaskEntityWorkItem": _told(
                self._abandon, pb.AbandonEntityTaskRequest, pb.AbandonEntityTaskResponse
            ),
        }
        items = grpc.unary_stream_rpc_method_handler(
            self._stream_work,
            request_deserializer=pb.GetWorkItemsRequest.FromString,
            response_serializer=pb.WorkItem.SerializeToString,
        )
        history = grpc.unary_stream_rpc_method_handler(
            self._stream_history,
            request_deserializer=pb.StreamInstanceHistoryRequest.FromString,
            response_serializer=pb.HistoryChunk.SerializeToString,
        )
        streams: dict[str, Any] = {"StreamInstanceHistory": history, "GetWorkItems": items}
        return grpc.method_handlers_generic_handler(SERVICE, {**unary, **answers, **streams})

    def _unary(
        self, call: Callable[[DurableClient, Asked], Awaitable[Told]], asked: type[Asked]
    ) -> "grpc.RpcMethodHandler[Any, Any]":
        async def answer(request: Asked, context: Context) -> Told:
            try:
                async with self._client(hub_named(context)) as client:
                    return await call(client, request)
            except (ClientError, AlreadyExists, InvalidToken, HubUnreachable) as error:
                await context.abort(code_of(error), str(error))
                raise AssertionError from error  # abort raises

        return grpc.unary_unary_rpc_method_handler(
            answer, request_deserializer=asked.FromString, response_serializer=_serialized
        )

    async def _stream_history(
        self, request: pb.StreamInstanceHistoryRequest, context: Context
    ) -> AsyncIterator[pb.HistoryChunk]:
        try:
            async with self._client(hub_named(context)) as client:
                async for chunk in calls.stream_instance_history(client, request):
                    yield chunk
        except (ClientError, HubUnreachable) as error:
            await context.abort(code_of(error), str(error))

    async def _stream_work(self, request: pb.GetWorkItemsRequest, context: Context) -> AsyncIterator[pb.WorkItem]:
        """Until the program leaves, the host ends, or another task hub is in service: programs then come again."""
        stream = WorkStream.of(request)
        try:
            async with self._client(hub_named(context)) as client:
                with self._work.open(stream), client.engine.serving_others(self._work.find):
                    async for item in self._work.items(stream):
                        if not await self._is_current(client, context):
                            return  # who had the work that came is told by the stream's end
                        yield item
        except (ClientError, HubUnreachable) as error:
            await context.abort(code_of(error), str(error))

    async def _is_current(self, client: DurableClient, context: Context) -> bool:
        async with self._client(hub_named(context)) as current:
            return current is client

    def _abandon(
        self,
        request: pb.AbandonActivityTaskRequest | pb.AbandonOrchestrationTaskRequest | pb.AbandonEntityTaskRequest,
    ) -> None:
        self._work.abandon(request.completion_token)


def _told(take: Callable[[Asked], None], asked: type[Asked], told: type[Told]) -> "grpc.RpcMethodHandler[Any, Any]":
    """A method that is told something, and answers nothing."""

    async def answer(request: Asked, context: Context) -> Told:
        take(request)
        return told()

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=asked.FromString, response_serializer=_serialized
    )


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


async def _hello(client: DurableClient, request: Empty) -> Empty:
    return Empty()


@asynccontextmanager
async def sidecar(client: OpenClient, clock: Clock, port: int | None = None) -> AsyncIterator[int]:
    """The service on both families of loopback, inside the block: on this port or, without one, on PORT if it is free.

    Raises StartError.
    """
    server = grpc.aio.server(options=OPTIONS)
    work = StreamedWork(clock)
    server.add_generic_rpc_handlers((Sidecar(client, work).handlers(),))
    bound = _bound(server, port)
    await server.start()
    try:
        yield bound
    finally:
        work.close()
        await server.stop(GRACE)


def _bound(server: "grpc.aio.Server", port: int | None) -> int:
    """Raises StartError."""
    wanted = PORT if port is None else port
    if is_free(wanted):
        return server.add_insecure_port(f"localhost:{wanted}")
    if port is None:
        return server.add_insecure_port("localhost:0")
    raise StartError(f"Port {port} is taken. Name another with --grpc-port, or end the program that has it.")


def is_free(port: int) -> bool:
    """On both families of loopback: gRPC is content with one, and `localhost` means either."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    return False
    return True
