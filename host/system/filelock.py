"""A lock on an open file, which ends with its process: on Windows on one byte, elsewhere on the file."""

import os
import sys

if sys.platform == "win32":
    import msvcrt

    def lock(file: int) -> None:
        """Take it without waiting. Raises OSError if another process has it."""
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def lock(file: int) -> None:
        """Take it without waiting. Raises OSError if another process has it."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def locked(path: str | os.PathLike[str], flags: int = 0) -> int:
    """The open file, locked; `flags` are those of `os.open`. Raises OSError if it is missing or another has it."""
    file = os.open(path, os.O_RDWR | flags)
    try:
        lock(file)
    except OSError:
        os.close(file)
        raise
    return file
