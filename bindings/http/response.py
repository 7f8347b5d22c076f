"""From what a function answered to the bytes of a response (platform/http.md 6)."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any, NoReturn, TypeAlias
from urllib.parse import quote

from fnhost.bindings.contract import BindingError, Cookie, HttpResponse, Json, Value
from fnhost.bindings.formats import compact, indented

Header: TypeAlias = tuple[bytes, bytes]
Content: TypeAlias = tuple[bytes, Header | None]
TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")
JSON: Header = (b"content-type", b"application/json; charset=utf-8")


HOP_BY_HOP = frozenset(
    name.encode("ascii")
    for name in ("connection content-length keep-alive proxy-connection te trailer transfer-encoding upgrade".split())
)
"""Headers that are the server's own business: what a function says of them is dropped."""


class BadResponse(BindingError):
    """The function's answer cannot be sent over HTTP. The text says why."""


@dataclass(slots=True)
class HttpReply:
    """What goes over the wire. The length of the body is added when it is sent."""

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = b""


NO_CONTENT = HttpReply(204)
UNAUTHORIZED = HttpReply(401)
NOT_FOUND = HttpReply(404)
TOO_LARGE = HttpReply(413, ((b"connection", b"close"),))
"""The rest of the body is not read: the connection ends with this response."""
TOO_MANY = HttpReply(429, ((b"x-function-scaleout", b"1"),))
FAILED = HttpReply(500)


def render(value: Value) -> HttpReply:
    """The response for the value of an `http` output; None is no value. Raises BadResponse."""
    if value is None:
        return NO_CONTENT
    if isinstance(value, HttpResponse):
        return respond(read_status(value.status), value.headers, value.cookies, content(value.body, value.negotiate))
    if isinstance(value, str):
        return render_text(value)
    if isinstance(value, Json):
        return render_text(value.text)
    return respond(200, {}, (), content(value))


def render_text(text: str) -> HttpReply:
    """A text that is a JSON object with a `body` is a response by itself; any other JSON is written anew."""
    try:
        parsed = parse(text)
    except (ValueError, RecursionError):
        return respond(200, {}, (), typed(text, TEXT))
    members = {name.lower(): member for name, member in parsed.items()} if isinstance(parsed, dict) else {}
    if "body" not in members:
        return respond(200, {}, (), written(parsed))
    status = str(members.get("statuscode", members.get("status", "")))
    headers = {str(name): str(value) for name, value in as_object(members.get("headers")).items()}
    return respond(read_status(status), headers, read_cookies(members.get("cookies")), content_of_member(members))


def parse(text: str) -> Any:
    """A JSON text as a value; most plain texts are told by their first character. Raises ValueError, RecursionError."""
    if text.lstrip(JSON_BLANKS)[:1] not in JSON_BEGINS:
        raise ValueError("It begins as no JSON does.")
    return DECODER.decode(text)


def respond(status: int, headers: Mapping[str, str], cookies: Iterable[Cookie], content: Content) -> HttpReply:
    """The first of two headers with one name counts; what belongs to the connection is dropped. Raises BadResponse."""
    body, default = content
    sent: dict[bytes, Header] = {}
    for each in (*map(header, headers.items()), *([default] if default else [])):
        sent.setdefault(each[0].lower(), each)
    kept = [each for name, each in sent.items() if name not in HOP_BY_HOP]
    return HttpReply(status, (*kept, *map(set_cookie, cookies)), body)


# --- bodies


def content(value: Value, negotiate: bool = False) -> Content:
    """The bytes of a body, and the content type it has unless the function gave one."""
    if value is None:
        return b"", None
    if isinstance(value, bytes):
        return value, None
    if isinstance(value, Json):
        return (negotiated if negotiate else written)(json.loads(value.text))
    if isinstance(value, (str, int, float)):
        return written(value)
    raise BadResponse(f"A value of type {type(value).__name__} cannot be the body of an HTTP response.")


def content_of_member(members: Mapping[str, Any]) -> Content:
    body = members["body"]
    if members.get("enablecontentnegotiation") is True:
        return negotiated(body)
    return typed(compact(body), TEXT) if isinstance(body, dict) else written(body)


def negotiated(value: object) -> Content:
    return written(value) if value is None or isinstance(value, str) else typed(compact(value), JSON)


def written(value: object) -> Content:
    """A JSON value as the platform prints it: objects and arrays indented, a scalar in .NET's words."""
    if value is None:
        return b"", None
    if isinstance(value, (dict, list)):
        return typed(indented(value), TEXT)
    return typed(str(value).removesuffix(".0") if isinstance(value, float) else str(value), TEXT)


def typed(text: str, kind: Header) -> Content:
    return text.encode(errors="replace"), kind


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


DECODER = json.JSONDecoder(parse_constant=refuse_constant)
JSON_BLANKS = " \t\r\n"
JSON_BEGINS = frozenset('{["-0123456789tfn')


def as_object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


# --- status, headers, cookies

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


NUMBER = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)


def read_status(text: str) -> int:
    """The status code; 200 when it is empty or no number (platform/http.md 6).

    Raises BadResponse: a number that is no status of a whole response.
    """
    if not NUMBER.fullmatch(text):
        return 200
    if len(text) < 10 and 200 <= int(text) < 1000:
        return int(text)
    raise BadResponse(f"'{text.strip()[:20]}' cannot be the status of a response: it is a number from 200 to 999.")


def header(pair: tuple[str, str]) -> Header:
    """The header in bytes, with the spelling it has.

    Raises BadResponse: a line break in it would forge a second header, and the platform's server sends ASCII alone.
    """
    name, value = pair
    if not TOKEN.fullmatch(name):
        raise BadResponse(f"{shown(name)} cannot be the name of a response header.")
    if CONTROL.search(value):
        raise BadResponse(f"The response header '{name}' contains a control character.")
    if not value.isascii():
        raise BadResponse(f"The response header '{name}' has characters outside ASCII: encode them, as in %C3%A9.")
    return name.encode("ascii"), value.encode("ascii")


def shown(name: str) -> str:
    """For a message: a name of any characters and any length."""
    return ascii(name if len(name) <= 100 else f"{name[:100]}…")


SAME_SITE = {"Lax": "lax", "Strict": "strict", "ExplicitNone": "none"}


def set_cookie(cookie: Cookie) -> Header:
    return header(("set-cookie", "; ".join(cookie_parts(cookie))))


def cookie_parts(cookie: Cookie) -> Iterator[str]:
    """As ASP.NET Core writes them: an empty domain or path is written, a missing path is `/` (platform/http.md 6.2)."""
    yield f"{quote(cookie.name, safe='')}={quote(cookie.value, safe='')}"
    if cookie.expires is not None:
        yield f"expires={_of_cookie(cookie, 'expires', lambda at: formatdate(at, usegmt=True))}"
    if cookie.max_age is not None:
        yield f"max-age={_of_cookie(cookie, 'max_age', int)}"
    if cookie.domain is not None:
        yield f"domain={cookie.domain}"
    yield f"path={'/' if cookie.path is None else cookie.path}"
    if cookie.secure:
        yield "secure"
    if cookie.same_site in SAME_SITE:
        yield f"samesite={SAME_SITE[cookie.same_site]}"
    if cookie.http_only:
        yield "httponly"


def _of_cookie(cookie: Cookie, member: str, written: Callable[[Any], object]) -> object:
    """Raises BadResponse: the value is no number, or one beyond all times."""
    value = getattr(cookie, member)
    try:
        return written(value)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        name = member.replace("_", "-")
        raise BadResponse(f"The cookie '{cookie.name}' cannot have {shown(str(value))} as its {name}.") from error


def read_cookies(entries: object) -> Iterator[Cookie]:
    """Cookies of a response that came as JSON text."""
    for entry in entries if isinstance(entries, list) else ():
        members = {name.lower(): value for name, value in as_object(entry).items()}
        if "name" in members and "value" in members:
            yield Cookie(
                name=str(members["name"]),
                value=str(members["value"]),
                domain=members.get("domain"),
                path=members.get("path"),
                max_age=members.get("maxage"),
                secure=members.get("secure"),
                http_only=members.get("httponly"),
                same_site=str(members.get("samesite")),
            )
