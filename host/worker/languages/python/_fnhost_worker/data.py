"""Typed data of the wire to and from the datums of the app's `azure.functions` (platform/values.md 1)."""

from __future__ import annotations

import datetime
import email.utils
import json
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
    """None when the data says nothing."""
    if not data:
        return None
    ((kind, value),) = data.items()
    if kind in ("string", "json"):
        return Datum(get_text(value, blobs), kind)
    if kind in ("bytes", "stream"):
        return Datum(get_bytes(value, blobs), "bytes")
    if kind == "http":
        return Datum(_request(value, blobs), kind)
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


def _texts(pairs: dict[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in pairs.items()}


def _collection(kind: str, value: dict[str, list[Any]], blobs: bytes) -> Datum:
    """`collectionBytes: {bytes: [...]}` becomes what the platform's workers hand on: an object with that attribute."""
    ((item, values),) = value.items()
    if item == "bytes":
        values = [get_bytes(each, blobs) for each in values]
    return Datum(types.SimpleNamespace(**{item: values}), f"collection_{item}")


def to_data(datum: Any, blobs: Blobs) -> TypedData | None:
    """None when there is nothing to say. Raises TypeError for what cannot travel."""
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
    attributes = {
        "domain": morsel["domain"],
        "path": morsel["path"],
        "expires": _expires(morsel["expires"]),
        "maxAge": float(morsel["max-age"]) if str(morsel["max-age"]) else None,
        "secure": bool(morsel["secure"]),
        "httpOnly": bool(morsel["httponly"]),
        "sameSite": SAME_SITE.get(morsel["samesite"].lower()),
    }
    return {"name": morsel.key, "value": morsel.value, **{key: each for key, each in attributes.items() if each}}


def _expires(text: str) -> float | None:
    if not text:
        return None
    at = email.utils.parsedate_to_datetime(text)
    return (at if at.tzinfo else at.replace(tzinfo=datetime.timezone.utc)).timestamp()


_ENCODERS: dict[str, Callable[[Any, Blobs], TypedData]] = {
    "string": _text("string"),
    "json": _text("json"),
    "bytes": lambda value, blobs: {"bytes": blobs.put(bytes(value))},
    "int": lambda value, blobs: {"int": value},
    "double": lambda value, blobs: {"double": value},
    "bool": _to_json,
    "dict": _to_json,
    "list": _to_json,
    "http": _response,
}
