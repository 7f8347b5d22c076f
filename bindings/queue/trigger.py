"""The queue trigger: polls with a growing pause, and settles each message by what became of it (functions-host.md 5.3).

A message is received, hidden from others for `HIDDEN` seconds and renewed by whoever runs `fire`. Success deletes it;
failure makes it visible again, until its deliveries are used up and it is moved to `<queue>-poison`. What was received
by a host that was killed shows itself again when its time is over.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from fnhost.bindings.contract import Binding, Event, Fire, InvocationError, Json, Value
from fnhost.bindings.in_flight import EventsInFlight
from fnhost.bindings.queue import messages
from fnhost.bindings.queue.settings import NAME, QueueSettings, read_settings
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

HIDDEN: Final = 60
"""Seconds for which a received message is hidden, renewed at half. The platform hides for ten minutes: here, what a
killed host held comes back sooner."""
SHORTEST_POLL, JITTER = 0.1, 0.2
SETTLE_PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before each further try to settle a message while storage is away."""
LIFETIME = 7 * 86400
"""Seconds until an unread message expires, as the platform's client sets it."""


class HeldMessage:
    """A received message: it can be renewed, deleted, given back or moved to the poison queue."""

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

    async def poison(self) -> None:
        """Copy it to the poison queue, then delete it: a crash between the two leaves it twice, never nowhere."""
        target = f"{self._queue}-poison"
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


class QueueTrigger:
    def __init__(self, services: StorageServices, function: str, binding: Binding) -> None:
        client = services.accounts.client(binding.properties.get("connection", ""))
        self._services, self._function, self._data_type = services, function, binding.data_type
        self._queue = str(binding.properties["queueName"]).lower()
        self._settings = read_settings(services.section(NAME), services.is_development)
        self._account = client.account.queue
        topic = (self._account, self._queue)
        self._listener = QueueListener(Queues(client), topic, self._settings, services, self._deal)

    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        await self._listener.listen(fire, stopping)

    async def manual_event(self, text: str) -> Event:
        now = self._services.clock.now().isoformat()
        beside: dict[str, Value] = {"QueueTrigger": text, "DequeueCount": 1, "Id": "", "PopReceipt": ""}
        times = {name: Json(f'"{now}"') for name in ("InsertionTime", "ExpirationTime", "NextVisibleTime")}
        value = messages.trigger_value(text.encode(), self._data_type)
        return Event(self._function, value, "", metadata={**beside, **times, **messages.members(text)})

    async def _deal(self, fire: Fire, held: HeldMessage) -> None:
        try:
            event = self._event(held)
        except messages.UnreadableMessage as error:
            return await self._refuse(held, error)
        try:
            await self._settle(held, await self._has_succeeded(fire, event))
        except asyncio.CancelledError:
            await asyncio.shield(asyncio.ensure_future(held.give_back(0, pauses=(0.0,))))
            raise
        except StorageError as error:
            self._services.report(self._function, "error", f"Message {held.message.id} could not be settled: {error}")

    async def _has_succeeded(self, fire: Fire, event: Event) -> bool:
        try:
            outcome = await fire(event)
        except InvocationError:
            return False  # the invocation has said in the log what failed
        return outcome.failure is None

    def _event(self, held: HeldMessage) -> Event:
        """Raises UnreadableMessage."""
        message = held.message
        body = messages.decoded(message.text, self._settings.is_base64)
        return Event(
            function=self._function,
            value=messages.trigger_value(body, self._data_type),
            reason=f"New queue message detected on '{self._queue}'.",
            details=f"MessageId: {message.id}, DequeueCount: {message.deliveries}, InsertedOn: {message.inserted}",
            metadata=messages.metadata(message, body),
            id=message.id,
            deliveries=message.deliveries,
            renewal=held,
        )

    async def _settle(self, held: HeldMessage, has_succeeded: bool) -> None:
        if has_succeeded:
            await held.remove()
        elif held.message.deliveries >= self._settings.deliveries:
            await self._poison(held)
        else:
            await held.give_back(self._settings.retry_after)

    async def _refuse(self, held: HeldMessage, error: messages.UnreadableMessage) -> None:
        text = f"Message {held.message.id} of queue '{self._queue}' was not handed to the function: {error}."
        self._services.report(self._function, "warning", text)
        await self._poison(held)

    async def _poison(self, held: HeldMessage) -> None:
        limit, target = self._settings.deliveries, f"{self._queue}-poison"
        text = f"Message has reached MaxDequeueCount of {limit}. Moving message to queue '{target}'."
        self._services.report(self._function, "warning", text)
        await held.poison()
        self._services.host.notices.notify((self._account, target))


def open_trigger(services: StorageServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> QueueTrigger:
    """Raises BindingError."""
    return QueueTrigger(services, function, binding)
