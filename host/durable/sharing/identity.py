"""The id of a host on a shared hub, and how other hosts on this machine know that it has ended.

On the platform the id is the machine's name, for each machine runs one worker. A developer runs several hosts on one
machine, perhaps the platform's own among them. Here the id is the machine's name and the name of a lock file in the
app's folder, which the host keeps locked while it lives. A host that is started again takes a free lock file: after a
kill it has its old id, and its queues at once. A lock file that exists and is not locked belongs to a host that has
ended: its queues are taken before their leases expire. Hosts in other folders and on other machines are taken to live
until then. Lock files begin with the name of the app's folder.
"""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from fnhost.host.system.filelock import locked


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """`is_gone(id)` says that another host has surely ended, `is_other_app(id)` that it is of another folder."""

    id: str
    is_gone: Callable[[str], bool]
    is_other_app: Callable[[str], bool] = lambda _: False


def temporary_identity(machine: str) -> HostIdentity:
    """The id of a host without a lock file: others cannot know when it has ended."""
    return HostIdentity(f"{machine}-{secrets.token_hex(4)}", lambda _: False)


def onlooker(machine: str, folder: Path) -> HostIdentity:
    """One without an id, who knows as much of other hosts as those with their lock files in `folder`."""

    def lock_file_of(other: str) -> Path | None:
        """The lock file of another host in our folder, if the id is one of this machine."""
        name = other.removeprefix(f"{machine}-")
        return folder / name if name != other and name.isalnum() else None

    def is_gone(other: str) -> bool:
        return (name := lock_file_of(other)) is not None and _is_free(name)

    def is_other_app(other: str) -> bool:
        return (name := lock_file_of(other)) is not None and not name.exists()

    return HostIdentity("", is_gone, is_other_app)


@contextmanager
def persistent_identity(machine: str, folder: Path, app: str = "") -> Iterator[HostIdentity]:
    """An id that is ours inside the block, with its lock file in `folder`; temporary if `folder` cannot be written."""

    try:
        name, file = _taken(folder, app)
    except OSError:
        yield temporary_identity(machine)
        return
    try:
        yield replace(onlooker(machine, folder), id=f"{machine}-{name}")
    finally:
        os.close(file)


def _taken(folder: Path, app: str) -> tuple[str, int]:
    """The first free lock file, now locked, or a new one. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        with suppress(OSError):
            return path.name, locked(path)
    name = re.sub("[^A-Za-z0-9]", "", app)[:20] + secrets.token_hex(4)
    return name, locked(folder / name, os.O_CREAT)


def _is_free(path: Path) -> bool:
    try:
        os.close(locked(path))
    except OSError:
        return False
    return True
