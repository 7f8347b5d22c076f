"""The hubs that durable apps are tested on."""

import uuid
from collections.abc import Mapping

import pytest

from fnhost.azurite import Azurite

DURABLE = "AzureFunctionsJobHost__extensions__durableTask__"
SQLITE = {f"{DURABLE}storageProvider__type": "sqlite"}


@pytest.fixture(scope="module")
def sqlite() -> Mapping[str, str]:
    """The settings of an app whose hub is a SQLite file in its folder."""
    return SQLITE


@pytest.fixture(scope="module", params=["sqlite", "azurite"])
def hub(request: pytest.FixtureRequest, anyio_backend: str) -> Mapping[str, str]:
    """The settings of an app on each hub."""
    return SQLITE if request.param == "sqlite" else on_azurite(request.getfixturevalue("storage"))


def on_azurite(storage: Azurite) -> Mapping[str, str]:
    """A task hub of its own in the emulator that all tests share."""
    return {"AzureWebJobsStorage": storage.connection_string, f"{DURABLE}hubName": f"T{uuid.uuid4().hex[:20]}"}
