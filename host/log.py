"""Everything that happens is a record; the console, JSON output and web page are readers of it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum


class Level(IntEnum):
    """The platform's levels (platform/worker-protocol.md 3)."""

    TRACE = 0
    DEBUG = 1
    INFORMATION = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened. `category` is the platform's; `at` is seconds since 1970.

    Rules from platform/console-and-logs.md 3.
    """

    level: Level
    category: str
    message: str
    function: str = ""
    invocation: str = ""
    at: float = field(default_factory=time.time)


Reader = Callable[[Record], None]


class Log:
    """Hands each record to every reader, at once and in order."""

    def __init__(self, *readers: Reader) -> None:
        self._readers = list(readers)

    def add(self, reader: Reader) -> None:
        self._readers.append(reader)

    def remove(self, reader: Reader) -> None:
        self._readers.remove(reader)

    def __call__(self, level: Level, category: str, message: str, function: str = "", invocation: str = "") -> None:
        record = Record(level, category, message, function, invocation)
        for reader in self._readers:
            reader(record)

    def information(self, category: str, message: str, function: str = "", invocation: str = "") -> None:
        self(Level.INFORMATION, category, message, function, invocation)

    def warning(self, category: str, message: str, function: str = "", invocation: str = "") -> None:
        self(Level.WARNING, category, message, function, invocation)

    def error(self, category: str, message: str, function: str = "", invocation: str = "") -> None:
        self(Level.ERROR, category, message, function, invocation)
