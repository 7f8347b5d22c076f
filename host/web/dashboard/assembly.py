"""The dashboard, put together: each module gives its routes."""

from collections.abc import Sequence
from typing import Self

from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from fnhost.host.logging.log import Log
from fnhost.host.supervise import supervise
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.web.admin.api import ActiveAppProvider
from fnhost.host.web.dashboard.api import event_routes
from fnhost.host.web.dashboard.app import AppDescription, HostFacts, app_routes
from fnhost.host.web.dashboard.calls import Caller
from fnhost.host.web.dashboard.functions import function_routes
from fnhost.host.web.dashboard.invocations import invocation_routes
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.mount import Dashboard
from fnhost.host.web.dashboard.recording import InvocationHistory
from fnhost.host.web.dashboard.reloads import ReloadHistory, reload_routes
from fnhost.host.web.dashboard.settings import SettingSources, setting_routes
from fnhost.host.web.dashboard.watching import AppWatcher
from fnhost.host.web.keys import Keys

WATCHING = "Watching the app for the dashboard"


class OpenDashboard:
    """The dashboard of a host, as a block: inside it is an ASGI app, and what pages asked for runs.

    `front` serves the requests of its pages, `provider` tells what is in service, `keys` are those that the host
    demands. `routes` are those of other modules.
    """

    def __init__(
        self,
        front: ASGIApp,
        provider: ActiveAppProvider,
        log: Log,
        live: LiveEvents,
        reloads: ReloadHistory,
        facts: HostFacts,
        sources: SettingSources,
        keys: Keys | None = None,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self._tasks, self._live = BackgroundTasks(log), live
        self._history = InvocationHistory(log, live, lambda: reloads.version)
        description = AppDescription(facts, provider, reloads)
        self._log, self._watcher = log, AppWatcher(description, live, log)
        caller = Caller(front, self._tasks, keys, facts.address)
        own = [
            *event_routes(live),
            *app_routes(description),
            *function_routes(provider, caller, facts.address),
            *invocation_routes(self._history, log, provider, caller, facts.root),
            *setting_routes(sources, provider),
            *reload_routes(reloads),
        ]
        self._app = Dashboard([*own, *routes], self._open, keys)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._live.close()
        self._tasks.cancel()
        await self._tasks.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _open(self) -> None:
        """The first time that anybody looks."""
        if not self._history.is_open:
            self._history.open()
            self._tasks.spawn(WATCHING, supervise(WATCHING, self._watcher.run, self._log))
