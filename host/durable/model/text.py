"""The one rule for text that enters or leaves durable state: well-formed Unicode, and JSON that every reader takes.

Python's strings and its JSON may hold what UTF-8 cannot: half of a surrogate pair, written `\\ud800` in JSON. .NET
writes such a half as U+FFFD, the replacement character, and so does this host. `NaN` and the infinities are no JSON;
Newtonsoft.Json, which the platform uses, writes them as strings (its FloatFormatHandling.String).
"""

import json
import math
from typing import Any

from fnhost.bindings.formats import compact

MAX_VALUE_BYTES = 100 * 1024 * 1024
"""The largest value that may enter a history, in bytes of UTF-8: as much as the platform takes in one request body."""


def well_formed(text: str) -> str:
    """The text with every surrogate pair joined and every lone surrogate replaced by U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def json_text(value: Any) -> str:
    """Compact JSON text; lone surrogates and numbers that are not finite are written as described above."""
    try:
        text = _strict(value)
    except ValueError:
        text = compact(_finite(value))
    return well_formed(text)


_strict = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def _finite(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {name: _finite(member) for name, member in value.items()}
        case list() | tuple():
            return [_finite(member) for member in value]
    return value


def compacted(text: str) -> str:
    """A JSON text as `json_text` writes it; a text that is no JSON as it is, well-formed."""
    try:
        return json_text(json.loads(text))
    except (ValueError, RecursionError):
        return well_formed(text)


def optional_json_text(value: Any) -> str | None:
    """None for null, else `json_text`."""
    return None if value is None else json_text(value)


def too_large(text: str | None, what: str) -> str | None:
    """Why `text`, which is `what`, may not enter a history; None if it may."""
    if text is None or len(text) * 4 <= MAX_VALUE_BYTES or (size := len(text.encode())) <= MAX_VALUE_BYTES:
        return None
    return (
        f"{what} is {size:,} bytes long, more than the {MAX_VALUE_BYTES:,} that a durable function may pass on. "
        "Keep large data in a blob or file, and pass its name."
    )
