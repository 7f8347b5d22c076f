"""What can go wrong with Azurite."""

SQLITE_HINT = 'For Durable Functions without Azurite, host.json can say `"storageProvider": {"type": "sqlite"}`.'


class AzuriteError(Exception):
    """Azurite cannot be installed, started or used. The text says what to do."""


class NodeMissing(AzuriteError):
    """There is no Node to run Azurite with."""

    def __init__(self) -> None:
        super().__init__(
            "Azurite needs Node 20 or newer with npm, and neither stands on the PATH. "
            f'Install them, or run: pip install "fnhost[azurite]". {SQLITE_HINT}'
        )
