"""Requests that a page asks for: what it names is read like what comes over a connection."""

import asyncio
import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from starlette.types import ASGIApp, Message, Scope

from fnhost.host.web.dashboard.answers import ApiError, member
from fnhost.host.web.dashboard.payloads import KeptRequest
from fnhost.host.web.listen.head import Head, parse_head
from fnhost.host.web.listen.limits import Limits
from fnhost.host.web.listen.refused import Refused

OF_THE_CONNECTION = frozenset(
    "connection content-length expect host keep-alive te trailer transfer-encoding upgrade".split()
)
"""Headers that are made anew for each request."""
HALF = "The request holds half of a character (a lone surrogate)."
OWN_PATHS = ("/admin", "/runtime")
LIMITS = Limits(request_line=64 * 1024, headers=256 * 1024, fields=1_000)


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """`target` is path and query, percent-encoded."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def has_header(self, name: str) -> bool:
        return any(given.lower() == name for given, _ in self.headers)


@dataclass(slots=True)
class Response:
    status: int = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""


def read_outgoing(members: Mapping[str, Any], before: OutgoingRequest) -> OutgoingRequest:
    """`before` with what `{method, path, query, headers, body, body_base64}` says. Raises ApiError."""
    try:
        return _outgoing(members, before)
    except UnicodeEncodeError as error:
        raise ApiError(400, HALF) from error


def _outgoing(members: Mapping[str, Any], before: OutgoingRequest) -> OutgoingRequest:
    path, _, query = before.target.partition("?")
    if (text := member(members, "path", str)) is not None:
        path, _, query = text.partition("?")
        path = quote(path, safe="/%:@!$&'()*+,;=-._~")
    if (given := members.get("query")) is not None:
        query = _query(given)
    headers = before.headers if members.get("headers") is None else tuple(_headers(members["headers"]))
    method = member(members, "method", str, before.method).upper()
    target = f"{path}?{query}" if query else path
    return OutgoingRequest(method, target, headers, _body(members, before.body))


def again(request: KeptRequest) -> OutgoingRequest:
    """The request as it was. Raises ApiError when its body is not kept whole."""
    if request.body.is_cut:
        kept, size = len(request.body.data), request.body.size
        raise ApiError(
            409,
            f"The request cannot be sent again: of its body of {size:,} bytes the first {kept:,} are kept.",
            "Edit it and give the body.",
        )
    address = request.url.partition("://")[2].partition("/")[2]
    return OutgoingRequest(request.method, f"/{address}", request.headers, request.body.data)


def _query(given: object) -> str:
    if isinstance(given, str):
        return quote(given.removeprefix("?"), safe="%&=+/:@!$'()*,;-._~?")
    if isinstance(given, dict):
        return urlencode([(name, str(value)) for name, value in given.items()])
    raise ApiError(400, "The member 'query' of the body has to be a text or an object.")


def _headers(given: object) -> Iterable[tuple[str, str]]:
    """An object, or a list of pairs or of `{name, value}`."""
    if isinstance(given, dict):
        given = [list(pair) for pair in given.items()]
    if not isinstance(given, list):
        raise ApiError(400, "The member 'headers' of the body has to be an object or a list.")
    for one in given:
        pair = [one.get("name"), one.get("value")] if isinstance(one, dict) else one
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise ApiError(400, "Each of the headers has to be a name and a value.")
        yield pair[0], pair[1]


def _body(members: Mapping[str, Any], otherwise: bytes) -> bytes:
    if (encoded := member(members, "body_base64", str)) is not None:
        try:
            return base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            raise ApiError(400, f"The member 'body_base64' is not base64: {error}.") from error
    text = member(members, "body", str)
    return otherwise if text is None else str(text).encode("utf-8", "surrogatepass")


async def send(front: ASGIApp, request: OutgoingRequest, host: str, scheme: str) -> Response:
    """The front's response, as any client gets it. Raises ApiError if this is no HTTP request."""
    head = _head(request, host)
    if head.target.path.lower().startswith(OWN_PATHS):
        raise ApiError(400, f"'{head.target.path}' is an address of the host: no function is there.")
    response = Response()
    body: list[Message] = [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> Message:
        if not body:
            await asyncio.Event().wait()  # this client never leaves
        return body.pop()

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            response.status, response.headers = message["status"], tuple(message.get("headers", ()))
        else:
            response.body += message.get("body", b"")

    await front(_scope(head, scheme), receive, take)
    return response


def _head(request: OutgoingRequest, host: str) -> Head:
    given = [(name, value) for name, value in request.headers if name.lower() not in OF_THE_CONNECTION]
    if any("\r" in text or "\n" in text for pair in given for text in pair):
        raise ApiError(400, "A header cannot hold a line break.")
    lines = [f"{request.method} {request.target} HTTP/1.1", f"host: {host}"]
    lines += [f"{name}: {value}" for name, value in given]
    if request.body or request.method in ("POST", "PUT", "PATCH"):
        lines.append(f"content-length: {len(request.body)}")
    try:
        return parse_head("".join(f"{line}\r\n" for line in lines).encode("utf-8"), LIMITS)
    except Refused as error:
        raise ApiError(400, f"This is no request that can be sent: {error.reason}") from error
    except UnicodeEncodeError as error:
        raise ApiError(400, HALF) from error


def _scope(head: Head, scheme: str) -> Scope:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "method": head.method,
        "scheme": scheme,
        "path": head.target.path,
        "raw_path": head.target.raw_path,
        "query_string": head.target.query,
        "root_path": "",
        "headers": list(head.headers),
        "server": None,
        "client": ("127.0.0.1", 0),
    }
