"""From an ASGI request to what a function is told of it (platform/http.md 3, platform/values.md 3)."""

import json
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from fnhost.bindings.contract import HttpRequest, HttpStream, Json, Value
from fnhost.bindings.formats import compact
from fnhost.bindings.http.escapes import decode_query

Scope = MutableMapping[str, Any]


def read_request(
    scope: Scope, params: Mapping[str, str], body: bytes | None, stream: HttpStream | None = None
) -> HttpRequest:
    headers = joined([(name.decode(), value.decode("utf-8", "replace")) for name, value in scope["headers"]])
    return HttpRequest(scope["method"], url(scope, headers), headers, read_query(scope), params, body, stream)


def url(scope: Scope, headers: Mapping[str, str]) -> str:
    """The address as the client wrote it, without dot segments: nothing is decoded."""
    host = headers.get("host") or "{}:{}".format(*scope["server"])
    query = scope["query_string"].decode("latin-1")
    return f"{scope['scheme']}://{host}{scope['raw_path'].decode('latin-1')}{'?' if query else ''}{query}"


def read_query(scope: Scope) -> dict[str, str]:
    """The values by name. A name is the same in any case, and keeps the spelling it has first."""
    query = scope["query_string"]
    if not query:
        return {}
    first: dict[str, str] = {}
    pairs = [(first.setdefault(name.lower(), name), value) for name, value in query_pairs(query.decode("latin-1"))]
    return joined(pairs)


def query_pairs(query: str) -> Iterator[tuple[str, str]]:
    """Names and values in their order; a name without `=` has an empty value."""
    for piece in query.split("&"):
        if piece:
            name, _, value = piece.partition("=")
            yield decode_query(name), decode_query(value)


def read_header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "utf-8", "replace")
    return None


def joined(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """One text per name; those of a repeated name are joined with a comma."""
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {name: ",".join(texts) for name, texts in found.items()}


def read_metadata(request: HttpRequest) -> dict[str, Value]:
    """Body members, query and route values (the later wins, whatever its case), then `Query` and `Headers`."""
    values: dict[str, Value] = {}
    query = {name: value for name, value in request.query.items() if name.lower() != "code"}
    for source in (body_members(request.body), query, request.params):
        added = {name.lower() for name in source}
        values = {name: value for name, value in values.items() if name.lower() not in added} | dict(source)
    return values | {"Query": as_json(dict(request.query)), "Headers": as_json(dict(request.headers))}


def body_members(body: bytes | None) -> dict[str, Value]:
    try:
        members = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return {}
    if not isinstance(members, dict):
        return {}
    return {name: value if isinstance(value, str) else as_json(value) for name, value in members.items()}


def as_json(value: object) -> Json:
    return Json(compact(value))
