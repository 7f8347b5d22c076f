"""Quiet replays on demand: what a history does not hold, asked of the present code. Nothing is stored or sent."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from fnhost.bindings.contract import BindingError
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.history import ExecutionStarted, HistoryEvent, OrchestratorStarted
from fnhost.host.durable.replay.decide import OrchestrationLimits
from fnhost.host.durable.replay.payload import orchestrator_payload
from fnhost.host.durable.replay.recording import Place, Recording, read_recording
from fnhost.host.durable.replay.trace import Trace
from fnhost.host.durable.storage.codec import history_json
from fnhost.host.errors import FnhostError

Observe: TypeAlias = Callable[[str, str, float], Awaitable[Mapping[str, Any]]]
"""Replay the orchestrator of a name over a payload, within so many seconds. The recording as the worker gives it."""

T = TypeVar("T")
SECONDS = 5.0
KEPT = 32
MANY = 500
"""Histories with more events are worked on in a thread."""
TOO_LONG = 20_000
NOBODY = "The app that is served has no orchestrator of this name."
NOT_STARTED = "It has not begun to run."


@dataclass(frozen=True, slots=True, eq=False)
class Replayed:
    """A replay and what it says of the history. Without a recording `note` says why there is none."""

    events: Sequence[HistoryEvent]
    recording: Recording | None = None
    trace: Trace | None = None
    note: str = ""

    @property
    def fits(self) -> bool:
        """Whether the present code asks for what the history says it asked for."""
        return self.trace is not None and self.trace.mismatch is None

    @property
    def places(self) -> Mapping[int, Place]:
        return self.recording.places() if self.recording and self.fits else {}


class Replays:
    """Asks the version of the app in service, one replay at a time, and remembers the last answers."""

    def __init__(self, limits: OrchestrationLimits) -> None:
        self._limits = limits
        self._observers: list[Observe] = []
        self._version = 0
        self._kept: OrderedDict[tuple[object, ...], Replayed] = OrderedDict()
        self._lock = asyncio.Lock()

    @contextmanager
    def lending(self, observe: Observe) -> Iterator[None]:
        """Inside the block `observe` is asked, unless a newer block says otherwise."""
        self._observers.append(observe)
        self._version += 1
        try:
            yield
        finally:
            self._observers.remove(observe)
            self._version += 1

    def known(self, events: Sequence[HistoryEvent]) -> Replayed | None:
        """What is remembered of exactly this history with the present code."""
        return self._kept.get(self._key(events)) if events else None

    async def of(self, events: Sequence[HistoryEvent], seconds: float = SECONDS) -> Replayed:
        """Replay a history. What keeps that from succeeding is told by `note`."""
        if not events:
            return Replayed(events, note=NOT_STARTED)
        key = self._key(events)
        async with self._lock:
            if (found := self._kept.get(key)) is None:
                found = await self._replayed(events, seconds)
                self._kept[key] = found
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return found

    def _key(self, events: Sequence[HistoryEvent]) -> tuple[object, ...]:
        started = _started(events)
        us = started.orchestration_instance if started else None
        return us, len(events), events[-1].timestamp, self._version

    async def _replayed(self, events: Sequence[HistoryEvent], seconds: float) -> Replayed:
        started = _started(events)
        if started is None or not self._observers:
            return Replayed(events, note=NOBODY)
        if len(events) > TOO_LONG:
            return Replayed(events, note=f"Its history has {len(events):,} events: it is not replayed.")
        observe = self._observers[-1]
        try:
            payload = await _apart(events, lambda: quiet_payload(started, events, self._limits))
            found = await observe(started.name, payload, seconds)
            return await _apart(events, lambda: self._read(events, found))
        except LookupError:
            return Replayed(events, note=NOBODY)
        except (FnhostError, BindingError, InvalidWorkerResponse) as error:
            return Replayed(events, note=f"The replay was not possible: {error}")

    def _read(self, events: Sequence[HistoryEvent], found: Mapping[str, Any]) -> Replayed:
        """Raises InvalidWorkerResponse."""
        recording = read_recording(found)
        trace = Trace(events, recording.answer.actions, self._limits)
        note = f"The present code does not fit the history. {trace.mismatch}" if trace.mismatch else recording.note
        return Replayed(events, recording, trace, note)


async def _apart(events: Sequence[HistoryEvent], work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work) if len(events) > MANY else work()


def quiet_payload(started: ExecutionStarted, events: Sequence[HistoryEvent], limits: OrchestrationLimits) -> str:
    """One more episode begins at the end: so all that is played is a repetition, and guarded log lines stay silent."""
    last = next((event for event in reversed(events) if isinstance(event, OrchestratorStarted)), None)
    texts = [history_json(event) for event in (*events, *((last,) if last else ()))]
    return orchestrator_payload(started, texts, limits)


def _started(events: Sequence[HistoryEvent]) -> ExecutionStarted | None:
    return next((event for event in events if isinstance(event, ExecutionStarted)), None)
