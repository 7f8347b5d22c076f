"""What happens, as server-sent events for the pages that are open (HTML standard, 9.2).

Nothing is kept of a topic that nobody reads: with no page open, `publish` is one look into an empty dict.
"""

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.model.instants import instant
from fnhost.host.text import json_line

KEPT = 5_000
"""Events that a page can have again after its connection broke."""
WAITING = 1_000
"""Events that wait for one page."""
GRACE = 60.0
"""Seconds for which the events of a topic are kept after its last page has left: it may come back."""
PACE = 0.05
"""Seconds between two batches for one page. What one thing says meanwhile is merged to the last of it."""
SILENCE = 15.0
"""Seconds after which a comment shows that the connection lives."""
MOST_DIGITS = 16
MOST_TOPICS = 50
"""Topics of one page."""
RETRY = 1_000
"""Milliseconds after which a page connects again."""


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """`data` is JSON text. Of events with the same topic, name and key that wait for a page only the last counts."""

    number: int
    topic: str
    name: str
    data: str
    key: str = ""


@dataclass(slots=True)
class _Topic:
    """`since` is the number of the last event before anybody read it; `left` the time at which nobody did any more."""

    since: int
    readers: "set[Reader]" = field(default_factory=set)
    left: float = 0.0


class LiveEvents:
    """The topics that pages read. All of it is called on the event loop.

    `start` tells this start of the host from any other; it begins the id of every event.
    """

    def __init__(self, version: str = "", clock: Clock = SYSTEM_CLOCK, kept: int = KEPT) -> None:
        self.start = f"{int(clock.now().timestamp() * 1000):x}"
        self.version, self.clock = version, clock
        self._topics: dict[str, _Topic] = {}
        self._recent: deque[LiveEvent] = deque(maxlen=kept)
        self._number = self._forgotten = 0
        """Numbers of the last event, and of the last that is no longer kept."""
        self._readers: set[Reader] = set()

    def is_read(self, topic: str) -> bool:
        """Whether a page reads this topic, or has just lost its connection: ask before making costly data."""
        return bool(self._topics) and self._live(topic) is not None

    def publish(self, topic: str, event: str, data: Mapping[str, Any], key: str = "") -> None:
        """Hand `data` to the pages that read `topic`; it is made into JSON before this returns.

        With a `key`, a later event of the same name replaces one that still waits: give it what is shown is its whole
        state, such as a row. Never waits; never raises for what a reader does.
        """
        if not self._topics or (found := self._live(topic)) is None:
            return
        self._number += 1
        if len(self._recent) == self._recent.maxlen:
            self._forgotten = self._recent[0].number
        made = LiveEvent(self._number, topic, event, json_line(data), key)
        self._recent.append(made)
        for reader in found.readers:
            reader.put(made)

    def _live(self, topic: str) -> _Topic | None:
        found = self._topics.get(topic)
        if found and not found.readers and self.clock.monotonic() > found.left + GRACE:
            del self._topics[topic]
            return None
        return found

    @contextmanager
    def reading(self, topics: Collection[str], last_id: str = "") -> "Iterator[Reader]":
        """A reader of these topics from now on, or from behind `last_id` if all since then is still known."""
        self._drop_left()
        last = self._resumable(topics, last_id)
        reader = Reader(self, frozenset(topics), self._number if last is None else last, last_id, last is not None)
        for topic in reader.topics:
            self._topics.setdefault(topic, _Topic(self._number)).readers.add(reader)
        if last is not None:
            for event in self._recent:
                if event.number > last and event.topic in reader.topics:
                    reader.put(event)
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
            self._leave(reader)

    def _leave(self, reader: "Reader") -> None:
        for topic in reader.topics:
            found = self._topics[topic]
            found.readers.discard(reader)
            found.left = self.clock.monotonic()

    def _drop_left(self) -> None:
        for topic in list(self._topics):
            self._live(topic)
        if not self._topics:
            self._recent.clear()
            self._forgotten = self._number

    def _resumable(self, topics: Collection[str], last_id: str) -> int | None:
        """The number in `last_id`, if nothing of these topics is missing since."""
        start, _, number = last_id.partition("-")
        if start != self.start or not (number.isascii() and number.isdecimal() and len(number) < MOST_DIGITS):
            return None
        last = int(number)
        if not self._forgotten <= last <= self._number:
            return None
        known = [self._topics.get(topic) for topic in topics]
        return last if all(topic is not None and topic.since <= last for topic in known) else None

    def close(self) -> None:
        """The host ends: every stream ends."""
        for reader in list(self._readers):
            reader.close()


class Reader:
    """One page: the events that wait for it, those of one key merged, the oldest dropped when there are too many."""

    def __init__(self, live: LiveEvents, topics: frozenset[str], number: int, last_id: str, is_resumed: bool) -> None:
        self.topics, self.is_resumed = topics, is_resumed
        self._live, self._number, self._last_id = live, number, last_id
        self._waiting: OrderedDict[tuple[str, str, str] | int, LiveEvent] = OrderedDict()
        self._dropped = 0
        self._changed = asyncio.Event()
        self._is_closed = False

    def put(self, event: LiveEvent) -> None:
        name = (event.topic, event.name, event.key) if event.key else event.number
        self._waiting.pop(name, None)
        self._waiting[name] = event
        if len(self._waiting) > WAITING:
            self._waiting.popitem(last=False)
            self._dropped += 1
        self._changed.set()

    def close(self) -> None:
        self._is_closed = True
        self._changed.set()

    async def stream(self) -> AsyncIterator[bytes]:
        """The response's body, until the host ends or whoever iterates leaves."""
        yield self._hello()
        clock = self._live.clock
        while not self._is_closed or self._waiting:
            try:
                async with clock.timeout(SILENCE):
                    await self._changed.wait()
            except TimeoutError:
                yield b": alive\n\n"
                continue
            if text := self._take():
                yield text
            if not self._is_closed:
                await clock.sleep(PACE)

    def _hello(self) -> bytes:
        live = self._live
        data = {"start": live.start, "now": instant(live.clock.now()), "version": live.version}
        text = f"retry: {RETRY}\n\n" + _frame("hello", json.dumps(data), f"{live.start}-{self._number}")
        if self._last_id and not self.is_resumed:
            text += _frame("reset", json.dumps({"reason": RESET}))
        return text.encode()

    def _take(self) -> bytes:
        self._changed.clear()
        waiting, self._waiting = self._waiting, OrderedDict()
        dropped, self._dropped = self._dropped, 0
        text = _frame("lag", json.dumps({"dropped": dropped})) if dropped else ""
        return (text + "".join(map(self._text, waiting.values()))).encode()

    def _text(self, event: LiveEvent) -> str:
        return _frame(event.name, event.data, f"{self._live.start}-{event.number}")


async def event_stream(live: LiveEvents, topics: Collection[str], last_id: str) -> AsyncIterator[bytes]:
    """The body of a response that tells these topics."""
    with live.reading(topics, last_id) as reader:
        async for text in reader.stream():
            yield text


RESET = "What happened since this page was last connected is no longer known."


def _frame(event: str, data: str, id: str = "") -> str:
    """`data` is one line."""
    return f"{f'id: {id}' + chr(10) if id else ''}event: {event}\ndata: {data}\n\n"
