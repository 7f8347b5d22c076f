"""The pinned storage emulator: installed once per machine, started and stopped with a block.

    async with azurite.running(data, os.environ) as storage:
        ... storage.connection_string ...

Needs Node 20 or newer with npm, or the extra `fnhost[azurite]`.
"""

from azurite.errors import AzuriteError, NodeMissing
from azurite.install import installed
from azurite.process import DEVELOPMENT, FREE, Azurite, Ports, development_storage, listening, running

__all__ = [
    "DEVELOPMENT",
    "FREE",
    "Azurite",
    "AzuriteError",
    "NodeMissing",
    "Ports",
    "development_storage",
    "installed",
    "listening",
    "running",
]
