"""Blob input and output (platform/blob.md 3 and 4)."""

from fnhost.bindings.blob import values
from fnhost.bindings.blob.paths import split_path
from fnhost.bindings.contract import Adapter, Binding, Event, Value
from fnhost.bindings.expressions import parse
from fnhost.bindings.storage.errors import ResourceNotFound
from fnhost.bindings.storage.services import StorageServices

PARENT = "AzureWebJobsParentId"
"""Metadata of a written blob: the invocation that wrote it."""


class BlobInput:
    """A blob that is not there is no value."""

    def __init__(self, services: StorageServices, binding: Binding) -> None:
        self._contents = services.accounts.contents(binding.properties.get("connection", ""))
        self._path, self._clock = parse(str(binding.properties["path"])), services.clock
        self._data_type = binding.data_type

    async def read(self, event: Event) -> Value:
        container, blob = split_path(self._path.render_for(event, self._clock.now))
        try:
            body, _ = await self._contents.download(container, blob)
        except ResourceNotFound:
            return None
        return values.read(body, self._data_type)


class BlobOutput:
    """Replaces the blob; the container is made when it is missing. Triggers of this host hear of it at once."""

    def __init__(self, services: StorageServices, function: str, binding: Binding) -> None:
        connection = binding.properties.get("connection", "")
        self._contents, self._services = services.accounts.contents(connection), services
        self._account = services.accounts.client(connection).account.blob
        self._path = parse(str(binding.properties["path"]))
        self._place = f"Binding '{binding.name}' of function '{function}'"

    async def write(self, value: Value, event: Event) -> None:
        container, blob = split_path(self._path.render_for(event, self._services.clock.now))
        metadata = {PARENT: event.invocation} if event.invocation else {}
        await self._contents.upload(container, blob, values.written(value, self._place), metadata)
        self._services.host.notices.notify((self._account, container))


def open_blob(services: StorageServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    """Raises BindingError."""
    return BlobOutput(services, function, binding) if binding.direction == "out" else BlobInput(services, binding)
