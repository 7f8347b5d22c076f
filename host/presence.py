"""The note by which commands find a running host of an app: its process, its task hub, and where it is asked.

Each host that has a task hub keeps one file in the app's folder, for its owner alone: the address holds a secret of
this start. A file whose process has ended counts for nothing.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from fnhost.azurite.owner import ProcessRecord
from fnhost.host.errors import StartError
from fnhost.host.system.private_files import STATE_FOLDER, private_folder, state_folder, write_private

FOLDER = Path(STATE_FOLDER, "running")
"""Where in the app's folder its running hosts leave their notes."""
MOST_BYTES = 100_000
HUB, CHANGES = "taskhub", "changes"
"""What the private endpoint has beside the management API: there the hub is emptied, and an instance followed."""


@dataclass(frozen=True, slots=True)
class RunningHost:
    """`address` is its private endpoint, with a slash at its end; `location` tells task hubs apart."""

    process: ProcessRecord
    address: str
    hub: str
    location: tuple[str, ...]

    @classmethod
    def ours(cls, address: str, hub: str, location: tuple[str, ...]) -> Self:
        return cls(ProcessRecord.of(os.getpid()), address, hub, location)

    @property
    def pid(self) -> int:
        return self.process.pid


def announce(root: Path, host: RunningHost) -> None:
    """Leave or replace the note of this host. Raises StartError."""
    state_folder(root)
    write_private(private_folder(root / FOLDER) / f"{host.pid}.json", json.dumps(asdict(host)).encode())


def withdraw(root: Path) -> None:
    """Remove the note of this host, if there is one, and those of hosts that were killed."""
    ours = f"{os.getpid()}.json"
    for file in _files(root):
        if file.name == ours or not _is_running(_read(file)):
            with suppress(OSError):
                file.unlink()


def running_hosts(root: Path) -> list[RunningHost]:
    """The hosts of this app that run with a task hub, the one that was started last first."""
    found = [host for file in _files(root) if (host := _read(file)) and host.process.is_alive]
    return sorted(found, key=lambda host: -host.process.created)


def _is_running(host: RunningHost | None) -> bool:
    return host is not None and host.process.is_alive


def _files(root: Path) -> Iterator[Path]:
    with suppress(OSError, StartError):
        yield from sorted((root / FOLDER).glob("*.json"))


def _read(file: Path) -> RunningHost | None:
    """None if it cannot be read, or is another user's."""
    try:
        if not _is_ours(file):
            return None
        with file.open("rb") as opened:
            found: dict[str, Any] = json.loads(opened.read(MOST_BYTES))
        process = ProcessRecord(**found["process"])
        return RunningHost(process, str(found["address"]), str(found["hub"]), tuple(map(str, found["location"])))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_ours(file: Path) -> bool:
    found = file.lstat()
    return not hasattr(os, "getuid") or found.st_uid == os.getuid()
