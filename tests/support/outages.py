"""Storages that do not answer for a while, or lose an answer."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any, cast

from aiohttp import web

from fnhost.host.durable.model.errors import HubUnreachable
from fnhost.host.durable.storage.hub import Hub
from tests.support.proxies import Answer, Forward


class Switch:
    """Whether the storage is away."""

    def __init__(self) -> None:
        self.is_off = False

    async def treat(self, request: web.BaseRequest, forward: Forward) -> Answer:
        """Off, an account fails as a service does: every second request in vain, the others without saying so."""
        self._count += 1
        if not self.is_off:
            return await forward(request)
        if self._count % 2:
            await forward(request)
        return Answer(STATUSES[self._count % len(STATUSES)], {}, b"")

    _count = 0


STATUSES = (500, 503, 503)


def unreachable(hub: Hub, lost: Callable[[str], bool], is_off: Callable[[str], bool] = lambda _: False) -> Hub:
    """The hub, some verbs of which do nothing while they are off, or do what is asked and lose the answer."""
    return cast(Hub, _Unreachable(hub, lost, is_off))


class _Unreachable:
    def __init__(self, hub: Hub, lost: Callable[[str], bool], is_off: Callable[[str], bool]) -> None:
        self._hub, self._lost, self._is_off = hub, lost, is_off

    def __getattr__(self, verb: str) -> Any:
        found = getattr(self._hub, verb)
        if not iscoroutinefunction(found):
            return found

        async def asked(*args: Any, **kwargs: Any) -> Any:
            if self._is_off(verb):
                raise HubUnreachable("It is off.")
            answer = await found(*args, **kwargs)
            if self._lost(verb):
                raise HubUnreachable("The answer is lost.")
            return answer

        return asked
