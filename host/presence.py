"""The notes by which commands find a running host of an app: its process, where it listens, and its task hub.

Each host keeps one file in the app's folder that says where it listens, and each host that has a task hub another with
that hub. They are for their owner alone: the address of a task hub holds a secret of this start. A file whose process
has ended counts for nothing.
"""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from fnhost.azurite.owner import ProcessRecord
from fnhost.host.errors import StartError
from fnhost.host.system.private_files import STATE_FOLDER, private_folder, state_folder, write_private

FOLDER = Path(STATE_FOLDER, "running")
"""Where in the app's folder its running hosts leave the notes of their task hubs."""
LISTENING = Path(STATE_FOLDER, "listening")
"""Where they leave those of their addresses."""
MARKS = Path(STATE_FOLDER, "hosts")
"""Where they leave the lock files that tell which of them live, a folder for each task hub."""
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


@dataclass(frozen=True, slots=True)
class ListeningHost:
    """`url` is where it takes requests, without a slash at its end."""

    process: ProcessRecord
    url: str


T = TypeVar("T")
Host = TypeVar("Host", RunningHost, ListeningHost)


def announce(root: Path, host: RunningHost) -> None:
    """Leave or replace the note of this host's task hub. Raises StartError."""
    _leave(root, FOLDER, host)


def withdraw(root: Path) -> None:
    """Remove the note of this host's task hub, if there is one, and those of hosts that were killed."""
    _remove(root, FOLDER)


@contextmanager
def listening(root: Path, url: str) -> Iterator[None]:
    """This host listens there inside the block, and says so unless the folder cannot be written."""
    with suppress(StartError, OSError):
        _leave(root, LISTENING, ListeningHost(ProcessRecord.of(os.getpid()), url))
    try:
        yield
    finally:
        _remove(root, LISTENING)


def running_hosts(root: Path) -> list[RunningHost]:
    """The hosts of this app that run with a task hub, the one that was started last first."""
    return _alive(root, FOLDER, _hub_of)


def listening_hosts(root: Path) -> list[ListeningHost]:
    """The hosts of this app that run, the one that was started last first."""
    return _alive(root, LISTENING, _address_of)


def marks_folder(root: Path, hub: str) -> Path:
    """Of the lock files that tell which hosts of this app serve a task hub."""
    return root / MARKS / hub


def _alive(root: Path, folder: Path, parse: Callable[[Any], Host]) -> list[Host]:
    found = [host for file in _files(root, folder) if (host := _parsed(file, parse)) and host.process.is_alive]
    return sorted(found, key=lambda host: -host.process.created)


def _leave(root: Path, folder: Path, host: RunningHost | ListeningHost) -> None:
    state_folder(root)
    write_private(private_folder(root / folder) / f"{host.process.pid}.json", json.dumps(asdict(host)).encode())


def _remove(root: Path, folder: Path) -> None:
    ours = f"{os.getpid()}.json"
    for file in _files(root, folder):
        process = _parsed(file, _process_of)
        if file.name == ours or not (process and process.is_alive):
            with suppress(OSError):
                file.unlink()


def _files(root: Path, folder: Path) -> Iterator[Path]:
    with suppress(OSError, StartError):
        yield from sorted((root / folder).glob("*.json"))


def _process_of(note: Any) -> ProcessRecord:
    return ProcessRecord(**note["process"])


def _hub_of(note: Any) -> RunningHost:
    location = tuple(map(str, note["location"]))
    return RunningHost(_process_of(note), str(note["address"]), str(note["hub"]), location)


def _address_of(note: Any) -> ListeningHost:
    return ListeningHost(_process_of(note), str(note["url"]))


def _parsed(file: Path, parse: Callable[[Any], T]) -> T | None:
    """What a note says; None if it cannot be read, or is another user's."""
    try:
        if not _is_ours(file):
            return None
        with file.open("rb") as opened:
            return parse(json.loads(opened.read(MOST_BYTES)))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_ours(file: Path) -> bool:
    found = file.lstat()
    return not hasattr(os, "getuid") or found.st_uid == os.getuid()
