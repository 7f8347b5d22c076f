"""Values to the contents of blobs and back (platform/values.md 2, platform/blob.md 3 and 4)."""

import json
import struct

from fnhost.bindings.contract import BindingError, Json, Value
from fnhost.bindings.formats import compact


def written(value: Value, place: str) -> bytes:
    """The contents that a value becomes. Raises BindingError, naming `place`."""
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case Json(text=text):
            return _of_json(text)
        case int():
            return value.to_bytes(4, "little", signed=True) if -(2**31) <= value < 2**31 else struct.pack("<q", value)
        case float():
            return struct.pack("<d", value)
        case tuple():
            return compact(
                [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in value]
            ).encode()
    raise BindingError(f"{place}: a blob is a text, bytes, a number or JSON, not {type(value).__name__}.")


def _of_json(text: str) -> bytes:
    try:
        parsed = json.loads(text)
    except ValueError:
        return text.encode()
    if isinstance(parsed, bool):
        return bytes([parsed])
    return parsed.encode() if isinstance(parsed, str) else compact(parsed).encode()


def read(body: bytes, data_type: str | None) -> Value:
    """What an input hands over: text, with U+FFFD for what is not UTF-8, unless bytes are asked for."""
    return body if data_type in ("binary", "stream") else body.decode("utf-8", "replace")
