"""Cookies as an HTTP server sets them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from http.cookies import CookieError, Morsel, SimpleCookie
from urllib.parse import unquote

from fnhost.bindings.contract import Cookie

SAME_SITE = {"lax": "Lax", "strict": "Strict", "none": "ExplicitNone"}


def read_cookies(lines: Iterable[str]) -> Iterator[Cookie]:
    """Of `Set-Cookie` headers, one a line; what is no cookie is passed over."""
    for line in lines:
        parsed: SimpleCookie = SimpleCookie()
        with suppress(CookieError):
            parsed.load(line)
        yield from map(_cookie, parsed.values())


def _cookie(morsel: "Morsel[str]") -> Cookie:
    return Cookie(
        name=unquote(morsel.key),
        value=unquote(morsel.value),
        domain=morsel["domain"] or None,
        path=morsel["path"] or None,
        expires=_seconds(morsel["expires"]),
        max_age=float(age) if (age := str(morsel["max-age"])).lstrip("-").isdecimal() else None,
        secure=bool(morsel["secure"]),
        http_only=bool(morsel["httponly"]),
        same_site=SAME_SITE.get(morsel["samesite"].lower()),
    )


def _seconds(date: str) -> float | None:
    """Since 1970; None for what is no date."""
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None
