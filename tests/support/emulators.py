"""An emulator for hosts of one user, apart from those of whoever runs the tests."""

import os
from pathlib import Path

from fnhost.azurite import Ports, installed
from fnhost.host.system.ports import free_port


def free_ports() -> Ports:
    """Ports that nobody listens on."""
    return Ports(free_port(), free_port(), free_port())


async def made_cache(cache: Path) -> str:
    """The XDG_CACHE_HOME of another user, with Azurite in it."""
    folder = (await installed(os.environ, print)).script.parents[4]
    (cache / "fnhost").mkdir(parents=True)
    (cache / "fnhost" / folder.name).symlink_to(folder, target_is_directory=True)
    return str(cache)
