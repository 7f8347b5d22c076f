"""Hosts that are killed between two storage operations, and storages that go away.

A host is killed by a fuse: at its last operation nothing more reaches the storage, and nobody sees an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from host.durable.history import Clock, Instance, Instant, Status, later, to_datetime, utc_now
from host.durable.hub import (
    OVERRIDABLE,
    Checkpoint,
    Hub,
    Lease,
    Message,
    Page,
    Purged,
    Query,
    Received,
    State,
)
from tests.support.engines import Functions, Served, serving

T = TypeVar("T")


class Fuse:
    """Blows when the `last`-th operation has taken effect, before its answer is seen; never where it is None.

    To the storage this is the same as a death before the next operation.
    """

    def __init__(self, last: int | None = None) -> None:
        self.count = 0
        self.blown = asyncio.Event()
        self._last = last

    async def ask(self, operation: Callable[[], Awaitable[T]], counts: Callable[[T], bool] = lambda _: True) -> T:
        """The answer. One that does not count, such as that nothing came, has changed nothing."""
        self._check()
        answer = await operation()
        self._check()
        if counts(answer):
            self.count += 1
            if self.count == self._last:
                self.blown.set()
                self._check()
        return answer

    def _check(self) -> None:
        """Whoever still asks for something belongs to a process that is gone."""
        if self.blown.is_set():
            raise asyncio.CancelledError


class CrashingHub:
    """Any hub, until the fuse blows."""

    def __init__(self, hub: Hub, fuse: Fuse) -> None:
        self._hub, self._fuse = hub, fuse

    @property
    def queues(self) -> Sequence[str]:
        return self._hub.queues

    async def create(self) -> None:
        await self._fuse.ask(self._hub.create)

    async def delete(self) -> None:
        await self._fuse.ask(self._hub.delete)

    async def start(self, start: Message, overridable: Iterable[Status] = OVERRIDABLE) -> Received:
        return await self._fuse.ask(lambda: self._hub.start(start, overridable))

    async def send(self, messages: Iterable[Message]) -> Sequence[Received]:
        return await self._fuse.ask(lambda: self._hub.send(messages))

    async def receive(self, queue: str) -> Sequence[Received]:
        return await self._fuse.ask(lambda: self._hub.receive(queue), bool)

    async def settle(self, received: Iterable[Received]) -> None:
        await self._fuse.ask(lambda: self._hub.settle(received))

    async def release(self, received: Iterable[Received], after: float = 0) -> None:
        await self._fuse.ask(lambda: self._hub.release(received, after))

    async def renew(self, received: Iterable[Received]) -> None:
        await self._fuse.ask(lambda: self._hub.renew(received))

    async def load(self, instance: str) -> State:
        return await self._fuse.ask(lambda: self._hub.load(instance))

    async def record(self, checkpoint: Checkpoint) -> State:
        return await self._fuse.ask(lambda: self._hub.record(checkpoint))

    async def find(self, instance: str) -> Instance | None:
        return await self._fuse.ask(lambda: self._hub.find(instance))

    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        return await self._fuse.ask(lambda: self._hub.list(query, top, token))

    async def purge(self, instance: str) -> Purged:
        return await self._fuse.ask(lambda: self._hub.purge(instance))

    async def claim(self, lease: Lease) -> bool:
        return await self._fuse.ask(lambda: self._hub.claim(lease))


def fast(speed: float) -> Clock:
    """A clock that runs `speed` times as fast as the machine's, so that what a dead host held is soon free."""
    origin = utc_now()

    def now() -> Instant:
        passed = (to_datetime(utc_now()) - to_datetime(origin)).total_seconds()
        return later(origin, passed * speed)

    return now


async def killed(
    hub: Hub, functions: Functions, script: Callable[[Served], Awaitable[T]], fuse: Fuse, **how: Any
) -> T | None:
    """What the script comes to while a host serves the hub; None if the fuse blew first and the host was killed.

    Either way the host ends without tidying up.
    """
    found: list[T] = []

    async def host() -> None:
        async with serving(CrashingHub(hub, fuse), functions, client_hub=hub, **how) as served:
            found.append(await script(served))
            fuse.blown.set()

    life, death = asyncio.create_task(host()), asyncio.create_task(fuse.blown.wait())
    await asyncio.wait((life, death), return_when=asyncio.FIRST_COMPLETED)
    death.cancel()
    life.cancel()
    with suppress(asyncio.CancelledError):
        await life
    return found[0] if found else None
