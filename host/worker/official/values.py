"""Values as TypedData of the platform's gRPC service, by the capabilities of a worker (platform/values.md 1)."""

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from fnhost.bindings.contract import Collection, Cookie, HttpRequest, HttpResponse, Json, Value
from fnhost.bindings.formats import compact
from fnhost.host.rpc import functionrpc_pb2 as rpc
from fnhost.host.worker.official.capabilities import Capabilities

BINARY_TYPES = ("application/octet-stream", "multipart/")
"""How the types of bodies begin that are no text."""
NANOSECONDS = 1_000_000_000


def encode(value: Value, can: Capabilities) -> rpc.TypedData:
    """A value that is none has no field set. Raises TypeError, ValueError: it cannot be sent."""
    match value:
        case None:
            return rpc.TypedData()
        case str():
            return rpc.TypedData(string=value)
        case Json(text=text):
            return rpc.TypedData(json=text)
        case bytes():
            return rpc.TypedData(binary=value)
        case int() | float():
            return rpc.TypedData(json=json.dumps(value))  # the worker for Python has no other kind of number
        case HttpRequest():
            return rpc.TypedData(http=_request(value, can))
        case HttpResponse():
            raise TypeError("A worker is never sent a response.")
        case _:
            return _collection(value) if can.typed_collections else _json_array(value)


def _collection(values: Collection) -> rpc.TypedData:
    match values:
        case (bytes(), *_):
            pieces = [each for each in values if isinstance(each, bytes)]
            return rpc.TypedData(collection_bytes=rpc.CollectionBytes(values=pieces))
        case (int(), *_):
            whole = [each for each in values if isinstance(each, int)]
            return rpc.TypedData(collection_sint64=rpc.CollectionSInt64(values=whole))
        case (float(), *_):
            numbers = [each for each in values if isinstance(each, float)]
            return rpc.TypedData(collection_double=rpc.CollectionDouble(values=numbers))
        case _:
            texts = [each for each in values if isinstance(each, str)]
            return rpc.TypedData(collection_string=rpc.CollectionString(values=texts))


def _json_array(values: Collection) -> rpc.TypedData:
    """Bytes in it are base64, as the platform's JSON writes them."""
    plain = [base64.b64encode(each).decode() if isinstance(each, bytes) else each for each in values]
    return rpc.TypedData(json=compact(plain))


def _request(request: HttpRequest, can: Capabilities) -> rpc.RpcHttp:
    found = rpc.RpcHttp(method=request.method, url=request.url)
    if can.nullable_dictionaries:
        _fill(found.nullable_headers, request.headers)
        _fill(found.nullable_params, request.params)
        _fill(found.nullable_query, request.query)
    else:
        found.headers.update({k: v for k, v in request.headers.items() if v or not can.ignores_empty_headers})
        found.params.update(request.params)
        found.query.update(request.query)
    if request.body is not None:
        _add_body(found, request, request.body, can)
    return found


def _fill(target: Any, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        target[name].value = value


def _add_body(found: rpc.RpcHttp, request: HttpRequest, body: bytes, can: Capabilities) -> None:
    """Bytes, or text for a worker that wants it; for one of the oldest JSON is read, and the text stands beside it."""
    if can.raw_body_bytes:
        found.body.binary = body
        return
    type = request.headers.get("content-type", "").lower()
    text = None if type.startswith(BINARY_TYPES) else _text(body)
    if text is None:
        found.body.binary = body
    elif not can.body_only and type.startswith("application/json") and _is_json(text):
        found.body.json = text
    else:
        found.body.string = text
    if not can.body_only:
        found.raw_body.string = body.decode("utf-8", "replace")


def _text(body: bytes) -> str | None:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def decode(data: rpc.TypedData) -> Value:
    """What a worker answered. Raises ValueError for a kind that no worker may send, and for JSON that is none."""
    kind = data.WhichOneof("data")
    if kind is None:
        return None
    if kind not in _DECODERS:
        raise ValueError(f"A worker sent typed data of the kind {kind!r}.")
    return _DECODERS[kind](getattr(data, kind))


def _plain(value: Any) -> Any:
    return value


def _json(text: str) -> Value:
    """Nothing for an empty text, as the platform's reader has it. Raises ValueError."""
    if not text.strip():
        return None
    try:
        json.loads(text)
    except RecursionError:
        raise ValueError("its JSON lies too deep") from None
    return Json(text)


def _response(http: rpc.RpcHttp) -> HttpResponse:
    return HttpResponse(
        status=http.status_code,
        headers=dict(http.headers) or {name: value.value for name, value in http.nullable_headers.items()},
        body=decode(http.body),
        cookies=tuple(_cookie(cookie) for cookie in http.cookies),
        negotiate=http.enable_content_negotiation,
    )


SAME_SITE = {
    rpc.RpcHttpCookie.LAX: "Lax",
    rpc.RpcHttpCookie.STRICT: "Strict",
    rpc.RpcHttpCookie.EXPLICIT_NONE: "ExplicitNone",
}


def _cookie(sent: rpc.RpcHttpCookie) -> Cookie:
    return Cookie(
        name=sent.name,
        value=sent.value,
        domain=_optional(sent, "domain"),
        path=_optional(sent, "path"),
        expires=_seconds(sent),
        max_age=_optional(sent, "max_age"),
        secure=_optional(sent, "secure"),
        http_only=_optional(sent, "http_only"),
        same_site=SAME_SITE.get(sent.same_site),
    )


def _optional(cookie: rpc.RpcHttpCookie, name: str) -> Any:
    """The value of a nullable member; None if it is not there, or holds none."""
    if not cookie.HasField(name):
        return None
    member = getattr(cookie, name)
    return member.value if member.HasField("value") else None


def _seconds(cookie: rpc.RpcHttpCookie) -> float | None:
    expires = _optional(cookie, "expires")
    return None if expires is None else expires.seconds + expires.nanos / NANOSECONDS


_DECODERS: Mapping[str, Callable[[Any], Value]] = {
    "string": _plain,
    "json": _json,
    "binary": _plain,
    "stream": _plain,
    "integer": _plain,
    "double": _plain,
    "http": _response,
    "collection_bytes": lambda found: tuple(found.values),
    "collection_string": lambda found: tuple(found.values),
    "collection_double": lambda found: tuple(found.values),
    "collection_sint64": lambda found: tuple(found.values),
}
