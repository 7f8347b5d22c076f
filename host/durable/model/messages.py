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
    """An event sent to an instance. A TaskScheduled goes to the work-item queue, all else to `target`'s control queue.

    `sender` is None for clients; `episode` counts the sender's episodes (platform/task-hub.md 4.1). `call_id` is the
    time at which the activity or timer was scheduled, or the first execution id of the child. It tells a result from
    the result of another call with the same task id, made by an episode that a crash undid. Other hosts leave it out.
    """

    target: Execution
    event: HistoryEvent
    sender: Execution | None = None
    episode: int | None = None
    call_id: str | None = None

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
    """A message that this host holds: invisible to others until `settle`, `release`, or the end of its hold.

    `id` is the queue's own: the same message received again has the same id. `receipt` is for the hub alone. For a work
    item that was processed, `message` is its result. `is_new` says that nothing was stored of its instance before.
    """

    message: Message
    queue: str
    id: str
    receipt: str = ""
    deliveries: int = 0
    is_new: bool = False

    @property
    def is_activity_completion(self) -> bool:
        """Whether it is a processed work item, whose result is not stored yet."""
        return self.queue == WORK_ITEMS and not self.message.is_work_item
