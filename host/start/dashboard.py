"""The dashboard of `fnhost start`: made of what the host knows of itself when it is first asked for.

Its modules take time to import, which no start should wait for.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any, Self

from starlette.types import ASGIApp, Receive, Scope, Send

from fnhost import __version__
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.logging.console import RecordWriter
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Log
from fnhost.host.options import Options
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.reloads import ReloadHistory
from fnhost.host.web.front import DASHBOARD, Front
from fnhost.host.web.keys import Keys
from fnhost.host.web.listen.names import is_local

if TYPE_CHECKING:
    from fnhost.host.web.dashboard.assembly import OpenDashboard

ASSEMBLY = "fnhost.host.web.dashboard.assembly"
EXPOSED = (
    "There is no dashboard, as other machines can reach this host: it shows what functions are given and answer. With "
    "--enable-auth there is one, which asks for the master key."
)


@dataclass(frozen=True, slots=True)
class DashboardSite:
    """What the dashboard is made of. `base` is what users call the host; `started` is when it was."""

    options: Options
    front: Front
    keys: Keys
    log: Log
    live: LiveEvents
    reloads: ReloadHistory
    emulator: StorageEmulator
    base: str
    started: datetime

    def make(self) -> "OpenDashboard":
        from fnhost.host.web.dashboard.app import HostFacts
        from fnhost.host.web.dashboard.assembly import OpenDashboard
        from fnhost.host.web.dashboard.durable_app import durable_routes
        from fnhost.host.web.dashboard.settings import SettingSources

        options, front = self.options, self.front
        return OpenDashboard(
            front,
            front,
            self.log,
            self.live,
            self.reloads,
            HostFacts(options.root, __version__, self.base, self.started, self._storage, _features(options)),
            SettingSources(options.root, options.environment, options.given, _written(options)),
            self.keys if options.enable_auth else None,
            durable_routes(front),
        )

    def _storage(self) -> Mapping[str, Any] | None:
        """The emulator, if the app needs it."""
        emulator = self.emulator
        if not emulator.is_begun:
            return None
        state = "ok" if emulator.is_ready else "away" if emulator.obstacle else "starting"
        text = emulator.obstacle or None
        return {"kind": "emulator", "state": state, "address": "127.0.0.1:10000-10002", "text": text}


class DashboardOnDemand:
    """An ASGI app, as a block: the dashboard is made with the first request for it."""

    def __init__(self, site: DashboardSite) -> None:
        self._site = site
        self._app: ASGIApp | None = None
        self._making = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._app or await self._made()
        await app(scope, receive, send)

    async def _made(self) -> ASGIApp:
        async with self._making:
            if self._app is None:
                await asyncio.to_thread(import_module, ASSEMBLY)  # requests are served meanwhile
                self._app = await self._stack.enter_async_context(self._site.make())
            return self._app


@asynccontextmanager
async def showing_dashboard(site: DashboardSite, console: RecordWriter, address: str) -> AsyncIterator[None]:
    """The front serves it inside, where it may. `address` is listened on."""
    options = site.options
    if options.dashboard and not is_local(address) and not options.enable_auth:
        site.log.warning(HOST_CATEGORY, EXPOSED)
    elif options.dashboard:
        async with DashboardOnDemand(site) as dashboard:
            site.front.dashboard = dashboard
            console.print(f"Dashboard: {site.base}{DASHBOARD}/\n")
            yield
            return
    yield


def _features(options: Options) -> Mapping[str, bool]:
    return {"auth": options.enable_auth}


def _written(options: Options) -> Mapping[str, object]:
    """What the command line says, by option."""
    return {
        "--functions": " ".join(options.functions),
        "--port": options.port,
        "--address": options.address,
        "--cors": options.cors,
        "--cors-credentials": options.cors_credentials,
        "--enable-auth": options.enable_auth,
        "--use-https": options.use_https,
        "--cert": options.certificate,
        "--python": options.interpreters.get("python"),
        "--language-worker": options.worker_arguments,
        "--user-log-level": options.user_log_level,
        "--verbose": options.verbose,
        "--enable-json-output": options.json_output,
        "--json-output-file": options.json_file,
    }
