"""The built-in activity behind `call_http` (durable-replay-protocol.md 6.10)."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from bindings.contract import Failure, Json, Outcome
from host.durable.actions import compact


async def call_http(session: aiohttp.ClientSession, request: Mapping[str, Any]) -> Outcome:
    """One request; any answer is a result, only the lack of one is a failure."""
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


def _result(response: aiohttp.ClientResponse, text: str) -> str:
    headers: dict[str, Any] = {}
    for name in response.headers:
        if not name.lower().startswith("content-"):
            values = response.headers.getall(name)
            headers[name] = values[0] if len(values) == 1 else list(values)
    return compact({"statusCode": response.status, "headers": headers, "content": text})


def request_of(activity_input: str | None) -> Mapping[str, Any]:
    """The request in the activity's one-element input."""
    request = json.loads(activity_input or "[{}]")[0]
    return request if isinstance(request, dict) else {}
