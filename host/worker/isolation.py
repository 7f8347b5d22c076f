"""Processes apart, for work that has ended its worker more than once.

There it harms nothing else, and when it ends that process too there is no doubt which work it was.
"""

import asyncio
from collections.abc import Awaitable, Callable

from fnhost.bindings.contract import Outcome
from fnhost.host.worker import Invocation
from fnhost.host.worker.channel import WorkerChannel

AT_ONCE = 2
SHARED_CRASHES = 2
"""So many crashes may have been another invocation's fault. With more, work runs apart."""


def runs_apart(invocation: Invocation) -> bool:
    return (invocation.event.crashes or 0) >= SHARED_CRASHES


class IsolatedWorkers:
    """Each process runs one invocation at a time, and is kept for the next while it lives."""

    def __init__(self, open_channel: Callable[[], Awaitable[WorkerChannel]]) -> None:
        """`open_channel` starts a process that has loaded the app."""
        self._open = open_channel
        self._idle: list[WorkerChannel] = []
        self._places = asyncio.Semaphore(AT_ONCE)

    async def call(self, invocation: Invocation) -> Outcome:
        async with self._places:
            channel = await self._take()
            try:
                return await channel.call(invocation)
            finally:
                if not channel.running:
                    self._idle.append(channel)

    async def _take(self) -> WorkerChannel:
        while self._idle:
            if (channel := self._idle.pop()).is_alive:
                return channel
        return await self._open()
