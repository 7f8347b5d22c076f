"""The invocations that the dashboard shows: rows from log records, and the values of each, in a bounded ring.

Nothing of it is kept until `open`: with no page ever opened a host has its recent log records and no more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from fnhost.bindings.contract import RETURN, Event, HttpRequest, Outcome, Value
from fnhost.host.logging.events import InvocationEnded, InvocationException, InvocationStarted
from fnhost.host.logging.log import RECENT_SIZE, Log, Record, SeenBody
from fnhost.host.web.dashboard.answers import time_text
from fnhost.host.web.dashboard.lines import is_own, log_line
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.payloads import (
    Kept,
    KeptRequest,
    KeptResponse,
    Payload,
    keep,
    keep_response,
    size_of,
    with_body,
)

MOST_INVOCATIONS = 2_000
MOST_BYTES = 32_000_000
MOST_RECORDS = 20_000
"""Log records that are kept from the first opened page on."""
TOPIC = "invocations"
SOON = 0.02
"""Seconds until pages are told of a row that changed."""
MOST_AT_ONCE = 100
"""Rows that they are told of each time: the last ones."""
ROW_SIZE = 1_500
"""About the bytes that a row takes without its values."""
EPISODES = frozenset({"orchestrationtrigger", "entitytrigger"})


@dataclass(slots=True, eq=False)
class RecordedInvocation:
    """`version` is the one of the app that ran it; `number` that of its first record; `again_of` its origin."""

    id: str
    function: str
    trigger: str
    reason: str
    started: datetime
    number: int
    version: int
    instance: str = ""
    attempt: int = 0
    outcome: str = ""
    duration_ms: float | None = None
    exception: str = ""
    stack: str = ""
    again_of: str = ""
    event: Event | None = None
    """What it ran for, unless that is a request or too large to be kept."""
    trigger_value: Kept = None
    inputs: Mapping[str, Kept] = field(default_factory=dict)
    outputs: Mapping[str, Kept] = field(default_factory=dict)
    returned: Kept = None
    has_values: bool = False
    response: KeptResponse | None = None
    size: int = ROW_SIZE

    @property
    def request(self) -> KeptRequest | None:
        return self.trigger_value if isinstance(self.trigger_value, KeptRequest) else None

    @property
    def is_episode(self) -> bool:
        return self.trigger in EPISODES

    def weigh(self) -> None:
        values = [self.trigger_value, self.returned, self.response, *self.inputs.values(), *self.outputs.values()]
        self.size = ROW_SIZE + len(self.exception) + len(self.stack) + sum(map(size_of, values))
        if self.event:
            self.size += size_of(self.trigger_value)


class RequestedCall:
    """A run that a page has asked for: `invocation` is done with its id as soon as it has begun."""

    def __init__(self, again_of: str = "") -> None:
        self.again_of = again_of
        self.function = ""
        self.invocation: asyncio.Future[str] = asyncio.get_running_loop().create_future()


_CALL: ContextVar[RequestedCall | None] = ContextVar("dashboard_call", default=None)
_CURRENT: ContextVar[str] = ContextVar("dashboard_invocation", default="")
"""The last invocation of this task: the response that it sends belongs to it."""


@contextmanager
def calling(call: RequestedCall) -> Iterator[None]:
    """The first invocation that begins in this task inside is what `call` has asked for; others of its function are
    tries of the same."""
    token = _CALL.set(call)
    try:
        yield
    finally:
        _CALL.reset(token)


class InvocationHistory:
    """A reader of the log, and the observer of the values of invocations, once it is opened."""

    def __init__(self, log: Log, live: LiveEvents, version: Callable[[], int]) -> None:
        self._log, self._live, self._version = log, live, version
        self._rows: OrderedDict[str, RecordedInvocation] = OrderedDict()
        self._changed: dict[str, RecordedInvocation] = {}
        """Rows that pages have not been told of."""
        self._size = 0
        self.dropped = 0
        """Invocations that are no longer kept."""
        self.is_open = False

    def open(self) -> None:
        """Keep what comes from now on, and what the recent records tell of before."""
        if self.is_open:
            return
        self.is_open = True
        self._log.recent.resize(MOST_RECORDS, RECENT_SIZE)
        for record in self._log.recent.since()[0]:
            self._take(record)
        self._log.add(self)
        self._log.observer = self

    def __iter__(self) -> Iterator[RecordedInvocation]:
        """The newest first."""
        return reversed(self._rows.values())

    def find(self, id: str) -> RecordedInvocation | None:
        return self._rows.get(id)

    # --- the reader

    def __call__(self, record: Record) -> None:
        row = self._take(record)
        if record.invocation:
            self._publish_line(record, row)
        if row and isinstance(record.event, (InvocationStarted, InvocationEnded, InvocationException)):
            self._publish(row)

    def _take(self, record: Record) -> RecordedInvocation | None:
        event = record.event
        if isinstance(event, InvocationStarted):
            return self._begin(record, event)
        row = self._rows.get(event.invocation) if event.invocation else None
        if row is None:
            return None
        if isinstance(event, InvocationEnded):
            row.outcome, row.duration_ms = event.outcome, event.duration_ms
        elif isinstance(event, InvocationException):
            row.exception, row.stack = event.exception, event.stack
            self._weigh(row)
        return row

    def _begin(self, record: Record, event: InvocationStarted) -> RecordedInvocation:
        row = RecordedInvocation(
            event.invocation, event.function, event.trigger, event.reason, record.at, record.number, self._version(),
            event.instance, event.attempt,
        )  # fmt: skip
        self._rows[row.id] = row
        self._size += row.size
        self._trim()
        return row

    def _weigh(self, row: RecordedInvocation) -> None:
        if row.id not in self._rows:
            return
        self._size -= row.size
        row.weigh()
        self._size += row.size
        self._trim()

    def _trim(self) -> None:
        while self._rows and (len(self._rows) > MOST_INVOCATIONS or self._size > MOST_BYTES):
            _, oldest = self._rows.popitem(last=False)
            self._size -= oldest.size
            self.dropped += 1

    # --- the observer

    def called(self, invocation: str, event: Event) -> None:
        _CURRENT.set(invocation)
        call, row = _CALL.get(), self._rows.get(invocation)
        if call and not call.invocation.done():
            call.function = event.function
            call.invocation.set_result(invocation)
        if row is None:
            return
        if call and call.function == event.function:
            row.again_of = call.again_of
        row.trigger_value = keep(event.value)
        row.event = _repeatable(event, row.trigger_value)
        self._weigh(row)
        self._publish(row)

    def answered(self, invocation: str, inputs: Mapping[str, Value], outcome: Outcome) -> None:
        if (row := self._rows.get(invocation)) is None:
            return
        row.inputs = {name: keep(value) for name, value in inputs.items() if not isinstance(value, HttpRequest)}
        row.outputs = {name: keep(value) for name, value in outcome.outputs.items()}
        row.returned = None if RETURN in outcome.outputs else keep(outcome.returned)
        row.has_values = True
        self._weigh(row)

    def replied(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        row = self._rows.get(_CURRENT.get())
        _CURRENT.set("")
        if row is not None and row.request:
            row.response = keep_response(status, headers, body)
            self._weigh(row)
            self._publish(row)

    def streamed(
        self, request: SeenBody, status: int, headers: Sequence[tuple[bytes, bytes]], response: SeenBody
    ) -> None:
        row = self._rows.get(_CURRENT.get())
        if row is None or not row.request:
            return
        row.trigger_value = with_body(row.request, request)
        if status:
            _CURRENT.set("")
            row.response = keep_response(status, headers, response)
        self._weigh(row)
        self._publish(row)

    # --- the pages

    def _publish(self, row: RecordedInvocation) -> None:
        """Soon: a short invocation changes several times at once, and of a thousand in a second only some are seen."""
        if self._live.is_read(TOPIC):
            if not self._changed:
                self._live.clock.call_later(SOON, self._publish_changed)
            self._changed[row.id] = row

    def _publish_changed(self) -> None:
        changed, self._changed = self._changed, {}
        for row in list(changed.values())[-MOST_AT_ONCE:]:
            phase = "ended" if row.outcome else "started"
            self._live.publish(TOPIC, "invocation", {**shown_row(row), "phase": phase}, key=row.id)

    def _publish_line(self, record: Record, row: RecordedInvocation | None) -> None:
        topic = f"log:{record.invocation}"
        if self._live.is_read(topic):
            self._live.publish(topic, "log", log_line(record))
        instance = record.instance or (row.instance if row else "")
        topic = f"log:instance:{instance}"
        if instance and not is_own(record) and self._live.is_read(topic):
            self._live.publish(topic, "log", log_line(record))


def _repeatable(event: Event, kept: Kept) -> Event | None:
    """The event without what belongs to its first delivery; None if its value is not kept whole."""
    if isinstance(kept, KeptRequest) or (isinstance(kept, Payload) and kept.is_cut):
        return None
    return replace(event, renewal=None, crashes=None, invocation="", details="")


def shown_row(row: RecordedInvocation) -> dict[str, Any]:
    return {
        "id": row.id,
        "function": row.function,
        "trigger": row.trigger,
        "reason": row.reason,
        "what": _what(row),
        "state": {"": "running", "Succeeded": "succeeded"}.get(row.outcome, "failed"),
        "started": time_text(row.started),
        "duration_ms": None if row.duration_ms is None else round(row.duration_ms, 3),
        "status": row.response.status if row.response else None,
        "error": row.exception.partition("\n")[0] or None,
        "instance": row.instance or None,
        "is_episode": row.is_episode,
        "attempt": row.attempt,
        "version": row.version,
        "again_of": row.again_of or None,
    }


def _what(row: RecordedInvocation) -> str:
    """What it ran for, in a few words: method and path of a request, else the kind of its trigger."""
    if row.request:
        return f"{row.request.method} /{row.request.url.partition('://')[2].partition('/')[2]}"
    return row.trigger.removesuffix("trigger")
