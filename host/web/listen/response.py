"""The bytes of a response: its head, and how its body ends (RFC 9112, 4 and 6)."""

from collections.abc import Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import NamedTuple

from fnhost.host.web.listen.head import FIELDS

Fields = Iterable[tuple[bytes, bytes]]

BARE = frozenset({204, 304})
"""Statuses whose responses have no body."""
OURS = frozenset({b"connection", b"transfer-encoding"})
"""Headers that belong to the connection: an application says no more than `connection: close`."""
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class UnsendableResponse(Exception):
    """An application answered with what cannot be sent. The text says what."""


class ResponseCut(Exception):
    """What a response comes from has ended in its middle, and has said so elsewhere."""


class Opening(NamedTuple):
    """The head of a response, and what follows it: `length` bytes, or any number of them when that is None."""

    head: bytes
    length: int | None
    has_body: bool
    is_chunked: bool
    keep_alive: bool


def _status_line(status: int) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}\r\n".encode("ascii")


STATUS_LINES = {status: _status_line(status) for status in range(200, 1000)}


def date_line(seconds: float) -> bytes:
    return f"date: {formatdate(seconds, usegmt=True)}\r\n".encode("ascii")


SERVER_LINE = b"server: Kestrel\r\n"
"""As the platform's host calls its server."""


def open_response(status: int, headers: Fields, *, method: str, version: str, keep_alive: bool, date: bytes) -> Opening:
    """The head of a response to a request with this method and version; `date` is the host's own line.

    What the application says as Date or Server replaces the host's. Raises UnsendableResponse.
    """
    given = {name.lower(): value for name, value in headers}
    keep_alive = keep_alive and given.get(b"connection", b"").lower() != b"close"
    has_body = method != "HEAD" and status not in BARE
    length = _length(given) if has_body else 0
    is_chunked = length is None and version == "1.1"
    keep_alive = keep_alive and (length is not None or is_chunked)
    if not OURS.isdisjoint(given):
        headers = [pair for pair in headers if pair[0].lower() not in OURS]
    lines = [b"%b: %b\r\n" % pair for pair in headers]
    if b"date" not in given:
        lines.append(date)
    if b"server" not in given:
        lines.append(SERVER_LINE)
    if is_chunked:
        lines.append(b"transfer-encoding: chunked\r\n")
    if not keep_alive:
        lines.append(b"connection: close\r\n")
    elif version == "1.0":
        lines.append(b"connection: keep-alive\r\n")
    return Opening(_head(status, lines), length, has_body, is_chunked, keep_alive)


def _length(given: dict[bytes, bytes]) -> int | None:
    length = given.get(b"content-length")
    if length is None:
        return None
    if not length.isdigit():
        raise UnsendableResponse("The Content-Length of the response is not a number.")
    return int(length)


def _head(status: int, lines: list[bytes]) -> bytes:
    """A head never tears: nothing is sent of one that holds a line break where none belongs."""
    if status not in STATUS_LINES:
        raise UnsendableResponse(f"{status} cannot be the status of a response.")
    block = b"".join(lines)
    if block.count(b"\n") != len(lines) or not FIELDS.fullmatch(block):
        raise UnsendableResponse("A header of the response has a name or a control character that cannot be sent.")
    return b"%b%b\r\n" % (STATUS_LINES[status], block)


def refusal(status: int, reason: str, allow: str, date: bytes) -> bytes:
    """A whole response, in words, after which the connection is closed."""
    body = reason.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    if allow:
        headers.append((b"allow", allow.encode("ascii")))
    opened = open_response(status, headers, method="GET", version="1.1", keep_alive=False, date=date)
    return opened.head + body
