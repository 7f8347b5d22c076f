"""Everything that happens is a record; the console, JSON output and web page are readers of it."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from fnhost.bindings.contract import Event, Outcome, Value
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.logging.events import HostMessage, InvocationEnded, InvocationStarted, LogEvent
from fnhost.host.logging.events import Level as Level

RECENT_RECORDS = 1_000
RECENT_SIZE = 32_000_000
"""Bounds of the records that are kept: how many, and about how many bytes. So many stay in a processor's cache: with
20,000, each request pays for memory that nobody has touched for long (`RecentRecords.resize` is for who needs more)."""
BASE_SIZE = 500
"""About the bytes that a record takes beside its longer texts."""


@dataclass(slots=True)
class Record:
    """One thing that happened: what, when (UTC), and its place in the order of this host's records, from 1.

    `size` is about the bytes that it takes in memory.
    """

    number: int
    at: datetime
    event: LogEvent
    size: int = BASE_SIZE

    @property
    def level(self) -> Level:
        return self.event.level

    @property
    def category(self) -> str:
        """The platform's (platform/console-and-logs.md)."""
        return self.event.category

    @property
    def message(self) -> str:
        """The sentence of the event."""
        return self.event.message

    @property
    def function(self) -> str:
        return self.event.function

    @property
    def invocation(self) -> str:
        return self.event.invocation

    @property
    def instance(self) -> str:
        """The id of the durable instance it belongs to."""
        return self.event.instance


Reader = Callable[[Record], None]
"""Takes a record at once: it neither waits nor raises. What takes time is done elsewhere, over a bounded queue."""


MOST_SEEN = 65_536
"""Bytes that are kept of a body or a value for those who look on."""


class SeenBody:
    """The size of a body that passes, and its beginning: `most` bytes of it."""

    def __init__(self, most: int = MOST_SEEN) -> None:
        self._most = most
        self.size = 0
        self.beginning = bytearray()

    def see(self, piece: bytes) -> None:
        self.size += len(piece)
        if (room := self._most - len(self.beginning)) > 0:
            self.beginning += piece[:room]


class InvocationObserver(Protocol):
    """Sees the values of invocations, which no record holds. Like a reader it neither waits nor raises.

    All are called in the task that runs the invocation.
    """

    def called(self, invocation: str, event: Event) -> None:
        """After its `InvocationStarted`, before anything else."""

    def answered(self, invocation: str, inputs: Mapping[str, Value], outcome: Outcome) -> None:
        """The worker has answered; nothing is written yet."""

    def replied(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        """A request has its response, whether or not an invocation was made of it."""

    def streamed(
        self, request: SeenBody, status: int, headers: Sequence[tuple[bytes, bytes]], response: SeenBody
    ) -> None:
        """What passed between client and worker; `status` is 0 if the worker gave no response."""


class RecentRecords:
    """The last records, so many and of so many bytes: what a reader that comes later, or again, can still have."""

    def __init__(self, count: int = RECENT_RECORDS, size: int = RECENT_SIZE) -> None:
        self._kept: deque[Record] = deque()
        self._size = 0
        self.resize(count, size)

    def resize(self, count: int, size: int) -> None:
        """Keep so many from now on, of so many bytes."""
        self._count, self._limit = count, size

    def add(self, record: Record) -> None:
        self._kept.append(record)
        self._size += record.size
        while len(self._kept) > self._count or self._size > self._limit:
            self._size -= self._kept.popleft().size

    def since(self, number: int = 0) -> tuple[list[Record], int]:
        """The records after this number, and how many more there were that are no longer kept."""
        kept = list(self._kept)
        first = kept[0].number if kept else number + 1
        return kept[max(0, number + 1 - first) :], max(0, first - number - 1)


def _size(event: LogEvent) -> int:
    if isinstance(event, (InvocationStarted, InvocationEnded)):  # most are, and none is long
        return BASE_SIZE
    return BASE_SIZE + len(event.message)


class Log:
    """Hands each record to every reader, at once and in order, and keeps the recent ones."""

    def __init__(self, *readers: Reader, clock: Clock = SYSTEM_CLOCK) -> None:
        self.recent = RecentRecords()
        self.observer: InvocationObserver | None = None
        """Set while somebody wants to see the values of invocations, too."""
        self._readers = list(readers)
        self._clock = clock
        self._number = 0
        self._written_once: set[str] = set()

    def add(self, reader: Reader) -> None:
        self._readers.append(reader)

    def remove(self, reader: Reader) -> None:
        self._readers.remove(reader)

    def write(self, event: LogEvent) -> None:
        self._number += 1
        record = Record(self._number, self._clock.now(), event, _size(event))
        self.recent.add(record)
        for reader in self._readers:
            reader(record)

    def write_once(self, event: LogEvent) -> None:
        """Not again, if the same sentence was written so before."""
        if event.message not in self._written_once:
            self._written_once.add(event.message)
            self.write(event)

    def __call__(self, level: Level, category: str, message: str, function: str = "", invocation: str = "") -> None:
        """A sentence that has no event of its own."""
        self.write(
            HostMessage(level=level, category=category, message=message, function=function, invocation=invocation)
        )

    def information(self, category: str, message: str, function: str = "", invocation: str = "") -> None:
        self(Level.INFORMATION, category, message, function, invocation)

    def warning(self, category: str, message: str, function: str = "", invocation: str = "") -> None:
        self(Level.WARNING, category, message, function, invocation)

    def error(self, category: str, message: str, function: str = "", invocation: str = "") -> None:
        self(Level.ERROR, category, message, function, invocation)
