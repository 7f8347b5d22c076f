"""Which pages of other origins may read our answers (platform/http.md 8)."""

import re
from dataclasses import dataclass

from fnhost.bindings.http.request import Scope, read_header
from fnhost.bindings.http.response import Header, HttpReply
from fnhost.host.errors import StartError

ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/\s]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cors:
    """`origins` are lower case; `*` is any of them."""

    origins: frozenset[str]
    credentials: bool = False

    def headers(self, origin: str) -> tuple[Header, ...]:
        """What every answer to a page of `origin` carries; nothing when it may not read it."""
        if "*" in self.origins:
            return ((b"access-control-allow-origin", b"*"),)
        if origin.lower() not in self.origins:
            return ()
        allowed: tuple[Header, ...] = ((b"access-control-allow-origin", origin.encode("latin-1")),)
        if self.credentials:
            allowed += ((b"access-control-allow-credentials", b"true"),)
        return (*allowed, (b"vary", b"Origin")) if len(self.origins) > 1 else allowed

    def preflight(self, scope: Scope, origin: str) -> HttpReply | None:
        """The answer to a browser that asks before it sends; None when this is an ordinary request."""
        method = read_header(scope, b"access-control-request-method")
        if scope["method"] != "OPTIONS" or method is None:
            return None
        allowed = self.headers(origin)
        if allowed:
            allowed += ((b"access-control-allow-methods", method.encode("latin-1")),)
            if wanted := read_header(scope, b"access-control-request-headers"):
                allowed += ((b"access-control-allow-headers", wanted.encode("latin-1")),)
        return HttpReply(204, allowed)


def read_cors(text: str, credentials: bool = False) -> Cors | None:
    """Parse `--cors` or `Host.CORS`: origins with commas between; None when there is none. Raises StartError."""
    origins = [origin.strip().rstrip("/").lower() for origin in text.split(",") if origin.strip()]
    for origin in origins:
        if origin != "*" and not ORIGIN.fullmatch(origin):
            raise StartError(f"CORS: '{origin}' is not an origin. Write scheme, host and port: http://localhost:3000")
    if credentials and "*" in origins:
        raise StartError("CORS: credentials cannot be allowed to every origin. List the origins instead of '*'.")
    return Cors(frozenset(origins), credentials) if origins else None
