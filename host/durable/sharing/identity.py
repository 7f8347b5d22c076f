"""What a host is called on a hub that it shares, and how it knows that another host is dead.

On the platform a worker's id is the machine's name, one worker each. A developer has several hosts on one machine, and
perhaps the platform's own beside them. So an id here is the machine's name and a mark, and each mark is a file in the
app's folder that its host keeps locked while it lives. A host that is started again takes a mark that is free: after a
kill it is called as before, and its queues are its own at once. And a mark that is known here but not locked belongs to
a dead host, whose queues need not wait for the end of their lease. Hosts in other folders and on other machines are
believed to live until then. A mark begins with the folder's name, so that people see whose it is.
"""

import os
import re
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@dataclass(frozen=True, slots=True)
class HostIdentity:
    """`is_gone` tells of another host's id that its host is surely dead, `is_stranger` that it is of another folder."""

    id: str
    is_gone: Callable[[str], bool]
    is_other_app: Callable[[str], bool] = lambda _: False


def temporary_identity(machine: str) -> HostIdentity:
    """Of a host that leaves no mark: nobody can know that it is dead."""
    return HostIdentity(f"{machine}-{secrets.token_hex(4)}", lambda _: False)


@contextmanager
def persistent_identity(machine: str, folder: Path, app: str = "") -> Iterator[HostIdentity]:
    """An id that is ours inside the block, with its mark in `folder`; a passing one where nothing can be kept there."""

    def mark_of(other: str) -> Path | None:
        """Where it would be in our folder, if the id is one of this machine."""
        mark = other.removeprefix(f"{machine}-")
        return folder / mark if mark != other and mark.isalnum() else None

    def is_gone(other: str) -> bool:
        return (mark := mark_of(other)) is not None and _is_free(mark)

    def is_other_app(other: str) -> bool:
        return (mark := mark_of(other)) is not None and not mark.exists()

    try:
        mark, file = _taken(folder, app)
    except OSError:
        yield temporary_identity(machine)
        return
    try:
        yield HostIdentity(f"{machine}-{mark}", is_gone, is_other_app)
    finally:
        os.close(file)


def _taken(folder: Path, app: str) -> tuple[str, int]:
    """The first mark that is free, locked; a new one if none is. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir()):
        with suppress(OSError):
            return path.name, _locked(path)
    mark = re.sub("[^A-Za-z0-9]", "", app)[:20] + secrets.token_hex(4)
    return mark, _locked(folder / mark, os.O_CREAT)


def _is_free(path: Path) -> bool:
    try:
        os.close(_locked(path))
    except OSError:
        return False
    return True


def _locked(path: Path, how: int = 0) -> int:
    """The open file. Raises OSError if it is not there, or if another process has it."""
    file = os.open(path, os.O_RDWR | how)
    try:
        _lock(file)
    except OSError:
        os.close(file)
        raise
    return file
