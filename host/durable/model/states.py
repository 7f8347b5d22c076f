"""Stored state of an instance: its row, its history, checkpoints, and queries over instances."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    RuntimeStatus,
)
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.messages import Message, ReceivedMessage


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """An instance without its history: a row of the Instances table (platform/task-hub.md 2).

    `input` and `output` are stored texts, JSON but for reasons of failure and termination; `custom_status` is JSON
    text, None when unset.
    """

    id: str
    execution_id: str | None
    name: str
    status: RuntimeStatus
    created: Instant
    updated: Instant
    version: str = ""
    input: str | None = None
    output: str | None = None
    custom_status: str | None = None
    completed: Instant | None = None
    scheduled: Instant | None = None
    generation: int | None = None
    tags: Mapping[str, str] | None = None


def pending(start: ExecutionStarted, now: Instant) -> Instance:
    """The row that a start writes, before the first episode (platform/task-hub.md 2.1)."""
    return Instance(
        id=start.orchestration_instance.instance_id,
        execution_id=start.orchestration_instance.execution_id,
        name=start.name,
        version=start.version or "",
        status=RuntimeStatus.Pending,
        created=start.timestamp,
        updated=now,
        input=start.input,
        scheduled=start.scheduled_start_time,
        generation=start.generation,
        tags=start.tags,
    )


def fold(instance: Instance | None, events: Iterable[HistoryEvent], custom_status: str | None) -> Instance | None:
    """The instance after a checkpoint that appended `events` (platform/task-hub.md 2.2)."""
    updated: Instant | None = None
    for event in events:
        updated = event.timestamp
        if isinstance(event, _STATUS_EVENTS):
            instance = _after(instance, event)
    return instance and replace(instance, updated=updated or instance.updated, custom_status=custom_status)


_STATUS_EVENTS = (ExecutionStarted, ExecutionCompleted, ExecutionTerminated, ExecutionSuspended, ExecutionResumed)


def _after(instance: Instance | None, event: HistoryEvent) -> Instance | None:
    if isinstance(event, ExecutionStarted):
        return replace(pending(event, event.timestamp), status=RuntimeStatus.Running)
    if instance is None:
        return None
    match event:
        case ExecutionCompleted():
            status, output = event.orchestration_status, event.result
            return replace(instance, status=status, completed=event.timestamp, output=output)
        case ExecutionTerminated():
            return replace(instance, status=RuntimeStatus.Terminated, completed=event.timestamp, output=event.input)
        case ExecutionSuspended():
            return replace(instance, status=RuntimeStatus.Suspended, output=event.reason)
        case ExecutionResumed():
            return replace(instance, status=RuntimeStatus.Running, output=event.reason)
    return instance


@dataclass(frozen=True, slots=True)
class HistoryState:
    """The history of an instance's current execution.

    `version` is the hub's token for `record`, None if nothing was ever recorded. `custom_status` is the one that the
    last record set, kept with the history to repair a row that is older after a crash. `seen` are digests of raised
    events that earlier executions took: they may be delivered again. `opening` is set when a crash interrupted the
    first record of an execution: the events it began with, if they were written.
    """

    execution_id: str | None = None
    events: tuple[HistoryEvent, ...] = ()
    version: str | None = None
    custom_status: str | None = None
    seen: tuple[str, ...] = ()
    opening: tuple[HistoryEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What one episode records. `since` is the state it was decided on.

    `events` follow those of `since`, unless `execution_id` is a new one: then they replace them (continue-as-new, or
    an id used again). So they do when they are `rewritten`, as many as before. `instance` is the row as it is now.
    `seen` counts for an execution that begins; one that goes on has seen what it had.
    """

    since: HistoryState
    execution_id: str
    events: tuple[HistoryEvent, ...]
    instance: Instance
    rewritten: bool = False
    seen: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: uuid4().hex, compare=False)
    """By it a hub knows its own write again, should the answer be lost."""

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
    """What an episode or activity commits: new messages, a checkpoint if there is one, and processed messages."""

    outbox: Sequence[Message]
    done: Sequence[ReceivedMessage]
    checkpoint: Checkpoint | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """Which instances to list; an empty filter means all. Times are inclusive (platform/task-hub.md 7.1)."""

    created_from: Instant | None = None
    created_to: Instant | None = None
    statuses: frozenset[RuntimeStatus] = frozenset()
    prefix: str = ""
    with_input: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """Instances in the order of their ids; `token` continues the query, None at the end."""

    instances: tuple[Instance, ...] = ()
    token: str | None = None


@dataclass(frozen=True, slots=True)
class PurgeResult:
    """How much a purge deleted."""

    instances: int = 0
    rows: int = 0

    def __add__(self, other: "PurgeResult") -> "PurgeResult":
        return PurgeResult(self.instances + other.instances, self.rows + other.rows)


@dataclass(frozen=True, slots=True)
class PartitionLease:
    """Which host serves a control queue, since and until when, and which wants it next (platform/task-hub.md 6.1).

    `version` is the hub's token for `update_partition_lease`.
    """

    queue: str
    owner: str | None = None
    next_owner: str | None = None
    since: Instant | None = None
    renewed: Instant | None = None
    until: Instant | None = None
    is_draining: bool = False
    version: str = ""


OVERRIDABLE = frozenset(
    {RuntimeStatus.Completed, RuntimeStatus.Failed, RuntimeStatus.Terminated, RuntimeStatus.Canceled}
)
"""Which instances a start may replace, unless host.json says `AnyState`."""
