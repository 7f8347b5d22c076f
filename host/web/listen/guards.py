"""What is refused before a request reaches its endpoint: names of others, pages of others, bodies without end."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fnhost.bindings.http.request import read_header
from fnhost.bindings.http.response import TEXT, TOO_LARGE, Header, HttpReply
from fnhost.host.web.listen.names import HELP, HostNames

JSON_LIMIT = 30_000_000
"""Bytes of the largest body of an endpoint that reads JSON: the limit Kestrel has unless a host sets its own."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class ClientLeft(Exception):
    """The client closed the connection before its request was complete."""


class TooLarge(Exception):
    """The body of a request is larger than its endpoint allows."""


def forbidden(reason: str) -> HttpReply:
    return HttpReply(403, (TEXT, (b"connection", b"close")), reason.encode())


def refuse_name(scope: Scope, names: HostNames) -> HttpReply | None:
    """The answer to a request under a name that is not the host's; None if it is, or says none (HTTP/1.0)."""
    host = read_header(scope, b"host")
    if not host or names.admits(host):
        return None
    return forbidden(f"'{host}' is not a name of this host, so a web page may be misusing it. {HELP}")


def refuse_origin(origin: str) -> HttpReply:
    return forbidden(
        f"A page of '{origin}' may not change anything here. If it is yours, start the host with --cors {origin}."
    )


async def reply(scope: Scope, send: Send, response: HttpReply) -> None:
    is_bare = response.status in (204, 304)
    length: tuple[Header, ...] = () if is_bare else ((b"content-length", b"%d" % len(response.body)),)
    await send({"type": "http.response.start", "status": response.status, "headers": [*response.headers, *length]})
    body = b"" if is_bare or scope["method"] == "HEAD" else response.body
    await send({"type": "http.response.body", "body": body})


def read_length(scope: Scope) -> int:
    length = read_header(scope, b"content-length")
    return int(length) if length is not None and length.isdecimal() else 0


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body. Raises ClientLeft, TooLarge."""
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise TooLarge
        if not message.get("more_body", False):
            return b"".join(chunks)


async def serve_bounded(app: ASGIApp, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request on with its body, which is read first: all of these endpoints need it whole."""
    try:
        if read_length(scope) > limit:
            raise TooLarge
        body = await read_body(receive, limit)
    except TooLarge:
        return await reply(scope, send, TOO_LARGE)
    except ClientLeft:
        return
    await app(scope, again(body, receive), send)


def again(body: bytes, receive: Receive) -> Receive:
    """Receive what was read, then what comes after it."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return messages.pop() if messages else await receive()

    return receiving


def private(app: ASGIApp) -> ASGIApp:
    """An endpoint for the programs of this machine: no page may call it, under whatever name."""
    names = HostNames()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        origin = read_header(scope, b"origin")
        refusal = refuse_name(scope, names) or (refuse_origin(origin) if origin is not None else None)
        if refusal is not None:
            return await reply(scope, send, refusal)
        await serve_bounded(app, JSON_LIMIT, scope, receive, send)

    return guarded
