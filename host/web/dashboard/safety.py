"""Who may use the dashboard: pages of this very origin, with the token of this start; nobody's page in a frame.

The names that the host answers to have been looked at before (host/web/listen/names.py).
"""

import secrets
from urllib.parse import urlsplit

from starlette.types import Message, Scope, Send

from fnhost.bindings.http.request import read_header
from fnhost.bindings.http.response import Header

READING = frozenset({"GET", "HEAD"})
TOKEN_HEADER = b"x-fnhost-token"
OWN_SITES = frozenset({"same-origin", "none"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: tuple[Header, ...] = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
FOREIGN = "A page of another origin may not use the dashboard. Open it in a tab of its own."
NO_TOKEN = "The request lacks the token of this start of the host. Load the page again."


def new_token() -> str:
    """128 random bits."""
    return secrets.token_hex(16)


def refuse(scope: Scope, token: str, *, is_page: bool) -> str:
    """Why this request is refused; empty if it is not. `is_page`: what a link from elsewhere may open in a tab."""
    if not _is_of_own_page(scope) and not (is_page and _is_navigation(scope)):
        return FOREIGN
    if scope["method"] in READING or secrets.compare_digest(_token(scope), token.encode()):
        return ""
    return NO_TOKEN


def is_foreign(scope: Scope) -> bool:
    return not _is_of_own_page(scope)


def _is_of_own_page(scope: Scope) -> bool:
    """A program that is no browser sends neither header."""
    site, origin = read_header(scope, b"sec-fetch-site"), read_header(scope, b"origin")
    return (site is None or site in OWN_SITES) and (origin is None or _is_own_origin(scope, origin))


def _is_own_origin(scope: Scope, origin: str) -> bool:
    """Whatever the scheme: a proxy in front of the host may speak HTTPS."""
    try:
        place = urlsplit(origin).netloc.lower()
    except ValueError:
        return False
    return bool(place) and place == (read_header(scope, b"host") or "").lower()


def _is_navigation(scope: Scope) -> bool:
    """Whether a person follows a link: the page that opens is not readable for the one that has the link."""
    wanted = read_header(scope, b"sec-fetch-mode"), read_header(scope, b"sec-fetch-dest")
    return scope["method"] in READING and wanted == ("navigate", "document")


def _token(scope: Scope) -> bytes:
    return (read_header(scope, TOKEN_HEADER) or "").encode("utf-8", "replace")


def guarded(send: Send) -> Send:
    """Send with the headers that every answer of the dashboard has."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return sending
