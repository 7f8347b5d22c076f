"""Who uses a data folder. Two Azurites on the same data would destroy it.

A small file beside the data names Azurite's process and the host's. A host that was killed leaves an Azurite that is
still saving; whoever comes next waits for it.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

from fnhost.azurite.errors import AzuriteError
from fnhost.azurite.install import Say
from fnhost.clock import SYSTEM_CLOCK, Clock

PATIENCE = 30.0
CLOCK_DRIFT = 5.0


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """A process, and when it began: ids are used again."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Self:
        return cls(pid, psutil.Process(pid).create_time())

    @property
    def is_alive(self) -> bool:
        try:
            process = psutil.Process(self.pid)
            is_same = abs(process.create_time() - self.created) < CLOCK_DRIFT
            return is_same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True, slots=True)
class Owner:
    """The Azurite on a data folder, and the host that started it."""

    azurite: ProcessRecord
    host: ProcessRecord

    @classmethod
    def now(cls, azurite: int) -> "Owner":
        return cls(ProcessRecord.of(azurite), ProcessRecord.of(os.getpid()))

    @classmethod
    def of(cls, data: Path) -> "Owner | None":
        try:
            found = json.loads(_file(data).read_text("utf-8"))
            return cls(ProcessRecord(**found["azurite"]), ProcessRecord(**found["host"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @staticmethod
    def is_missing(data: Path) -> bool:
        """Whether nothing is noted, although a folder is there for it."""
        return data.is_dir() and not _file(data).exists()

    def write(self, data: Path) -> None:
        """At once: another host must never read half of it, and take the data for free."""
        fresh = data / "fnhost.json.new"
        fresh.write_text(json.dumps(asdict(self)), "utf-8")
        fresh.replace(_file(data))


def _file(data: Path) -> Path:
    return data / "fnhost.json"


@asynccontextmanager
async def take(data: Path, say: Say, clock: Clock = SYSTEM_CLOCK) -> AsyncIterator[None]:
    """The data folder for our use alone. Raises AzuriteError."""
    await gone(data, say, clock)
    if (owner := Owner.of(data)) and owner.azurite.is_alive:
        raise AzuriteError(
            f"The storage data in {data} is in use by process {owner.host.pid}. Stop it, or choose another folder."
        )
    try:
        yield
    finally:
        _file(data).unlink(missing_ok=True)


async def gone(data: Path, say: Say, clock: Clock = SYSTEM_CLOCK) -> None:
    """Wait for an Azurite whose host has died: it is saving its data. Raises AzuriteError if it does not end."""
    owner = Owner.of(data)
    if owner is None or owner.host.is_alive or not owner.azurite.is_alive:
        return
    say("The Azurite of a host that was killed is still saving its data. Waiting for it.")
    if not await _ended(owner.azurite, clock):
        raise AzuriteError(f"An Azurite without a host is still running as process {owner.azurite.pid}. End it.")


async def _ended(process: ProcessRecord, clock: Clock) -> bool:
    """No event tells of the end of a process that is not our child, so this looks again and again."""
    for _ in range(int(PATIENCE / 0.05)):
        if not process.is_alive:
            return True
        await clock.sleep(0.05)
    return False
