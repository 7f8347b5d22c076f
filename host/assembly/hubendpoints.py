"""The endpoints of a host's task hub: where requests wait until it runs, and what they reach then."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from fnhost.clock import Clock
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.assembly.openhub import OpenHub
from fnhost.host.durable.client import DurableClient, WrongHub
from fnhost.host.durable.model.errors import HubError, HubUnreachable
from fnhost.host.durable.sharing.sharers import HubShared
from fnhost.host.errors import StartError
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Log
from fnhost.host.presence import CHANGES, HUB
from fnhost.host.web.durable.changes import status_changes
from fnhost.host.web.listen.guards import private
from fnhost.host.web.listen.server import serving
from fnhost.host.web.listen.sockets import bind_near

RPC_PORT = 17071
RPC_PATH = "/durabletask"
SECRET_BYTES = 24
"""Random bytes in the path of the SDKs' endpoint."""
LONGEST_SWITCH = 30.0
"""Seconds that a request waits while its task hub is opened, or its storage emulator started."""
RETRY_AFTER = "5"
NOT_YET = "The storage of the task hub is being started."
NO_GRPC = (
    "The app's Durable Functions SDK speaks gRPC, as azure-functions-durable 2.x does, for which fnhost needs two more "
    "packages. Install them where fnhost is: pip install 'fnhost[grpc]'"
)


class HubsInService:
    """The open task hubs of one host by name, and the one of requests that name none."""

    def __init__(self) -> None:
        self.current: OpenHub | None = None
        self._named: dict[str, OpenHub] = {}
        self._changed = asyncio.Event()

    @property
    def all(self) -> Sequence[OpenHub]:
        return tuple(self._named.values())

    def put(self, opened: OpenHub) -> None:
        """From now on it is the hub of requests that name none."""
        self._named[opened.name] = self.current = opened
        self._changed.set()

    def take_out(self) -> OpenHub:
        """Requests that name no hub, or this one, wait for the next."""
        opened, self.current = self.current, None
        assert opened
        self.remove(opened)
        return opened

    def remove(self, opened: OpenHub) -> None:
        """Safe to repeat."""
        self._named = {name: each for name, each in self._named.items() if each is not opened}

    async def wanted(self, named: str) -> OpenHub:
        """The hub of this name, else the one in service."""
        while not (opened := self._named.get(named.lower()) or self.current):
            self._changed.clear()
            await self._changed.wait()
        return opened


class TaskHubEndpoints:
    """Open it as a block: the private endpoint and the gRPC service end with it."""

    def __init__(
        self,
        hubs: HubsInService,
        empty: Callable[[OpenHub], Awaitable[None]],
        emulator: StorageEmulator,
        log: Log,
        clock: Clock,
        *,
        grpc_port: int | None,
        any_name: bool,
    ) -> None:
        """`empty` deletes what a hub holds. With `any_name` programs may name the hub as they like.

        Without a `grpc_port` the gRPC service takes its usual one if that is free.
        """
        self._hubs, self._empty, self._emulator = hubs, empty, emulator
        self._log, self._clock = log, clock
        self._grpc_port, self._any_name = grpc_port, any_name
        self._rpc = self._grpc = ""
        self._stack = AsyncExitStack()
        self._emptying, self._ending = asyncio.Lock(), asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._ending.set()
        await self._stack.aclose()

    @property
    def rpc(self) -> str:
        """The address for SDKs and commands; empty before it is asked for."""
        return self._rpc

    async def private_address(self) -> str:
        """Of the loopback endpoint for SDKs and commands: one for the life of this host, so that a running function
        can use it.

        It asks for no key, as SDKs send none: who knows its address, a secret of this start, may use it.
        """
        if not self._rpc:
            sockets = bind_near(RPC_PORT)
            path = f"{RPC_PATH}/{secrets.token_urlsafe(SECRET_BYTES)}"
            routes = [
                Route(f"{path}/{HUB}", self._empty_hub, methods=["DELETE"]),
                Route(f"{path}/{CHANGES}/{{instance}}", self._follow_instance, methods=["GET"]),
                Mount(path, self.api),
            ]
            await self._stack.enter_async_context(serving(private(Starlette(routes=routes)), sockets))
            self._rpc = f"http://127.0.0.1:{sockets[0].getsockname()[1]}{path}/"
        return self._rpc

    async def _empty_hub(self, request: Request) -> Response:
        """`DELETE taskhub`, which the public endpoint has not: it is for `fnhost reset`."""
        try:
            async with self._emptying:
                await self._empty(await self._ready(request.scope))
        except TimeoutError:
            return self._unavailable()
        except HubError as error:
            return JSONResponse({"Message": str(error)}, 409 if isinstance(error, HubShared) else 503)
        return Response(status_code=200)

    async def _follow_instance(self, request: Request) -> Response:
        """`GET changes/{instance}`, which the public endpoint has not: it is for `fnhost durable watch`."""
        try:
            opened = await self._ready(request.scope)
        except TimeoutError:
            return self._unavailable()
        changes = status_changes(opened.hub.client, request.path_params["instance"], self._ending)
        return StreamingResponse(changes, media_type="application/x-ndjson")

    async def grpc_address(self) -> str:
        """Of the gRPC service for SDKs and other programs, on both families of loopback: one for the life of this host.

        Raises StartError if the packages that it needs are not installed.
        """
        if not self._grpc:
            try:
                from fnhost.host.durable.sidecar.server import sidecar
            except ImportError as error:
                raise StartError(f"{NO_GRPC} ({error}.)") from error
            port = await self._stack.enter_async_context(sidecar(self.using, self._clock, self._grpc_port))
            self._grpc = f"http://localhost:{port}"
            self._log.information(
                HOST_CATEGORY, f"Durable Task programs reach the task hub at localhost:{port} (gRPC)."
            )
        return self._grpc

    @asynccontextmanager
    async def using(self, named: str) -> AsyncIterator[DurableClient]:
        """The client of the hub in service, which is the one that is `named` if any is; it stays open inside the block.

        Raises WrongHub, HubUnreachable.
        """
        try:
            opened = await self._ready_hub(named)
        except TimeoutError:
            raise HubUnreachable(self._emulator.obstacle or NOT_YET) from None
        if named and named.lower() != opened.name and not self._any_name:
            raise WrongHub(named, opened.plan.config.hub.name)
        with opened.requests:
            yield opened.hub.client

    async def api(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The management API of the hub that a request names, else of the one in service; waits while it is opened."""
        try:
            opened = await self._ready(scope)
        except TimeoutError:
            return await self._unavailable()(scope, receive, send)
        with opened.requests:
            await opened.management(scope, receive, send)

    async def _ready(self, scope: Scope) -> OpenHub:
        """The hub that a request wants, while its engine runs. Raises TimeoutError."""
        return await self._ready_hub(_named_hub(scope["query_string"]))

    async def _ready_hub(self, named: str) -> OpenHub:
        """Raises TimeoutError."""
        async with self._clock.timeout(LONGEST_SWITCH):
            opened = await self._hubs.wanted(named)
            await opened.is_ready.wait()
        return opened

    def _unavailable(self) -> Response:
        reason = self._emulator.obstacle or NOT_YET
        return JSONResponse({"Message": reason}, 503, headers={"Retry-After": RETRY_AFTER})


def _named_hub(query: bytes) -> str:
    values: Mapping[str, list[str]] = parse_qs(query.decode("latin-1"))
    return next((found[0].lower() for name, found in values.items() if name.lower() == "taskhub"), "")
