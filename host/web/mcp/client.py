"""What the tools ask a host, and what they make of its answers."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import httpx2
from mcp.server.mcpserver.exceptions import ToolError

Query: TypeAlias = Mapping[str, str | int | bool | None]
LONGEST_ANSWER = 100_000
"""Characters of an answer's body that a model is given."""
KEY = "x-functions-key"
MANAGEMENT = "/runtime/webhooks/durabletask"


class HostClient:
    """Speaks with a host through `http`, at the `address` that is found for each request, else the client's own.

    `key` gives the master key, empty if none is known; it is asked for when the host demands keys. What fails raises
    ToolError, with a text that says what to do.
    """

    def __init__(
        self, http: httpx2.AsyncClient, key: Callable[[], str], address: Callable[[], str] | None = None
    ) -> None:
        self._http, self._key = http, key
        self._address = address or (lambda: str(http.base_url))

    async def json(self, method: str, path: str, query: Query | None = None, body: str | None = None) -> Any:
        """The JSON of a successful answer; None of an empty one."""
        return read_json(await self.ask(method, path, query, body))

    async def ask(
        self,
        method: str,
        path: str,
        query: Query | None = None,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        """Any answer of the host. `body` is sent as JSON unless `headers` name another content type."""
        params = {name: shown(value) for name, value in (query or {}).items() if value not in (None, "")}
        typed = {} if body is None else {"content-type": "application/json"}
        sent = {**typed, **(await self._keys()), **{name.lower(): value for name, value in (headers or {}).items()}}
        content = None if body is None else body.encode()
        return await self._send(method, path, params=params or None, content=content, headers=sent)

    async def _keys(self) -> dict[str, str]:
        """The header with the master key, if the host demands one: functions see what they are sent."""
        asked = await self._send("GET", "/admin/host/status")
        if asked.status_code != httpx2.codes.UNAUTHORIZED:
            return {}
        key = self._key()
        if not key:
            raise ToolError("The host demands keys. Give `fnhost mcp` its master key with --key.")
        return {KEY: key}

    async def _send(self, method: str, path: str, **options: Any) -> httpx2.Response:
        address = self._address().rstrip("/")
        try:
            return await self._http.request(method, f"{address}/{path.removeprefix('/')}", **options)
        except httpx2.TimeoutException as error:
            raise ToolError(f"The host at {address} did not answer in time.") from error
        except httpx2.ConnectError as error:
            start = "Start it with `fnhost start` in the app's folder, or name its address with --url."
            raise ToolError(f"No host answers at {address} ({error}). {start}") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ToolError(f"{method} {path} failed: {error}") from error


def shown(value: str | int | bool | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def read_json(response: httpx2.Response) -> Any:
    """The JSON of a successful answer; None of an empty one. Raises ToolError of any other."""
    if not response.is_success:
        raise ToolError(reason(response))
    return response.json() if response.content else None


def reason(response: httpx2.Response) -> str:
    """Why a request failed, in the host's words if it has any."""
    said = _told(response) if response.content else REASONS.get(response.status_code, "")
    return f"{response.status_code}: {said or response.reason_phrase}"


REASONS = {
    401: "The key is not one that the host accepts.",
    404: "There is nothing of that name. Without Durable Functions in the app there are no instances at all.",
    410: "The instance has ended already.",
}
"""What an answer without a body means."""


def _told(response: httpx2.Response) -> str:
    try:
        members = response.json()
    except ValueError:
        return response.text.strip()
    if not isinstance(members, dict):
        return str(members)
    return " ".join(str(members[name]) for name in ("Message", "ExceptionMessage") if members.get(name))


def answer(response: httpx2.Response) -> dict[str, Any]:
    """An HTTP answer with its body as text, or in Base64 where it is none; cut where it is too long."""
    try:
        body, encoding = response.content.decode(), "text"
    except UnicodeDecodeError:
        body, encoding = b64encode(response.content).decode(), "base64"
    return {
        "status": response.status_code,
        "headers": dict(response.headers),
        "body": body[:LONGEST_ANSWER],
        "bodyEncoding": encoding,
        "isCut": len(body) > LONGEST_ANSWER,
    }
