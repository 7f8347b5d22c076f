"""Messages in the hub's queues (platform/task-hub.md 4)."""

import itertools
import math
import uuid
from base64 import b64encode
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

from fnhost.bindings.storage import QueueMessage, Queues, ResourceNotFound
from fnhost.bindings.storage.queues import LONGEST_DELAY
from fnhost.clock import Clock
from fnhost.host.durable.model.errors import UnreadableRecord
from fnhost.host.durable.model.instants import Instant, to_datetime
from fnhost.host.durable.model.messages import WORK_ITEMS, Message, ReceivedMessage
from fnhost.host.durable.storage import codec
from fnhost.host.durable.storage.azure.gather import gather_all, unless_gone
from fnhost.host.durable.storage.azure.large_messages import LargeMessages
from fnhost.host.durable.storage.azure.names import Names, message_blob
from fnhost.host.logging.log import Log

Encoding = Literal["Base64", "UTF8"]
"""queueClientMessageEncoding. Base64 is what every version of the platform reads."""

BATCH = 32
LONGEST_MESSAGE = 46_080
"""Bytes of an envelope before base64; a longer one goes to a blob."""
LONGEST_BACKOFF = 600


@dataclass(frozen=True, slots=True)
class PostedMessage:
    """A message that is stored, and the blob it lies in if it is large."""

    received: ReceivedMessage
    blob: str | None = None


class MessageQueues:
    """`hidden`: for how many whole seconds a message that this host holds is invisible to others."""

    def __init__(
        self,
        queues: Queues,
        large: LargeMessages,
        names: Names,
        hidden: int,
        encoding: Encoding,
        clock: Clock,
        log: Log,
    ) -> None:
        self._queues, self._large_messages, self._names = queues, large, names
        self._hidden, self._encoding, self._clock, self._log = hidden, encoding, clock, log
        self._sequence = itertools.count(1)
        self._unreadable: set[str] = set()

    async def post(self, message: Message, remote_queues: Container[str] = ()) -> PostedMessage:
        """Store a message. It is held by this host unless its queue is one of `remote_queues`."""
        activity, blob = str(uuid.uuid4()), None
        text = codec.envelope(message, next(self._sequence), activity)
        if len(text) > LONGEST_MESSAGE:
            blob = message_blob(message.target.instance_id, activity, message.event)
            await self._large_messages.put(blob, text)
            text = codec.blob_envelope(blob)
        body = text if self._encoding == "UTF8" else b64encode(text.encode()).decode()
        queue = WORK_ITEMS if message.is_work_item else self._names.control_of(message.target.instance_id)
        delay = self._delay(message.visible_at, 0 if queue in remote_queues else self._hidden)
        number, receipt = await self._queues.put(self._stored(queue), body, delay)
        return PostedMessage(ReceivedMessage(message, queue, number, receipt), blob)

    def _delay(self, visible_at: Instant | None, held: int) -> int:
        """Whole seconds: never too early, and never before our own hold ends."""
        if visible_at is None:
            return held
        wait = (to_datetime(visible_at) - self._clock.now()).total_seconds()
        return min(max(math.ceil(wait), held), LONGEST_DELAY)

    def _stored(self, queue: str) -> str:
        return self._names.work_items if queue == WORK_ITEMS else queue

    async def receive(self, queue: str) -> Sequence[ReceivedMessage]:
        texts = await self._queues.get(self._stored(queue), 1 if queue == WORK_ITEMS else BATCH, self._hidden)
        opened = zip(await gather_all(self._opened(queue, text) for text in texts), texts, strict=True)
        found = [(envelope, text) for envelope, text in opened if envelope]
        found.sort(key=lambda one: (parsedate_to_datetime(one[1].inserted), one[0].sequence))
        return [
            ReceivedMessage(envelope.message, queue, text.id, text.receipt, text.deliveries) for envelope, text in found
        ]

    async def _opened(self, queue: str, text: QueueMessage) -> codec.Envelope | None:
        try:
            found = codec.open_envelope(text.text)
            if isinstance(found, codec.BlobReference):
                found = codec.open_envelope(await self._large_messages.get(found.blob))
            if isinstance(found, codec.Envelope):
                return found
        except (UnreadableRecord, ResourceNotFound) as error:
            self._complain(queue, text, error)
        await self._put_aside(queue, text)
        return None

    def _complain(self, queue: str, text: QueueMessage, error: Exception) -> None:
        if text.id in self._unreadable:
            return
        self._unreadable.add(text.id)
        self._log.warning(
            "Host.Durable",
            f"Message {text.id} in queue {self._stored(queue)} cannot be read and is put aside: {error} "
            "If no other program needs it, delete it.",
        )

    async def _put_aside(self, queue: str, text: QueueMessage) -> None:
        """Hide it, for longer each time it is received (platform/task-hub.md 4.8)."""
        wait = min(2 ** min(text.deliveries, 30), LONGEST_BACKOFF)
        await unless_gone(self._queues.hide(self._stored(queue), text.id, text.receipt, wait))

    async def settle(self, received: Iterable[ReceivedMessage]) -> None:
        await gather_all(
            unless_gone(self._queues.remove(self._stored(one.queue), one.id, one.receipt)) for one in received
        )

    async def hide(self, received: Iterable[ReceivedMessage], seconds: float | None = None) -> None:
        """Hold them for a full time, or for some seconds from now."""
        wait = self._hidden if seconds is None else min(math.ceil(seconds), LONGEST_DELAY)
        await gather_all(self._hide(one, wait) for one in received)

    async def _hide(self, one: ReceivedMessage, seconds: int) -> None:
        receipt = await unless_gone(self._queues.hide(self._stored(one.queue), one.id, one.receipt, seconds))
        one.receipt = receipt or one.receipt
