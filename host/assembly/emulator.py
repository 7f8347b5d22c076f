"""The storage emulator, begun in the background when an app needs it: HTTP functions do not wait for it."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from fnhost import azurite
from fnhost.bindings.storage import Account, parse
from fnhost.clock import Clock
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Log
from fnhost.host.tasks import cancel_and_wait

DEVELOPMENT = "UseDevelopmentStorage=true"
FOLDER = ".azurite"
"""Where in the app's folder the emulator keeps its data."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds until an emulator that could not be started is tried again."""


def is_development(account: Account) -> bool:
    """Whether it is the emulator on its usual ports."""
    return account == parse(DEVELOPMENT)


class StorageEmulator:
    """Open it as a block. `begin` starts it once; `ready` waits until it answers.

    What keeps it from starting is logged once for each cause, and it is tried again: Node may be installed meanwhile,
    a port may become free.
    """

    def __init__(self, root: Path, log: Log, clock: Clock) -> None:
        self._data, self._log, self._clock = root / FOLDER, log, clock
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._restarted: list[Callable[[], None]] = []
        self.obstacle = ""
        """Why it does not run, in words; empty while it runs or starts."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            await cancel_and_wait(self._task)

    def begin(self, environment: Mapping[str, str]) -> None:
        """`environment` finds Node and the user's cache."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(environment), name="storage emulator")

    @property
    def is_begun(self) -> bool:
        """Whether anything needs it."""
        return self._task is not None

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    async def ready(self) -> None:
        await self._ready.wait()

    def when_restarted(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call it when another Azurite runs than before: the last writes may be lost. Returns what ends this."""
        self._restarted.append(callback)
        return lambda: self._restarted.remove(callback)

    async def _run(self, environment: Mapping[str, str]) -> None:
        pause = FIRST_PAUSE
        while True:
            try:
                await self._keep(environment)
            except azurite.AzuriteError as error:
                self._note(str(error))
            await self._clock.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _keep(self, environment: Mapping[str, str]) -> None:
        """Until cancelled. Raises AzuriteError."""

        def say(line: str) -> None:
            self._log.information(HOST_CATEGORY, line)

        async with azurite.development_storage(self._data, environment, say, clock=self._clock) as emulator:
            emulator.restarted = self._tell_restarted
            self.obstacle = ""
            self._ready.set()
            try:
                await asyncio.Event().wait()
            finally:
                self._ready.clear()

    def _tell_restarted(self) -> None:
        for callback in list(self._restarted):
            callback()

    def _note(self, obstacle: str) -> None:
        if obstacle != self.obstacle:
            self._log.error(HOST_CATEGORY, f"{obstacle} What needs the storage emulator waits for it.")
        self.obstacle = obstacle
