"""The task hub of the app in service, from one version of the app to the next.

A task hub outlives generations: a save of a file changes what the functions do, not what is under way. A version that
names another hub, or other settings of the same, brings a `HubChange`: it is prepared beside the running hub and takes
effect only when the version goes into service.
"""

from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import Self

from fnhost.host.app import App
from fnhost.host.assembly.hubendpoints import HubsInService, TaskHubEndpoints
from fnhost.host.assembly.hubplan import HubPlan, read_plan
from fnhost.host.assembly.openhub import HubOpener, OpenHub, TaskHub
from fnhost.host.durable.sharing.sharers import expect_no_sharer
from fnhost.host.errors import StartError
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.presence import RunningHost, announce, withdraw

EMPTIED = "The task hub '{}' was emptied: its instances, entities and messages are gone."
LAST_REQUESTS = 5.0
"""Seconds that requests of a task hub have to be answered before it is closed."""


class TaskHubs:
    """The task hubs of one host, of which one is in service. Open it as a block."""

    def __init__(self, opener: HubOpener, grpc_port: int | None = None, is_scheduler: bool = False) -> None:
        """The hub of a scheduler is for programs that run orchestrations themselves.

        They may come later than what they are to run, and name the hub as they like. Without a `grpc_port` the gRPC
        service takes its usual one if that is free.
        """
        self._opener, self._is_scheduler = opener, is_scheduler
        self._root, self._log, self._clock = opener.root, opener.log, opener.clock
        self._hubs = HubsInService()
        self._endpoints = TaskHubEndpoints(
            self._hubs,
            self.empty,
            opener.emulator,
            opener.log,
            opener.clock,
            grpc_port=grpc_port,
            any_name=is_scheduler,
        )
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._endpoints)
        return self

    async def __aexit__(self, *_: object) -> None:
        withdraw(self._root)
        await self._stack.aclose()
        for opened in self._hubs.all:
            await self._close(opened, patience=0)

    @property
    def in_service(self) -> OpenHub | None:
        return self._hubs.current

    async def grpc_address(self) -> str:
        """Of the gRPC service for SDKs and other programs. Raises StartError if it cannot be had."""
        return await self._endpoints.grpc_address()

    async def prepare(self, app: App) -> "HubChange":
        """What this version needs, opened where that disturbs nothing. Raises AppError, StartError."""
        plan, before = self._plan(app), self._hubs.current
        if before and plan == before.plan:
            return HubChange(self, app, plan, before)
        if before and plan.location == before.plan.location:
            return HubChange(self, app, plan, None)
        return HubChange(self, app, plan, await self._opened(app, plan))

    def _plan(self, app: App) -> HubPlan:
        """Raises AppError, StartError."""
        plan = read_plan(app)
        if not self._is_scheduler:
            return plan
        config = replace(plan.config, engine=replace(plan.config.engine, takes_any_name=True))
        return replace(plan, config=config)

    async def _opened(self, app: App, plan: HubPlan) -> OpenHub:
        """Raises StartError."""
        return await self._opener.open(app, plan, await self._endpoints.private_address(), self._endpoints.api)

    def put_into_service(self, opened: OpenHub) -> None:
        """From now on it is the hub of requests that name none."""
        self._hubs.put(opened)
        host = RunningHost.ours(self._endpoints.rpc, opened.plan.config.hub.name, opened.plan.location)
        with suppress(StartError):  # a folder that cannot be written: commands go to the storage then
            announce(self._root, host)

    async def empty(self, opened: OpenHub) -> None:
        """Delete all instances and messages while its engine rests; requests wait. Raises HubShared, HubError."""
        await expect_no_sharer(opened.storage, opened.identity, self._clock)
        opened.is_ready.clear()
        await opened.running.aclose()
        try:
            await opened.storage.delete()
            opened.hub.insight.emptied()
        finally:
            running = self._opener.running(opened.hub.engine, opened.is_ready, opened.plan)
            await opened.running.enter_async_context(running)
        self._log.warning(HOST_CATEGORY, EMPTIED.format(opened.plan.config.hub.name))

    async def replace(self, app: App, plan: HubPlan) -> OpenHub:
        """The same hub with other settings cannot be open twice: it is closed, and requests wait for the next one.

        Raises StartError; the hub is then in service as it was.
        """
        before = self._hubs.take_out()
        await self._close(before)
        try:
            opened = await self._opened(app, plan)
        except StartError:
            self.put_into_service(await self._opened(before.app, before.plan))
            raise
        return opened

    async def restore(self, opened: OpenHub, before: OpenHub) -> None:
        """Open `before` again, which `opened` has replaced."""
        await self._close(opened)
        self.put_into_service(await self._opened(before.app, before.plan))

    async def leave(self, opened: OpenHub) -> None:
        """A version that used it has ended. Close it if it is not in service and no other version uses it."""
        opened.users -= 1
        if not opened.users and opened is not self._hubs.current:
            await self._close(opened)

    async def _close(self, opened: OpenHub, patience: float = LAST_REQUESTS) -> None:
        """When its requests are answered, or after `patience` seconds. Safe to repeat."""
        self._hubs.remove(opened)
        with suppress(TimeoutError):
            async with self._clock.timeout(patience):
                await opened.requests.unused()
        await opened.stack.aclose()


class HubChange:
    """The task hub that a version of the app brings: `open` it, put the version into service, then `commit`.

    `leave` ends the version's use of it.
    """

    def __init__(self, hubs: TaskHubs, app: App, plan: HubPlan, opened: OpenHub | None) -> None:
        self._hubs, self._app, self._plan = hubs, app, plan
        self._opened = opened
        self._before: OpenHub | None = None
        if opened:
            opened.users += 1

    async def open(self, *, grpc: bool = False) -> TaskHub:
        """The hub for the version's functions, and the gRPC service if they need it.

        Raises StartError; all is then as it was.
        """
        address = await self._hubs.grpc_address() if grpc else None
        if self._opened is None:
            self._before = self._hubs.in_service
            self._opened = await self._hubs.replace(self._app, self._plan)
            self._opened.users += 1
        return replace(self._opened.hub, grpc=address)

    def commit(self) -> None:
        """The version's functions are served: requests may come."""
        assert self._opened
        self._hubs.put_into_service(self._opened)

    async def revert(self) -> None:
        """Undo `open`: the version does not go into service."""
        if self._before and self._opened:
            await self._hubs.restore(self._opened, self._before)

    async def leave(self) -> None:
        if self._opened:
            await self._hubs.leave(self._opened)
