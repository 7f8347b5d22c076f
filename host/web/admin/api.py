"""The admin endpoints of the platform (platform/keys-and-admin.md 3 to 7)."""

import asyncio
import json
import os
import platform
import uuid
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from fnhost.bindings.contract import BindingError
from fnhost.host.app import Function
from fnhost.host.endpoints import endpoint_of
from fnhost.host.errors import FnhostError, StartError
from fnhost.host.logging.log import Log
from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.admin.keys import key_routes
from fnhost.host.web.admin.logs import logs_of
from fnhost.host.web.admin.responses import SafeJsonResponse
from fnhost.host.web.files import read_served
from fnhost.host.web.keys import Keys

PLATFORM = "4.1052.0.0"
"""The version of the platform's host that we behave like: tools read it."""

Endpoint = Callable[[Request], Awaitable[Response]]


class ActiveAppProvider(Protocol):
    """Gives the app that is in service."""

    @property
    def view(self) -> ActiveApp | None: ...

    @property
    def refused(self) -> Sequence[str]:
        """What keeps the version that was saved last from service."""

    async def wait(self) -> ActiveApp | None: ...


def admin(
    provider: ActiveAppProvider,
    keys: Keys,
    host_id: str,
    clock: Callable[[], float],
    log: Log,
    tools: ASGIApp,
    *,
    with_keys: bool = False,
) -> Starlette:
    """The app for `/admin`. `clock` counts seconds, `tools` serves the Model Context Protocol.

    `with_keys` says whether the host demands keys.
    """

    def with_app(answer: Callable[[ActiveApp, Request], Awaitable[Response]]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            view = provider.view or await provider.wait()
            return await answer(view, request) if view else PlainTextResponse("Function host is not running.", 503)

        return endpoint

    async def has_function(name: str) -> bool:
        view = provider.view or await provider.wait()
        return view is not None and name.lower() in known_names(view)

    async def found_problems(view: ActiveApp, request: Request) -> Response:
        return SafeJsonResponse(problems(view, provider.refused))

    return Starlette(
        routes=[
            Route("/admin/host/ping", ping, methods=["GET", "POST"]),
            Route("/admin/host/status", status_of(provider, host_id, clock)),
            Route("/admin/host/config", with_app(config)),
            Route("/admin/host/logs", logs_of(log)),
            Route("/admin/host/problems", with_app(found_problems)),
            Route("/admin/openapi.json", with_app(partial(described_api, with_keys=with_keys))),
            Route("/admin/mcp", tools),
            Route("/admin/functions", with_app(functions)),
            Route("/admin/functions/{function}", with_app(function)),
            Route("/admin/functions/{function}", with_app(run), methods=["POST"]),
            Route("/admin/functions/{function}/status", with_app(function_status)),
            *key_routes(keys, has_function),
        ],
        exception_handlers={HTTPException: empty_error, StartError: unwritable},
    )


async def empty_error(request: Request, error: Exception) -> Response:
    """An unknown path or method is 404, other errors keep their status; none has a body."""
    status = error.status_code if isinstance(error, HTTPException) else 404
    return Response(status_code=404 if status == 405 else status)


async def unwritable(request: Request, error: Exception) -> Response:
    """The keys cannot be stored."""
    return PlainTextResponse(str(error), 500)


def known_names(view: ActiveApp) -> frozenset[str]:
    """Of all functions, the broken ones included, in lower case."""
    sound = (function.name.lower() for function in view.app.functions)
    return frozenset(sound) | {problem.function.lower() for problem in view.app.problems if problem.function}


async def ping(request: Request) -> Response:
    return Response(headers={"cache-control": "no-store, no-cache"})


def status_of(provider: ActiveAppProvider, host_id: str, clock: Callable[[], float]) -> Endpoint:
    started, instance = clock(), uuid.uuid4().hex

    async def status(request: Request) -> Response:
        view = provider.view
        members = {
            "id": host_id,
            "state": view.state if view else "Starting",
            "version": PLATFORM,
            "versionDetails": f"{PLATFORM} fnhost {version('fnhost')}",
            "instanceId": instance,
            "computerName": platform.node(),
            "processUptime": round((clock() - started) * 1000),
            "functionAppContentEditingState": "Unknown",
            "extensionBundle": view.app.config.raw.get("extensionBundle") if view else None,
            "errors": list(view.errors) if view else [],
        }
        return SafeJsonResponse({name: value for name, value in members.items() if value not in (None, "", [])})

    return status


async def config(view: ActiveApp, request: Request) -> Response:
    return SafeJsonResponse(view.app.config.raw)


def problems(view: ActiveApp, refused: Sequence[str]) -> dict[str, Any]:
    """All that keeps functions, or the version that was saved last, from service."""
    return {
        "state": view.state,
        "refused": refused,
        "problems": [asdict(problem) for problem in view.app.problems],
        "failures": dict(view.failures),
        "warnings": view.app.warnings,
    }


async def described_api(view: ActiveApp, request: Request, *, with_keys: bool) -> Response:
    from fnhost.host.web.openapi.document import openapi  # few ask for it

    server = str(request.base_url).removesuffix("/")
    document = openapi(view.app, server, has_hub="durabletask" in view.webhooks, with_keys=with_keys)
    return SafeJsonResponse(document)


# --- functions


async def functions(view: ActiveApp, request: Request) -> Response:
    base = str(request.base_url)
    return SafeJsonResponse([await asyncio.to_thread(description, view, each, base) for each in view.app.functions])


async def function(view: ActiveApp, request: Request) -> Response:
    return SafeJsonResponse(
        await asyncio.to_thread(description, view, function_of(view, request), str(request.base_url))
    )


async def function_status(view: ActiveApp, request: Request) -> Response:
    name = request.path_params["function"].lower()
    problems = [str(problem) for problem in view.app.problems if (problem.function or "").lower() == name]
    if not problems:
        function_of(view, request)
    errors = problems + [text for failed, text in view.failures.items() if failed.lower() == name]
    return SafeJsonResponse({"errors": errors} if errors else {})


async def run(view: ActiveApp, request: Request) -> Response:
    """202 at once; the function runs in the background, its result is in the log."""
    wanted = function_of(view, request)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415)
    given = read_input(await request.body())
    return Response(status_code=202, background=BackgroundTask(run_quietly, view, wanted.name, given))


async def run_quietly(view: ActiveApp, name: str, given: str) -> None:
    with suppress(FnhostError, BindingError):
        await view.fire_manually(name, given)


def function_of(view: ActiveApp, request: Request) -> Function:
    """The function the path names, whatever the case. Raises HTTPException."""
    name = request.path_params["function"].lower()
    for each in view.app.functions:
        if each.name.lower() == name:
            return each
    raise HTTPException(404)


def read_input(body: bytes) -> str:
    """The text of `{"input": ...}`; empty without one. Raises HTTPException."""
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400) from None
    if not isinstance(members, dict):
        raise HTTPException(400)
    given = members.get("input") or ""
    return given if isinstance(given, str) else json.dumps(given)


def description(view: ActiveApp, each: Function, base: str) -> dict[str, Any]:
    """Reads the function's sample from the disk: call it in a thread."""
    files = f"{base}admin/vfs"
    directory = relative(each.directory, view)
    return {
        "name": each.name,
        "script_root_path_href": f"{files}/{directory}/",
        "script_href": f"{files}/{relative(each.script, view)}",
        "config_href": f"{files}/{directory}/function.json",
        "test_data_href": f"{files}/data/Functions/sampledata/{each.name}.dat",
        "href": f"{base}admin/functions/{each.name}",
        "invoke_url_template": invoke_url(view, each, base),
        "language": each.language,
        "config": each.config,
        "files": None,
        "test_data": sample_text(each, view.app.root),
        "isDisabled": each.disabled,
        "isDirect": False,
        "isProxy": False,
    }


def relative(path: os.PathLike[str], view: ActiveApp) -> str:
    return os.path.relpath(path, view.app.root).replace(os.sep, "/")


def invoke_url(view: ActiveApp, each: Function, base: str) -> str | None:
    endpoint = endpoint_of(each, view.app.config)
    return f"{base}{endpoint.path}".lower() if endpoint else None


def sample_text(each: Function, root: Path) -> str:
    """The function's sample.dat; empty if there is none, or none that belongs to the app."""
    return (read_served(root, each.directory / "sample.dat") or b"").decode("utf-8", "replace")
