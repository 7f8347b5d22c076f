"""What tests of every kind share: the event loop, and one Azurite for the whole run of a test process."""

import os
from collections.abc import AsyncIterator

import pytest

from fnhost.azurite import Azurite, running


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def storage(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Azurite]:
    """An emulator that all tests of this process share. Each test owns the names it uses in it."""
    async with running(tmp_path_factory.mktemp("azurite"), os.environ, print) as azurite:
        yield azurite
