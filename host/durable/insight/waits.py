"""What an instance waits for, since when, and at which line. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.rows import Row
from fnhost.host.durable.insight.timeline import first_line, fold
from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TimerCreated,
)
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.replay import actions
from fnhost.host.durable.replay.recording import Place
from fnhost.host.durable.replay.trace import Origin

MOST_WAITS = 100
WaitKind = Literal["activity", "timer", "event", "child", "entity", "retry", "http", "lock"]


@dataclass(frozen=True, slots=True)
class Wait:
    """`task` is the row of the timeline. `is_recomputed`: the present code says so, not the history alone."""

    kind: WaitKind
    name: str
    task: str
    since: Instant
    due: Instant | None = None
    attempt: int | None = None
    of: int | None = None
    child: str | None = None
    place: Place | None = None
    is_recomputed: bool = False

    @property
    def sentence(self) -> str:
        match self.kind:
            case "timer":
                return f"timer until {(self.due or '')[:19]}Z"
            case "retry":
                return f"retry of {self.name}, {self.attempt} of {self.of} tries failed"
            case "event":
                return f"event {self.name}"
        return f"{self.kind} {self.name}"


def waits_of(events: Sequence[HistoryEvent], replayed: Replayed | None) -> list[Wait]:
    """In the order in which the code asked for them. None once the execution has ended."""
    if not events or any(isinstance(event, ExecutionCompleted) for event in reversed(events[-4:])):
        return []
    if replayed and replayed.fits and replayed.trace and replayed.recording:
        place = _here(replayed)
        scheduled = {event.event_id: event for event in events if event.event_id >= 0}
        found = (_of_origin(origin, scheduled) for origin in replayed.trace.awaited()[:MOST_WAITS])
        return [replace(wait, place=place, is_recomputed=True) for wait in found if wait]
    return list(_of_history(events))[:MOST_WAITS]


def _here(replayed: Replayed) -> Place | None:
    """Where the orchestrator stands now: the last `yield` that it came to."""
    recording = replayed.recording
    return recording.steps[-1].place if recording and recording.steps and not recording.cut else None


def _of_origin(origin: Origin, scheduled: Mapping[int, HistoryEvent]) -> Wait | None:
    action, last = origin.action, origin.ids[-1] if origin.ids else None
    event = scheduled.get(last) if last is not None else None
    task, since = str(last) if last is not None else f"w{origin.number}", event.timestamp if event else origin.since
    match action:
        case actions.CallActivity(name=name):
            return Wait("activity", name, task, since)
        case actions.CallSubOrchestrator(name=name):
            child = event.instance_id if isinstance(event, SubOrchestrationInstanceCreated) else action.instance_id
            return Wait("child", name, task, since, child=child)
        case actions.WithRetry():
            return _of_retry(action, origin, event, task, since, scheduled)
        case actions.CreateTimer(fire_at=due):
            return Wait("timer", "timer", f"t{origin.ids[0]}" if len(origin.ids) > 1 else task, origin.since, due=due)
        case actions.WaitForEvent(name=name):
            return Wait("event", name, f"w{origin.number}", origin.since)
        case actions.CallEntity():
            return Wait("entity", f"{action.instance_id} {action.operation}", task, since, child=action.instance_id)
        case actions.LockEntities():
            return Wait("lock", ", ".join(f"@{name}@{key}" for name, key in action.entities), task, since)
        case actions.CallHttp():
            request = action.request
            return Wait("http", f"{request.get('method') or 'GET'} {request.get('uri')}", task, origin.since)
    return None


def _of_retry(
    action: actions.WithRetry,
    origin: Origin,
    event: HistoryEvent | None,
    task: str,
    since: Instant,
    scheduled: Mapping[int, HistoryEvent],
) -> Wait:
    tries = sum(not isinstance(scheduled.get(one), TimerCreated) for one in origin.ids)
    of = action.options.attempts
    if isinstance(event, TimerCreated):
        return Wait("retry", action.call.name, f"r{origin.ids[0]}", since, event.fire_at, tries, of)
    if isinstance(event, SubOrchestrationInstanceCreated):
        return Wait("child", action.call.name, task, since, None, tries, of, event.instance_id)
    return Wait("activity", action.call.name, task, since, None, tries, of)


def _of_history(events: Sequence[HistoryEvent]) -> Iterator[Wait]:
    """What was scheduled and has not ended: waits for external events are in no history."""
    for row in fold(events).rows:
        if row.state == "open" and (wait := _of_row(row)):
            yield wait


def _of_row(row: Row) -> Wait | None:
    match row.kind:
        case "activity" | "timer" | "child" | "entity" | "http" | "lock":
            return Wait(row.kind, row.name, row.task, row.start, row.due, child=row.child)
    return None


def told(text: str) -> str:
    """One line of an error, without the sentence that the platform puts before it."""
    line = first_line(text)
    for kind in ("Orchestrator function ", "Activity function "):
        if line.startswith(kind) and (rest := line.partition("' failed: ")[2]):
            return told(rest)
    return line.strip()
