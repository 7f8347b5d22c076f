"""The admin endpoints that list and change keys (platform/keys-and-admin.md 2 and 4)."""

import json
from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fnhost.host.web.admin.responses import SafeJsonResponse
from fnhost.host.web.keys import HOST, MASTER, SYSTEM, Keys, function_scope, is_key_text

KINDS = {"keys": HOST, "functionkeys": HOST, "systemkeys": SYSTEM}

HasFunction = Callable[[str], Awaitable[bool]]
"""Whether the app has a function of this name, sound or not."""


def key_routes(keys: Keys, has_function: HasFunction) -> list[Route]:
    async def scope(request: Request) -> str:
        """The scope of the keys that the path names. Raises HTTPException."""
        if (function := request.path_params.get("function")) is None:
            return kind_scope(request.path_params["kind"])
        if not await has_function(function):
            raise HTTPException(404)
        return function_scope(function)

    async def listed(request: Request) -> Response:
        named = keys.of(await scope(request))
        return SafeJsonResponse({"keys": [entry(name, named[name]) for name in named], "links": links(request)})

    async def one(request: Request) -> Response:
        key_scope, name = await scope(request), request.path_params["name"]
        if request.method in ("POST", "PUT"):
            value = read_value(await request.body()) if request.method == "PUT" else None
            if not is_key_text(name):
                raise HTTPException(400)
            is_new = keys.put(key_scope, name, value)
            return described(request, keys.of(key_scope)[name], 201 if is_new else 200)
        if name not in keys.of(key_scope):
            raise HTTPException(404)
        if request.method == "GET":
            return described(request, keys.of(key_scope)[name], 200)
        if name == MASTER or key_scope == SYSTEM:
            raise HTTPException(400)
        keys.drop(key_scope, name)
        return Response(status_code=204)

    methods = ["GET", "POST", "PUT", "DELETE"]
    return [
        Route("/admin/host/{kind}", listed),
        Route("/admin/host/{kind}/{name}", one, methods=methods),
        Route("/admin/functions/{function}/keys", listed),
        Route("/admin/functions/{function}/keys/{name}", one, methods=methods),
    ]


def kind_scope(kind: str) -> str:
    """Raises HTTPException."""
    if kind not in KINDS:
        raise HTTPException(404)
    return KINDS[kind]


def read_value(body: bytes) -> str:
    """The text of `{"name": ..., "value": ...}`. Raises HTTPException."""
    try:
        value = json.loads(body)["value"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise HTTPException(400) from None
    if not isinstance(value, str) or not is_key_text(value):
        raise HTTPException(400)
    return value


def described(request: Request, value: str, status: int) -> Response:
    return SafeJsonResponse(entry(request.path_params["name"], value) | {"links": links(request)}, status)


def entry(name: str, value: str) -> dict[str, object]:
    return {"name": name, "value": value}


def links(request: Request) -> list[dict[str, str]]:
    return [{"rel": "self", "href": str(request.url.replace(query=""))}]
