"""Queues: their names, and texts in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from fnhost.bindings.storage.client import StorageClient, StorageRequest, parsed_xml
from fnhost.bindings.storage.errors import ResourceExists

LONGEST_DELAY: Final = 604_800
"""Seconds a message can be invisible."""
XML: Final[Mapping[str, str]] = {"Content-Type": "application/xml"}


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """A received message. `inserted` and `expires` are the service's dates, as HTTP writes them."""

    id: str
    receipt: str
    text: str
    deliveries: int
    inserted: str = ""
    expires: str = ""
    visible: str = ""


class Queues:
    """Every method raises StorageError.

    ResourceNotFound is for a queue or message that does not exist, PopReceiptMismatch for a message that someone else
    has received since.
    """

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    async def create(self, queue: str) -> None:
        """Create a queue; one that exists is no error."""
        try:
            await self._client.request(StorageRequest("queue", "PUT", f"/{queue}"))
        except ResourceExists as error:
            if error.code != "QueueAlreadyExists":
                raise

    async def delete(self, queue: str) -> None:
        await self._client.request(StorageRequest("queue", "DELETE", f"/{queue}"))

    async def put(self, queue: str, text: str, hidden: int = 0, lifetime: int = -1) -> tuple[str, str]:
        """Store a text, invisible for `hidden` seconds. Its id, and the receipt to hold it with.

        It expires after `lifetime` seconds, -1 for never.
        """
        body = f"<QueueMessage><MessageText>{escape(text)}</MessageText></QueueMessage>".encode()
        query = {"visibilitytimeout": str(hidden), "messagettl": str(lifetime)}
        answer = await self._client.request(StorageRequest("queue", "POST", f"/{queue}/messages", query, XML, body))
        found = parsed_xml(answer)
        return found.findtext("*/MessageId", ""), found.findtext("*/PopReceipt", "")

    async def get(self, queue: str, count: int, hidden: int) -> Sequence[QueueMessage]:
        """Up to 32 visible messages, invisible to others for `hidden` seconds."""
        query = {"numofmessages": str(count), "visibilitytimeout": str(hidden)}
        answer = await self._client.request(StorageRequest("queue", "GET", f"/{queue}/messages", query))
        return [_text(found) for found in parsed_xml(answer)]

    async def hide(self, queue: str, message: str, receipt: str, hidden: int) -> str:
        """Make it invisible for `hidden` seconds from now. Its new receipt."""
        query = {"popreceipt": receipt, "visibilitytimeout": str(hidden)}
        answer = await self._client.request(
            StorageRequest("queue", "PUT", f"/{queue}/messages/{message}", query, again=False)
        )
        return answer.headers.get("x-ms-popreceipt", receipt)

    async def remove(self, queue: str, message: str, receipt: str) -> None:
        await self._client.request(
            StorageRequest("queue", "DELETE", f"/{queue}/messages/{message}", {"popreceipt": receipt})
        )


def _text(found: ElementTree.Element) -> QueueMessage:
    return QueueMessage(
        id=found.findtext("MessageId", ""),
        receipt=found.findtext("PopReceipt", ""),
        text=found.findtext("MessageText", ""),
        deliveries=int(found.findtext("DequeueCount", "0")),
        inserted=found.findtext("InsertionTime", ""),
        expires=found.findtext("ExpirationTime", ""),
        visible=found.findtext("TimeNextVisible", ""),
    )
