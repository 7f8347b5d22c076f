"""`fnhost mcp`: the Model Context Protocol over standard input and output, for a host that runs."""

import argparse
import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from fnhost.host.errors import StartError
from fnhost.host.load.localsettings import read_local
from fnhost.host.load.root import find_root
from fnhost.host.options import PORT
from fnhost.host.presence import listening_hosts
from fnhost.host.system import signals
from fnhost.host.system.private_files import STATE_FOLDER

if TYPE_CHECKING:
    from ssl import SSLContext

LONGEST_CALL = 30 * 60.0
"""Seconds that a function may take to answer: the platform's own limit where an app sets none."""
CONNECT = 5.0


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("mcp", help="serve the Model Context Protocol for a running host, over standard input")
    parser.set_defaults(run=_run)
    parser.add_argument("app", nargs="?", default=".", metavar="APP", help="the app's folder (this one)")
    parser.add_argument(
        "--url", help=f"the address of the host (that of the app's running host, else http://127.0.0.1:{PORT})"
    )
    parser.add_argument("--key", help="the host's master key, if it demands keys (the app's, on this machine)")


def _run(options: argparse.Namespace) -> int:
    root = _root(Path(options.app))
    return run(options.url or "", root, options.key or "")


def run(url: str, root: Path | None, key: str) -> int:
    """Serve until standard input ends, for the host at `url`, else for the app's own. Raises StartError."""
    from fnhost.host.web.mcp.missing import missing_packages

    if missing := missing_packages():
        raise StartError(missing)
    if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
        raise StartError(f"--url {url} is not the address of a host. Write it as http://127.0.0.1:{PORT}.")
    signals.end_at_once()  # a thread that reads standard input cannot be interrupted
    asyncio.run(_serve(url, root, key))
    return 0


async def _serve(url: str, root: Path | None, key: str) -> None:
    import httpx2

    from fnhost.host.web.mcp.client import HostClient
    from fnhost.host.web.mcp.server import mcp_server

    timeout = httpx2.Timeout(LONGEST_CALL, connect=CONNECT)
    async with httpx2.AsyncClient(timeout=timeout, verify=_trust(url, root)) as http:
        client = HostClient(http, _keys(url, root, key), lambda: url or _address(root))
        await mcp_server(client).run_stdio_async()


def _root(start: Path) -> Path | None:
    """The app's folder; None outside of one, where the host's usual address is as good a guess as any."""
    try:
        return find_root(start)
    except StartError:
        return None


def _address(root: Path | None) -> str:
    """Where the app's host listens: what it says itself, else what `fnhost start` would take without `--port`."""
    if root and (hosts := listening_hosts(root)):
        return hosts[0].url
    given = read_local(root).host.get("LocalHttpPort") if root else None
    return f"http://127.0.0.1:{int(given or PORT)}"


def _keys(url: str, root: Path | None, key: str) -> Callable[[], str]:
    """The key that is given; else, for a host on this machine, the master key of the app, which may be made later."""
    if key or root is None or (url and not _is_here(url)):
        return lambda: key
    from fnhost.host.web.keys import FILE, HOST, MASTER, read

    return lambda: read(root / FILE).get(HOST, {}).get(MASTER, "")


def _trust(url: str, root: Path | None) -> "SSLContext":
    """What an HTTPS connection trusts: for a host on this machine the certificate that it made, too."""
    import httpx2

    context = httpx2.create_ssl_context()
    certificate = root / STATE_FOLDER / "certificate.pem" if root else None
    if certificate and certificate.is_file() and (not url or (url.startswith("https") and _is_here(url))):
        context.load_verify_locations(os.fspath(certificate))
    return context


def _is_here(url: str) -> bool:
    from fnhost.host.web.listen.names import is_local

    return is_local(urlsplit(url).hostname or "")
