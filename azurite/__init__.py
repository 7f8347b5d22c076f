"""The pinned storage emulator: installed once per machine, started and stopped with a block.

    async with azurite.running(data, os.environ) as storage:
        ... storage.connection_string ...

Needs Node 20 or newer with npm, or the extra `fnhost[azurite]`.
"""

from fnhost.azurite.errors import AzuriteError, NodeMissing
from fnhost.azurite.install import installed
from fnhost.azurite.process import DEVELOPMENT, FREE, Azurite, Ports, listening, running
from fnhost.azurite.shared import Emulator, development_storage

__all__ = [
    "DEVELOPMENT",
    "FREE",
    "Azurite",
    "AzuriteError",
    "Emulator",
    "NodeMissing",
    "Ports",
    "development_storage",
    "installed",
    "listening",
    "running",
]
