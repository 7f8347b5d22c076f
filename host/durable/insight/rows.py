"""What a timeline is made of: rows, one for each piece of work, and what lies across them."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fnhost.host.durable.model.instants import Instant, to_datetime
from fnhost.host.durable.replay.recording import Place

Kind: TypeAlias = Literal[
    "activity", "retry", "timer", "event", "child", "entity", "signal", "lock", "http", "fan_out", "loop"
]
State: TypeAlias = Literal["done", "failed", "open", "cancelled"]


@dataclass(slots=True, eq=False)
class Row:
    """One piece of work. `events` are indices of the history; `attempt` counts from 1 inside a retry."""

    task: str
    kind: Kind
    name: str
    start: Instant
    episode: int = 0
    end: Instant | None = None
    due: Instant | None = None
    state: State = "open"
    label: str = ""
    error: str | None = None
    child: str | None = None
    attempt: int | None = None
    of: int | None = None
    is_skewed: bool = False
    has_input: bool = False
    has_output: bool = False
    is_wait: bool = False
    """Whether it is the pause between two tries of a retry or a polled call."""
    place: Place | None = None
    parent: "Row | None" = None
    events: list[int] = field(default_factory=list)
    children: "list[Row]" = field(default_factory=list)
    group: "Group | None" = None

    @property
    def ms(self) -> float | None:
        return None if self.end is None else milliseconds(self.start, self.end)


@dataclass(frozen=True, slots=True)
class Group:
    """What a row that stands for many says of them. Durations in milliseconds, of those that have ended."""

    count: int
    done: int
    failed: int
    open: int
    cancelled: int
    median_ms: float | None
    p95_ms: float | None
    slowest_ms: float | None
    slowest: str | None
    first_failed: str | None
    pattern: tuple[str, ...] = ()
    repeats: int = 0


@dataclass(slots=True)
class EpisodeMark:
    """One run of the orchestrator; `messages` is how many events it took."""

    number: int
    start: Instant
    end: Instant | None = None
    messages: int = 0


@dataclass(slots=True)
class Band:
    """A time in which the instance was suspended."""

    start: Instant
    reason: str | None = None
    end: Instant | None = None


@dataclass(frozen=True, slots=True)
class EarlyEvent:
    """An external event that came before anybody waited for it; `taken` is the row of the wait that took it."""

    task: str
    name: str
    at: Instant
    taken: str | None = None


@dataclass(frozen=True, slots=True)
class Finish:
    """How the execution ended."""

    at: Instant
    kind: Literal["Completed", "Failed", "Terminated", "ContinuedAsNew", "Canceled"]
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """`rows` are those without a parent, in the order of their begin. `owners` has a name for each event."""

    rows: tuple[Row, ...]
    episodes: tuple[EpisodeMark, ...]
    bands: tuple[Band, ...]
    marks: tuple[EarlyEvent, ...]
    finish: Finish | None
    owners: tuple[str, ...]
    begin: Instant | None
    last: Instant | None
    name: str = ""

    def all_rows(self) -> list[Row]:
        """Children behind their parents."""
        found: list[Row] = []
        for row in self.rows:
            _collect(row, found)
        return found


def _collect(row: Row, found: list[Row]) -> None:
    found.append(row)
    for child in row.children:
        _collect(child, found)


def milliseconds(start: Instant, end: Instant) -> float:
    return (to_datetime(end) - to_datetime(start)).total_seconds() * 1000
