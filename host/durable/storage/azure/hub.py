"""The verbs of the hub in Azure Storage."""

import math
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterable, Sequence
from dataclasses import replace
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from fnhost.bindings.storage import (
    BUSY,
    Account,
    Containers,
    Queues,
    StorageClient,
    StorageError,
    StorageUnreachable,
    Tables,
)
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.model.errors import AlreadyExists, HubError, HubMissing, HubUnreachable, RecordRefused
from fnhost.host.durable.model.history import ExecutionStarted, RuntimeStatus
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.messages import Message, ReceivedMessage
from fnhost.host.durable.model.states import (
    OVERRIDABLE,
    Checkpoint,
    HistoryState,
    Instance,
    Page,
    PartitionLease,
    PurgeResult,
    Query,
    fold,
    pending,
)
from fnhost.host.durable.storage.azure.app_lease import AppLease
from fnhost.host.durable.storage.azure.gather import gather_all, unless_gone
from fnhost.host.durable.storage.azure.histories import Histories, HistoryVersion
from fnhost.host.durable.storage.azure.instances import TRIES, Instances, VersionedInstance, differs
from fnhost.host.durable.storage.azure.large_messages import LargeMessages
from fnhost.host.durable.storage.azure.message_queues import Encoding, MessageQueues, PostedMessage
from fnhost.host.durable.storage.azure.names import Names, partition_key
from fnhost.host.durable.storage.azure.partition_table import PartitionTable
from fnhost.host.durable.storage.hub import HubSettings
from fnhost.host.logging.log import Log

T = TypeVar("T")
P = ParamSpec("P")


def verb(
    work: Callable[Concatenate["AzureHub", P], Awaitable[T]],
) -> Callable[Concatenate["AzureHub", P], Coroutine[Any, Any, T]]:
    """A verb of the hub: StorageError becomes HubError."""

    @wraps(work)
    async def asked(hub: "AzureHub", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(hub, *args, **kwargs)
        except StorageError as error:
            raise _translated(hub.name, error) from error

    return asked


MISSING = frozenset({"TableNotFound", "QueueNotFound"})
REFUSED = frozenset({400, 413})
"""Answers to what storage will never take: too large, or with characters that it does not keep."""


def _translated(hub: str, error: StorageError) -> HubError:
    text = f"Task hub {hub}: {error}"
    if isinstance(error, StorageUnreachable) or error.status in BUSY:
        return HubUnreachable(text)
    if error.code in MISSING:
        return HubMissing(text)
    return RecordRefused(text) if error.status in REFUSED else HubError(text)


class AzureHub:
    """Implements `Hub`. An async context manager."""

    def __init__(
        self,
        settings: HubSettings,
        account: Account,
        log: Log,
        clock: Clock = SYSTEM_CLOCK,
        encoding: Encoding = "Base64",
    ) -> None:
        self.name = settings.name
        self._names = names = Names(settings.name, settings.partitions)
        self._clock = clock
        self._client = StorageClient(account, clock)
        self._queues, self._tables = Queues(self._client), Tables(self._client)
        self._large_messages = LargeMessages(self._client, names.large)
        self._message_queues = MessageQueues(
            self._queues, self._large_messages, names, math.ceil(settings.hidden), encoding, clock, log
        )
        self._histories = Histories(self._tables, names.history, self._large_messages, settings.keep_inputs, clock)
        self._instances = Instances(self._tables, names.instances, settings.name, self._large_messages, settings.page)
        self._partition_table = PartitionTable(self._tables, names.partition_leases)
        self._app_lease = AppLease(Containers(self._client), names, settings.app)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    @property
    def queues(self) -> Sequence[str]:
        return self._names.control

    @property
    def transactions(self) -> None:
        """Azure Storage has none over its queues and tables."""
        return None

    @verb
    async def create(self) -> None:
        tables = (self._tables.create(table) for table in self._names.tables)
        queues = (self._queues.create(queue) for queue in self._names.queues)
        await gather_all((*tables, *queues))
        await gather_all(self._partition_table.add(queue) for queue in self._names.control)

    @verb
    async def delete(self) -> None:
        tables = (unless_gone(self._tables.delete(table)) for table in self._names.tables)
        queues = (unless_gone(self._queues.delete(queue)) for queue in self._names.queues)
        await gather_all((*tables, *queues, self._large_messages.delete(), unless_gone(self._app_lease.delete())))

    @verb
    async def start(self, start: Message, overridable: Iterable[RuntimeStatus] = OVERRIDABLE) -> ReceivedMessage:
        """The message goes first: one without its row is put aside, a row without its message would wait for ever.

        Most ids are new. Others show when the row is written, and their message is taken back.
        """
        known = None
        for count in range(TRIES):
            posted, is_begun = await self._begin(start, known)
            if is_begun:
                return replace(posted.received, is_new=count == 0)
            known = await self._instances.known(start.target.instance_id)
            if known and known.instance.execution_id == start.target.execution_id:
                return posted.received  # Asked again: the row is there.
            await self._take_back(posted)
            if known and known.instance.status not in frozenset(overridable):
                raise AlreadyExists(known.instance.status)
        raise StorageUnreachable(f"The row of instance {start.target.instance_id} is changed again and again.")

    async def _begin(self, start: Message, known: VersionedInstance | None) -> tuple[PostedMessage, bool]:
        """Post it and write its row; False if the row is not as it was known."""
        assert isinstance(start.event, ExecutionStarted), "only an ExecutionStarted starts an instance"
        fresh = replace(start.event, generation=(known.instance.generation or 0) + 1 if known else 0)
        posted = await self._message_queues.post(replace(start, event=fresh))
        return posted, await self._instances.begin(pending(fresh, utc_now(self._clock)), known, posted.blob)

    async def _take_back(self, posted: PostedMessage) -> None:
        await self._message_queues.settle([posted.received])
        if posted.blob:
            await self._large_messages.remove(posted.blob)

    @verb
    async def send(self, messages: Iterable[Message], remote_queues: Container[str] = ()) -> Sequence[ReceivedMessage]:
        posted = await gather_all(self._message_queues.post(message, remote_queues) for message in messages)
        return [one.received for one in posted if one.received.queue not in remote_queues]

    @verb
    async def receive(self, queue: str) -> Sequence[ReceivedMessage]:
        return await self._message_queues.receive(queue)

    @verb
    async def settle(self, received: Iterable[ReceivedMessage]) -> None:
        await self._message_queues.settle(received)

    @verb
    async def release(self, received: Iterable[ReceivedMessage], after: float = 0) -> None:
        await self._message_queues.hide(received, after)

    @verb
    async def renew(self, received: Iterable[ReceivedMessage]) -> None:
        await self._message_queues.hide(received)

    @verb
    async def load(self, instance: str) -> HistoryState:
        """A crash, or a write that was lost, may have left the row behind: whoever loads a history writes it again."""
        state = await self._histories.load(instance)
        if state.version is None:
            return state
        if HistoryVersion.of(state.version).is_ours:
            await self._mend_row(instance, state)
            return state
        known = await self._instances.known(instance)
        return replace(state, custom_status=known.instance.custom_status if known else None)

    async def _mend_row(self, instance: str, state: HistoryState) -> None:
        """Write the row that this history says, unless the history changes meanwhile: whoever records it writes both.

        So the row is read first, the history's version behind it, and only the row that was read is replaced.
        """
        row = fold(None, state.events, state.custom_status)
        for _ in range(TRIES):
            known = await self._instances.known(instance)
            if row is None or not differs(known.instance if known else None, row):
                return
            checkpoint = Checkpoint(state, state.execution_id or "", (), row)
            if not await self._histories.is_stored(instance, state):
                return
            if await self._instances.mend(checkpoint, state.events, known):
                return

    @verb
    async def record(self, checkpoint: Checkpoint) -> HistoryState:
        written = await self._histories.record(checkpoint)
        await self._instances.record(checkpoint, written.state.events, written.blobs)
        return written.state

    @verb
    async def find(self, instance: str) -> Instance | None:
        known = await self._instances.known(instance)
        return known.instance if known else None

    @verb
    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        return await self._instances.list(query, top, token)

    @verb
    async def purge(self, instance: str) -> PurgeResult:
        """The row goes last: while it is there, a purge that failed half way can be asked for again."""
        rows, known = await self._histories.purge(instance), await self._instances.exists(instance)
        if not rows and not known:
            return PurgeResult()
        for prefix in dict.fromkeys((f"{instance}/", f"{partition_key(instance)}/")):
            await self._large_messages.remove(prefix)
        await self._instances.purge(instance)
        return PurgeResult(1, rows)

    @verb
    async def partition_leases(self) -> Sequence[PartitionLease]:
        return await self._partition_table.all()

    @verb
    async def update_partition_lease(self, lease: PartitionLease) -> bool:
        return await self._partition_table.replace(lease)

    @verb
    async def acquire_app_lease(self, seconds: float) -> bool:
        return await self._app_lease.keep(seconds)

    @verb
    async def release_app_lease(self) -> None:
        await unless_gone(self._app_lease.end())
