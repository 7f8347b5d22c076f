"""The API of functions: what each is, where it is reached, what is wrong with it, and running it."""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fnhost.bindings.contract import Binding, BindingError
from fnhost.bindings.registry import binding_types
from fnhost.bindings.timer.schedule import CronSchedule, parse_schedule, read_zone
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import Function
from fnhost.host.endpoints import endpoint_of
from fnhost.host.text import decoded
from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.admin.api import ActiveAppProvider
from fnhost.host.web.dashboard.answers import ApiError, answer, read_members, single, time_text
from fnhost.host.web.dashboard.calls import Caller
from fnhost.host.web.dashboard.invocations import serving
from fnhost.host.web.dashboard.problems import app_problems
from fnhost.host.web.files import read_served

ROUTE_VALUE = re.compile(r"\{\*{0,2}([^{}:=?]+)((?::[^{}=?]+)?)(=[^{}]*)?(\?)?\}")
TIMER = "timertrigger"


def function_routes(
    provider: ActiveAppProvider, caller: Caller, address: str, clock: Clock = SYSTEM_CLOCK
) -> list[Route]:
    async def listed(request: Request) -> Response:
        view = provider.view
        return answer(await asyncio.to_thread(shown_functions, view, address, clock.now()) if view else [])

    async def one(request: Request) -> Response:
        view, name = serving(provider), request.path_params["name"].lower()
        found = await asyncio.to_thread(shown_functions, view, address, clock.now())
        if function := next((each for each in found if each["name"].lower() == name), None):
            return single(request, function)
        raise unknown(request)

    async def call(request: Request) -> Response:
        view, name = serving(provider), request.path_params["name"].lower()
        function = next((each for each in view.app.functions if each.name.lower() == name), None)
        if function is None:
            raise unknown(request)
        return answer(await caller.call(view, function, await read_members(request)), 202)

    return [
        Route("/functions", listed),
        Route("/functions/{name}", one),
        Route("/functions/{name}/call", call, methods=["POST"]),
    ]


def unknown(request: Request) -> ApiError:
    return ApiError(404, f"There is no function '{request.path_params['name']}' in the app.")


def shown_functions(view: ActiveApp, address: str, now: datetime) -> list[dict[str, Any]]:
    """Sound and broken ones by name; reads their files: call it in a thread."""
    problems = [problem for problem in app_problems(view) if problem["function"]]
    shown = [shown_function(function, view, address, now, problems) for function in view.app.functions]
    known = {function.name for function in view.app.functions}
    names = dict.fromkeys(problem["function"] for problem in problems if problem["function"] not in known)
    return sorted([*shown, *(broken(name, problems) for name in names)], key=lambda each: str(each["name"]).lower())


def shown_function(
    function: Function, view: ActiveApp, address: str, now: datetime, problems: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    endpoint = endpoint_of(function, view.app.config)
    own = _of(function.name, problems)
    return {
        "name": function.name,
        "language": function.language,
        "trigger": binding_types()[function.trigger.type].name,
        "directory": _relative(function.directory, view.app.root),
        "script": _relative(function.script, view.app.root),
        "line": _line(function, view.app.root),
        "state": "broken" if own else "disabled" if function.disabled else "ok",
        "problems": own,
        "address": f"{address}/{endpoint.path}" if endpoint else None,
        "methods": list(endpoint.methods) if endpoint and endpoint.methods else None,
        "route": endpoint.route if endpoint else None,
        "route_values": _route_values(endpoint.path) if endpoint else [],
        "auth_level": str(function.trigger.properties.get("authLevel") or "function").lower() if endpoint else None,
        "schedule": function.trigger.properties.get("schedule") if function.trigger.type == TIMER else None,
        "next_run": _next_run(function, view, now),
        "bindings": [_binding(binding) for binding in function.bindings],
    }


def broken(name: str, problems: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A function that could not be read: only what is wrong with it is known."""
    unknown = "language trigger directory line address methods route auth_level schedule next_run".split()
    own = _of(name, problems)
    members: dict[str, Any] = dict.fromkeys(unknown)
    return {
        "name": name,
        **members,
        "script": own[0]["file"],
        "state": "broken",
        "problems": own,
        "route_values": [],
        "bindings": [],
    }


def _of(name: str, problems: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [problem for problem in problems if problem["function"] == name]


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)


def _line(function: Function, root: Path) -> int | None:
    """Where its code begins: as its worker told, else where its entry point is defined."""
    if function.line:
        return function.line
    data = read_served(root, function.script)
    name = re.escape(function.entry_point or "main")
    pattern = rf"^(?:async\s+)?def\s+{name}\b|^{name}\s*=|^(?:module\.)?exports\b|^export\s"
    found = re.search(pattern, decoded(data), re.MULTILINE) if data else None
    return decoded(data).count("\n", 0, found.start()) + 1 if data and found else None


def _route_values(path: str) -> list[dict[str, Any]]:
    """The `{name:constraint?}` of a route."""
    return [
        {"name": name, "constraint": constraint.lstrip(":") or None, "optional": bool(optional or default)}
        for name, constraint, default, optional in ROUTE_VALUE.findall(path)
    ]


def _next_run(function: Function, view: ActiveApp, now: datetime) -> str | None:
    """Of a timer with a cron expression; the others count from the start of the host or from their last run."""
    if function.trigger.type != TIMER or function.disabled:
        return None
    try:
        zone = read_zone(view.app.settings.get("WEBSITE_TIME_ZONE") or "")
        schedule = parse_schedule(str(function.trigger.properties.get("schedule") or ""), zone)
        return time_text(schedule.next(now)) if isinstance(schedule, CronSchedule) else None
    except BindingError:
        return None


def _binding(binding: Binding) -> dict[str, Any]:
    """Its properties without those that may hold a secret: `connection` is the name of a setting."""
    return {
        "name": binding.name,
        "type": binding_types()[binding.type].name,
        "direction": binding.direction,
        "properties": {name: value for name, value in binding.properties.items() if value is not None},
    }
