"""The pinned storage emulator: installed once per machine, started and stopped with a block.

    async with azurite.running(data, os.environ) as storage:
        ... storage.connection_string ...

Needs Node 20 or newer with npm, or the extra `fnhost[azurite]`.
"""

from azurite.errors import AzuriteError, NodeMissing
from azurite.install import installed
from azurite.process import DEVELOPMENT, FREE, Azurite, Ports, listening, running
from azurite.shared import Emulator, development_storage

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
