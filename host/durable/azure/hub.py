"""The verbs of the hub in Azure Storage."""

import math
from collections.abc import Awaitable, Callable, Container, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from bindings.storage import Account, Containers, Queues, StorageError, StorageUnreachable, Tables, Wire
from host.durable.azure.histories import Histories, Mark
from host.durable.azure.instances import Instances, Known
from host.durable.azure.large import Large
from host.durable.azure.mail import Encoding, Mail, Posted
from host.durable.azure.names import Names, partition_key
from host.durable.azure.owners import Owners
from host.durable.azure.reservation import Reservation
from host.durable.azure.together import together, unless_gone
from host.durable.history import Clock, ExecutionStarted, Instance, Status, pending, utc_now
from host.durable.hub import (
    OVERRIDABLE,
    AlreadyExists,
    Checkpoint,
    HubError,
    HubMissing,
    HubSettings,
    HubUnreachable,
    Message,
    Ownership,
    Page,
    Purged,
    Query,
    Received,
    State,
)
from host.log import Log

T = TypeVar("T")
P = ParamSpec("P")


def verb(
    work: Callable[Concatenate["AzureHub", P], Awaitable[T]],
) -> Callable[Concatenate["AzureHub", P], Coroutine[Any, Any, T]]:
    """Storage's errors become the hub's."""

    @wraps(work)
    async def asked(hub: "AzureHub", /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await work(hub, *args, **kwargs)
        except StorageError as error:
            raise _translated(hub.name, error) from error

    return asked


MISSING = frozenset({"TableNotFound", "QueueNotFound"})
BUSY = frozenset({429, 500, 502, 503, 504})
"""Answers of a storage that is not well, or asked too much: it may be asked again."""


def _translated(hub: str, error: StorageError) -> HubError:
    text = f"Task hub {hub}: {error}"
    if isinstance(error, StorageUnreachable) or error.status in BUSY:
        return HubUnreachable(text)
    return HubMissing(text) if error.code in MISSING else HubError(text)


class AzureHub:
    """Keeps the promises of `Hub`. Open it as a block."""

    def __init__(
        self,
        settings: HubSettings,
        account: Account,
        log: Log,
        clock: Clock = utc_now,
        encoding: Encoding = "Base64",
    ) -> None:
        self.name = settings.name
        self._names = names = Names(settings.name, settings.partitions)
        self._clock = clock
        self._wire = Wire(account)
        self._queues, self._tables = Queues(self._wire), Tables(self._wire)
        self._large = Large(account, names.large)
        self._mail = Mail(self._queues, self._large, names, math.ceil(settings.hidden), encoding, clock, log)
        self._histories = Histories(self._tables, names.history, self._large, settings.keep_inputs, clock)
        self._instances = Instances(self._tables, names.instances, settings.name, self._large)
        self._owners = Owners(self._tables, names.owners)
        self._reservation = Reservation(Containers(self._wire), names, settings.app)
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._opened.enter_async_context(self._wire)
        await self._opened.enter_async_context(self._large)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._opened.aclose()

    @property
    def queues(self) -> Sequence[str]:
        return self._names.control

    @verb
    async def create(self) -> None:
        tables = (self._tables.create(table) for table in self._names.tables)
        queues = (self._queues.create(queue) for queue in self._names.queues)
        await together((*tables, *queues))
        await together(self._owners.add(queue) for queue in self._names.control)

    @verb
    async def delete(self) -> None:
        tables = (unless_gone(self._tables.delete(table)) for table in self._names.tables)
        queues = (unless_gone(self._queues.delete(queue)) for queue in self._names.queues)
        await together((*tables, *queues, self._large.delete(), unless_gone(self._reservation.delete())))

    @verb
    async def start(self, start: Message, overridable: Iterable[Status] = OVERRIDABLE) -> Received:
        """The message goes first: one without its row is put aside, a row without its message would wait for ever.

        Most ids are new. Others show when the row is written, and their message is taken back.
        """
        posted, is_begun = await self._begin(start, None)
        if is_begun:
            return replace(posted.received, is_new=True)
        known = await self._instances.known(start.target.instance_id)
        if known and known.instance.execution_id == start.target.execution_id:
            return posted.received  # Asked again: the row is there.
        await self._take_back(posted)
        if known and known.instance.status not in frozenset(overridable):
            raise AlreadyExists(known.instance.status)
        posted, _ = await self._begin(start, known)
        return posted.received

    async def _begin(self, start: Message, known: Known | None) -> tuple[Posted, bool]:
        """Post it and write its row; False if the row is not as it was known."""
        assert isinstance(start.event, ExecutionStarted), "only an ExecutionStarted starts an instance"
        fresh = replace(start.event, generation=(known.instance.generation or 0) + 1 if known else 0)
        posted = await self._mail.post(replace(start, event=fresh))
        return posted, await self._instances.begin(pending(fresh, self._clock()), known, posted.blob)

    async def _take_back(self, posted: Posted) -> None:
        await self._mail.settle([posted.received])
        if posted.blob:
            await self._large.remove(posted.blob)

    @verb
    async def send(self, messages: Iterable[Message], elsewhere: Container[str] = ()) -> Sequence[Received]:
        posted = await together(self._mail.post(message, elsewhere) for message in messages)
        return [one.received for one in posted if one.received.queue not in elsewhere]

    @verb
    async def receive(self, queue: str) -> Sequence[Received]:
        return await self._mail.receive(queue)

    @verb
    async def settle(self, received: Iterable[Received]) -> None:
        await self._mail.settle(received)

    @verb
    async def release(self, received: Iterable[Received], after: float = 0) -> None:
        await self._mail.hide(received, after)

    @verb
    async def renew(self, received: Iterable[Received]) -> None:
        await self._mail.hide(received)

    @verb
    async def load(self, instance: str) -> State:
        state = await self._histories.load(instance)
        if state.version is None or Mark.of(state.version).is_ours:
            return state
        known = await self._instances.known(instance)
        return replace(state, custom_status=known.instance.custom_status if known else None)

    @verb
    async def record(self, checkpoint: Checkpoint) -> State:
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
    async def purge(self, instance: str) -> Purged:
        rows = await self._histories.purge(instance)
        for prefix in dict.fromkeys((f"{instance}/", f"{partition_key(instance)}/")):
            await self._large.remove(prefix)
        return Purged(await self._instances.purge(instance), rows)

    @verb
    async def owners(self) -> Sequence[Ownership]:
        return await self._owners.all()

    @verb
    async def own(self, ownership: Ownership) -> bool:
        return await self._owners.replace(ownership)

    @verb
    async def reserve(self, seconds: float) -> bool:
        return await self._reservation.keep(seconds)

    @verb
    async def free(self) -> None:
        await unless_gone(self._reservation.end())
