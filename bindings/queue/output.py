"""The queue output (platform/queue.md 4)."""

from fnhost.bindings.contract import Binding, Event, Value
from fnhost.bindings.expressions import parse
from fnhost.bindings.queue.consumer import put_message
from fnhost.bindings.queue.messages import encoded, written
from fnhost.bindings.queue.settings import NAME, read_settings
from fnhost.bindings.storage import Queues
from fnhost.bindings.storage.services import StorageServices


class QueueOutput:
    """Stores the messages in their order, and wakes the triggers of this host that wait for them."""

    def __init__(self, services: StorageServices, function: str, binding: Binding) -> None:
        client = services.accounts.client(binding.properties.get("connection", ""))
        self._queues, self._account, self._services = Queues(client), client.account.queue, services
        self._name = parse(str(binding.properties["queueName"]))
        self._is_base64 = read_settings(services.section(NAME)).is_base64
        self._place = f"Binding '{binding.name}' of function '{function}'"

    async def write(self, value: Value, event: Event) -> None:
        queue = self._name.render_for(event, self._services.clock.now).lower()
        for body in written(value, self._place):
            await put_message(self._queues, queue, encoded(body, self._is_base64))
        self._services.host.notices.notify((self._account, queue))


def open_output(services: StorageServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> QueueOutput:
    """Raises BindingError."""
    return QueueOutput(services, function, binding)
