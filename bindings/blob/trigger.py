"""The blob trigger (platform/blob.md 1 and 2): new versions are found by a scan, and dealt with from a queue.

The queue of found blobs is each function's own, so that no host has to hand on what is for another function.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fnhost.bindings.blob.paths import parse_pattern, split_path
from fnhost.bindings.blob.receipts import Receipts
from fnhost.bindings.blob.scanner import ContainerScanner
from fnhost.bindings.blob.settings import NAME, read_settings
from fnhost.bindings.contract import Binding, BindingError, Event, Fire, Json, Value
from fnhost.bindings.formats import compact
from fnhost.bindings.queue.consumer import HeldMessage, MessageSettlement, QueueListener, put_message
from fnhost.bindings.queue.messages import UnreadableMessage, decoded, encoded
from fnhost.bindings.storage import Queues
from fnhost.bindings.storage.blob_service import BlobProperties, Blobs
from fnhost.bindings.storage.errors import ResourceNotFound, StorageError
from fnhost.bindings.storage.services import StorageServices

POISON: Final = "webjobs-blobtrigger-poison"


@dataclass(frozen=True, slots=True)
class FoundBlob:
    """A version of a blob, as it stands in the queue of found blobs."""

    container: str
    blob: str
    etag: str

    def text(self, function: str) -> str:
        return compact(
            {
                "Type": "BlobTrigger",
                "FunctionId": f"Host.Functions.{function}",
                "BlobType": "BlockBlob",
                "ContainerName": self.container,
                "BlobName": self.blob,
                "ETag": self.etag,
            }
        )


def read_found(text: str) -> FoundBlob:
    """Raises UnreadableMessage."""
    try:
        members = json.loads(decoded(text, is_base64=True))
        return FoundBlob(members["ContainerName"], members["BlobName"], members["ETag"])
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableMessage("it names no blob") from error


class BlobTrigger:
    def __init__(self, services: StorageServices, function: str, binding: Binding) -> None:
        connection = binding.properties.get("connection", "")
        client, self._contents = services.accounts.client(connection), services.accounts.contents(connection)
        own = services.accounts.client()
        self._services, self._function = services, function
        self._pattern = parse_pattern(str(binding.properties["path"]))
        self._blobs, self._queues = Blobs(client), Queues(own)
        self._topic = (own.account.queue, queue_name(services.host.id, function))
        settings = read_settings(services.section(NAME)).of_queue(services.is_development)
        self._settlement = MessageSettlement(services, settings, function, own.account.queue, POISON)
        self._listener = QueueListener(self._queues, self._topic, settings, services, self._deal)
        prefix = f"blobreceipts/{services.host.id}/Host.Functions.{function}/"
        self._scanner = ContainerScanner(
            services,
            function,
            (client.account.blob, self._pattern.container),
            self._blobs,
            self._pattern,
            Receipts(Blobs(own), prefix, self._pattern.container, services.host.instance),
            self._put,
        )

    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        scanning = asyncio.create_task(self._scanner.run(stopping))
        try:
            await self._listener.listen(fire, stopping)
            await scanning
        finally:
            scanning.cancel()
            await asyncio.wait([scanning])

    async def _put(self, blob: BlobProperties) -> None:
        text = FoundBlob(self._pattern.container, blob.name, blob.etag).text(self._function)
        await put_message(self._queues, self._topic[1], encoded(text.encode(), is_base64=True))
        self._services.host.notices.notify(self._topic)

    async def _deal(self, fire: Fire, held: HeldMessage) -> None:
        """A version that is gone or was replaced is dropped: the scan finds its successor."""
        try:
            found = read_found(held.message.text)
            body, properties = await self._contents.download(found.container, found.blob)
        except ResourceNotFound:
            return await held.remove()
        except UnreadableMessage:
            return await self._settlement.give_up(held)
        except StorageError as error:
            self._services.report(self._function, "error", str(error))
            return await held.give_back(1)
        captured = self._pattern.match(found.blob)
        if properties.etag != found.etag or captured is None:
            return await held.remove()
        await self._settlement.deal(fire, held, self._event(found, body, properties, captured, held))

    def _event(
        self,
        found: FoundBlob,
        body: bytes,
        properties: BlobProperties,
        captured: Mapping[str, str],
        held: HeldMessage | None = None,
    ) -> Event:
        path = f"{found.container}/{found.blob}"
        return Event(
            function=self._function,
            value=body,
            reason=f"New blob detected(LogsAndContainerScan): {path}",
            details=self._details(held, properties),
            metadata={**self._metadata(path, found, properties), **captured},
            id=found.etag,
            deliveries=held.message.deliveries if held else 1,
            renewal=held,
        )

    def _details(self, held: HeldMessage | None, properties: BlobProperties) -> str:
        if held is None:
            return ""
        message = held.message
        return (
            f"MessageId: {message.id}, DequeueCount: {message.deliveries}, InsertedOn: {message.inserted}, "
            f"BlobCreated: {properties.modified.isoformat()}, BlobLastModified: {properties.modified.isoformat()}"
        )

    def _metadata(self, path: str, found: FoundBlob, properties: BlobProperties) -> Mapping[str, Value]:
        told = {
            "ContentLength": properties.length,
            "Length": properties.length,
            "ContentType": properties.content_type,
            "ETag": properties.etag,
            "LastModified": properties.modified.isoformat(),
        }
        return {
            "BlobTrigger": path,
            "Uri": self._blobs.address(found.container, found.blob),
            "Properties": Json(compact(told)),
            "Metadata": Json(compact(properties.metadata)),
        }

    async def manual_event(self, text: str) -> Event:
        """Of the blob that the text names: `container/name`."""
        found = FoundBlob(*split_path(text.strip()), "")
        try:
            body, properties = await self._contents.download(found.container, found.blob)
        except ResourceNotFound as error:
            raise BindingError(f"There is no blob '{text}': the input of a blob function is container/name.") from error
        return self._event(found, body, properties, self._pattern.match(found.blob) or {})


def queue_name(host: str, function: str) -> str:
    """63 characters at most, as queues have."""
    mark = hashlib.sha256(function.lower().encode()).hexdigest()[:4]
    return f"azure-webjobs-blobtrigger-{host}-{mark}"


def open_trigger(services: StorageServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> BlobTrigger:
    """Raises BindingError."""
    return BlobTrigger(services, function, binding)
