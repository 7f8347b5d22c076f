"""From an ASGI request to what a function is told of it (platform/http.md 3, platform/values.md 3)."""

import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, unquote

from fnhost.bindings.contract import HttpRequest, Json, Value
from fnhost.bindings.formats import compact

Scope = MutableMapping[str, Any]


def read_request(scope: Scope, params: Mapping[str, str], body: bytes | None) -> HttpRequest:
    headers = joined([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
    return HttpRequest(scope["method"], url(scope, headers), headers, read_query(scope), params, body)


def url(scope: Scope, headers: Mapping[str, str]) -> str:
    """The address as the client wrote it: nothing is decoded."""
    host = headers.get("host") or "{}:{}".format(*scope["server"])
    query = scope["query_string"].decode("latin-1")
    return f"{scope['scheme']}://{host}{scope['raw_path'].decode('latin-1')}{'?' if query else ''}{query}"


def read_query(scope: Scope) -> dict[str, str]:
    query = scope["query_string"]
    return joined(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {}


def read_path(scope: Scope) -> str:
    """The decoded path. An encoded slash stays encoded, so that it cannot end a segment."""
    raw = scope["raw_path"]
    if b"%2" not in raw:
        return str(scope["path"])
    return "%2F".join(unquote(part) for part in raw.decode("latin-1").replace("%2f", "%2F").split("%2F"))


def read_header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def joined(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """One text per name; those of a repeated name are joined with a comma."""
    values = dict(pairs)
    if len(values) == len(pairs):
        return values
    return {name: ",".join(value for other, value in pairs if other == name) for name in values}


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
