"""The built-in activity behind `call_http` (platform/replay.md 6.10)."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from fnhost.bindings.contract import Failure, Json, Outcome
from fnhost.bindings.formats import compact

if TYPE_CHECKING:
    import aiohttp

LONGEST = 100
"""Seconds that a call may take: the platform's client waits no longer."""


class HttpCalls(AsyncExitStack):
    """Open it as a block. The client library takes its time to load, and few orchestrations call HTTP."""

    def __init__(self) -> None:
        super().__init__()
        self._session: aiohttp.ClientSession | None = None

    async def call(self, activity_input: str | None) -> Outcome:
        """The request in an activity's one-element input, and what came of it."""
        import aiohttp

        if self._session is None:
            session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=LONGEST))
            self._session = await self.enter_async_context(session)
        return await call_http(self._session, _request_of(activity_input))


async def call_http(session: "aiohttp.ClientSession", request: Mapping[str, Any]) -> Outcome:
    """One request; any answer is a result, only the lack of one is a failure."""
    import aiohttp

    if request.get("tokenSource"):
        return Outcome(failure=Failure(NO_IDENTITY))
    headers = {name: _joined(value) for name, value in (request.get("headers") or {}).items()}
    if not any(name.lower() == "content-type" for name in headers) and request.get("content") is not None:
        headers["Content-Type"] = "text/plain"
    try:
        async with session.request(
            request["method"], request["uri"], headers=headers, data=request.get("content"), allow_redirects=False
        ) as response:
            text = await response.text(errors="replace")
            return Outcome(returned=Json(_result(response, text)))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Outcome(failure=Failure(f"{type(error).__name__}: {error}"))


NO_IDENTITY = (
    "InvalidOperationException: this call_http wants a token of a managed identity, and there is none on this machine. "
    "Send an Authorization header instead, or call without token_source while you work locally."
)


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _result(response: "aiohttp.ClientResponse", text: str) -> str:
    headers: dict[str, Any] = {}
    for name in response.headers:
        if not name.lower().startswith("content-"):
            values = response.headers.getall(name)
            headers[name] = values[0] if len(values) == 1 else list(values)
    return compact({"statusCode": response.status, "headers": headers, "content": text})


def _request_of(activity_input: str | None) -> Mapping[str, Any]:
    request = json.loads(activity_input or "[{}]")[0]
    return request if isinstance(request, dict) else {}
