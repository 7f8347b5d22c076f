"""Sockets that listen, and who holds a port that is taken."""

import errno
import itertools
import socket
from collections.abc import Sequence

from fnhost.host.errors import StartError

HIGHEST_PORT = 65535


def bind(address: str, port: int) -> list[socket.socket]:
    """Sockets that listen there; on the loopback addresses of both families where both are to be had.

    Raises StartError, naming who holds the port.
    """
    sockets = [_bound(address, port)]
    if address == "127.0.0.1" and socket.has_ipv6:
        try:
            sockets.append(_bound("::1", sockets[0].getsockname()[1]))
        except StartError:
            """`localhost` then means this address alone."""
    return sockets


def bind_near(port: int) -> list[socket.socket]:
    """The loopback port `port`, or any free one if it is taken."""
    try:
        return [_bound("127.0.0.1", port)]
    except StartError:
        return [_bound("127.0.0.1", 0)]


def name_of(sockets: Sequence[socket.socket]) -> str:
    """What to call them in an address."""
    return f"localhost:{sockets[0].getsockname()[1]}"


def reached_at(sockets: Sequence[socket.socket]) -> str:
    """Host and port at which a program of this machine reaches them, whatever address they listen on."""
    address, port = sockets[0].getsockname()[:2]
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)
    return f"[{here}]:{port}" if ":" in here else f"{here}:{port}"


def _bound(address: str, port: int) -> socket.socket:
    if not 0 <= port <= HIGHEST_PORT:
        raise StartError(f"There is no port {port}. Choose one from 0 (any free one) to {HIGHEST_PORT}.")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio then sends without delay
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((address, port))
        bound.listen(2048)
    except OSError as error:
        bound.close()
        raise StartError(_refused(address, port, error)) from error
    except (TypeError, ValueError) as error:  # a name that cannot be asked for
        bound.close()
        raise StartError(f"{address!a} is no address of this machine: {error}. Choose another --address.") from error
    bound.setblocking(False)
    return bound


def _refused(address: str, port: int, error: OSError) -> str:
    if error.errno != errno.EADDRINUSE:
        return f"Cannot listen on {address} port {port}: {error.strerror}. Choose another --address or --port."
    return (
        f"Port {port} is unavailable. {holder(port)}Close the process using that port, "
        "or specify another port using --port [-p]."
    )


def holder(port: int) -> str:
    """A sentence on the process that listens on a port, as far as this user may know."""
    import psutil  # only who meets a taken port needs it

    try:
        connections = psutil.net_connections("tcp")
    except psutil.Error:
        return ""
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return _named(connection.pid)
    return ""


def shown_command(words: Sequence[str]) -> str:
    """A command without its options: they may hold passwords."""
    kept = itertools.takewhile(lambda word: not word.startswith("-") or word == "-m", words)
    return " ".join(kept)[:120]


def _named(pid: int | None) -> str:
    if pid is None:
        return "It is held by a process of another user. "
    import psutil

    try:
        command = shown_command(psutil.Process(pid).cmdline())
    except psutil.Error:
        command = ""
    return f"It is held by process {pid}{f' ({command})' if command else ''}. "
