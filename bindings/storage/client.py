"""Signed requests to one account over a pool of kept connections."""

import asyncio
import base64
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import format_datetime
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import SplitResult, quote, urlsplit
from xml.etree import ElementTree

from fnhost.bindings.storage.account import Account
from fnhost.bindings.storage.connections import (
    ConnectionPool,
    Limits,
    NoAnswer,
    NotSent,
    Origin,
    Silent,
    StorageResponse,
)
from fnhost.bindings.storage.errors import StorageError, StorageUnreachable, error_of_response
from fnhost.clock import SYSTEM_CLOCK, Clock

Service = Literal["blob", "queue", "table"]

VERSION = "2021-12-02"
LIMITS = Limits(connections=32, kept=4.0, connect=5.0, silence=5.0, answer=60.0)
"""An idle connection is kept for less than the emulator's five seconds, so that it is not closed under a request."""
BUSY = frozenset({408, 429, 500, 502, 503, 504})
"""Answers of a service that is not well, or asked too much: it may be asked again."""
PORTS = {"http": 80, "https": 443}
PAUSES = (0.1, 0.3, 1.0)
"""Seconds before each further try."""
LOCAL = ("127.0.0.1", "localhost", "[::1]", "::1")


@dataclass(frozen=True, slots=True)
class StorageRequest:
    """`path` is below the account's endpoint and percent-encoded; `query` is not.

    `again` says that it may be sent twice, should the answer be lost.
    """

    service: Service
    method: str
    path: str
    query: Mapping[str, str] | None = None
    headers: Mapping[str, str] | None = None
    body: bytes = b""
    again: bool = True


class StorageClient:
    """Open it as a block. `pauses` are the seconds before each further try of a request that was not answered."""

    def __init__(self, account: Account, clock: Clock = SYSTEM_CLOCK, pauses: Sequence[float] = PAUSES) -> None:
        self.account, self._clock, self._pauses = account, clock, pauses
        self._connections = ConnectionPool(LIMITS, clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connections.close()
        await asyncio.sleep(0)  # they are closed in the loop's next turn

    async def request(self, request: StorageRequest) -> StorageResponse:
        """The answer to a request that succeeded. Raises StorageError."""
        for pause in self._pauses:
            try:
                answer = await self._exchange(request)
            except NotSent:
                pass
            except NoAnswer as error:
                if not request.again or isinstance(error, Silent):
                    raise unreachable(self.account, request.service, error) from error
            else:
                if answer.status not in BUSY or not request.again:
                    return _checked(request, answer)
            await self._clock.sleep(pause)
        return await self._last_try(request)

    async def _last_try(self, request: StorageRequest) -> StorageResponse:
        try:
            return _checked(request, await self._exchange(request))
        except (NotSent, NoAnswer) as error:
            raise unreachable(self.account, request.service, error) from error

    async def _exchange(self, request: StorageRequest) -> StorageResponse:
        url, headers = signed(self.account, request, format_datetime(self._clock.now(), usegmt=True))
        where = urlsplit(getattr(self.account, request.service))
        origin = Origin(where.hostname or "", where.port or PORTS[where.scheme], where.scheme == "https")
        target = url.removeprefix(f"{where.scheme}://{where.netloc}")
        spelled = "".join(f"{name}: {value}\r\n" for name, value in {"Host": where.netloc, **headers}.items())
        head = f"{request.method} {target} HTTP/1.1\r\n{spelled}\r\n"
        return await self._connections.request(origin, head.encode() + request.body)


def unreachable(account: Account, service: Service, error: Exception) -> StorageUnreachable:
    where = urlsplit(getattr(account, service))
    hint = (
        "Is Azurite running?"
        if is_local(getattr(account, service))
        else "Is the network up, and the connection string right?"
    )
    return StorageUnreachable(
        f"The storage account's {service} service at {_address(where)} does not answer ({error}). {hint}"
    )


def is_local(endpoint: str) -> bool:
    return urlsplit(endpoint).hostname in LOCAL


def _address(endpoint: SplitResult) -> str:
    """Host and port, without a password that may stand before them."""
    return endpoint.netloc.rpartition("@")[2]


def signed(account: Account, request: StorageRequest, date: str) -> tuple[str, Mapping[str, str]]:
    """The address and headers of a request, with the proof that we may make it."""
    endpoint: str = getattr(account, request.service)
    query = dict(request.query or {})
    headers = {
        "x-ms-date": date,
        "x-ms-version": VERSION,
        **({"Content-Length": str(len(request.body))} if request.method != "GET" else {}),
        **(request.headers or {}),
    }
    path = urlsplit(endpoint).path + request.path
    if account.key:
        sign = _shared_key_lite if request.service == "table" else _shared_key
        digest = hmac.digest(account.key, sign(account.name, request, path, headers).encode(), "sha256")
        scheme = "SharedKeyLite" if request.service == "table" else "SharedKey"
        headers["Authorization"] = f"{scheme} {account.name}:{base64.b64encode(digest).decode()}"
    spelled = "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
    spelled = "&".join(filter(None, (spelled, account.signature)))
    return f"{endpoint}{request.path}{'?' if spelled else ''}{spelled}", headers


def _shared_key(name: str, request: StorageRequest, path: str, headers: Mapping[str, str]) -> str:
    length = str(len(request.body)) if request.body else ""
    ours = {key.lower(): value for key, value in headers.items() if key.lower().startswith("x-ms-")}
    extra = "\n".join(f"{key}:{ours[key]}" for key in sorted(ours))
    query = "".join(f"\n{key}:{value}" for key, value in sorted((request.query or {}).items()))
    kind = headers.get("Content-Type", "")
    condition = f"{headers.get('If-Match', '')}\n{headers.get('If-None-Match', '')}"
    return f"{request.method}\n\n\n{length}\n\n{kind}\n\n\n{condition}\n\n\n{extra}\n/{name}{path}{query}"


def _shared_key_lite(name: str, request: StorageRequest, path: str, headers: Mapping[str, str]) -> str:
    return f"{headers['x-ms-date']}\n/{name}{path}"


def _checked(request: StorageRequest, answer: StorageResponse) -> StorageResponse:
    if answer.status < 300:
        return answer
    raise refused(f"{request.method} {request.path}", answer)


def refused(what: str, answer: StorageResponse) -> StorageError:
    """The error in an answer: XML from queues, JSON from tables."""
    text = answer.body.decode("utf-8", errors="replace")
    code = answer.headers.get("x-ms-error-code", "") or _between(text, "Code")
    if not text.lstrip().startswith("{"):
        return error_of_response(what, answer.status, code, _between(text, "Message"))
    code, message = _odata_error(text)
    return error_of_response(what, answer.status, code, message)


def parsed_xml(answer: StorageResponse) -> ElementTree.Element:
    """The body of an answer that succeeded. Raises StorageUnreachable if something else than the service answered."""
    try:
        return ElementTree.fromstring(answer.body)
    except ElementTree.ParseError as error:
        raise StorageUnreachable(f"The storage account answered with what is no XML ({error}).") from error


def parsed_json(answer: StorageResponse) -> Any:
    """As `parsed_xml`, of JSON."""
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise StorageUnreachable(f"The storage account answered with what is no JSON ({error}).") from error


def _between(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    return found[1] if found else ""


def _odata_error(text: str) -> tuple[str, str]:
    try:
        error = json.loads(text)["odata.error"]
        return str(error["code"]), str(error["message"]["value"])
    except (ValueError, KeyError, TypeError):
        return "", text[:200]
