"""Files of the app that are handed out over HTTP: regular ones that lie below the app, of a bounded size."""

import os
import stat
from pathlib import Path

MOST_BYTES = 4_000_000


def read_served(root: Path, path: Path) -> bytes | None:
    """The file's bytes; None if it is no such file. It may wait for a disk: call it in a thread."""
    real = os.path.realpath(path)
    if not Path(real).is_relative_to(os.path.realpath(root)):
        return None
    try:
        file = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # opening a pipe must not wait for a writer
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return None
    with open(file, "rb") as opened:
        data = opened.read(MOST_BYTES + 1)
    return data if len(data) <= MOST_BYTES else None
