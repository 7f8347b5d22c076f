"""Everything that runs during `fnhost start`: the HTTP server, and the app in its current version."""

import gc
import socket
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fnhost import __version__
from fnhost.bindings.storage.services import HostState
from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.identity import host_id
from fnhost.host.logging.console import RecordWriter
from fnhost.host.logging.events import HostStarting
from fnhost.host.logging.log import Log
from fnhost.host.options import ADDRESS, Options
from fnhost.host.presence import listening
from fnhost.host.start.announce import Announce
from fnhost.host.start.dashboard import DashboardSite, showing_dashboard
from fnhost.host.start.reload import HostContext, Reload
from fnhost.host.system.private_files import STATE_FOLDER, protect, state_folder, write_private
from fnhost.host.web.cors import Cors, read_cors
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.reloads import ReloadHistory
from fnhost.host.web.front import Front
from fnhost.host.web.keys import Keys
from fnhost.host.web.listen.names import SETTING, exposure, read_names
from fnhost.host.web.listen.server import serving
from fnhost.host.web.listen.sockets import name_of, reached_at
from fnhost.host.worker.standby import StandbyWorkers

if TYPE_CHECKING:
    from fnhost.host.start.steer import Steering

COLLECT = (20_000, 20, 50)
"""Thresholds of the garbage collector. It seldom runs: requests leave almost no reference cycles behind."""


async def serve(
    options: Options,
    local: Mapping[str, Any],
    sockets: Sequence[socket.socket],
    console: RecordWriter,
    log: Log,
    standby: StandbyWorkers,
    steering: "Steering | None" = None,
) -> None:
    """Until cancelled, or until the workers have crashed too often. Raises StartError.

    `local` is the Host section of local.settings.json, `steering` the keys of a terminal.
    """
    gc.freeze()  # modules are never freed: the collector need not visit them
    gc.set_threshold(*COLLECT)
    root, name = options.root, name_of(sockets)
    protect(root)
    keys = Keys.of_app(root)
    address = str(options.address or local.get("LocalHttpAddress") or ADDRESS)
    front = _front(options, local, log, keys, address)
    scheme = "https" if options.use_https else "http"
    base = f"{scheme}://{name}"
    log.write(HostStarting(version=__version__, url=base))
    if options.enable_auth:
        keys.of("host")
        console.print(f"Keys are demanded. They are in {STATE_FOLDER}/keys.json.\n")
    emulator = StorageEmulator(root, log, SYSTEM_CLOCK)
    if warning := exposure(address, sockets[0].getsockname()[1], options.enable_auth):
        log.warning("Host.Startup", warning)
    context = _context(options, front, keys, name, standby, log, emulator)
    announce = Announce(console, log, base, options, steering.hint if steering else "")
    certificate = _certificate(options)
    site = DashboardSite(options, front, keys, log, context.live, context.reloads, emulator, base, SYSTEM_CLOCK.now())
    dashboard = showing_dashboard(site, console, address)
    async with serving(front, sockets, certificate), emulator, dashboard:
        if certificate:
            forget_key(certificate)
        reload = Reload(context, announce)
        keyboard: AbstractContextManager[None] = nullcontext()
        if steering:
            is_there = front.dashboard is not None
            keyboard = steering.active(base, reload.again, lambda: announce.app, has_dashboard=is_there)
        with keyboard, listening(root, f"{scheme}://{reached_at(sockets)}"):
            await reload.serve()


def _front(options: Options, local: Mapping[str, Any], log: Log, keys: Keys, address: str) -> Front:
    return Front(
        options.root,
        log,
        keys,
        enable_auth=options.enable_auth,
        cors=_cors(options, local),
        names=read_names(address, str(options.environment.get(SETTING) or local.get(SETTING) or "")),
        host_id=host_id(options.root),
    )


def _context(
    options: Options,
    front: Front,
    keys: Keys,
    name: str,
    standby: StandbyWorkers,
    log: Log,
    emulator: StorageEmulator,
) -> HostContext:
    """`name` is the host's, with its port."""
    live = LiveEvents(__version__)
    return HostContext(
        root=options.root,
        environment=options.environment,
        only=options.functions,
        interpreters=options.interpreters,
        host_name=name,
        front=front,
        keys=keys,
        standby=standby,
        log=log,
        emulator=emulator,
        state=HostState(host_id(options.root), str(uuid.uuid4())),
        reloads=ReloadHistory(options.root, live),
        live=live,
        grpc_port=options.grpc_port,
        is_scheduler=options.is_scheduler,
    )


def _certificate(options: Options) -> Path | None:
    if not options.use_https:
        return None
    from fnhost.host.web.listen.tls import certificate  # slow to import, and few need it

    return certificate(state_folder(options.root), options.certificate, options.password)


def forget_key(pem: Path) -> None:
    """Remove the private key from the disk, once the server has loaded it. The certificate stays: clients trust it."""
    from fnhost.host.web.listen.tls import without_key

    write_private(pem, without_key(pem.read_bytes()))


def _cors(options: Options, local: Mapping[str, Any]) -> Cors | None:
    origins = str(options.cors or local.get("CORS") or "")
    return read_cors(origins, options.cors_credentials or bool(local.get("CORSCredentials")))
