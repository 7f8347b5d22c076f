"""Values to texts of queue messages and back (platform/values.md 2 to 4, platform/queue.md 4)."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from fnhost.bindings.contract import BindingError, Json, Value
from fnhost.bindings.formats import compact, indented
from fnhost.bindings.storage import QueueMessage

NEVER = "9999-12-31T23:59:59+00:00"


class UnreadableMessage(BindingError):
    """A message whose text is not in the encoding that host.json names."""


def written(value: Value, place: str) -> Iterator[bytes]:
    """The messages that a value becomes. Raises BindingError, naming `place`."""
    match value:
        case Json(text=text):
            yield from _of_text(text)
        case str():
            yield from _of_text(value)
        case bytes():
            yield value
        case tuple():
            for item in value:
                yield item if isinstance(item, bytes) else str(item).encode()
        case int() | float():
            yield compact(value).encode()
        case _:
            raise BindingError(f"{place}: a queue message is a text, bytes or JSON, not {type(value).__name__}.")


def _of_text(text: str) -> Iterator[bytes]:
    """A JSON array is one message for each element; objects are printed indented, anything else stays as it is."""
    match _object_or_array(text):
        case None:
            yield text.encode()
        case list() as items:
            yield from map(_of_item, items)
        case parsed:
            yield indented(parsed).encode()


def _of_item(item: Any) -> bytes:
    if isinstance(item, str):
        return item.encode()
    return (indented(item) if isinstance(item, dict | list) else compact(item)).encode()


def _object_or_array(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def encoded(body: bytes, is_base64: bool) -> str:
    """The text as it lies in the queue."""
    return base64.b64encode(body).decode() if is_base64 else body.decode("utf-8", "replace")


def decoded(text: str, is_base64: bool) -> bytes:
    """Raises UnreadableMessage."""
    if not is_base64:
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise UnreadableMessage(
            "it is not base64. Send it base64-encoded, or set extensions.queues.messageEncoding to none in host.json"
        ) from error


def trigger_value(body: bytes, data_type: str | None) -> Value:
    """What the function is handed."""
    return body if data_type == "binary" else body.decode("utf-8", "replace")


def metadata(message: QueueMessage, body: bytes) -> Mapping[str, Value]:
    """What stands beside a message, and the members of a JSON object in it (platform/values.md 3)."""
    text = body.decode("utf-8", "replace")
    return {
        "QueueTrigger": text,
        "DequeueCount": message.deliveries,
        "ExpirationTime": _time(message.expires),
        "Id": message.id,
        "InsertionTime": _time(message.inserted),
        "NextVisibleTime": _time(message.visible),
        "PopReceipt": message.receipt,
        **members(text),
    }


def members(text: str) -> Mapping[str, Value]:
    """The members of a JSON object that binding expressions may name: all but arrays."""
    parsed = _object_or_array(text)
    if not isinstance(parsed, dict):
        return {}
    return {name: _member(value) for name, value in parsed.items() if not isinstance(value, list)}


def _member(value: Any) -> Value:
    return value if isinstance(value, str) else Json(compact(value))


def _time(text: str) -> Json:
    """A date of HTTP as JSON; a date beyond the calendar of Python is the last one of .NET's."""
    try:
        return Json(f'"{parsedate_to_datetime(text).isoformat()}"')
    except ValueError:
        return Json(f'"{NEVER}"')
