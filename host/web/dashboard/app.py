"""The API of the app as a whole: what serves it, what is wrong with it, and what changed in that."""

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.admin.api import ActiveAppProvider
from fnhost.host.web.dashboard.answers import single, time_text
from fnhost.host.web.dashboard.problems import app_problems
from fnhost.host.web.dashboard.reloads import ReloadHistory


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What is true of a host as long as it runs. `address` is its origin; the functions tell what changes."""

    root: Path
    version: str
    address: str
    started: datetime
    storage: Callable[[], Mapping[str, Any] | None] = field(default=lambda: None)
    features: Mapping[str, bool] = field(default_factory=dict)


def app_routes(facts: HostFacts, provider: ActiveAppProvider, reloads: ReloadHistory) -> list[Route]:
    async def app(request: Request) -> Response:
        return single(request, await describe(facts, provider.view, reloads))

    return [Route("/app", app)]


async def describe(facts: HostFacts, view: ActiveApp | None, reloads: ReloadHistory) -> dict[str, Any]:
    newest = reloads.entries[-1] if reloads.entries else None
    refused = newest if newest and newest.result == "refused" and view and view.state == "Running" else None
    return {
        "name": facts.root.name,
        "root": str(facts.root),
        "version": facts.version,
        "language": view.app.language if view else None,
        "host": {
            "version": facts.version,
            "pid": os.getpid(),
            "started": time_text(facts.started),
            "address": facts.address,
        },
        "state": state_of(view),
        "app_version": reloads.version,
        "refused": reloads.shown(refused) if refused else None,
        "problems": await asyncio.to_thread(app_problems, view) if view else [],
        "workers": [asdict(worker) for worker in view.workers()] if view else [],
        "storage": facts.storage(),
        "hub": await view.hub() if view and view.hub else None,
        "clock": {"offset_ms": 0, "scale": 1},
        "features": dict(facts.features),
    }


def state_of(view: ActiveApp | None) -> str:
    return "starting" if view is None else {"Running": "running"}.get(view.state, "error")
