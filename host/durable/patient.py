"""A hub that waits for its storage: what the engine asks is delayed while storage is away, and said once."""

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from typing import TypeVar

from host.durable.history import Instance, Status
from host.durable.hub import (
    OVERRIDABLE,
    Checkpoint,
    Hub,
    HubError,
    HubMissing,
    HubUnreachable,
    Message,
    Ownership,
    Page,
    Progress,
    Purged,
    Query,
    Received,
    State,
    commit_of,
)
from host.log import Log

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class PatientHub:
    """Asks `hub` again until it answers. Every verb may be repeated, so nothing is lost and nothing is done twice.

    `returned` is called when the storage answers again after it was away, or when the hub had to be made anew: what was
    recorded shortly before may then be gone (an emulator that is killed forgets its last seconds).
    """

    def __init__(self, hub: Hub, log: Log) -> None:
        self._hub, self._log = hub, log
        self._commit = commit_of(hub)
        self._is_away, self._absences = False, 0
        self._waiting: set[object] = set()
        self.returned: Callable[[], None] = lambda: None

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        me = object()
        try:
            return await self._until_answered(ask, me)
        finally:
            self._waiting.discard(me)

    async def _until_answered(self, ask: Callable[[], Awaitable[T]], me: object) -> T:
        pause = FIRST_PAUSE
        while True:
            absences = self._absences
            try:
                answer = await ask()
            except HubUnreachable as error:
                self._wait(me, error, absences)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except HubMissing as error:
                self._wait(me, error, absences)
                await self._patiently(self._hub.create)
            else:
                self._waiting.discard(me)
                self._say_back()
                return answer

    def _wait(self, me: object, error: HubError, absences: int) -> None:
        """What was asked before the last absence ended may fail of it still: that is no new one."""
        self._waiting.add(me)
        if not self._is_away and absences == self._absences:
            self._is_away = True
            self._log.error("Host.Durable", f"{error} Orchestrations wait until it is back; nothing is lost.")

    def _say_back(self) -> None:
        """It is back when nothing waits for it any more: a part of it may have answered all the time."""
        if self._is_away and not self._waiting:
            self._is_away = False
            self._absences += 1
            self._log.warning("Host.Durable", "The task hub's storage answers again. Orchestrations go on.")
            self.returned()

    @property
    def has_transactions(self) -> bool:
        return self._commit is not None

    @property
    def queues(self) -> Sequence[str]:
        return self._hub.queues

    async def create(self) -> None:
        await self._patiently(self._hub.create)

    async def delete(self) -> None:
        await self._patiently(self._hub.delete)

    async def start(self, start: Message, overridable: Iterable[Status] = OVERRIDABLE) -> Received:
        return await self._patiently(lambda: self._hub.start(start, overridable))

    async def commit(self, progress: Progress) -> tuple[State | None, Sequence[Received]]:
        """Only where the hub has transactions."""
        commit = self._commit
        assert commit is not None
        return await self._patiently(lambda: commit(progress))

    async def send(self, messages: Iterable[Message], elsewhere: Container[str] = ()) -> Sequence[Received]:
        outgoing = tuple(messages)
        return await self._patiently(lambda: self._hub.send(outgoing, elsewhere))

    async def receive(self, queue: str) -> Sequence[Received]:
        return await self._patiently(lambda: self._hub.receive(queue))

    async def settle(self, received: Iterable[Received]) -> None:
        ours = tuple(received)
        await self._patiently(lambda: self._hub.settle(ours))

    async def release(self, received: Iterable[Received], after: float = 0) -> None:
        ours = tuple(received)
        await self._patiently(lambda: self._hub.release(ours, after))

    async def renew(self, received: Iterable[Received]) -> None:
        ours = tuple(received)
        await self._patiently(lambda: self._hub.renew(ours))

    async def load(self, instance: str) -> State:
        return await self._patiently(lambda: self._hub.load(instance))

    async def record(self, checkpoint: Checkpoint) -> State:
        return await self._patiently(lambda: self._hub.record(checkpoint))

    async def find(self, instance: str) -> Instance | None:
        return await self._patiently(lambda: self._hub.find(instance))

    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        return await self._patiently(lambda: self._hub.list(query, top, token))

    async def purge(self, instance: str) -> Purged:
        return await self._patiently(lambda: self._hub.purge(instance))

    async def owners(self) -> Sequence[Ownership]:
        return await self._patiently(self._hub.owners)

    async def own(self, ownership: Ownership) -> bool:
        return await self._patiently(lambda: self._hub.own(ownership))

    async def reserve(self, seconds: float) -> bool:
        return await self._patiently(lambda: self._hub.reserve(seconds))

    async def free(self) -> None:
        await self._patiently(self._hub.free)
