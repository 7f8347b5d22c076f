"""The queue trigger: polls with a growing pause, and hands each message to the function (platform/queue.md 1 to 3)."""

import asyncio

from fnhost.bindings.contract import Binding, Event, Fire, Json, Value
from fnhost.bindings.queue import messages
from fnhost.bindings.queue.consumer import HeldMessage, MessageSettlement, QueueListener
from fnhost.bindings.queue.settings import NAME, read_settings
from fnhost.bindings.storage import (
    Queues,
)
from fnhost.bindings.storage.services import StorageServices


class QueueTrigger:
    def __init__(self, services: StorageServices, function: str, binding: Binding) -> None:
        client = services.accounts.client(binding.properties.get("connection", ""))
        self._services, self._function, self._data_type = services, function, binding.data_type
        self._queue = str(binding.properties["queueName"]).lower()
        self._settings = read_settings(services.section(NAME), services.is_development)
        account = client.account.queue
        self._settlement = MessageSettlement(services, self._settings, function, account, f"{self._queue}-poison")
        self._listener = QueueListener(Queues(client), (account, self._queue), self._settings, services, self._deal)

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
            text = f"Message {held.message.id} of queue '{self._queue}' was not handed to the function: {error}."
            self._services.report(self._function, "warning", text)
            return await self._settlement.give_up(held)
        await self._settlement.deal(fire, held, event)

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


def open_trigger(services: StorageServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> QueueTrigger:
    """Raises BindingError."""
    return QueueTrigger(services, function, binding)
