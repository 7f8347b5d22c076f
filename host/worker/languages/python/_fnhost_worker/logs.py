"""`logging` to the host, each record with the invocation it belongs to (platform/python-worker.md 5)."""

from __future__ import annotations

import logging
import sys

from .context import QUIET, current_invocation
from .forks import on_fork
from .wire import Message, Wire

SYSTEM_LOGGERS = ("azure_functions_worker", "azure.functions")
LEVELS = ((50, "critical"), (40, "error"), (30, "warning"), (20, "information"), (10, "debug"))


class HostHandler(logging.Handler):
    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the lock that other handlers hold meanwhile: nothing here needs it, and it can stop the process.

        While a thread holds it the garbage collector may run, and free a channel of gRPC, for which it needs the lock
        of gRPC; the thread that has that one may be about to log.
        """
        kept = self.filter(record)
        if kept:
            self.emit(kept if isinstance(kept, logging.LogRecord) else record)
        return bool(kept)

    def emit(self, record: logging.LogRecord) -> None:
        """A record that cannot be formatted or sent is reported on stderr, as `logging` does everywhere."""
        if QUIET.get():
            return
        try:
            self._wire.send(_message(record, self.format(record)))
        except Exception:
            self.handleError(record)


def _message(record: logging.LogRecord, text: str) -> Message:
    return {
        "t": "rpcLog",
        "invocationId": current_invocation(),
        "category": record.name,
        "level": level_name(record.levelno),
        "message": text,
        "logCategory": "system" if record.name.startswith(SYSTEM_LOGGERS) else "user",
    }


def level_name(number: int) -> str:
    return next((name for least, name in LEVELS if number >= least), "trace")


def open_logs(wire: Wire, lowest: int) -> None:
    """Send what the root logger gets, from the level `lowest` on.

    A forked child must not write on the host's socket: it prints instead.
    """
    root = logging.getLogger()
    handler = HostHandler(wire)
    root.addHandler(handler)
    root.setLevel(lowest)

    def print_instead() -> None:
        wire.close()
        if handler in root.handlers:  # not so in the child of a child
            root.removeHandler(handler)
            root.addHandler(logging.StreamHandler(sys.stderr))

    on_fork(print_instead)
