"""Messages between instances, activities and clients, and messages received from a queue."""

from dataclasses import dataclass

from fnhost.host.durable.model.history import (
    EventRaised,
    Execution,
    ExecutionStarted,
    HistoryEvent,
    TaskScheduled,
    TimerFired,
)
from fnhost.host.durable.model.instants import Instant

WORK_ITEMS = "workitems"
"""The queue of activities. All other queues are control queues: messages for instances."""


@dataclass(frozen=True, slots=True)
class Message:
    """An event on its way to an instance. A TaskScheduled goes to the work items, all else to `target`'s own queue.

    `sender` is None for clients; `episode` counts the sender's episodes (platform/task-hub.md 4.1). `asked` is when the
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
        """When it may be delivered, or None for at once (platform/task-hub.md 4.4)."""
        match self.event:
            case TimerFired(fire_at=at):
                return at
            case ExecutionStarted(scheduled_start_time=at):
                return at
            case EventRaised(name=name) if self.target.instance_id.startswith("@") and name[2:3] == "@":
                return name[3:]
        return None


@dataclass(slots=True, eq=False)
class ReceivedMessage:
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
    def is_activity_completion(self) -> bool:
        """Whether it is a work item that was worked on, while nothing of that is stored yet."""
        return self.queue == WORK_ITEMS and not self.message.is_work_item
