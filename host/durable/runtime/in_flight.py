"""The messages that this host holds: renewed while they are processed, then settled or released in the background."""

import asyncio
from collections.abc import Callable, Container, Coroutine, Iterable, Sequence
from typing import Any, TypeAlias

from fnhost.clock import Clock
from fnhost.host.durable.model.history import ExecutionStarted
from fnhost.host.durable.model.messages import ReceivedMessage
from fnhost.host.durable.model.states import HistoryState, Progress
from fnhost.host.durable.storage.retrying import RetryingHub

Dispatch: TypeAlias = Callable[[Iterable[ReceivedMessage]], None]


class InFlightMessages:
    """Every message this host holds. One that is received again meanwhile only brings a newer receipt."""

    def __init__(self, hub: RetryingHub, hidden: float, clock: Clock) -> None:
        self._hub, self._hidden, self._clock = hub, hidden, clock
        self._held: dict[tuple[str, str], ReceivedMessage] = {}
        self._since: dict[tuple[str, str], float] = {}
        self._background: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._held)

    def for_queue(self, queue: str) -> Sequence[ReceivedMessage]:
        """The messages of one queue."""
        return [one for one in self._held.values() if one.queue == queue]

    def take(self, received: ReceivedMessage) -> bool:
        """Hold a message. Whether it was not held already."""
        key = (received.queue, received.id)
        if known := self._held.get(key):
            known.receipt, known.deliveries = received.receipt, received.deliveries
            return False
        self._held[key] = received
        self._since[key] = self._clock.monotonic()
        return True

    async def commit(self, progress: Progress, remote_queues: Container[str], sent: Dispatch) -> HistoryState | None:
        """Store it: in one transaction, or in an order in which a crash repeats work and loses none.

        `sent` is given the new messages as soon as they are stored.
        """
        if hub := self._hub.transactions:
            state, received = await hub.commit(progress)
            self._drop(progress.done)
            sent(received)
            return state
        done = await self._stored(progress.done) if _reaches_others(progress) else progress.done
        sent(await self._hub.send(progress.outbox, remote_queues))
        state = await self._hub.record(progress.checkpoint) if progress.checkpoint else None
        self.settle(done)
        return state

    async def _stored(self, done: Sequence[ReceivedMessage]) -> Sequence[ReceivedMessage]:
        """Store activity results as messages first: after a crash another host must come to the same decision."""
        ends = [one for one in done if one.is_activity_completion]
        if not ends:
            return done
        stored = await self._hub.send([one.message for one in ends])
        self.settle(ends)
        return [*(one for one in done if not one.is_activity_completion), *stored]

    def settle(self, received: Iterable[ReceivedMessage]) -> None:
        """Delete processed messages, in the background."""
        if ours := self._drop(received):
            self._in_background(self._hub.settle(ours))

    def release(self, received: Iterable[ReceivedMessage], after: float = 0) -> None:
        """Make them visible to others; the result of a finished activity is sent instead of its work item."""
        ours = self._drop(received)
        ends, others = (
            [one for one in ours if one.is_activity_completion],
            [one for one in ours if not one.is_activity_completion],
        )
        if others:
            self._in_background(self._hub.release(others, after))
        if ends:
            self._in_background(self._give_away(ends))

    async def _give_away(self, ends: Sequence[ReceivedMessage]) -> None:
        await self._hub.send([one.message for one in ends], self._hub.queues)
        await self._hub.settle(ends)

    def _drop(self, received: Iterable[ReceivedMessage]) -> list[ReceivedMessage]:
        ours = list(received)
        for one in ours:
            self._held.pop((one.queue, one.id), None)
            self._since.pop((one.queue, one.id), None)
        return ours

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def renew(self) -> None:
        """Renew messages before their hold ends, until cancelled."""
        while True:
            await self._clock.sleep(self._hidden / 4)
            now = self._clock.monotonic()
            old = [key for key, since in self._since.items() if now - since >= self._hidden / 2]
            if old:
                await self._hub.renew([self._held[key] for key in old])
            self._since.update((key, now) for key in old if key in self._held)

    async def release_all(self) -> None:
        """Release all messages and wait until that is done. When cancelled, those left become visible with time."""
        self.release(list(self._held.values()))
        try:
            while self._background:
                await asyncio.wait(self._background)
        finally:
            for task in self._background:
                task.cancel()


def _reaches_others(progress: Progress) -> bool:
    """Whether other instances see its effects before it is recorded. The start of a child can be undone."""
    us = progress.checkpoint and progress.checkpoint.instance.id
    others = (one for one in progress.outbox if us and one.target.instance_id != us)
    return any(not isinstance(one.event, ExecutionStarted) for one in others)
