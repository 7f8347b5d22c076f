"""`fnhost azurite`: the storage emulator alone, until Ctrl-C."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

from fnhost import azurite
from fnhost.host.assembly.emulator import FOLDER
from fnhost.host.errors import StartError

READY = "Azurite is running: blob {}, queue {}, table {}. Ctrl-C ends it."


def run(root: Path) -> int:
    """Keep the emulator on its usual ports, with its data in the app's folder. Raises StartError."""
    with suppress(KeyboardInterrupt):
        asyncio.run(_keep(root / FOLDER))
    return 0


async def _keep(data: Path) -> None:
    try:
        async with azurite.development_storage(data, os.environ, _say) as emulator:
            if emulator.azurite is None:
                _say(f"Another Azurite already answers on the ports {_ports()}: it is used. Ctrl-C ends this command.")
            else:
                _say(READY.format(*emulator.azurite.ports.by_service.values()))
            await asyncio.Event().wait()
    except azurite.AzuriteError as error:
        raise StartError(str(error)) from error


def _ports() -> str:
    return ", ".join(map(str, azurite.DEVELOPMENT.by_service.values()))


def _say(line: str) -> None:
    print(line, flush=True)
