"""Listening triggers, and how they are stopped in two phases: take no more, then end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage.services import StorageServices
from fnhost.clock import Clock
from fnhost.host.app import App, Function
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.assembly.functions import OpenedFunction
from fnhost.host.assembly.storage_use import uses_emulator
from fnhost.host.limits import LAST_PATIENCE
from fnhost.host.logging.log import Log
from fnhost.host.supervise import supervise
from fnhost.host.tasks import cancel_and_wait, hurried

UntilReady = Callable[[], Awaitable[None]]
"""Waits for what a trigger needs: the storage emulator may still be starting."""
LONGEST_PAUSE = 2.0
"""Seconds between two tries of a listener whose service is away."""


async def _at_once() -> None:
    """For triggers that wait for nothing, those with an endpoint among them."""


class Listener:
    """Runs the trigger of a function, and stops it in two phases: take no more, then end."""

    def __init__(
        self, opened: OpenedFunction, ready: UntilReady, stopping: asyncio.Event, log: Log, clock: Clock
    ) -> None:
        self._opened, self._ready, self._stopping = opened, ready, stopping
        self._is_listening = False
        name = f"The listener for function 'Functions.{opened.function.name}'"
        self.task = asyncio.create_task(supervise(name, self._listen, log, clock, longest=LONGEST_PAUSE))

    async def _listen(self) -> None:
        await self._ready()
        if self._stopping.is_set():
            return
        self._is_listening = True
        try:
            await self._opened.trigger.listen(self._opened.fire, self._stopping)
        finally:
            self._is_listening = False

    def end_if_idle(self) -> None:
        """One that waits to try again has taken nothing."""
        if not self._is_listening:
            self.task.cancel()


@asynccontextmanager
async def listening(
    app: App,
    functions: Sequence[OpenedFunction],
    emulator: StorageEmulator,
    ending: asyncio.Event,
    log: Log,
    clock: Clock,
) -> AsyncIterator[None]:
    """Every trigger listens inside the block; when it ends, what was taken has as long as it takes to be settled.

    Once `ending` is set, it has LAST_PATIENCE seconds.
    """
    stopping = asyncio.Event()

    def ready_for(function: Function) -> UntilReady:
        is_waiting = binding_types()[function.trigger.type].services is StorageServices
        return emulator.ready if is_waiting and uses_emulator(function, app) else _at_once

    listeners = [
        Listener(opened, ready_for(opened.function), stopping, log, clock) for opened in functions if opened.listens
    ]
    await asyncio.sleep(0)  # each has begun to listen when this returns
    try:
        yield
    finally:
        stopping.set()
        for listener in listeners:
            listener.end_if_idle()
        tasks = [listener.task for listener in listeners]
        try:
            await hurried(_all_ended(tasks), ending, LAST_PATIENCE, clock)
        finally:
            await cancel_and_wait(*tasks)


async def _all_ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    if tasks:
        await asyncio.wait(tasks)
