"""An emulator for hosts of one user, apart from those of whoever runs the tests."""

import os
import socket
from contextlib import ExitStack
from pathlib import Path

from fnhost.azurite import Ports, installed


def free_ports() -> Ports:
    """Ports that nobody listens on."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(3)]
        return Ports(*(one.getsockname()[1] for one in taken))


async def made_cache(cache: Path) -> str:
    """The XDG_CACHE_HOME of another user, with Azurite in it."""
    folder = (await installed(os.environ, print)).script.parents[4]
    (cache / "fnhost").mkdir(parents=True)
    (cache / "fnhost" / folder.name).symlink_to(folder, target_is_directory=True)
    return str(cache)
