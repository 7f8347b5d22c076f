"""Hosts that are killed between two storage operations, and storages that go away.

A host is killed by a fuse: at its last operation nothing more reaches the storage, and nobody sees an answer.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from fnhost.host.durable.storage.hub import Hub
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

    async def ask(self, operation: Callable[[], Awaitable[T]], counts: Callable[[T], bool]) -> T:
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


READING = ("load", "find", "list", "partition_leases")


def crashing(hub: Hub, fuse: Fuse) -> Hub:
    """The hub, until the fuse blows. Reading is no place to die: it leaves the storage as it was."""
    return cast(Hub, _Crashing(hub, fuse))


def stepwise(hub: Hub) -> Hub:
    """A hub without its transactions: it does verb by verb what it could do at once."""
    return cast(Hub, _Stepwise(hub))


class _Stepwise:
    transactions = None

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._hub, verb)


class _Crashing:
    def __init__(self, hub: Hub, fuse: Fuse) -> None:
        self._hub, self._fuse = hub, fuse
        self.transactions = self if hub.transactions else None

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self._hub, verb)
        if not iscoroutinefunction(found):
            return found

        async def asked(*args: Any, **kwargs: Any) -> Any:
            return await self._fuse.ask(lambda: found(*args, **kwargs), lambda answer: _counts(verb, answer))

        return asked


def _counts(verb: str, answer: Any) -> bool:
    return bool(answer) if verb == "receive" else verb not in READING


async def killed(
    hub: Hub,
    functions: Functions,
    script: Callable[[Served], Awaitable[T]],
    fuse: Fuse,
    client_hub: Hub | None = None,
    **how: Any,
) -> T | None:
    """What the script comes to while a host serves the hub; None if the fuse blew first and the host was killed.

    Either way the host ends without tidying up. What the script asks does not count.
    """
    found: list[T] = []

    async def host() -> None:
        async with serving(crashing(hub, fuse), functions, client_hub=client_hub or hub, **how) as served:
            found.append(await script(served))
            fuse.blown.set()

    life, death = asyncio.create_task(host()), asyncio.create_task(fuse.blown.wait())
    await asyncio.wait((life, death), return_when=asyncio.FIRST_COMPLETED)
    death.cancel()
    if not found:
        life.cancel()
    with suppress(asyncio.CancelledError):
        await life
    return found[0] if found else None
