"""The built-in activity behind `call_http` (platform/replay.md 6.10).

Redirects are followed as .NET's HttpClient does, which the platform uses (its SocketsHttpHandler and RedirectHandler).
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from fnhost.bindings.contract import Failure, Json, Outcome
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.model.text import MAX_VALUE_BYTES, json_text

if TYPE_CHECKING:
    import aiohttp

TIMEOUT = 240.0
"""Seconds that a call may take with all its redirects, as on the platform."""
MAX_REDIRECTS = 50
REDIRECTS = (300, 301, 302, 303, 307, 308)
BLOCK = 64 * 1024
CREDENTIALS = ("authorization", "proxy-authorization", "cookie", "x-functions-key")
"""Request headers that are not sent to another host."""


class HttpCalls(AsyncExitStack):
    """Open it as a block. The client library is imported at the first call: few orchestrations call HTTP."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__()
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def call(self, activity_input: str | None) -> Outcome:
        """`activity_input` is the JSON of a list with the SDK's request. Every response is a result."""
        await asyncio.to_thread(import_module, "aiohttp")
        import aiohttp

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
            await self.enter_async_context(self._session)
        try:
            request = read_request(activity_input)
            async with self._clock.timeout(TIMEOUT):
                return Outcome(returned=Json(await follow(self._session, request)))
        except TimeoutError:
            return _failed(f"TaskCanceledException: the server did not answer within {TIMEOUT:.0f} s.")
        except RefusedCall as error:
            return _failed(str(error))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return _failed(f"{type(error).__name__}: {error}")


class RefusedCall(Exception):
    """This call is not made, or its response not taken. The text says why."""


@dataclass(frozen=True, slots=True)
class HttpCall:
    """One request."""

    method: str
    uri: str
    headers: Mapping[str, str]
    content: str | None = None

    def redirected(self, status: int, location: str) -> "HttpCall":
        """The request that follows a redirect: GET without content after 303, and for a POST after 300 to 302."""
        uri = urljoin(self.uri, location)
        dropped = CREDENTIALS if urlsplit(uri).netloc != urlsplit(self.uri).netloc else ("authorization",)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in dropped}
        method = self.method.upper()
        if (status == 303 and method not in ("GET", "HEAD")) or (status in (300, 301, 302) and method == "POST"):
            kept = {name: value for name, value in headers.items() if not name.lower().startswith("content-")}
            return HttpCall("GET", uri, kept)
        return replace(self, uri=uri, headers=headers)


async def follow(session: "aiohttp.ClientSession", call: HttpCall) -> str:
    """The JSON text of the response at the end of all redirects. Never from https to http.

    Raises RefusedCall, and what the client library raises.
    """
    for redirects in range(MAX_REDIRECTS + 1):
        async with session.request(
            call.method, call.uri, headers=call.headers, data=call.content, allow_redirects=False
        ) as response:
            location = response.headers.get("Location")
            if response.status in REDIRECTS and location and redirects < MAX_REDIRECTS:
                next_call = call.redirected(response.status, location)
                if not (_is_secure(call.uri) and not _is_secure(next_call.uri)):
                    call = next_call
                    continue
            return _result(response, await _content(response))
    raise AssertionError("the last round returns")


def _is_secure(uri: str) -> bool:
    return urlsplit(uri).scheme.lower() == "https"


async def _content(response: "aiohttp.ClientResponse") -> str:
    """The decoded text, counted as it is inflated."""
    body = bytearray()
    async for block in response.content.iter_chunked(BLOCK):
        body += block
        if len(body) > MAX_VALUE_BYTES:
            raise RefusedCall(
                f"The response of {response.url.origin()} is longer than {MAX_VALUE_BYTES:,} bytes, more than an "
                "orchestration may hold. Call it from an activity that stores the data, and return its name."
            )
    try:
        return body.decode(response.charset or "utf-8", "replace")
    except LookupError:
        return body.decode("utf-8", "replace")


def _result(response: "aiohttp.ClientResponse", text: str) -> str:
    """Status, headers and content; headers of the content are left out, as on the platform."""
    headers: dict[str, list[str]] = {}
    for name, value in response.raw_headers:
        if not name.lower().startswith(b"content-"):
            headers.setdefault(_header_text(name), []).append(_header_text(value))
    members = {name: values[0] if len(values) == 1 else values for name, values in headers.items()}
    return json_text({"statusCode": response.status, "headers": members, "content": text})


def _header_text(raw: bytes) -> str:
    """UTF-8 or, as .NET reads header fields, Latin-1."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def read_request(activity_input: str | None) -> HttpCall:
    """The request in an activity's one-element input. Raises RefusedCall for what this host cannot send."""
    found = json.loads(activity_input or "[{}]")[0]
    request: Mapping[str, Any] = found if isinstance(found, dict) else {}
    if request.get("tokenSource"):
        raise RefusedCall(NO_IDENTITY)
    if not request.get("method") or not request.get("uri"):
        raise RefusedCall("ArgumentException: call_http needs a method and a URI.")
    headers = {str(name): _joined(value) for name, value in (request.get("headers") or {}).items()}
    content = request.get("content")
    content_type = next((value for name, value in headers.items() if name.lower() == "content-type"), None)
    if content_type is None and content is not None:
        headers["Content-Type"] = "text/plain"
    elif content_type and content_type.strip().lower().startswith("multipart/"):
        raise RefusedCall(MULTIPART)
    return HttpCall(str(request["method"]), str(request["uri"]), headers, None if content is None else str(content))


NO_IDENTITY = (
    "InvalidOperationException: this call_http wants a token of a managed identity, and there is none on this machine. "
    "Send an Authorization header instead, or call without token_source while you work locally."
)
MULTIPART = "FunctionFailedException: call_http does not take multipart content. Send it from an activity."


def _failed(text: str) -> Outcome:
    return Outcome(failure=Failure(text))


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
