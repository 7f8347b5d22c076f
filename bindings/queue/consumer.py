"""Receives the messages of a queue and settles each by what became of it (platform/queue.md 1 to 3).

A message is received, hidden from others for `HIDDEN` seconds and renewed by whoever runs `fire`. Success deletes it;
failure makes it visible again, until its deliveries are used up and it is moved to a poison queue. What was received by
a host that was killed shows itself again when its time is over.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fnhost.bindings.contract import Event, Fire, InvocationError
from fnhost.bindings.in_flight import EventsInFlight
from fnhost.bindings.queue.settings import QueueSettings
from fnhost.bindings.storage import (
    PopReceiptMismatch,
    QueueMessage,
    Queues,
    ResourceNotFound,
    StorageError,
    StorageUnreachable,
)
from fnhost.bindings.storage.services import StorageServices, Topic
from fnhost.bindings.waiting import first_of
from fnhost.clock import Clock

HIDDEN: Final = 30
"""Seconds for which a received message is hidden, renewed at half. The platform hides for ten minutes: here, what a
killed host held comes back sooner."""
SHORTEST_POLL, JITTER = 0.1, 0.2
SETTLE_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before each further try to settle a message while storage is away."""
LIFETIME = 7 * 86400
"""Seconds until an unread message expires, as the platform's client sets it."""


class HeldMessage:
    """A received message: it can be renewed, deleted, given back or moved to a poison queue."""

    def __init__(self, queues: Queues, queue: str, message: QueueMessage, clock: Clock) -> None:
        self._queues, self._queue, self.message, self._clock = queues, queue, message, clock
        self._receipt = message.receipt

    @property
    def seconds(self) -> float:
        return HIDDEN

    async def renew(self) -> None:
        self._receipt = await self._queues.hide(self._queue, self.message.id, self._receipt, HIDDEN)

    async def remove(self) -> None:
        await self._settled(lambda: self._queues.remove(self._queue, self.message.id, self._receipt))

    async def give_back(self, after: float, pauses: Sequence[float] = SETTLE_PAUSES) -> None:
        """Let it be received again in `after` seconds."""
        await self._settled(
            lambda: self._queues.hide(self._queue, self.message.id, self._receipt, round(after)), pauses
        )

    async def move_to(self, target: str) -> None:
        """Copy it to that queue, then delete it here: a crash between the two leaves it twice, never nowhere."""
        await self._settled(lambda: put_message(self._queues, target, self.message.text))
        await self.remove()

    async def _settled(self, settle: Callable[[], Awaitable[object]], pauses: Sequence[float] = SETTLE_PAUSES) -> None:
        """Wait for storage that is away; a message that another has received since is left to them."""
        for pause in pauses:
            try:
                await settle()
                return
            except (PopReceiptMismatch, ResourceNotFound):
                return
            except StorageUnreachable:
                await self._clock.sleep(pause)
        await settle()


async def put_message(queues: Queues, queue: str, text: str) -> None:
    """Store a text; the queue is made when it is not there. Raises StorageError."""
    try:
        await queues.put(queue, text, lifetime=LIFETIME)
    except ResourceNotFound:
        await queues.create(queue)
        await queues.put(queue, text, lifetime=LIFETIME)


@dataclass(slots=True)
class PollPause:
    """The pause after an empty answer doubles up to `longest`, with some jitter; a message sets it back."""

    longest: float
    next: float = SHORTEST_POLL

    def reset(self) -> None:
        self.next = SHORTEST_POLL

    def take(self) -> float:
        pause = min(self.next, self.longest)
        self.next = min(self.next * 2, self.longest)
        return min(pause * random.uniform(1 - JITTER, 1 + JITTER), self.longest)


class QueueListener:
    """Receives messages of one queue and has each dealt with, no more at once than the settings allow."""

    def __init__(
        self,
        queues: Queues,
        topic: Topic,
        settings: QueueSettings,
        services: StorageServices,
        deal: Callable[[Fire, HeldMessage], Awaitable[None]],
    ) -> None:
        self._queues, self._topic, self._settings, self._services = queues, topic, settings, services
        self._deal = deal
        self._in_flight = EventsInFlight()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        """As the contract of triggers says. Messages in flight outlive a failure of the queue service."""
        try:
            with self._services.host.notices.watching(self._topic) as news:
                await self._poll(fire, stopping, news)
            await self._in_flight.settled()
        except asyncio.CancelledError:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            raise

    async def _poll(self, fire: Fire, stopping: asyncio.Event, news: asyncio.Event) -> None:
        pause = PollPause(self._settings.longest_poll)
        while not stopping.is_set():
            if self._in_flight.count > self._settings.threshold:
                await first_of(stopping.wait(), self._in_flight.at_most(self._settings.threshold))
                continue
            news.clear()
            if await self._receive(fire):
                pause.reset()
                continue
            await first_of(stopping.wait(), news.wait(), self._services.clock.sleep(pause.take()))
            if news.is_set():
                pause.reset()

    async def _receive(self, fire: Fire) -> bool:
        """Whether there were messages. A queue that is not there has none."""
        try:
            found = await self._queues.get(self._topic[1], self._settings.batch, HIDDEN)
        except ResourceNotFound:
            return False
        for message in found:
            held = HeldMessage(self._queues, self._topic[1], message, self._services.clock)
            task = asyncio.create_task(self._one(fire, held))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return bool(found)

    async def _one(self, fire: Fire, held: HeldMessage) -> None:
        with self._in_flight:
            await self._deal(fire, held)


@dataclass(frozen=True, slots=True)
class MessageSettlement:
    """What becomes of a message after `fire`; `poison` is the queue for those whose deliveries are used up."""

    services: StorageServices
    settings: QueueSettings
    function: str
    account: str
    poison: str
    crashes: dict[str, int] = field(default_factory=dict)
    """How often a message has ended its worker, by its id, for those that are not settled yet."""

    async def deal(self, fire: Fire, held: HeldMessage, event: Event) -> None:
        """Run the function and settle the message; cancelled meanwhile, give it back."""
        counted = replace(event, crashes=self.crashes.get(held.message.id, 0))
        try:
            await self._settle(held, await self._has_succeeded(fire, held.message.id, counted))
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.ensure_future(held.give_back(0, pauses=(0.0,))))
            raise
        except StorageError as error:
            self.services.report(self.function, "error", f"Message {held.message.id} could not be settled: {error}")

    async def _has_succeeded(self, fire: Fire, message: str, event: Event) -> bool:
        try:
            outcome = await fire(event)
        except InvocationError as error:  # the invocation has said in the log what failed
            if error.is_crash:
                self.crashes[message] = self.crashes.get(message, 0) + 1
            return False
        return outcome.failure is None

    async def _settle(self, held: HeldMessage, has_succeeded: bool) -> None:
        if has_succeeded or held.message.deliveries >= self.settings.deliveries:
            self.crashes.pop(held.message.id, None)
        if has_succeeded:
            await held.remove()
        elif held.message.deliveries >= self.settings.deliveries:
            await self.give_up(held)
        else:
            await held.give_back(self.settings.retry_after)

    async def give_up(self, held: HeldMessage) -> None:
        """Raises StorageError."""
        limit = self.settings.deliveries
        text = f"Message has reached MaxDequeueCount of {limit}. Moving message to queue '{self.poison}'."
        self.services.report(self.function, "warning", text)
        await held.move_to(self.poison)
        self.services.host.notices.notify((self.account, self.poison))
