"""The emulator on the development ports, which all hosts of a user share: one keeps it, the others borrow it.

Who keeps it holds a lock, and leaves a note that names the data folder, both in the user's cache. When it has ended,
one of those who borrowed keeps the emulator from then on, on the same data: their instances lie there. An Azurite that
the user started has no note, and is merely waited for.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from fnhost.azurite.errors import AzuriteError
from fnhost.azurite.install import Say, cache_folder
from fnhost.azurite.lock import locked
from fnhost.azurite.owner import Owner, ProcessRecord, gone
from fnhost.azurite.process import DEVELOPMENT, Azurite, Ports, listening, running
from fnhost.clock import SYSTEM_CLOCK, Clock

PATIENCE_TENTHS = 30
LOOK = 0.2
"""Seconds between two looks at who keeps it: no event tells of the end of another's process."""
RETRY = 5.0
ENDED = "The host that ran the storage emulator has ended"


class Emulator:
    """What answers on the ports, whoever keeps it."""

    def __init__(
        self, data: Path, environment: Mapping[str, str], say: Say, ports: Ports, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.azurite: Azurite | None = None
        """The one that this host keeps; None while it borrows another's."""
        self.restarted: Callable[[], None] = lambda: None
        """Called when another Azurite runs than before: what the last one was told at its end may be gone."""
        self._data, self._environment, self._say, self._ports = data.absolute(), environment, say, ports
        self._clock = clock
        folder = cache_folder(environment).parent
        name = "emulator-" + "-".join(map(str, ports.by_service.values()))
        self.lock, self.note = folder / f"{name}.lock", folder / f"{name}.txt"
        self._heritage: Path | None = None
        self._borrowed: ProcessRecord | None = None

    async def begin(self, stack: AsyncExitStack) -> None:
        """Borrow the emulator that answers, or keep one until the stack ends. Raises AzuriteError."""
        self._make_folder()
        if await self._is_begun(stack):
            return
        self._say("Another host is starting or ending the storage emulator. Waiting for it.")
        while True:
            await self._settled()
            if await self._is_begun(stack):
                return

    async def _settled(self) -> None:
        """Wait until another host's emulator answers, or nobody keeps one, not even those who borrowed the last."""
        while not await self._answers():
            with locked(self.lock) as is_free:
                pass
            if is_free:
                return await self._clock.sleep(3 * LOOK)
            await self._clock.sleep(LOOK / 2)

    async def _answers(self) -> bool:
        return self._is_kept() and len(await listening(self._ports, self._clock)) == 3

    def _make_folder(self) -> None:
        try:
            self.lock.parent.mkdir(parents=True, exist_ok=True)
            with locked(self.lock):
                pass
        except (OSError, sqlite3.Error) as error:
            raise AzuriteError(
                f"Nothing can be kept in {self.lock.parent}, where hosts tell each other who runs the storage "
                f"emulator: {error}. Set XDG_CACHE_HOME to a folder that can be written."
            ) from error

    async def _is_begun(self, stack: AsyncExitStack) -> bool:
        """False while another host has the lock, and its emulator does not answer."""
        is_answering = await self._answers()
        try:
            async with AsyncExitStack() as ours:
                if not ours.enter_context(locked(self.lock)):
                    return is_answering
                if not await _is_there(self._ports, self._clock):
                    await ours.enter_async_context(self._kept(self._data))
                    await stack.enter_async_context(ours.pop_all())
                return True
        except AzuriteError:
            if await _is_there(self._ports, self._clock):  # The user was quicker.
                return True
            raise

    @asynccontextmanager
    async def _kept(self, data: Path) -> AsyncIterator[None]:
        """An Azurite of ours inside the block; the lock must be ours as well. Raises AzuriteError."""
        self.note.write_text(str(data), "utf-8")
        try:
            async with running(data, self._environment, self._say, self._ports, self._clock) as self.azurite:
                self.azurite.restarted = lambda: self.restarted()
                yield
        finally:
            self.azurite = None
            self.note.unlink(missing_ok=True)

    async def watch(self) -> None:
        """Keep the emulator from when its host has ended. Until cancelled."""
        said = ""
        while True:
            await self._clock.sleep(LOOK)
            if self._is_kept() or self._heritage is None:
                continue
            try:
                await self._inherit(self._heritage)
            except (AzuriteError, OSError) as error:
                if str(error) != said:
                    self._say(f"{ENDED}, and this one cannot run it: {error}")
                said = str(error)
                await self._clock.sleep(RETRY)

    def _is_kept(self) -> bool:
        """Whether a host's Azurite runs. It is remembered where its data lie, and noticed when it is another one."""
        data = self._noted()
        owner = Owner.of(data) if data else None
        if owner is None or not owner.azurite.is_alive:
            return False
        before, self._borrowed, self._heritage = self._borrowed, owner.azurite, data
        if before not in (None, owner.azurite):
            self.restarted()
        return True

    def _noted(self) -> Path | None:
        with suppress(OSError):
            return Path(self.note.read_text("utf-8"))
        return None

    async def _inherit(self, data: Path) -> None:
        """Keep it until cancelled; return if somebody was quicker, or its host lives and starts it again."""
        with locked(self.lock) as is_ours:
            if not is_ours:
                return
            if await listening(self._ports, self._clock):
                return self._follow_the_user(data)
            async with self._kept(data):
                self._say(f"{ENDED}. This host runs it from now on, with the same data, in {data}.")
                self.restarted()
                await asyncio.Event().wait()

    def _follow_the_user(self, data: Path) -> None:
        self._heritage = self._borrowed = None
        self._say(f"{ENDED}, and another Azurite took its ports: that one is used, without the data in {data}.")
        self.restarted()


@asynccontextmanager
async def development_storage(
    data: Path, environment: Mapping[str, str], say: Say, ports: Ports = DEVELOPMENT, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Emulator]:
    """What `UseDevelopmentStorage=true` means: the emulator that already answers, else ours on the same ports.

    Raises AzuriteError.
    """
    await gone(data, say, clock)
    emulator = Emulator(data, environment, say, ports, clock)
    async with AsyncExitStack() as stack:
        await emulator.begin(stack)
        if emulator.azurite is None:
            await stack.enter_async_context(_beside(emulator))
        yield emulator


@asynccontextmanager
async def _beside(emulator: Emulator) -> AsyncIterator[None]:
    watcher = asyncio.create_task(emulator.watch(), name="emulator")
    try:
        yield
    finally:
        watcher.cancel()
        await asyncio.wait([watcher])


async def _is_there(ports: Ports, clock: Clock) -> bool:
    for _ in range(PATIENCE_TENTHS):
        answering = await listening(ports, clock)
        if len(answering) in (0, 3):
            return bool(answering)
        await clock.sleep(0.1)  # One that is starting or ending tells nobody.
    missing = [f"{name} ({port})" for name, port in ports.by_service.items() if name not in answering]
    raise AzuriteError(
        f"Something answers on the storage emulator's port for {' and '.join(answering)}, "
        f"but nothing for {' and '.join(missing)}. "
        "Stop it, and the host starts Azurite itself; or start Azurite with all of its services."
    )
