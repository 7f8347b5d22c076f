"""The target of a request, normalised once: whatever routes or guards sees the same path (RFC 9112, 3.2)."""

import re
from typing import NamedTuple

from fnhost.bindings.http.escapes import decode_path
from fnhost.host.web.listen.refused import Refused

VISIBLE = re.compile(rb"[\x21-\x7e]+")
ABSOLUTE = re.compile(rb"(https?)://([^/?#@]*)([^?]*)(?:\?(.*))?", re.IGNORECASE)
AUTHORITY = re.compile(rb"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9!$&'()*+,;=_.~%-]+)(?::[0-9]{1,5})?")
UNRESERVED = re.compile(rb"%(?:2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])")
DEFAULT_PORTS = {b"http": b":80", b"https": b":443"}


class Target(NamedTuple):
    """`path` is decoded but for `%2F` and for bytes that are not UTF-8; `raw_path` is the same, still encoded.

    Neither has a dot segment. Both are empty for `*` and for the target of CONNECT. `authorities` are the values of
    Host that belong to a target with a host in it; empty for the usual target, which has none.
    """

    path: str
    raw_path: bytes
    query: bytes = b""
    authorities: tuple[bytes, ...] = ()


def parse_target(method: str, target: bytes) -> Target:
    """Read the middle of a request line. Raises Refused."""
    if not VISIBLE.fullmatch(target):
        raise Refused(400, "The request target contains characters that must be percent-encoded.")
    if target[:1] == b"/":
        raw, _, query = target.partition(b"?")
        return _target(raw, query)
    if target == b"*":
        return _asterisk(method)
    if found := ABSOLUTE.fullmatch(target):
        return _absolute(found)
    return _authority(method, target)


def _target(raw: bytes, query: bytes, authorities: tuple[bytes, ...] = ()) -> Target:
    if b"%" in raw:
        if b"%00" in raw:
            raise Refused(400, "The path contains an encoded NUL.")
        raw = UNRESERVED.sub(lambda found: bytes.fromhex(found[0][1:].decode()), raw)
    if b"/." in raw:
        raw = without_dot_segments(raw)
    return Target(decode_path(raw.decode("ascii")), raw, query, authorities)


def without_dot_segments(path: bytes) -> bytes:
    """RFC 3986, 5.2.4: `.` is left out, `..` takes the segment before it along; nothing is above the root."""
    kept: list[bytes] = []
    segments = path.split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return b"/" + b"/".join(kept)


def _asterisk(method: str) -> Target:
    if method != "OPTIONS":
        raise Refused(405, "The target '*' belongs to OPTIONS.", "OPTIONS")
    return Target("", b"")


def _absolute(found: "re.Match[bytes]") -> Target:
    scheme, authority, raw, query = found.groups()
    if not AUTHORITY.fullmatch(authority):
        raise Refused(400, "The request target names no valid host.")
    port = DEFAULT_PORTS[scheme.lower()]
    bare = authority.lower().removesuffix(port)
    return _target(raw or b"/", query or b"", (bare, bare + port))


def _authority(method: str, target: bytes) -> Target:
    if not AUTHORITY.fullmatch(target):
        raise Refused(400, "The request target is neither a path nor an address.")
    if method != "CONNECT":
        raise Refused(405, "A target without a path belongs to CONNECT; a path begins with '/'.", "CONNECT")
    return Target("", b"", authorities=(target.lower(),))
