"""The API of settings: host.json as it counts with where each value came from, and the environment by name."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fnhost.bindings.http.trigger import HttpSettings
from fnhost.host.app import App, separated
from fnhost.host.errors import StartError
from fnhost.host.load.hostjson import PREFIX, read_host
from fnhost.host.load.localsettings import FILE as LOCAL_FILE
from fnhost.host.load.localsettings import LocalSettings, merge, read_local
from fnhost.host.load.root import HOST_FILE
from fnhost.host.text import decoded
from fnhost.host.web.admin.api import ActiveAppProvider
from fnhost.host.web.dashboard.answers import single
from fnhost.host.web.dashboard.places import lines_of
from fnhost.host.web.dashboard.secrets import hidden
from fnhost.host.web.files import read_served
from fnhost.host.web.keys import FILE as KEYS_FILE
from fnhost.host.web.keys import read as read_keys

HTTP = HttpSettings()
DEFAULTS: Mapping[str, object] = {
    "/functionTimeout": "00:30:00",
    "/singleton/listenerLockPeriod": "00:00:15",
    "/extensions/http/routePrefix": HTTP.prefix,
    "/extensions/http/maxConcurrentRequests": HTTP.concurrent,
    "/extensions/http/maxOutstandingRequests": HTTP.outstanding,
    "/extensions/queues/batchSize": 16,
    "/extensions/queues/maxPollingInterval": "00:00:02",
    "/extensions/queues/maxDequeueCount": 5,
    "/extensions/queues/visibilityTimeout": "00:00:00",
    "/extensions/queues/messageEncoding": "base64",
    "/extensions/blobs/poisonBlobThreshold": 5,
}
"""What counts where host.json says nothing (docs/reference/host-json.md)."""


@dataclass(frozen=True, slots=True)
class SettingSources:
    """`shell` are the variables that the host was started with and those that it added; `given` the latter.

    `options` is what the command line says, by option.
    """

    root: Path
    shell: Mapping[str, str]
    given: Mapping[str, str]
    options: Mapping[str, object]


def setting_routes(sources: SettingSources, provider: ActiveAppProvider) -> list[Route]:
    async def settings(request: Request) -> Response:
        view = provider.view
        app = view.app if view and view.state == "Running" else None
        return single(request, await asyncio.to_thread(describe, sources, app))

    return [Route("/settings", settings)]


def describe(sources: SettingSources, app: App | None) -> dict[str, Any]:
    """Reads the files of the app: call it in a thread. Without an app in service, what the files say counts."""
    local = read_local(sources.root)
    environment = app.settings.environment if app else merge(sources.shell, local).environment
    document = app.config.raw if app else read_host(sources.root, environment)[0].raw
    return {
        "host_json": [*written(sources, document, environment), *defaults(document)],
        "environment": list(variables(sources, local, environment)),
        "local_host": [{"name": name, **hidden(name, value)} for name, value in local.host.items()],
        "options": [{"name": name, **hidden(name, value)} for name, value in sources.options.items() if value],
        "keys": key_names(sources.root),
    }


def written(
    sources: SettingSources, document: Mapping[str, Any], environment: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """Each value of host.json that counts; the environment may have overridden it (platform/settings.md 4)."""
    text = decoded(read_served(sources.root, sources.root / HOST_FILE) or b"")
    lines = {pointer.lower(): line for pointer, line in lines_of(text).items()}
    overrides = {_pointer(name): name for name in environment if _is_override(name)}
    for pointer, value in _leaves(document, ""):
        variable = _overriding(pointer.lower(), overrides)
        origin = _origin(variable, sources) if variable else HOST_FILE
        yield _host_value(pointer, value, origin, variable, None if variable else lines.get(pointer.lower()))


def defaults(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    known = {pointer.lower() for pointer, _ in _leaves(document, "")}
    for pointer, value in DEFAULTS.items():
        if pointer.lower() not in known:
            yield _host_value(pointer, value, "default")


def _host_value(
    pointer: str, value: object, origin: str, variable: str | None = None, line: int | None = None
) -> dict[str, Any]:
    return {"pointer": pointer, **hidden(pointer, value), "from": origin, "variable": variable, "line": line}


def _leaves(value: object, pointer: str) -> Iterator[tuple[str, object]]:
    """Every value that is no object with members, with its JSON pointer."""
    if isinstance(value, Mapping) and value:
        for name, child in value.items():
            yield from _leaves(child, f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}")
    else:
        yield pointer, value


def _is_override(name: str) -> bool:
    return separated(name).lower().startswith(PREFIX.lower())


def _pointer(name: str) -> str:
    return "/" + separated(name)[len(PREFIX) :].lower().replace("__", "/")


def _overriding(pointer: str, overrides: Mapping[str, str]) -> str | None:
    """The variable that put a value where it is, or an item into the list that it is."""
    inside = (name for place, name in overrides.items() if place == pointer or place.startswith(f"{pointer}/"))
    return next(inside, None)


def _origin(variable: str, sources: SettingSources) -> str:
    if variable in sources.given:
        return "option"
    return "environment" if sources.shell.get(variable) else LOCAL_FILE


def variables(
    sources: SettingSources, local: LocalSettings, environment: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """What the workers get, by name."""
    for name in sorted(environment, key=str.lower):
        yield {"name": name, **hidden(name, environment[name]), "from": _variable_origin(name, sources, local)}


def _variable_origin(name: str, sources: SettingSources, local: LocalSettings) -> str:
    if name in sources.given and not _is_override(name):
        return "host"
    return _origin(name, sources) if name in sources.shell or name in local.values else "default"


def key_names(root: Path) -> list[dict[str, str]]:
    """The keys of the app, without their values: `fnhost keys list` shows them."""
    try:
        keys = read_keys(root / KEYS_FILE)
    except StartError:
        return []
    return [{"scope": scope, "name": name} for scope, named in keys.items() for name in named]
