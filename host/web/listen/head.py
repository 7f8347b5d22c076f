"""The head of a request: its line and its headers, parsed in one pass (RFC 9112, 2 to 6).

No parser of a library does this job: httptools refuses methods it does not know and ends a request at an offer to
upgrade, and h11 takes many times as long.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from fnhost.host.web.listen.limits import Limits
from fnhost.host.web.listen.refused import Refused
from fnhost.host.web.listen.target import AUTHORITY, Target, parse_target

Fields = tuple[tuple[bytes, bytes], ...]

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
METHOD = re.compile(TOKEN + rb"++")
FIELDS = re.compile(rb"(?:" + TOKEN + rb"++:[^\x00-\x08\x0a-\x1f\x7f]*+\r\n)*+")
"""Any number of header lines. Nothing can be matched in two ways: the work is linear."""
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
DIGITS = re.compile(rb"[0-9]{1,18}")
VERSIONS = {b"HTTP/1.1": "1.1", b"HTTP/1.0": "1.0"}
END = b"\r\n\r\n"
REMEMBERED = 1024
"""Bytes of the longest head that is remembered."""
SEPARATE = (b"host", b"content-length")
"""Headers that may stand in a request once."""


class Head(NamedTuple):
    """`length` is the size of the body, None when it comes in chunks. Names of headers are lower case."""

    method: str
    target: Target
    version: str
    headers: Fields
    length: int | None
    keep_alive: bool
    expects_continue: bool


def find_end(data: bytes | bytearray, since: int, limits: Limits) -> int:
    """Where the head in `data` ends; -1 if that has not come yet. What stands before `since` was looked at already.

    Raises Refused: no head begins like this, or none is as long.
    """
    end = data.find(END, max(since - 3, 0))
    size = end if end >= 0 else len(data)
    if size >= limits.request_line:
        _refuse_long(data, size, limits)
    if end < 0 and ((not since and not METHOD.match(data)) or BARE_LINE_FEED.search(data, max(since - 1, 0))):
        raise Refused(400, "This is not an HTTP request.")
    return end


def _refuse_long(data: bytes | bytearray, size: int, limits: Limits) -> None:
    line = data.find(b"\r\n", 0, limits.request_line)
    if line < 0:
        raise Refused(414, f"The request line is longer than {limits.request_line} bytes.")
    if size - line > limits.headers:
        raise Refused(431, f"The request headers are longer than {limits.headers} bytes.")


def parse_head(data: bytes, limits: Limits) -> Head:
    """Read a head; `data` ends with the line break of its last line. Raises Refused."""
    head = _parse_again(data) if len(data) <= REMEMBERED else _parse(data)
    if len(head.headers) > limits.fields:
        raise Refused(431, f"The request has more than {limits.fields} headers.")
    return head


def _parse(data: bytes) -> Head:
    line, _, fields = data.partition(b"\r\n")
    method, target, version = _parse_line(line)
    headers = _parse_fields(fields)
    special = _special(headers)
    _check_host(special, version, target)
    length = _length(special)
    if length == 0 and version == "1.0" and method in ("POST", "PUT") and b"content-length" not in special:
        raise Refused(400, "A POST or PUT request in HTTP/1.0 needs a Content-Length.")
    keep_alive = _keeps_alive(version, special.get(b"connection", b"").lower())
    expects_continue = version == "1.1" and special.get(b"expect", b"").lower() == b"100-continue"
    return Head(method, target, version, headers, length, keep_alive, expects_continue)


_parse_again = lru_cache(maxsize=128)(_parse)
"""Clients send the same head again and again: short ones are parsed once."""


def _parse_line(line: bytes) -> tuple[str, Target, str]:
    parts = line.split(b" ")
    version = VERSIONS.get(parts[-1])
    if version is None and parts[-1].startswith(b"HTTP/") and len(parts) == 3:
        raise Refused(505, "This host speaks HTTP/1.1 and HTTP/1.0.")
    if version is None or len(parts) != 3 or not METHOD.fullmatch(parts[0]):
        raise Refused(400, "The request line is not valid: METHOD, target and version, with one space between them.")
    method = parts[0].decode("ascii")
    return method, parse_target(method, parts[1]), version


def _parse_fields(fields: bytes) -> Fields:
    if not FIELDS.fullmatch(fields):
        raise Refused(400, "A request header is not valid.")
    if not fields.isascii():
        _check_text(fields)
    parts = [line.partition(b":") for line in fields.split(b"\r\n")[:-1]]
    return tuple([(name.lower(), value.strip(b" \t")) for name, _, value in parts])


def _check_text(fields: bytes) -> None:
    try:
        fields.decode()
    except UnicodeDecodeError:
        raise Refused(400, "A request header is not UTF-8.") from None


SPECIAL = frozenset({b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"})


def _special(headers: Fields) -> dict[bytes, bytes]:
    """Those that say how a request is to be read; values of a repeated one are joined. Raises Refused."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in SPECIAL:
            if name not in found:
                found[name] = value
            elif name in SEPARATE:
                raise Refused(400, f"The request has more than one {name.decode().title()} header.")
            else:
                found[name] += b"," + value
    return found


def _check_host(special: dict[bytes, bytes], version: str, target: Target) -> None:
    host = special.get(b"host")
    if host is None:
        if version == "1.1":
            raise Refused(400, "The request has no Host header.")
    elif (host or target.authorities) and not AUTHORITY.fullmatch(host):
        raise Refused(400, "The Host header is not valid.")
    elif target.authorities and host.lower() not in target.authorities:
        raise Refused(400, "The Host header is not the host of the request target.")


def _length(special: dict[bytes, bytes]) -> int | None:
    """Both a length and chunks are refused: whoever sees another body in such a request can be smuggled one."""
    length, coding = special.get(b"content-length"), special.get(b"transfer-encoding")
    if coding is None:
        if length is None:
            return 0
        if not DIGITS.fullmatch(length):
            raise Refused(400, "The Content-Length is not a number.")
        return int(length)
    if length is not None:
        raise Refused(400, "The request has a Content-Length and a Transfer-Encoding.")
    if coding.lower() != b"chunked":
        raise Refused(400, "The Transfer-Encoding is not 'chunked'.")
    return None


def _keeps_alive(version: str, connection: bytes) -> bool:
    options = {option.strip() for option in connection.split(b",")} if connection else ()
    return b"close" not in options if version == "1.1" else b"keep-alive" in options
