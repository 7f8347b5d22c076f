"""Typed data of the protocol to and from the datums of the app's `azure.functions` (platform/values.md 1)."""

from __future__ import annotations

import datetime
import email.utils
import json
import logging
import re
import types
from http.cookies import Morsel, SimpleCookie
from typing import Any, Callable

from .wire import Blobs, get_bytes, get_text

TypedData = dict[str, Any]
SAME_SITE = {"strict": "strict", "lax": "lax", "none": "explicitNone"}


class Datum:
    """A value and its kind. Converters read these two members only."""

    __slots__ = ("type", "value")

    def __init__(self, value: Any, type: str) -> None:
        self.value = value
        self.type = type

    @property
    def python_value(self) -> Any:
        if self.type == "json":
            return json.loads(self.value)
        if self.type.startswith("collection"):
            return next(iter(vars(self.value).values()))
        return self.value


def to_datum(data: TypedData | None, blobs: bytes) -> Datum | None:
    """None for a value of no kind."""
    if not data:
        return None
    ((kind, value),) = data.items()
    if kind in ("string", "json"):
        return Datum(get_text(value, blobs), kind)
    if kind in ("bytes", "stream"):
        return Datum(get_bytes(value, blobs), "bytes")
    if kind == "http":
        return Datum(_request(value, blobs), kind)
    if kind == "modelBindingData":
        return Datum(_place(value, blobs), "model_binding_data")
    if kind.startswith("collection"):
        return _collection(kind, value, blobs)
    return Datum(value, kind)


def _request(http: TypedData, blobs: bytes) -> dict[str, Any]:
    """A query parameter without a value is not handed to Python (platform/http.md 3)."""
    return {
        "method": Datum(http["method"], "string"),
        "url": Datum(http["url"], "string"),
        "headers": _texts(http["headers"]),
        "query": _texts({name: text for name, text in http["query"].items() if text}),
        "params": _texts(http["params"]),
        "body": to_datum(http["body"], blobs) or Datum(b"", "bytes"),
    }


def _place(value: dict[str, Any], blobs: bytes) -> types.SimpleNamespace:
    """With the members that the platform's message has: extensions read them."""
    return types.SimpleNamespace(
        version=value["version"],
        source=value["source"],
        content_type=value["contentType"],
        content=get_bytes(value["content"], blobs),
    )


def _texts(pairs: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in pairs.items()}


def _collection(kind: str, value: dict[str, list[Any]], blobs: bytes) -> Datum:
    """`collectionBytes: {bytes: [...]}` becomes what the platform's workers hand on: an object with that attribute."""
    ((item, values),) = value.items()
    if item == "bytes":
        values = [get_bytes(each, blobs) for each in values]
    return Datum(types.SimpleNamespace(**{item: values}), f"collection_{item}")


def to_data(datum: Any, blobs: Blobs) -> TypedData | None:
    """None for no value. Raises TypeError for a value that has no encoding."""
    if datum is None or datum.type is None or datum.value is None:
        return None
    if datum.type not in _ENCODERS:
        raise TypeError(f"unable to encode outgoing TypedData: unsupported type {datum.type!r}")
    return _ENCODERS[datum.type](datum.value, blobs)


def _text(kind: str) -> Callable[[Any, Blobs], TypedData]:
    def encode(value: Any, blobs: Blobs) -> TypedData:
        if not isinstance(value, str):
            raise TypeError(f"unable to encode outgoing TypedData: {kind} must be text, not {type(value).__name__}")
        return {kind: blobs.put_text(value)}

    return encode


def _to_json(value: Any, blobs: Blobs) -> TypedData:
    return {"json": blobs.put_text(json.dumps(value))}


def _response(value: dict[str, Any], blobs: Blobs) -> TypedData:
    return {
        "http": {
            "statusCode": value["status_code"].value,
            "headers": {name: str(header.value) for name, header in value["headers"].items()},
            "cookies": [_cookie(morsel) for jar in value.get("cookies") or () for morsel in _morsels(jar)],
            "body": to_data(value["body"], blobs),
        }
    }


def _morsels(jar: SimpleCookie) -> list[Morsel[str]]:
    return list(jar.values())


def _cookie(morsel: Morsel[str]) -> dict[str, Any]:
    """Every attribute of a cookie that the platform's worker sends (platform/http.md 6.3).

    Zero is a value: `Max-Age=0` and a date of 1970 delete a cookie. A domain or path that is not given is sent empty.
    """
    attributes = {
        "domain": str(morsel["domain"]),
        "path": str(morsel["path"]),
        "expires": _read(morsel, "expires", _timestamp),
        "maxAge": _read(morsel, "max-age", _seconds),
        "secure": bool(morsel["secure"]) or None,
        "httpOnly": bool(morsel["httponly"]) or None,
        "sameSite": SAME_SITE.get(str(morsel["samesite"]).lower()),
    }
    given = {key: value for key, value in attributes.items() if value is not None}
    return {"name": morsel.key, "value": morsel.value, **given}


def _read(morsel: Morsel[str], attribute: str, read: Callable[[str], float]) -> float | None:
    """None without the attribute. One that cannot be read is logged, and the cookie is sent without it."""
    text = str(morsel[attribute])
    try:
        return read(text) if text else None
    except (TypeError, ValueError, OverflowError, IndexError):
        logging.error("Can not parse value %s of %s in the cookie %s: it is sent without.", text, attribute, morsel.key)
        return None


def _seconds(text: str) -> float:
    """Raises ValueError, and OverflowError for what is no number of seconds."""
    return int(float(text))


def _timestamp(text: str) -> float:
    """Seconds since 1970 of a date as HTTP or as ISO 8601 has it. Raises what the parsers raise."""
    try:
        at = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        at = datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text.strip()))
    return (at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)).timestamp()


def _int(value: int, blobs: Blobs) -> TypedData:
    """A sint64 of the protocol. Raises ValueError."""
    if not -(2**63) <= value < 2**63:
        raise ValueError(f"The integer {value} does not fit into 64 bits.")
    return {"int": value}


_ENCODERS: dict[str, Callable[[Any, Blobs], TypedData]] = {
    "string": _text("string"),
    "json": _text("json"),
    "bytes": lambda value, blobs: {"bytes": blobs.put(bytes(value))},
    "int": _int,
    "double": lambda value, blobs: {"double": value},
    "bool": _to_json,
    "dict": _to_json,
    "list": _to_json,
    "http": _response,
}
