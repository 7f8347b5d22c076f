"""Typed data of the wire, and its frames: `"FNH1" | u32 n | u32 json length | n bytes: JSON, then blobs`, big endian.

A value that lies in the blobs is `{"$b": offset, "n": length}` in the JSON: bytes always, texts from a few KB on, so
that they are never escaped. Kinds from platform/values.md 1, frames from platform/worker-protocol.md 8.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from fnhost.bindings.contract import Collection, Cookie, HttpRequest, HttpResponse, Json, Value
from fnhost.host.limits import MOST_FRAME_BYTES

MARK = 0x464E4831
"""Every frame begins with it: bytes of somebody else on the same socket are told from a frame."""
HEAD = struct.Struct(">III")
TEXT_IN_JSON = 4096
_to_json = msgspec.json.Encoder().encode
_read_json = msgspec.json.Decoder().decode
_any_to_json = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

RpcMessage: TypeAlias = dict[str, Any]
TypedData: TypeAlias = dict[str, Any]
Frame: TypeAlias = tuple[RpcMessage, memoryview]


class Blobs:
    """Collects what travels beside the JSON of one frame."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def put(self, data: bytes) -> dict[str, int]:
        reference = {"$b": self._size, "n": len(data)}
        self.parts.append(data)
        self._size += len(data)
        return reference

    def put_text(self, text: str) -> str | dict[str, int]:
        return text if len(text) <= TEXT_IN_JSON else self.put(text.encode("utf-8", "surrogatepass"))


class BrokenFrame(Exception):
    """The stream holds something that is not a frame: nothing after it can be read either."""


class FrameTooLong(Exception):
    """A message is longer than a frame may be. The text gives both sizes."""


def to_json(message: RpcMessage) -> bytes:
    """Raises TypeError, ValueError."""
    try:
        return _to_json(message)
    except (TypeError, ValueError):  # a lone surrogate, infinity: both are allowed, and rare
        return _any_to_json(message).encode()


def pack(message: RpcMessage, blobs: Blobs) -> bytes:
    """Raises FrameTooLong."""
    text = to_json(message)
    size = len(text) + sum(map(len, blobs.parts))
    if size > MOST_FRAME_BYTES:
        raise FrameTooLong(f"It takes {size:,} bytes; a message to a worker may have {MOST_FRAME_BYTES:,}.")
    return b"".join((HEAD.pack(MARK, size, len(text)), text, *blobs.parts))


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._kept = bytearray()
        self._needed = HEAD.size

    def feed(self, data: bytes | bytearray) -> list[Frame]:
        """The frames that `data` completes. Only what is not yet whole is copied. Raises BrokenFrame."""
        if self._kept:
            self._kept += data
            if len(self._kept) < self._needed:
                return []
            data, self._kept = self._kept, bytearray()
        frames, start, view = [], 0, memoryview(data)
        while len(data) >= (end := _end_of_frame(data, start)):
            middle = start + HEAD.size + int(HEAD.unpack_from(data, start)[2])
            frames.append((_message(view[start + HEAD.size : middle]), view[middle:end]))
            start = end
        self._kept += view[start:]
        self._needed = end - start
        return frames


def _message(text: memoryview) -> RpcMessage:
    try:
        message: RpcMessage = _read_json(text)
    except ValueError:
        message = _any_message(text)
    return message


def _any_message(text: memoryview) -> RpcMessage:
    """With what JSON does not have, and Python's `json` writes: lone surrogates, NaN, Infinity. Raises BrokenFrame."""
    try:
        message: RpcMessage = json.loads(str(text, "utf-8"))
    except ValueError as error:
        raise BrokenFrame(f"a message is not JSON: {error}") from error
    return message


def _end_of_frame(data: bytes | bytearray, start: int) -> int:
    """As far as the data tells: of its head, when even that is not whole. Raises BrokenFrame."""
    end = start + HEAD.size
    if end > len(data):
        return end
    mark, size, length = HEAD.unpack_from(data, start)
    if mark != MARK:
        raise BrokenFrame(f"a frame does not begin with its mark but with {bytes(data[start : start + 20])!r}")
    if not length <= size <= MOST_FRAME_BYTES:
        raise BrokenFrame(f"a frame of {size:,} bytes with {length:,} bytes of JSON; {MOST_FRAME_BYTES:,} are allowed")
    return end + int(size)


def encode(value: Value, blobs: Blobs) -> TypedData | None:
    """None means the value is none. Raises TypeError, ValueError: it cannot be sent."""
    match value:
        case None:
            return None
        case str():
            return {"string": blobs.put_text(value)}
        case Json(text=text):
            return {"json": blobs.put_text(text)}
        case bytes():
            return {"bytes": blobs.put(value)}
        case int():
            return {"int": value}
        case float():
            return {"double": _double(value)}
        case HttpRequest():
            return {"http": _request(value, blobs)}
        case HttpResponse():
            raise TypeError("A worker is never sent a response.")
        case _:
            return _encode_collection(value, blobs)


def _request(request: HttpRequest, blobs: Blobs) -> RpcMessage:
    return {
        "method": request.method,
        "url": request.url,
        "headers": dict(request.headers),
        "query": dict(request.query),
        "params": dict(request.params),
        "body": encode(request.body, blobs),
    }


def _encode_collection(values: Collection, blobs: Blobs) -> TypedData:
    match values:
        case (bytes(), *_):
            return {"collectionBytes": {"bytes": [blobs.put(each) for each in values if isinstance(each, bytes)]}}
        case (int(), *_):
            return {"collectionSint64": {"sint64": list(values)}}
        case (float(), *_):
            return {"collectionDouble": {"double": [_double(value) for value in values if isinstance(value, float)]}}
        case _:
            return {"collectionString": {"string": list(values)}}


class _NotFinite(float):
    """msgspec would write null for NaN and infinity; what is not exactly a float it leaves to `json`."""


def _double(value: float) -> float:
    return value if math.isfinite(value) else _NotFinite(value)


def decode(data: TypedData | None, blobs: memoryview) -> Value:
    """What a worker answered. Raises ValueError for a kind no worker may send."""
    if not data:
        return None
    ((kind, value),) = data.items()
    if kind not in _DECODERS:
        raise ValueError(f"A worker sent typed data of the unknown kind {kind!r}.")
    return _DECODERS[kind](value, blobs)


def _bytes(reference: Mapping[str, int], blobs: memoryview) -> bytes:
    start = reference["$b"]
    return bytes(blobs[start : start + reference["n"]])


def _text(value: str | Mapping[str, int], blobs: memoryview) -> str:
    return value if isinstance(value, str) else _bytes(value, blobs).decode("utf-8", "surrogatepass")


def _response(http: RpcMessage, blobs: memoryview) -> HttpResponse:
    return HttpResponse(
        status=str(http.get("statusCode") or ""),
        headers=http.get("headers") or {},
        body=decode(http.get("body"), blobs),
        cookies=tuple(_cookie(cookie) for cookie in http.get("cookies") or ()),
        negotiate=bool(http.get("enableContentNegotiation")),
    )


SAME_SITE = {"lax": "Lax", "strict": "Strict", "explicitNone": "ExplicitNone"}


def _cookie(sent: RpcMessage) -> Cookie:
    return Cookie(
        name=sent["name"],
        value=sent["value"],
        domain=sent.get("domain"),
        path=sent.get("path"),
        expires=sent.get("expires"),
        max_age=sent.get("maxAge"),
        secure=sent.get("secure"),
        http_only=sent.get("httpOnly"),
        same_site=SAME_SITE.get(sent.get("sameSite", "")),
    )


def _plain(value: int | float, blobs: memoryview) -> int | float:
    return value


def _decode_collection(value: Mapping[str, list[Any]], blobs: memoryview) -> Collection:
    ((item, values),) = value.items()
    return tuple(_bytes(each, blobs) if item == "bytes" else each for each in values)


_DECODERS: Mapping[str, Callable[[Any, memoryview], Value]] = {
    "string": _text,
    "json": lambda value, blobs: Json(_text(value, blobs)),
    "bytes": _bytes,
    "stream": _bytes,
    "int": _plain,
    "double": _plain,
    "http": _response,
    "collectionString": _decode_collection,
    "collectionBytes": _decode_collection,
    "collectionSint64": _decode_collection,
    "collectionDouble": _decode_collection,
}
