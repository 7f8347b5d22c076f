"""The management API as a command asks it: over HTTP from a host that runs, else in this process.

Both are the same application (host/web/durable/management.py), so that answers and failures do not differ.
"""

import asyncio
import json
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote, urlencode

from starlette.types import ASGIApp, Message

from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.durable.sharing.identity import onlooker
from fnhost.host.durable.sharing.sharers import expect_no_sharer
from fnhost.host.errors import FnhostError
from fnhost.host.presence import CHANGES, HUB

if TYPE_CHECKING:
    import aiohttp

    from fnhost.host.durable.storage.hub import Hub

TOKEN = "x-ms-continuation-token"
JSON = "application/json"
PATIENCE, DELETION = 60.0, 3600.0
"""Seconds that a running host has for an answer, as it waits itself, up to 30 s, for its storage; and for a deletion,
which takes longer the more there is."""
SILENCE = 10.0
"""Seconds without a sign of life after which a stream counts as lost; the host gives one several times a second."""


class Refused(FnhostError):
    """The management API did not do it. The text says why."""


class NotAnswered(Refused):
    """The running host does not answer, or no longer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`text` is JSON or empty; `token` continues a list."""

    status: int
    text: str = ""
    token: str | None = None

    @property
    def value(self) -> Any:
        return json.loads(self.text) if self.text else None

    @property
    def reason(self) -> str:
        """The sentence of a failure."""
        found = self.value
        if isinstance(found, dict):
            found = found.get("ExceptionMessage") or found.get("Message")
        return str(found or f"The task hub's management API answered {self.status}.")


class ManagementApi(Protocol):
    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: str | None = None,
        token: str | None = None,
    ) -> Answer:
        """`path` is encoded. Raises FnhostError if nobody answers."""

    async def empty(self) -> None:
        """Delete all that is in the hub. Raises FnhostError."""


def path_of(*segments: str) -> str:
    return "/".join(quote(segment, safe="") for segment in segments)


@dataclass(frozen=True, slots=True)
class RemoteApi:
    """Implements ManagementApi: a running host. `address` ends with a slash."""

    address: str
    session: "aiohttp.ClientSession"

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: str | None = None,
        token: str | None = None,
    ) -> Answer:
        import aiohttp

        address = f"{self.address}{path}?{urlencode(query or {})}"
        headers = {name: value.decode() for name, value in _headers(body, token)}
        data = None if body is None else body.encode()
        try:
            limit = aiohttp.ClientTimeout(total=DELETION if method == "DELETE" else PATIENCE)
            async with self.session.request(method, address, data=data, headers=headers, timeout=limit) as response:
                text = (await response.read()).decode("utf-8", "replace")
                return _answer(response.status, text, response.headers.get(TOKEN))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotAnswered(f"The running host does not answer ({error or type(error).__name__}).") from error

    async def changes(self, instance: str) -> AsyncIterator[Mapping[str, Any]]:
        """Each status of an instance that it records. Ends with the instance, or with the host. Raises NotAnswered."""
        import aiohttp

        address = f"{self.address}{path_of(CHANGES, instance)}"
        try:
            async with self.session.get(address, timeout=aiohttp.ClientTimeout(sock_read=SILENCE)) as response:
                async for line in response.content:
                    if response.status == 200 and line.strip():
                        yield json.loads(line)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise NotAnswered(f"The running host does not answer ({error or type(error).__name__}).") from error

    async def empty(self) -> None:
        answer = await self.ask("DELETE", HUB)
        if answer.status != 200:
            raise Refused(answer.reason)


@dataclass(frozen=True, slots=True)
class LocalApi:
    """Implements ManagementApi: the application itself, over the storage of a hub that no host of ours serves."""

    app: ASGIApp
    hub: "Hub"
    beside: Path
    """The folder of what a host keeps beside the hub: it says nothing once the hub is empty."""
    marks: Path
    """The folder of the lock files that the app's hosts have for the hub."""

    async def ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: str | None = None,
        token: str | None = None,
    ) -> Answer:
        received: list[Message] = [{"type": "http.request", "body": (body or "").encode(), "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            if received:
                return received.pop()
            await asyncio.Event().wait()  # nobody leaves
            raise AssertionError

        async def send(message: Message) -> None:
            sent.append(message)

        await self.app(_scope(method, path, query or {}, _headers(body, token)), receive, send)
        headers = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in sent[1:]).decode("utf-8", "replace")
        return _answer(sent[0]["status"], text, headers.get(TOKEN))

    async def empty(self) -> None:
        await expect_no_sharer(self.hub, onlooker(socket.gethostname(), self.marks), SYSTEM_CLOCK)
        await self.hub.delete()
        await asyncio.to_thread(shutil.rmtree, self.beside, ignore_errors=True)


def _headers(body: str | None, token: str | None) -> list[tuple[str, bytes]]:
    given = [] if body is None else [("content-type", JSON.encode())]
    return [*given, *([] if token is None else [(TOKEN, quote(token).encode())])]


def _scope(method: str, path: str, query: Mapping[str, str], headers: list[tuple[str, bytes]]) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": f"/{unquote(path)}",
        "raw_path": f"/{path}".encode(),
        "root_path": "",
        "query_string": urlencode(query).encode(),
        "headers": [(name.encode(), value) for name, value in headers],
        "server": ("localhost", None),
        "client": None,
    }


def _answer(status: int, text: str, token: str | None) -> Answer:
    return Answer(status, text, unquote(token) if token else None)
