"""The API of the app as a whole: what serves it, what is wrong with it, and what changed in that."""

import asyncio
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.admin.api import ActiveAppProvider
from fnhost.host.web.dashboard.answers import single, time_text
from fnhost.host.web.dashboard.problems import app_problems
from fnhost.host.web.dashboard.reloads import ReloadHistory
from fnhost.host.worker import WorkerStatus


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What is true of a host as long as it runs. `address` is its origin; the functions tell what changes."""

    root: Path
    version: str
    address: str
    started: datetime
    storage: Callable[[], Mapping[str, Any] | None] = field(default=lambda: None)
    features: Mapping[str, bool] = field(default_factory=dict)


class AppDescription:
    """Makes the members of `GET app`. Problems are looked for once for each version: they stand in files."""

    def __init__(self, facts: HostFacts, provider: ActiveAppProvider, reloads: ReloadHistory) -> None:
        self._facts, self._provider, self._reloads = facts, provider, reloads
        self._view: ActiveApp | None = None
        self._problems: list[dict[str, Any]] = []

    async def __call__(self) -> dict[str, Any]:
        view = self._provider.view
        return {
            **self._lasting(),
            "language": view.app.language if view else None,
            "state": state_of(view),
            "app_version": self._reloads.version,
            "refused": self._refused(view),
            "problems": await self._found(view) if view else [],
            "workers": [shown_worker(worker) for worker in view.workers()] if view else [],
            "storage": self._facts.storage(),
            "hub": await view.hub() if view and view.hub else None,
        }

    def _lasting(self) -> dict[str, Any]:
        facts = self._facts
        started, pid = time_text(facts.started), os.getpid()
        return {
            "name": facts.root.name,
            "root": str(facts.root),
            "version": facts.version,
            "host": {"version": facts.version, "pid": pid, "started": started, "address": facts.address},
            "clock": {"offset_ms": 0, "scale": 1},
            "features": dict(facts.features),
        }

    def _refused(self, view: ActiveApp | None) -> dict[str, Any] | None:
        """The last reload, if the version before it goes on."""
        newest = self._reloads.entries[-1] if self._reloads.entries else None
        is_told = newest and newest.result == "refused" and view and view.state == "Running"
        return self._reloads.shown(newest) if newest and is_told else None

    async def _found(self, view: ActiveApp) -> list[dict[str, Any]]:
        if view is not self._view:
            self._problems = await asyncio.to_thread(app_problems, view)
            self._view = view
        return self._problems


def shown_worker(worker: WorkerStatus) -> dict[str, Any]:
    """`started` is null of a process that has just ended."""
    started = None
    with suppress(psutil.Error):
        started = time_text(datetime.fromtimestamp(psutil.Process(worker.pid).create_time(), UTC))
    return {**asdict(worker), "started": started}


def app_routes(description: AppDescription) -> list[Route]:
    async def app(request: Request) -> Response:
        return single(request, await description())

    return [Route("/app", app)]


def state_of(view: ActiveApp | None) -> str:
    return "starting" if view is None else {"Running": "running"}.get(view.state, "error")
