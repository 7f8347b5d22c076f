"""Start Azurite, know when it answers, start it again if it dies, and stop it gently."""

import asyncio
import os
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fnhost.azurite.errors import SQLITE_HINT, AzuriteError
from fnhost.azurite.install import HERE, Installation, Say, installed
from fnhost.azurite.owner import Owner, take
from fnhost.clock import SYSTEM_CLOCK, Clock

ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""The emulator's account, known to every tool."""

GRACE = 15.0
START_LIMIT = 60.0
LOOK = 1.0
"""Seconds between two looks whether the data are still there: it goes on without them, and would keep nothing."""
ENDED = (
    "Azurite ended by itself{} and is started again. "
    "If it was killed, what was written in its last five seconds may be lost."
)
REMOVED = "The storage data in {} were removed while Azurite ran. It is started again, without them."


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the three services listen; 0 means any free one."""

    blob: int
    queue: int
    table: int

    @property
    def by_service(self) -> Mapping[str, int]:
        return {"blob": self.blob, "queue": self.queue, "table": self.table}


DEVELOPMENT = Ports(10000, 10001, 10002)
FREE = Ports(0, 0, 0)


def connection_string(ports: Ports) -> str:
    """What apps and tools need to reach an emulator on these ports of this machine."""
    endpoints = (
        f"{name.capitalize()}Endpoint=http://127.0.0.1:{port}/{ACCOUNT}" for name, port in ports.by_service.items()
    )
    return ";".join(("DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={KEY}", *endpoints)) + ";"


async def listening(ports: Ports = DEVELOPMENT, clock: Clock = SYSTEM_CLOCK) -> tuple[str, ...]:
    """Which of `blob`, `queue` and `table` answer HTTP."""
    answers = await asyncio.gather(*(_answers(port, clock) for port in ports.by_service.values()))
    return tuple(name for name, answered in zip(ports.by_service, answers, strict=True) if answered)


async def _answers(port: int, clock: Clock) -> bool:
    try:
        async with clock.timeout(2):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                return (await reader.read(5)) == b"HTTP/"
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


class Azurite:
    """A running Azurite of ours. Its process may change, its ports do not."""

    def __init__(self, installation: Installation, data: Path, ports: Ports, clock: Clock = SYSTEM_CLOCK) -> None:
        self.ports, self._clock = ports, clock
        self._installation = installation
        self.data = data
        self._printed: deque[str] = deque(maxlen=20)
        self.restarted: Callable[[], None] = lambda: None
        """Called when it ended by itself and answers again: what it was told last may be gone."""
        self._process: asyncio.subprocess.Process | None = None

    @property
    def connection_string(self) -> str:
        return connection_string(self.ports)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Ready when all three services answer. Raises AzuriteError."""
        self._printed.clear()
        _made(self.data)
        self._process = await self._launched()
        Owner.now(self.pid).write(self.data)
        try:
            async with self._clock.timeout(START_LIMIT):
                self.ports = await self._ready_ports()
        except TimeoutError:
            raise AzuriteError(f"Azurite did not start in {START_LIMIT:.0f} seconds: {self._said()}") from None
        self._printed.clear()

    async def stop(self) -> None:
        """Let it save its data; end it if it cannot."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with self._clock.timeout(GRACE):
                await self._read_to_the_end()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def keep(self, say: Say) -> None:
        """Start it again whenever it ends by itself, or its data are removed. Until cancelled."""
        while True:
            say(await self._end())
            await self._start_again(say)
            say("Azurite answers again.")
            self.restarted()

    async def _end(self) -> str:
        """Wait for its end, and end it when its data are gone: why, in words."""
        ended, removed = (asyncio.create_task(work()) for work in (self._read_to_the_end, self._data_removed))
        try:
            await asyncio.wait((ended, removed), return_when=asyncio.FIRST_COMPLETED)
            if ended.done():
                return ENDED.format(f" ({' '.join(self._printed)})" if any(self._printed) else "")
            self._kill()
            await ended
            return REMOVED.format(self.data)
        finally:
            ended.cancel()
            removed.cancel()
            await asyncio.wait((ended, removed))

    async def _data_removed(self) -> None:
        """Return when the folder is gone, or is another one. Who uses it is noted again if that alone is gone."""
        folder = _identity(self.data)
        while folder and _identity(self.data) == folder:
            if Owner.is_missing(self.data):
                Owner.now(self.pid).write(self.data)
            await self._clock.sleep(LOOK)

    def _kill(self) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _start_again(self, say: Say) -> None:
        pause = 0.1
        while True:
            try:
                return await self.start()
            except AzuriteError as error:
                say(str(error))
            await self.stop()
            await self._clock.sleep(pause)
            pause = min(pause * 2, 10.0)

    async def _launched(self) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                *(self._installation.node, str(HERE / "launch.js"), str(self._installation.script)),
                *self._options(),
                cwd=self.data,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                # Ctrl-C in the terminal is for the host alone.
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise AzuriteError(f"Azurite cannot be started with {self._installation.node}: {error}") from error

    def _options(self) -> tuple[str, ...]:
        ports = (option for name, port in self.ports.by_service.items() for option in (f"--{name}Port", str(port)))
        return (*ports, "--location", str(self.data), "--skipApiVersionCheck", "--silent", "--disableTelemetry")

    async def _ready_ports(self) -> Ports:
        """The ports as Azurite prints them once each service listens."""
        found: dict[str, int] = {}
        while len(found) < 3:
            line = await self._read_line()
            if line is None:
                raise AzuriteError(f"Azurite did not start: {self._said()}")
            if match := re.search(r"Azurite (\w+) service is successfully listening at \S+:(\d+)", line):
                found[match[1].lower()] = int(match[2])
        ports = Ports(**found)
        if len(answering := await listening(ports, self._clock)) < 3:
            raise AzuriteError(f"Azurite started, but only these of its services answer: {', '.join(answering)}")
        return ports

    async def _read_line(self) -> str | None:
        assert self._process is not None and self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode(errors="replace")
        self._printed.append(line.strip())
        return line or None

    async def _read_to_the_end(self) -> None:
        assert self._process is not None
        while await self._read_line() is not None:
            pass
        await self._process.wait()

    def _said(self) -> str:
        return " ".join(filter(None, self._printed)) or "it said nothing"


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which folder it is; None if there is none."""
    try:
        found = os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _made(folder: Path) -> Path:
    """The data folder, which keeps itself out of version control. Raises AzuriteError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError), (folder / ".gitignore").open("x", encoding="utf-8") as file:
            file.write("*\n")
    except OSError as error:
        raise AzuriteError(
            f"Azurite's data cannot be kept in {folder}: {error.strerror}. Make '{folder.parent}' writable for this "
            f"user, or run a copy of the app in a folder that is. {SQLITE_HINT}"
        ) from error
    return folder.absolute()


@asynccontextmanager
async def running(
    data: Path, environment: Mapping[str, str], say: Say, ports: Ports = FREE, clock: Clock = SYSTEM_CLOCK
) -> AsyncIterator[Azurite]:
    """Azurite on these ports with its data in this folder, for the length of the block. Raises AzuriteError.

    `say` hears of the installation, and when Azurite ends by itself and is started again.
    """
    azurite = Azurite(await installed(environment, say, clock), _made(data), ports, clock)
    async with take(azurite.data, say, clock):
        try:
            await azurite.start()
            keeper = asyncio.create_task(azurite.keep(say), name="azurite")
            try:
                yield azurite
            finally:
                keeper.cancel()
                await asyncio.wait([keeper])
        finally:
            await azurite.stop()
