"""Past custom statuses, as a replay finds them: the value after each episode that changed it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from fnhost.host.durable.insight.store import StatusValue
from fnhost.host.durable.model.history import HistoryEvent, OrchestratorCompleted
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.replay.recording import Recording


@dataclass(frozen=True, slots=True)
class PastStatus:
    """`episode` counts from 0; None where it is not known."""

    at: Instant
    value: str | None
    episode: int | None
    is_recomputed: bool


def recomputed(events: Sequence[HistoryEvent], recording: Recording) -> list[PastStatus]:
    """One value for each episode after which it was another than before."""
    seen = [(step.event, step.custom_status) for step in recording.steps]
    if recording.end and recording.end.event is not None:
        seen.append((recording.end.event, recording.end.custom_status))
    found: list[PastStatus] = []
    next_seen, episode, value, published = 0, -1, None, None
    for index, event in enumerate(events):
        if not isinstance(event, OrchestratorCompleted):
            continue
        episode += 1
        while next_seen < len(seen) and seen[next_seen][0] <= index:
            value = seen[next_seen][1]
            next_seen += 1
        if value != published:
            published = value
            found.append(PastStatus(event.timestamp, value, episode, True))
    return found


def merged(
    recorded: Sequence[StatusValue], computed: Sequence[PastStatus], events: Sequence[HistoryEvent]
) -> list[PastStatus]:
    """What was recorded, and before it what was not: computed values never stand in the place of recorded ones."""
    episodes = {
        event.timestamp: number
        for number, event in enumerate(event for event in events if isinstance(event, OrchestratorCompleted))
    }
    kept = [PastStatus(each.at, each.value, episodes.get(each.at), False) for each in recorded]
    first = kept[0].at if kept else None
    return [*(each for each in computed if first is None or each.at < first), *kept]
