"""The dashboard of `fnhost start`, made from what the host knows of itself."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fnhost import __version__
from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.console import RecordWriter
from fnhost.host.emulator import StorageEmulator
from fnhost.host.events import HOST_CATEGORY
from fnhost.host.log import Log
from fnhost.host.options import Options
from fnhost.host.web.dashboard.app import HostFacts
from fnhost.host.web.dashboard.assembly import OpenDashboard
from fnhost.host.web.dashboard.durable_app import durable_routes
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.reloads import ReloadHistory
from fnhost.host.web.dashboard.settings import SettingSources
from fnhost.host.web.front import DASHBOARD, Front
from fnhost.host.web.keys import Keys
from fnhost.host.web.listen.names import is_local

EXPOSED = (
    "There is no dashboard, as other machines can reach this host: it shows what functions are given and answer. With "
    "--enable-auth there is one, which asks for the master key."
)


@asynccontextmanager
async def showing_dashboard(
    options: Options,
    front: Front,
    keys: Keys,
    log: Log,
    console: RecordWriter,
    live: LiveEvents,
    reloads: ReloadHistory,
    emulator: StorageEmulator,
    address: str,
    base: str,
) -> AsyncIterator[None]:
    """The front serves it inside, where it may. `address` is listened on, `base` is what users call it."""
    if options.dashboard and not is_local(address) and not options.enable_auth:
        log.warning(HOST_CATEGORY, EXPOSED)
    elif options.dashboard:
        facts = HostFacts(
            options.root, __version__, base, SYSTEM_CLOCK.now(), lambda: _storage(emulator), features=_features(options)
        )
        sources = SettingSources(options.root, options.environment, options.given, _written(options))
        demanded = keys if options.enable_auth else None
        routes = durable_routes(front)
        async with OpenDashboard(front, front, log, live, reloads, facts, sources, demanded, routes) as dashboard:
            front.dashboard = dashboard
            console.print(f"Dashboard: {base}{DASHBOARD}/\n")
            yield
            return
    yield


def _features(options: Options) -> Mapping[str, bool]:
    return {"auth": options.enable_auth}


def _storage(emulator: StorageEmulator) -> Mapping[str, Any] | None:
    """The emulator, if the app needs it."""
    if not emulator.is_begun:
        return None
    state = "ok" if emulator.is_ready else "away" if emulator.obstacle else "starting"
    return {"kind": "emulator", "state": state, "address": "127.0.0.1:10000-10002", "text": emulator.obstacle or None}


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
