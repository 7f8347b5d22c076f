"""What tests of every kind share: the event loop, and one Azurite for the whole run of a test process."""

import gc
import logging
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from fnhost.azurite import Azurite, running
from tests.support.hosts import ORPHANED


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
async def storage(anyio_backend: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Azurite]:
    """An emulator that all tests of this process share. Each test owns the names it uses in it."""
    async with running(tmp_path_factory.mktemp("azurite"), os.environ, print) as azurite:
        yield azurite


class OrphanedTasks(logging.Handler):
    """Keeps what asyncio says about tasks and futures that nobody waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        if any(words in text for words in ORPHANED):
            self._found.append(text)

    def take(self) -> list[str]:
        found, self._found = self._found, []
        return found


ORPHANS = OrphanedTasks()


def pytest_configure(config: pytest.Config) -> None:
    logging.getLogger("asyncio").addHandler(ORPHANS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """A failure that nobody hears of is a defect, whatever else the test says.

    It is reported when the task is collected: mostly at once, else during a later test of the same process.
    """
    yield
    if found := ORPHANS.take():
        pytest.fail("A background task has no owner:\n" + "\n".join(found), pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    yield
    gc.collect()
    if found := ORPHANS.take():
        raise pytest.UsageError("A background task has no owner:\n" + "\n".join(found))
