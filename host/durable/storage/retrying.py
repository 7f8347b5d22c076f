"""Hubs that wait for their storage: the engine's as long as it is away, which is said once; a client's for seconds."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Container, Iterable, Sequence
from typing import TypeVar

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.model.errors import HubError, HubMissing, HubUnreachable
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.messages import Message, ReceivedMessage
from fnhost.host.durable.model.states import (
    OVERRIDABLE,
    Checkpoint,
    HistoryState,
    Instance,
    Page,
    PartitionLease,
    Progress,
    PurgeResult,
    Query,
)
from fnhost.host.durable.storage.hub import Hub, TransactionalHub
from fnhost.host.logging.log import Log

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
TOLERATED = 0.5
"""Seconds of failures that are no absence yet: a busy answer or a lost connection now and then is usual."""
CLIENT_LIMIT = 5.0
"""Seconds for which a client's verb is tried. The clients of the platform then try again themselves."""


class RetriedHub(ABC):
    """The verbs of a hub, each of which is tried again in the way of the subclass. Every verb may be repeated."""

    def __init__(self, hub: Hub, clock: Clock = SYSTEM_CLOCK) -> None:
        self._hub, self._clock = hub, clock

    @abstractmethod
    async def _retried(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer to `ask`, which may be asked several times."""

    @property
    def transactions(self) -> TransactionalHub | None:
        return self if self._hub.transactions else None

    @property
    def queues(self) -> Sequence[str]:
        return self._hub.queues

    async def create(self) -> None:
        await self._retried(self._hub.create)

    async def delete(self) -> None:
        await self._retried(self._hub.delete)

    async def start(self, start: Message, overridable: Iterable[RuntimeStatus] = OVERRIDABLE) -> ReceivedMessage:
        return await self._retried(lambda: self._hub.start(start, overridable))

    async def commit(self, progress: Progress) -> tuple[HistoryState | None, Sequence[ReceivedMessage]]:
        """Only for hubs that have transactions."""
        hub = self._hub.transactions
        assert hub is not None
        return await self._retried(lambda: hub.commit(progress))

    async def send(self, messages: Iterable[Message], remote_queues: Container[str] = ()) -> Sequence[ReceivedMessage]:
        outgoing = tuple(messages)
        return await self._retried(lambda: self._hub.send(outgoing, remote_queues))

    async def receive(self, queue: str) -> Sequence[ReceivedMessage]:
        return await self._retried(lambda: self._hub.receive(queue))

    async def settle(self, received: Iterable[ReceivedMessage]) -> None:
        ours = tuple(received)
        await self._retried(lambda: self._hub.settle(ours))

    async def release(self, received: Iterable[ReceivedMessage], after: float = 0) -> None:
        ours = tuple(received)
        await self._retried(lambda: self._hub.release(ours, after))

    async def renew(self, received: Iterable[ReceivedMessage]) -> None:
        ours = tuple(received)
        await self._retried(lambda: self._hub.renew(ours))

    async def load(self, instance: str) -> HistoryState:
        return await self._retried(lambda: self._hub.load(instance))

    async def record(self, checkpoint: Checkpoint) -> HistoryState:
        return await self._retried(lambda: self._hub.record(checkpoint))

    async def find(self, instance: str) -> Instance | None:
        return await self._retried(lambda: self._hub.find(instance))

    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        return await self._retried(lambda: self._hub.list(query, top, token))

    async def purge(self, instance: str) -> PurgeResult:
        return await self._retried(lambda: self._hub.purge(instance))

    async def partition_leases(self) -> Sequence[PartitionLease]:
        return await self._retried(self._hub.partition_leases)

    async def update_partition_lease(self, lease: PartitionLease) -> bool:
        return await self._retried(lambda: self._hub.update_partition_lease(lease))

    async def acquire_app_lease(self, seconds: float) -> bool:
        return await self._retried(lambda: self._hub.acquire_app_lease(seconds))

    async def release_app_lease(self) -> None:
        await self._retried(self._hub.release_app_lease)


class RetryingHub(RetriedHub):
    """Asks `hub` again until it answers: for the engine. Nothing is done twice.

    `returned` is called when the storage answers again after it was away, or when the hub had to be made anew: what was
    recorded shortly before may then be gone (an emulator that is killed forgets its last seconds).
    """

    def __init__(self, hub: Hub, log: Log, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(hub, clock)
        self._log = log
        self._is_away, self._absences = False, 0
        self._waiting: set[object] = set()
        self.returned: Callable[[], None] = lambda: None

    async def _retried(self, ask: Callable[[], Awaitable[T]]) -> T:
        me = object()
        try:
            return await self._until_answered(ask, me)
        finally:
            self._waiting.discard(me)

    async def _until_answered(self, ask: Callable[[], Awaitable[T]], me: object) -> T:
        pause, since = FIRST_PAUSE, self._clock.monotonic()
        while True:
            absences = self._absences
            try:
                answer = await ask()
            except HubUnreachable as error:
                if self._clock.monotonic() - since >= TOLERATED:
                    self._wait(me, error, absences)
                await self._clock.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except HubMissing as error:
                self._wait(me, error, absences, "It is made anew.")
                await self._retried(self._hub.create)
            else:
                self._waiting.discard(me)
                self._report_return()
                return answer

    async def remake(self, error: HubMissing) -> None:
        """Someone else has found the hub missing: make it, and have what is remembered written again."""
        self._log.error("Host.Durable", f"{error} It is made anew.")
        await self.create()
        self.returned()

    def _wait(
        self, me: object, error: HubError, absences: int, what_now: str = "Orchestrations wait until it is back."
    ) -> None:
        """What was asked before the last absence ended may fail of it still: that is no new one."""
        self._waiting.add(me)
        if not self._is_away and absences == self._absences:
            self._is_away = True
            self._log.error("Host.Durable", f"{error} {what_now}")

    def _report_return(self) -> None:
        """It is back when nothing waits for it any more: a part of it may have answered all the time."""
        if self._is_away and not self._waiting:
            self._is_away = False
            self._absences += 1
            self._log.warning("Host.Durable", "The task hub's storage answers again. Orchestrations go on.")
            self.returned()


class ClientHub(RetriedHub):
    """Asks `hub` again for `CLIENT_LIMIT` seconds: for whoever waits for an answer. Then raises HubUnreachable.

    `remake` is called when the hub is missing; without it, the hub is made.
    """

    def __init__(
        self, hub: Hub, clock: Clock = SYSTEM_CLOCK, remake: Callable[[HubMissing], Awaitable[None]] | None = None
    ) -> None:
        super().__init__(hub, clock)
        self._remake = remake

    async def _retried(self, ask: Callable[[], Awaitable[T]]) -> T:
        pause, end = FIRST_PAUSE, self._clock.monotonic() + CLIENT_LIMIT
        while True:
            try:
                return await ask()
            except (HubMissing, HubUnreachable) as error:
                if self._clock.monotonic() + pause >= end:
                    raise
                if isinstance(error, HubMissing):
                    await (self._remake(error) if self._remake else self._hub.create())
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
