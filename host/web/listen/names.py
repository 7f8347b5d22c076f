"""Which names the host answers to, so that a web page cannot reach it by a name of its own (DNS rebinding)."""

import re
import socket
from collections.abc import Collection, Iterator
from ipaddress import ip_address

LOCAL = ("localhost", "host.docker.internal")
"""`host.docker.internal` is the machine as its containers call it; nobody can own a name under `internal`."""
HOST = re.compile(r"(?:\[([0-9a-f:.]+)\]|([^:\[\]/@]+))\.?(?::[0-9]*)?")
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(.+)")
SETTING = "AllowedHosts"
HELP = (
    f'Write it into local.settings.json: "Host": {{"{SETTING}": "name;*.example.com"}}, or into the variable {SETTING}.'
)


class HostNames:
    """`names` and `*.names` in lower case; `*` is any. With `is_open` every address of this machine counts as well."""

    def __init__(self, names: Collection[str] = (), is_open: bool = False) -> None:
        self._names = frozenset(name for name in names if not name.startswith("*."))
        self._suffixes = (".localhost", *(name[1:] for name in names if name.startswith("*.")))
        self._is_open = is_open
        self._last = ""

    def admits(self, host: str) -> bool:
        """Whether this is a value of Host, with or without a port, that the host answers to."""
        if host == self._last:
            return True
        found = HOST.fullmatch(host.lower())
        if found is None or not self._knows((found[1] or found[2]).removesuffix(".")):
            return False
        self._last = host
        return True

    def admits_origin(self, origin: str) -> bool:
        """Whether a page of `origin` is of this machine. `null` is not: any page can have that."""
        found = ORIGIN.fullmatch(origin.lower())
        return found is not None and self.admits(found[1])

    def _knows(self, name: str) -> bool:
        if name in LOCAL or name in self._names or "*" in self._names or name.endswith(self._suffixes):
            return True
        try:
            address = ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or self._is_open


def read_names(address: str, allowed: str = "") -> HostNames:
    """The names that `--address` and the setting mean; `allowed` has `;` or `,` between them, as in ASP.NET Core.

    A host that listens on all addresses answers to every address, and to the name of the machine: an address in Host is
    no name that a page could have turned to this machine.
    """
    names = [name.strip().lower() for name in re.split("[;,]", allowed) if name.strip()]
    if is_local(address):
        return HostNames(names)
    machine = socket.gethostname().lower()
    return HostNames([*names, address.lower(), machine, f"{machine}.local"], is_open=is_any(address))


def is_any(address: str) -> bool:
    """Whether this stands for all addresses of the machine."""
    try:
        return ip_address(address).is_unspecified
    except ValueError:
        return not address


def is_local(address: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address.lower() == "localhost"


def exposure(address: str, port: int, enable_auth: bool) -> str:
    """What to say of a host that other machines can reach; empty if none can."""
    if is_local(address):
        return ""
    addresses = list(own_addresses()) if is_any(address) else [address]
    shown = ", ".join(f"{bracketed(each)}:{port}" for each in addresses)
    keys = "" if enable_auth else " Nothing asks them for a key: add --enable-auth, or leave --address out."
    return f"Other machines can reach this host at {shown or f'port {port}'}.{keys}"


def own_addresses() -> Iterator[str]:
    """The addresses of this machine's interfaces that others can use."""
    import psutil  # only a host that is open to other machines needs it

    for addresses in psutil.net_if_addrs().values():
        for each in addresses:
            if each.family in (socket.AF_INET, socket.AF_INET6) and "%" not in each.address:
                found = ip_address(each.address)
                if not found.is_loopback and not found.is_link_local:
                    yield each.address


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
