"""Ports for programs that are about to be started."""

import random
import socket
from contextlib import suppress

LISTENABLE = range(20_000, 32_768)
"""Below what systems hand out themselves, to connections and to listeners without a wish (Linux: from 32768)."""
TRIES = 100


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, and that no connection takes before the program listens there.

    Raises OSError.
    """
    for port in random.sample(LISTENABLE, TRIES):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OSError(f"Of {TRIES} ports between {LISTENABLE.start} and {LISTENABLE.stop} none is free.")
