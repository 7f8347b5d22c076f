"""The history of one execution as rows, one for each piece of work. Pure, and linear in the number of events.

Every event belongs to exactly one row, episode, band, mark or to the end: `Timeline.owners` says to which.
"""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from fnhost.host.durable.entities.messages import RELEASE, sent_request
from fnhost.host.durable.insight.inputs import argument_text
from fnhost.host.durable.insight.rows import Band, EarlyEvent, EpisodeMark, Finish, Kind, Row, State, Timeline
from fnhost.host.durable.model.history import (
    ContinueAsNew,
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    completed_id,
)
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.replay import actions
from fnhost.host.durable.replay.decide import HTTP_ACTIVITY
from fnhost.host.durable.replay.recording import Place
from fnhost.host.durable.replay.trace import Origin, Trace

BEGIN, END = "begin", "end"
SHOWN_INPUT = 40
LONGEST_ERROR = 300


def fold(
    events: Sequence[HistoryEvent], trace: Trace | None = None, places: Mapping[int, Place] | None = None
) -> Timeline:
    """`trace` tells what no history does: retries, polls, hops, waits for events; `places` where each action stands.

    A trace that does not fit the history is left aside.
    """
    fits = trace if trace and trace.mismatch is None else None
    return _Fold(events, fits, places or {} if fits else {}).folded()


class _Fold:
    def __init__(self, events: Sequence[HistoryEvent], trace: Trace | None, places: Mapping[int, Place]) -> None:
        self._events, self._trace, self._places = events, trace, places
        self._of_id = trace.of_id if trace else {}
        self._rows: list[Row] = []
        self._work: dict[int, Row] = {}
        self._groups: dict[Origin, Row] = {}
        self._requests: dict[str, Row] = {}
        self._waits: dict[int, Origin] = {}
        """By the event that ended each, which the trace was played over as well."""
        self._wait_rows: dict[int, Row] = {}
        self._episodes: list[EpisodeMark] = []
        self._bands: list[Band] = []
        self._marks: list[EarlyEvent] = []
        self._finish: Finish | None = None
        self._owners: list[str] = []
        self._name = ""
        if trace:
            self._add_waits(trace)

    def folded(self) -> Timeline:
        for index, event in enumerate(self._events):
            self._owners.append(self._take(index, event))
        self._close()
        rows = [row for row in self._rows if row.parent is None]
        rows.sort(key=_begin)
        return Timeline(
            rows=tuple(rows),
            episodes=tuple(self._episodes),
            bands=tuple(self._bands),
            marks=tuple(self._marks),
            finish=self._finish,
            owners=tuple(self._owners),
            begin=self._events[0].timestamp if self._events else None,
            last=self._events[-1].timestamp if self._events else None,
            name=self._name,
        )

    def _take(self, index: int, event: HistoryEvent) -> str:
        """The name of what the event belongs to."""
        match event:
            case OrchestratorStarted():
                self._episodes.append(EpisodeMark(len(self._episodes), event.timestamp))
                return self._episode_name()
            case OrchestratorCompleted():
                if self._episodes:
                    self._episodes[-1].end = event.timestamp
                return self._episode_name()
            case TaskScheduled() | TimerCreated() | SubOrchestrationInstanceCreated() | EventSent():
                return self._scheduled(index, event)
        if self._episodes:
            self._episodes[-1].messages += 1
        match event:
            case (
                TaskCompleted() | TaskFailed() | SubOrchestrationInstanceCompleted() | SubOrchestrationInstanceFailed()
            ):
                return self._ended(index, event)
            case TimerFired():
                return self._ended(index, event)
            case EventRaised():
                return self._raised(index, event)
            case ExecutionStarted():
                self._name = event.name
                return BEGIN
            case ExecutionSuspended():
                self._bands.append(Band(event.timestamp, event.reason))
                return f"band {len(self._bands) - 1}"
            case ExecutionResumed() if self._bands:
                self._bands[-1].end = event.timestamp
                return f"band {len(self._bands) - 1}"
            case ExecutionCompleted():
                kind = event.orchestration_status.name
                self._finish = Finish(event.timestamp, kind, event.result)  # type: ignore[arg-type]
                return END
            case ContinueAsNew():
                self._finish = Finish(event.timestamp, "ContinuedAsNew", event.result)
                return END
            case ExecutionTerminated():
                return END
        return self._episode_name()

    def _episode_name(self) -> str:
        return f"episode {max(len(self._episodes) - 1, 0)}"

    # What is scheduled

    def _scheduled(
        self, index: int, event: TaskScheduled | TimerCreated | SubOrchestrationInstanceCreated | EventSent
    ) -> str:
        origin = self._of_id.get(event.event_id)
        if isinstance(event, TimerCreated) and origin in self._groups and _hops(origin):
            return self._hop(index, event, self._groups[origin])
        row = self._row_of(event)
        row.episode = max(len(self._episodes) - 1, 0)
        row.events.append(index)
        self._work[event.event_id] = row
        self._rows.append(row)
        if origin is not None:
            self._place(row, origin, event)
        return row.task

    def _row_of(self, event: TaskScheduled | TimerCreated | SubOrchestrationInstanceCreated | EventSent) -> Row:
        task, at = str(event.event_id), event.timestamp
        match event:
            case TaskScheduled(name=name) if name == HTTP_ACTIVITY:
                return Row(task, "http", http_label(event.input), at, has_input=True)
            case TaskScheduled(name=name):
                return Row(task, "activity", name, at, has_input=event.input is not None)
            case TimerCreated():
                return Row(task, "timer", "timer", at, due=event.fire_at, label=f"timer until {event.fire_at[11:19]}")
            case SubOrchestrationInstanceCreated(name=name):
                return Row(task, "child", name, at, child=event.instance_id, has_input=event.input is not None)
            case EventSent():
                return self._sent(event, task)

    def _sent(self, event: EventSent, task: str) -> Row:
        request, target = sent_request(event), event.instance_id
        if request is None or request.is_signal:
            name = f"{target} {request.operation if request else event.name}"
            kind: Kind = "lock" if event.name == RELEASE else "signal"
            return Row(task, kind, name, event.timestamp, end=event.timestamp, state="done", has_input=True)
        if request.is_lock:
            row = Row(task, "lock", "lock " + ", ".join(map(str, request.lock_set)), event.timestamp)
        else:
            row = Row(task, "entity", f"{target} {request.operation}", event.timestamp, child=target, has_input=True)
        self._requests[request.id] = row
        return row

    def _place(self, row: Row, origin: Origin, event: HistoryEvent) -> None:
        row.place = self._places.get(origin.listed)
        row.has_input = row.has_input or input_of(origin.action) is not None
        if given := input_of(origin.action):
            row.label = f"{row.name} {argument_text(given)[:SHOWN_INPUT]}"
        if isinstance(origin.action, actions.WithRetry):
            self._join(row, origin, self._retry_row(origin, row), event)
        elif isinstance(origin.action, actions.CallHttp) and len(origin.ids) > 1:
            self._join(row, origin, self._poll_row(origin, row), event)
        elif _hops(origin) and len(origin.ids) > 1:
            row.task, row.due = f"t{origin.ids[0]}", _fire_at(origin)
            self._groups[origin] = row

    def _hop(self, index: int, event: TimerCreated, row: Row) -> str:
        row.events.append(index)
        row.end, row.state = None, "open"
        self._work[event.event_id] = row
        return row.task

    def _retry_row(self, origin: Origin, first: Row) -> Row:
        assert isinstance(origin.action, actions.WithRetry)
        found = self._groups.get(origin)
        if found is None:
            found = Row(f"r{first.task}", "retry", first.name, first.start, first.episode, label=first.label)
            found.of, found.attempt, found.place = origin.action.options.attempts, 0, first.place
            found.has_input, found.child = first.has_input, None
            self._groups[origin] = found
            self._rows.append(found)
        return found

    def _poll_row(self, origin: Origin, first: Row) -> Row:
        found = self._groups.get(origin)
        if found is None:
            found = Row(f"h{first.task}", "http", first.name, first.start, first.episode, label=first.label)
            found.place, found.has_input = first.place, True
            self._groups[origin] = found
            self._rows.append(found)
        return found

    def _join(self, row: Row, origin: Origin, group: Row, event: HistoryEvent) -> None:
        row.parent = group
        group.children.append(row)
        group.end, group.state = None, "open"
        if isinstance(event, TimerCreated):
            row.is_wait, row.name, row.label = True, "pause", f"pause until {event.fire_at[11:19]}"
        else:
            group.attempt = (group.attempt or 0) + 1
            row.attempt, row.of = group.attempt, group.of

    # What ends

    def _ended(
        self,
        index: int,
        event: TaskCompleted
        | TaskFailed
        | SubOrchestrationInstanceCompleted
        | SubOrchestrationInstanceFailed
        | TimerFired,
    ) -> str:
        row = self._work.get(completed_id(event))
        if row is None:
            return self._episode_name()
        row.events.append(index)
        if isinstance(event, TaskFailed | SubOrchestrationInstanceFailed):
            row.error = first_line(event.reason or event.details)
            self._finish_row(row, event.timestamp, "failed")
        else:
            row.has_output = not isinstance(event, TimerFired) and event.result is not None
            self._finish_row(row, _end_of(event), "done")
        return row.task

    def _finish_row(self, row: Row, at: Instant, state: State) -> None:
        row.is_skewed = at < row.start
        row.end, row.state = max(at, row.start), state
        if row.parent is not None:
            _follow(row.parent)

    def _raised(self, index: int, event: EventRaised) -> str:
        row, waited = self._requests.pop(event.name, None), self._waits.get(id(event))
        if row is None and waited is not None:
            row = self._wait_rows[waited.number]
        if row is None:
            return self._unexpected(index, event)
        row.events.append(index)
        row.has_output = event.input is not None
        failure = entity_error(event) if row.kind == "entity" else None
        row.error = failure
        if waited is not None and waited.was_early and row.kind == "event":
            self._marks.append(EarlyEvent(f"e{index}", event.name, event.timestamp, row.task))
            row.end, row.state = max(row.start, event.timestamp), "done"
        else:
            self._finish_row(row, event.timestamp, "failed" if failure else "done")
        return row.task

    def _unexpected(self, index: int, event: EventRaised) -> str:
        """An event that nobody waited for or, without a trace, any event: it then has a row of its own."""
        task = f"e{index}"
        if self._trace:
            self._marks.append(EarlyEvent(task, event.name, event.timestamp))
            return task
        since = self._events[index - 1].timestamp if index else event.timestamp
        row = Row(task, "event", event.name, min(since, event.timestamp), end=event.timestamp, state="done")
        row.events.append(index)
        row.label, row.has_output = f"event {event.name}", event.input is not None
        row.episode = max(len(self._episodes) - 1, 0)
        self._rows.append(row)
        return task

    def _add_waits(self, trace: Trace) -> None:
        for origin in trace.origins:
            if isinstance(origin.action, actions.WaitForEvent):
                name = origin.action.name
                row = Row(f"w{origin.number}", "event", name, origin.since, label=f"event {name}")
                row.place = self._places.get(origin.listed)
                self._rows.append(row)
                self._wait_rows[origin.number] = row
                if origin.taken is not None:
                    self._waits[id(origin.taken)] = origin

    def _close(self) -> None:
        """What is open when the execution has ended, or was let go by the orchestrator, is cancelled."""
        ended = self._finish.at if self._finish else None
        winners = self._race_ends()
        for row in self._rows:
            if row.state != "open":
                continue
            if row.parent is None and row.children and ended is None:
                continue
            at = winners.get(row) or ended
            if at is not None:
                row.end, row.state = max(at, row.start), "cancelled"

    def _race_ends(self) -> Mapping[Row, Instant]:
        """When each timer that was cancelled was: as soon as another part of its race had come."""
        if not self._trace:
            return {}
        found: dict[Row, Instant] = {}
        ends: dict[int, Instant] = {}
        for origin in self._trace.origins:
            for row in self._rows_of(origin):
                if row.state != "open" and row.end:
                    ends[origin.listed] = min(ends.get(origin.listed, row.end), row.end)
        for origin in self._trace.origins:
            is_lost = self._trace.is_ignored(origin) or isinstance(origin.action, actions.WaitForEvent)
            if is_lost and origin.listed in ends and self._is_past(origin):
                found.update({row: ends[origin.listed] for row in self._rows_of(origin) if row.state == "open"})
        return found

    def _is_past(self, origin: Origin) -> bool:
        """Whether the orchestrator went on from the action that it is part of."""
        assert self._trace
        return self._trace.is_ignored(origin) or origin not in self._trace.awaited()

    def _rows_of(self, origin: Origin) -> Sequence[Row]:
        if isinstance(origin.action, actions.WaitForEvent):
            return [self._wait_rows[origin.number]]
        rows = {id(row): row for row in (self._work.get(one) for one in origin.ids) if row}
        return list(rows.values())


def _follow(group: Row) -> None:
    """A retry or a polled call is what its last try is; a pause that ends makes it open only if another try follows."""
    last = next(child for child in reversed(group.children) if not child.is_wait)
    group.end, group.state, group.error, group.has_output = last.end, last.state, last.error, last.has_output


def _end_of(event: HistoryEvent) -> Instant:
    """A timer's message is stamped when it is made: it fires when it is due."""
    return max(event.timestamp, event.fire_at) if isinstance(event, TimerFired) else event.timestamp


def _begin(row: Row) -> tuple[Instant, int]:
    return row.start, row.events[0] if row.events else 0


def _hops(origin: Origin | None) -> bool:
    return origin is not None and isinstance(origin.action, actions.CreateTimer)


def _fire_at(origin: Origin) -> Instant | None:
    return origin.action.fire_at if isinstance(origin.action, actions.CreateTimer) else None


def input_of(action: actions.Action) -> str | None:
    """The JSON text that the orchestrator gave to this call; None if it gave none."""
    match action:
        case actions.WithRetry(call=call):
            return call.input
        case actions.CallActivity() | actions.CallSubOrchestrator() | actions.CallEntity():
            return action.input
        case actions.CallHttp():
            return json.dumps(action.request)
    return None


def http_label(text: str | None) -> str:
    """Method and address of a call_http, from the input of its activity."""
    try:
        found = json.loads(text or "null")
        request = found[0] if isinstance(found, list) else found
        address = urlsplit(str(request["uri"]))
        return f"{request.get('method') or 'GET'} {address.netloc}{address.path}"
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return "HTTP call"


def first_line(text: str | None) -> str:
    line = (text or "failed").strip().splitlines()
    return line[0][:LONGEST_ERROR] if line else "failed"


def entity_error(event: EventRaised) -> str | None:
    """The error in an entity's answer; None if the operation worked."""
    try:
        answer = json.loads(event.input or "null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or not answer.get("exceptionType"):
        return None
    return first_line(str(answer.get("result")))
