"""Rewind: remove the failures of an execution, so that it goes on from before them. Pure (platform/task-hub.md 3.7).

A removed event becomes a GenericEvent, which replays ignore: every other event keeps its ordinal.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    GenericEvent,
    HistoryEvent,
    OrchestratorStarted,
    RuntimeStatus,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)

Call: TypeAlias = TaskScheduled | SubOrchestrationInstanceCreated
Failure: TypeAlias = TaskFailed | SubOrchestrationInstanceFailed


@dataclass(frozen=True, slots=True)
class Rewound:
    """As many events as before. `children` are failed instances that are to be rewound as well."""

    events: tuple[HistoryEvent, ...]
    children: tuple[str, ...]


def rewound(events: Sequence[HistoryEvent], gone: Container[str] = ()) -> Rewound:
    """The history without its failures. Children that are `gone` are called again, as nobody can rewind them.

    Failed activities are scheduled again by the next replay, failed children are awaited again. A call with retries
    that succeeded in the end stays as it is. If it never did, an activity is tried anew from its first attempt; of a
    child only the last attempt is awaited again, for it is the child's present execution that is rewound.
    """
    calls = _retried_calls(events)
    removed = {id(event) for call in calls if call.has_failed for event in call.removed(gone)}
    removed |= {id(event) for event in events if isinstance(event, ExecutionCompleted) and _is_failed(event)}
    children = (call.attempts[-1].call for call in calls if call.has_failed)
    return Rewound(
        tuple(_blank(event) if id(event) in removed else event for event in events),
        tuple(child.instance_id for child in children if isinstance(child, SubOrchestrationInstanceCreated)),
    )


def _is_failed(event: ExecutionCompleted) -> bool:
    return event.orchestration_status is RuntimeStatus.Failed


@dataclass(slots=True)
class _Attempt:
    """One attempt of a call, its failure if it failed, and the timer that followed (platform/replay.md 6.6)."""

    call: Call
    failure: Failure | None = None
    timer: tuple[HistoryEvent, ...] = ()

    @property
    def events(self) -> tuple[HistoryEvent, ...]:
        return (self.call, *((self.failure,) if self.failure else ()), *self.timer)


@dataclass(slots=True)
class _RetriedCall:
    """The attempts of one call; without retries there is only one."""

    attempts: list[_Attempt] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return self.attempts[-1].failure is not None

    def removed(self, gone: Container[str]) -> Iterator[HistoryEvent]:
        """What a rewind of this call removes."""
        last = self.attempts[-1]
        if isinstance(last.call, TaskScheduled):
            for attempt in self.attempts:
                yield from attempt.events
        else:
            yield from last.events if last.call.instance_id in gone else last.events[1:]


def _retried_calls(events: Sequence[HistoryEvent]) -> list[_RetriedCall]:
    episodes = _episodes(events)
    failures = _failures(events)
    fired = {event.timer_id: event for event in events if isinstance(event, TimerFired)}
    calls, following = list[_RetriedCall](), dict[int, _RetriedCall]()
    used = set[int]()
    for event in events:
        if not isinstance(event, Call):
            continue
        retried = following.get(event.event_id)
        if retried is None:
            calls.append(retried := _RetriedCall())
        attempt = _Attempt(event, failures.get(id(event)))
        retried.attempts.append(attempt)
        if attempt.failure and (timer := _retry_timer(attempt, episodes, fired, used)):
            used.add(timer.event_id)
            end = fired.get(timer.event_id)
            attempt.timer = (timer, end) if end else (timer,)
            if end and (next_attempt := _next_attempt(event, episodes[id(end)], following)):
                following[next_attempt.event_id] = retried
    return calls


def _failures(events: Sequence[HistoryEvent]) -> Mapping[int, Failure]:
    """The failure of each call, by the call's identity: several attempts may have the same event id."""
    latest, found = dict[int, Call](), dict[int, Failure]()
    for event in events:
        if isinstance(event, Call):
            latest[event.event_id] = event
        elif isinstance(event, Failure) and event.task_scheduled_id in latest:
            found[id(latest[event.task_scheduled_id])] = event
    return found


_Episode: TypeAlias = list[HistoryEvent]


def _episodes(events: Sequence[HistoryEvent]) -> dict[int, _Episode]:
    """The episode of each event, by the event's identity."""
    found, episode = dict[int, _Episode](), _Episode()
    for event in events:
        if isinstance(event, OrchestratorStarted):
            episode = []
        episode.append(event)
        found[id(event)] = episode
    return found


def _retry_timer(
    attempt: _Attempt, episodes: dict[int, _Episode], fired: dict[int, TimerFired], used: set[int]
) -> TimerCreated | None:
    """The timer that a failed attempt set: before the next attempt or, after the last one, due at once."""
    episode = episodes[id(attempt.failure)]
    now = episode[0].timestamp
    for event in episode:
        if not isinstance(event, TimerCreated) or event.event_id in used:
            continue
        end = fired.get(event.event_id)
        if event.fire_at == now or (end and _next_attempt(attempt.call, episodes[id(end)], {})):
            return event
    return None


def _next_attempt(call: Call, episode: _Episode, taken: dict[int, _RetriedCall]) -> Call | None:
    """The first call of the same function in an episode, that is not yet known as an attempt."""
    for event in episode:
        if type(event) is type(call) and isinstance(event, Call) and event.name == call.name:
            if event.event_id not in taken:
                return event
    return None


def _blank(event: HistoryEvent) -> GenericEvent:
    return GenericEvent(
        timestamp=event.timestamp,
        event_id=event.event_id,
        is_played=event.is_played,
        data=f"Rewound: {type(event).__name__}",
    )
