"""Values of invocations as the dashboard keeps and shows them: cut at a size, with the true size beside."""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fnhost.bindings.contract import HttpRequest, HttpResponse, Json, Value
from fnhost.bindings.formats import compact
from fnhost.host.logging.log import MOST_SEEN, SeenBody

SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie", "x-functions-key"})
Header = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Payload:
    """The beginning of a body or a value. `size` is that of the whole, in bytes."""

    data: bytes
    size: int
    content_type: str = ""

    @property
    def is_cut(self) -> bool:
        return self.size > len(self.data)


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request as a function received it: header names in lower case, values of one name joined with a comma."""

    method: str
    url: str
    headers: tuple[Header, ...]
    params: Mapping[str, str]
    body: Payload

    @property
    def without_body(self) -> "KeptRequest":
        return replace(self, body=Payload(b"", 0))


@dataclass(frozen=True, slots=True)
class KeptResponse:
    status: int
    headers: tuple[Header, ...]
    body: Payload


Kept = Payload | KeptRequest | None


def keep(value: Value) -> Kept:
    """A copy of what is shown of a value: nothing of it lives longer than its invocation."""
    match value:
        case None:
            return None
        case HttpRequest():
            return keep_request(value)
        case HttpResponse():
            return _payload(compact(_response(value)).encode("utf-8", "replace"), "application/json")
        case bytes():
            return _payload(value, "application/octet-stream")
        case str():
            return _payload(value.encode("utf-8", "replace"), "text/plain")
        case Json():
            return _payload(value.text.encode("utf-8", "replace"), "application/json")
    return _payload(compact(_plain(value)).encode("utf-8", "replace"), "application/json")


def _plain(value: Value) -> Any:
    """What JSON has for it, whatever it is: whoever runs a function must not fail for what is kept of it."""
    match value:
        case Json():
            return value.text
        case bytes():
            return value.decode("latin-1")
        case tuple():
            return [_plain(one) for one in value]
        case None | str() | int() | float():
            return value
    return str(value)


def keep_request(request: HttpRequest) -> KeptRequest:
    body = _payload(request.body or b"", request.headers.get("content-type", ""))
    return KeptRequest(request.method, request.url, tuple(request.headers.items()), dict(request.params), body)


def keep_response(status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes | SeenBody) -> KeptResponse:
    named = tuple((name.decode("latin-1").lower(), value.decode("utf-8", "replace")) for name, value in headers)
    content_type = next((value for name, value in named if name == "content-type"), "")
    kept = seen_payload(body, content_type) if isinstance(body, SeenBody) else _payload(body, content_type)
    return KeptResponse(status, named, kept)


def with_body(request: KeptRequest, body: SeenBody) -> KeptRequest:
    """A request whose body passed by."""
    return replace(request, body=seen_payload(body, request.body.content_type))


def seen_payload(body: SeenBody, content_type: str) -> Payload:
    return Payload(bytes(body.beginning), body.size, content_type)


def _payload(data: bytes, content_type: str) -> Payload:
    return Payload(bytes(data[:MOST_SEEN]), len(data), content_type)


def _response(response: HttpResponse) -> Mapping[str, Any]:
    """What a function returned before it was made into a response."""
    return {
        "status": response.status,
        "headers": dict(response.headers),
        "cookies": [{"name": cookie.name, "value": cookie.value} for cookie in response.cookies],
        "body": _plain(response.body),
    }


def size_of(kept: Kept | KeptResponse) -> int:
    """About the bytes it takes."""
    match kept:
        case Payload():
            return 200 + len(kept.data)
        case KeptRequest() | KeptResponse():
            return 500 + len(kept.body.data) + sum(len(name) + len(value) + 100 for name, value in kept.headers)
    return 0


# --- as JSON


def shown(kept: Kept) -> dict[str, Any] | None:
    return shown_request(kept) if isinstance(kept, KeptRequest) else None if kept is None else shown_payload(kept)


def shown_payload(payload: Payload) -> dict[str, Any]:
    """`text` if it is UTF-8, else `base64`; `cut` says how many bytes of `size` are kept, null if all are."""
    text = _text(payload)
    return {
        "content_type": payload.content_type or None,
        "size": payload.size,
        "cut": len(payload.data) if payload.is_cut else None,
        "text": text,
        "base64": b64encode(payload.data).decode() if text is None else None,
    }


def _text(payload: Payload) -> str | None:
    """A cut may fall into a character: at most three bytes of it are left out."""
    for end in range(len(payload.data), len(payload.data) - (4 if payload.is_cut else 1), -1):
        try:
            return payload.data[: max(end, 0)].decode("utf-8")
        except UnicodeDecodeError:
            continue
    return None


def shown_request(request: KeptRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": shown_headers(request.headers),
        "route_values": dict(request.params),
        "body": shown_payload(request.body),
    }


def shown_response(response: KeptResponse) -> dict[str, Any]:
    return {
        "status": response.status,
        "headers": shown_headers(response.headers),
        "body": shown_payload(response.body),
    }


def shown_headers(headers: Iterable[Header]) -> list[dict[str, Any]]:
    """`secret` marks values that a page hides until it is asked to show them."""
    return [{"name": name, "value": value, "secret": is_secret(name)} for name, value in headers]


def is_secret(name: str) -> bool:
    lower = name.lower()
    return lower in SECRET_HEADERS or (lower.startswith("x-ms-") and "token" in lower)
