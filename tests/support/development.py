"""The command line on development ports that no other program on this machine uses."""

from fnhost.azurite import Ports
from tests.support.emulators import free_ports

MOVED = """
import sys
from functools import partial

from fnhost import azurite
from fnhost.bindings.storage import account
from fnhost.host.cli import main

ports = azurite.Ports(*map(int, {ports}))
account.DEVELOPMENT_PORTS.update(ports.by_service)
azurite.development_storage = partial(azurite.development_storage, ports=ports)
sys.exit(main())
"""


def moved(ports: Ports | None = None) -> tuple[str, str]:
    """What Python runs."""
    return ("-c", MOVED.format(ports=tuple((ports or free_ports()).by_service.values())))
