"""The seam between the durable engine and storage: a dozen verbs, kept alike by every hub.

Any verb may be repeated: the engine drops what it sees twice. All hubs pass `tests/contracts/test_hub.py`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from host.durable.history import (
    EventRaised,
    Execution,
    ExecutionStarted,
    HistoryEvent,
    Instance,
    Instant,
    Status,
    TaskScheduled,
    TimerFired,
)
from host.errors import FnhostError

WORK_ITEMS = "workitems"
"""The queue of activities. All other queues are control queues: messages for instances."""


class HubError(FnhostError):
    """The hub could not do what was asked. The text says what to do."""


class HubUnreachable(HubError):
    """The storage behind the hub does not answer."""


class HubMissing(HubError):
    """What `create` made is gone. `create` makes it again."""


class Conflict(HubError):
    """Someone else recorded this instance since it was loaded. Nothing was written."""


class AlreadyExists(HubError):
    """An instance with this id is alive. `status` says how; nothing was written."""

    def __init__(self, status: Status) -> None:
        super().__init__(f"An Orchestration instance with the status {status.name} already exists.")
        self.status = status


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way to an instance. A TaskScheduled goes to the work items, all else to `target`'s own queue.

    `sender` is None for clients; `episode` counts the sender's episodes (task-hub-storage.md 4.1). `asked` is when the
    activity or timer that it is about was scheduled, or the first execution id of the child: it tells an answer from
    one to an episode that a crash undid. Other hosts do not say.
    """

    target: Execution
    event: HistoryEvent
    sender: Execution | None = None
    episode: int | None = None
    asked: str | None = None

    @property
    def is_work_item(self) -> bool:
        return isinstance(self.event, TaskScheduled)

    @property
    def visible_at(self) -> Instant | None:
        """When it may be delivered, or None for at once (task-hub-storage.md 4.4)."""
        match self.event:
            case TimerFired(fire_at=at):
                return at
            case ExecutionStarted(scheduled_start_time=at):
                return at
            case EventRaised(name=name) if self.target.instance_id.startswith("@") and name[2:3] == "@":
                return name[3:]
        return None


@dataclass(slots=True, eq=False)
class Received:
    """A message in our hands: invisible to others until `settle`, `release`, or its time is up.

    `id` is the queue's own: the same message received again has the same id. `receipt` is the hub's business. A work
    item that was worked on has its end as its message. `is_new` says that its instance was unknown a moment ago.
    """

    message: Message
    queue: str
    id: str
    receipt: str = ""
    deliveries: int = 0
    is_new: bool = False

    @property
    def is_end(self) -> bool:
        """Whether it is a work item that was worked on, while nothing of that is stored yet."""
        return self.queue == WORK_ITEMS and not self.message.is_work_item


@dataclass(frozen=True, slots=True)
class State:
    """The history of an instance's current execution.

    `version` is the hub's token for `record`, None if nothing was ever recorded. `custom_status` is the one that the
    last record set, kept with the history so that a row which a crash left behind can be mended. `seen` are digests of
    raised events that earlier executions took: they may be delivered again. `opening` is there when a crash tore an
    execution's first record: what it began with, if that much was written.
    """

    execution_id: str | None = None
    events: tuple[HistoryEvent, ...] = ()
    version: str | None = None
    custom_status: str | None = None
    seen: tuple[str, ...] = ()
    opening: tuple[HistoryEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What one episode adds. `since` is the state it was decided on.

    `events` follow those of `since`, unless `execution_id` is a new one: then they replace them (continue-as-new, or
    an id used again). So they do when they are `rewritten`, as many as before. `instance` is the row as it is now.
    `seen` counts for an execution that begins; one that goes on has seen what it had.
    """

    since: State
    execution_id: str
    events: tuple[HistoryEvent, ...]
    instance: Instance
    rewritten: bool = False
    seen: tuple[str, ...] = ()

    @property
    def replaces(self) -> bool:
        return self.rewritten or self.begins

    @property
    def begins(self) -> bool:
        return self.execution_id != self.since.execution_id

    @property
    def seen_after(self) -> tuple[str, ...]:
        return self.seen if self.begins else self.since.seen


@dataclass(frozen=True, slots=True)
class Progress:
    """What an episode or an activity comes to: messages to send, a checkpoint if one is due, and what is dealt with."""

    outbox: Sequence[Message]
    done: Sequence[Received]
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which instances to list; an empty filter means all. Times are inclusive (task-hub-storage.md 7.1)."""

    created_from: Instant | None = None
    created_to: Instant | None = None
    statuses: frozenset[Status] = frozenset()
    prefix: str = ""
    with_input: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Instances in the order of their ids; `token` continues the query, None at the end."""

    instances: tuple[Instance, ...] = ()
    token: str | None = None


@dataclass(frozen=True, slots=True)
class Purged:
    """How much a purge deleted."""

    instances: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Ownership:
    """Which host serves a control queue, since and until when, and who asks for it (task-hub-storage.md 6.1).

    `version` is the hub's token for `own`.
    """

    queue: str
    owner: str | None = None
    asked_by: str | None = None
    since: Instant | None = None
    renewed: Instant | None = None
    until: Instant | None = None
    is_draining: bool = False
    version: str = ""


OVERRIDABLE = frozenset({Status.Completed, Status.Failed, Status.Terminated, Status.Canceled})
"""Which instances a start may replace, unless host.json says `AnyState`."""


@dataclass(frozen=True, slots=True)
class HubSettings:
    """What every hub is told (task-hub-storage.md 8). Seconds."""

    name: str = "TestHubName"
    partitions: int = 4
    hidden: float = 10.0
    """How long a message stays invisible in our hands unless renewed: how soon another host may go on after a crash."""
    keep_inputs: bool = False
    """storeInputsInOrchestrationHistory."""
    app: str = ""
    """WEBSITE_SITE_NAME: hosts of one app reserve the hub together."""


class Hub(Protocol):
    """What the durable engine asks of storage.

    Every verb raises HubUnreachable when the storage does not answer, HubMissing when the hub is not there.
    """

    @property
    def queues(self) -> Sequence[str]:
        """The control queues, in order. `WORK_ITEMS` is not among them."""

    async def create(self) -> None:
        """Make what is missing. Safe to repeat."""

    async def delete(self) -> None:
        """Remove the hub and all that is in it."""

    async def start(self, start: Message, overridable: Iterable[Status] = OVERRIDABLE) -> Received:
        """Send an ExecutionStarted and make its instance Pending. Raises AlreadyExists, having written nothing.

        An instance in one of the `overridable` states is replaced; a start asked again is the same start. The message
        comes back in our hands, as by `send`; it tells whether the instance `is_new`.
        """

    async def send(self, messages: Iterable[Message], elsewhere: Container[str] = ()) -> Sequence[Received]:
        """Store each message, invisible to all, and hand it back as if received: the sender dispatches it itself.

        It shows itself to `receive` when its `visible_at` has come or, if that is past, when our hold ends. One for a
        queue that is `elsewhere`, in the hands of another host, is not held and not handed back.
        """

    async def receive(self, queue: str) -> Sequence[Received]:
        """Messages that are visible now, at most 32 (one for work items), invisible from now on; maybe none."""

    async def settle(self, received: Iterable[Received]) -> None:
        """Delete them: they are dealt with. Those gone already do not matter."""

    async def release(self, received: Iterable[Received], after: float = 0) -> None:
        """Let others see them again, in `after` seconds."""

    async def renew(self, received: Iterable[Received]) -> None:
        """Hold them for another full time. Those gone already do not matter."""

    async def load(self, instance: str) -> State:
        """The history of its current execution; an empty State if there is none."""

    async def record(self, checkpoint: Checkpoint) -> State:
        """Append history, then set the row. Raises Conflict if someone else recorded since.

        Returns the state after it, whose `version` the next record needs.
        """

    async def find(self, instance: str) -> Instance | None: ...

    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        """One page. It may be short or even empty while there is a token."""

    async def purge(self, instance: str) -> Purged:
        """Delete all that is stored of it, and of no other."""

    async def owners(self) -> Sequence[Ownership]:
        """Who serves each control queue, in order."""

    async def own(self, ownership: Ownership) -> bool:
        """Replace one of the `owners`. False if someone else did since they were read."""

    async def reserve(self, seconds: float) -> bool:
        """Take or keep the hub for the hosts of this app, for so long. False while another app has it (6.3)."""

    async def free(self) -> None:
        """End the reservation."""


Commit: TypeAlias = Callable[[Progress], Awaitable[tuple[State | None, Sequence[Received]]]]
"""Send, record and settle, all of it or nothing: what `record` returns, if there is a checkpoint, and what `send` does.

A verb of hubs that have transactions. With others the same takes one verb after another. Raises Conflict.
"""


def commit_of(hub: Hub) -> Commit | None:
    """The hub's `commit`, if it has one."""
    found: Commit | None = getattr(hub, "commit", None)
    return found


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
