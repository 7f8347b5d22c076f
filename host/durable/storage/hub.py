"""What the durable engine needs of storage. Every hub passes tests/contracts/test_hub.py.

Any call may be repeated: the engine drops messages that it sees twice.
"""

from collections.abc import AsyncIterator, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from fnhost.host.durable.model.history import (
    RuntimeStatus,
)
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


@dataclass(frozen=True, slots=True)
class HubSettings:
    """Settings of every hub (platform/durable-settings.md 1). Times in seconds."""

    name: str = "TestHubName"
    partitions: int = 4
    hidden: float = 10.0
    """How long a received message stays invisible unless renewed; after a crash other hosts wait as long."""
    keep_inputs: bool = False
    """storeInputsInOrchestrationHistory."""
    page: int = 32 * 1024 * 1024
    """How many characters of text the instances of one page of a list may hold, however many were asked for."""
    app: str = ""
    """WEBSITE_SITE_NAME: hosts of one app reserve the hub together."""


class Hub(Protocol):
    """What the durable engine asks of storage.

    Every verb raises HubUnreachable when the storage does not answer or cannot be used now, HubMissing when the hub is
    not there, and RecordRefused for what the storage will never take.
    """

    @property
    def queues(self) -> Sequence[str]:
        """The control queues, in order. `WORK_ITEMS` is not among them."""

    @property
    def transactions(self) -> "TransactionalHub | None":
        """This hub if it has transactions; with others the same takes one verb after another."""

    async def create(self) -> None:
        """Make what is missing. Safe to repeat."""

    async def delete(self) -> None:
        """Remove the hub and all that is in it."""

    async def start(self, start: Message, overridable: Iterable[RuntimeStatus] = OVERRIDABLE) -> ReceivedMessage:
        """Send an ExecutionStarted and make its instance Pending. Raises AlreadyExists, having written nothing.

        An instance in one of the `overridable` states is replaced; a repeated start is the same start. The message is
        returned as received, as by `send`; it says whether the instance `is_new`.
        """

    async def send(self, messages: Iterable[Message], remote_queues: Container[str] = ()) -> Sequence[ReceivedMessage]:
        """Store each message, invisible, and return it as if received: the sender dispatches it itself.

        `receive` sees it when its `visible_at` has come or, if that is past, when our hold ends. A message for one of
        the `remote_queues`, which other hosts serve, is not held and not returned.
        """

    async def receive(self, queue: str) -> Sequence[ReceivedMessage]:
        """Messages that are visible now, at most 32 (one for work items), invisible from now on; maybe none."""

    async def settle(self, received: Iterable[ReceivedMessage]) -> None:
        """Delete processed messages. Those that are gone already do not matter."""

    async def release(self, received: Iterable[ReceivedMessage], after: float = 0) -> None:
        """Make them visible again, in `after` seconds."""

    async def renew(self, received: Iterable[ReceivedMessage]) -> None:
        """Hold them for another full time. Those that are gone already do not matter."""

    async def load(self, instance: str) -> HistoryState:
        """The history of its current execution; an empty state if there is none.

        Afterwards the instance's row is what the history says, even if a crash had left an older one.
        """

    async def record(self, checkpoint: Checkpoint) -> HistoryState:
        """Append history, then set the row. Raises Conflict if someone else recorded since.

        Repeated with the same checkpoint it goes on where the first try ended.

        Returns the state after it, whose `version` the next record needs.
        """

    async def find(self, instance: str) -> Instance | None: ...

    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        """One page, ended by `top` or by its size. It may be short or even empty while there is a token.

        Raises InvalidToken for a token that this hub has not given.
        """

    async def purge(self, instance: str) -> PurgeResult:
        """Delete all that is stored of it, and of no other."""

    async def partition_leases(self) -> Sequence[PartitionLease]:
        """Who serves each control queue, in order."""

    async def update_partition_lease(self, lease: PartitionLease) -> bool:
        """Replace one of the `partition_leases`. False if another host did since they were read."""

    async def acquire_app_lease(self, seconds: float) -> bool:
        """Reserve the hub for the hosts of this app, or renew that. False while another app has it (6.3)."""

    async def release_app_lease(self) -> None:
        """End the reservation."""


class TransactionalHub(Hub, Protocol):
    """A hub that can send, record and settle in one transaction."""

    async def commit(self, progress: Progress) -> tuple[HistoryState | None, Sequence[ReceivedMessage]]:
        """All of it or nothing: what `record` returns, if there is a checkpoint, and what `send` returns.

        Raises Conflict.
        """


def all_of(hub: Hub, query: Query) -> AsyncIterator[Instance]:
    """Every instance of a query, page after page."""

    async def pages() -> AsyncIterator[Instance]:
        page = await hub.list(query, 1000)
        while True:
            for instance in page.instances:
                yield instance
            if page.token is None:
                return
            page = await hub.list(query, 1000, page.token)

    return pages()
