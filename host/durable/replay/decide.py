"""The decision of an episode: which actions of the orchestrator are new (the walk of platform/replay.md 6.2). Pure.

Task ids are counted as the SDK counts them, in the order in which the history is played from its start. Ids that the
host makes (child executions, entity requests) derive from the execution's id: an episode that is run again after a
crash schedules the very same work.
"""

import json
from collections import defaultdict, deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from fnhost.host.durable.entities.messages import (
    NEVER,
    RELEASE,
    EntityRequest,
    release_text,
    request_json,
    sent_request,
)
from fnhost.host.durable.model.history import (
    ContinueAsNew,
    EventRaised,
    EventSent,
    Execution,
    ExecutionCompleted,
    ExecutionStarted,
    FailureDetails,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    Scheduling,
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
from fnhost.host.durable.model.ids import EntityId, child_execution, entity_request
from fnhost.host.durable.model.instants import Instant, later, next_tick, to_datetime
from fnhost.host.durable.model.text import json_text, too_large, well_formed
from fnhost.host.durable.replay import actions
from fnhost.host.durable.replay.actions import Action, OrchestratorState

HTTP_ACTIVITY = "BuiltIn::HttpActivity"
CUSTOM_STATUS_KB = 16


@dataclass(frozen=True, slots=True)
class OrchestrationLimits:
    """Limits from host.json. Times in seconds."""

    max_timer: float = 6 * 86400.0
    timer_chunk: float = 3 * 86400.0
    http_poll: float = 30.0
    actions: int = 100_000
    version: str = ""


@dataclass(frozen=True, slots=True)
class Completed:
    """`status` is another terminal one where the orchestrator itself says so."""

    result: str | None
    status: RuntimeStatus = RuntimeStatus.Completed


@dataclass(frozen=True, slots=True)
class Failed:
    """`details` and, from SDKs that tell it, `failure` are for a waiting parent."""

    reason: str
    details: str = ""
    failure: FailureDetails | None = None


@dataclass(frozen=True, slots=True)
class Continued:
    """The next execution's input, the events it inherits, and its version if that is another one."""

    input: str | None
    carried: tuple[EventRaised, ...]
    version: str | None = None


Finish: TypeAlias = Completed | Failed | Continued


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from an orchestrator's answer.

    `scheduled` is the new work in the order of its ids. `finish` is None while something is still awaited.
    `keeps_status` means the answer says nothing of a custom status that could be used, `clears_status` that it says
    there is none, also where the execution has taken one over.
    `mismatch` says where the history does not fit the answer; the instance fails of it.
    `has_open_loops` means the next episode may take a single message only (6.2, Batching).
    """

    scheduled: tuple[Scheduling, ...] = ()
    finish: Finish | None = None
    next_id: int = 0
    custom_status: str | None = None
    keeps_status: bool = False
    clears_status: bool = False
    listed: int = 0
    has_open_loops: bool = False
    mismatch: "NonDeterminism | None" = None

    def events(self, now: Instant) -> tuple[HistoryEvent, ...]:
        """What the host appends after the answer (1.1, steps 8 to 10)."""
        end: tuple[HistoryEvent, ...] = ()
        match self.finish:
            case Completed(result, status):
                end = (_completed(self.next_id, status, result, now),)
            case Failed(reason, failure=details):
                end = (_completed(self.next_id, RuntimeStatus.Failed, reason, now, details),)
            case Continued(text):
                end = (ContinueAsNew(timestamp=now, event_id=self.next_id, result=text),)
        closed = OrchestratorCompleted(timestamp=now, listed=self.listed, has_open_loops=self.has_open_loops or None)
        return (*self.scheduled, *end, closed)


def _completed(
    event_id: int, status: RuntimeStatus, result: str | None, now: Instant, failure: FailureDetails | None = None
) -> ExecutionCompleted:
    return ExecutionCompleted(
        timestamp=now, event_id=event_id, orchestration_status=status, result=result, failure_details=failure
    )


class NonDeterminism(Exception):
    """The orchestrator asks for other work than its history says it asked for (7.5).

    `recorded` is the event in the history, `decided` what this replay schedules under the same id, if anything.
    """

    def __init__(self, recorded: Scheduling, decided: Scheduling | None) -> None:
        super().__init__(_differs(recorded, decided))
        self.recorded, self.decided = recorded, decided


def decide(
    history: Sequence[HistoryEvent], answer: OrchestratorState, limits: OrchestrationLimits = OrchestrationLimits()
) -> Decision:
    """What to do after an episode. `history` holds this episode's OrchestratorStarted and messages last."""
    name = next((event.name for event in history if isinstance(event, ExecutionStarted)), "")
    if answer.worker_failure is not None:
        text = (
            f"{answer.worker_failure.message}\nStack: {answer.worker_failure.stack}"
            if answer.worker_failure.stack
            else ""
        )
        return failure(history, answer.worker_failure.message, text)
    if len(answer.actions) > limits.actions:
        return failure(history, f"it listed {len(answer.actions)} actions, more than maxOrchestrationActions")
    walk = Replay(history, answer.actions, limits)
    try:
        walk.play()
    except NonDeterminism as mismatch:
        return _mismatched(name, answer, walk, mismatch)
    if impossible := _too_large_status(answer.custom_status) or _too_large_value(answer, walk.pending.values()):
        return failure(history, impossible)
    return Decision(
        scheduled=tuple(walk.pending[key] for key in sorted(walk.pending)),
        finish=None if walk.has_open_work() else _finish(name, answer, walk),
        next_id=walk.next_id,
        custom_status=answer.custom_status,
        listed=len(answer.actions),
        has_open_loops=walk.loops > 0,
    )


def _mismatched(name: str, answer: OrchestratorState, walk: "Replay", mismatch: NonDeterminism) -> Decision:
    """Code that raises in a part already played lists less than its history: its own error says why."""
    return Decision(
        finish=Failed(str(mismatch)) if answer.error is None else _user_failure(name, answer.error),
        next_id=walk.next_id,
        keeps_status=True,
        listed=len(answer.actions),
        mismatch=mismatch,
    )


def _finish(name: str, answer: OrchestratorState, walk: "Replay") -> Finish | None:
    if answer.error is not None:
        return _user_failure(name, answer.error)
    if not answer.is_done or (answer.awaits_actions and walk.awaits_action()):
        return None
    again = next((action for action in reversed(answer.actions) if isinstance(action, actions.ContinueAsNew)), None)
    return Continued(again.input, tuple(walk.carried)) if again else Completed(answer.output)


def _user_failure(name: str, error: str) -> Failed:
    return Failed(_reason(name, error), f"Message: {error}, StackTrace: ")


def _reason(name: str, text: str) -> str:
    return f"Orchestrator function '{name}' failed: {text}"


def failure(history: Sequence[HistoryEvent], text: str, details: str = "") -> Decision:
    """The decision to fail the instance, whatever its orchestrator asked for."""
    name = next((event.name for event in history if isinstance(event, ExecutionStarted)), "")
    used = [event.event_id for event in history]
    reason, details = well_formed(_reason(name, text)), well_formed(details)
    return Decision(finish=Failed(reason, details), next_id=max(used, default=-1) + 1, keeps_status=True)


def _too_large_value(answer: OrchestratorState, scheduled: Iterable[Scheduling]) -> str | None:
    for event in scheduled:
        text = None if isinstance(event, TimerCreated) else event.input
        if reason := too_large(text, f"The input of '{_name(event)}'"):
            return reason
    return too_large(answer.output, "The output")


def _too_large_status(custom_status: str | None) -> str | None:
    """Section 8: whole kilobytes of UTF-16, so anything under 17 is let through."""
    size = len((custom_status or "").encode("utf-16-le", "surrogatepass")) // 1024
    if size <= CUSTOM_STATUS_KB:
        return None
    return (
        f"The UTF-16 size of the JSON-serialized payload must not exceed {CUSTOM_STATUS_KB} KB. "
        f"The current payload size is {size} KB."
    )


@dataclass(slots=True, eq=False)
class Task:
    """A task that something waits for. `result` is the completion's JSON text."""

    is_done: bool = False
    failed: bool = False
    result: str | None = None
    _waiting: list[Callable[["Task"], None]] = field(default_factory=list)

    def finish(self, failed: bool = False, result: str | None = None) -> None:
        if self.is_done:
            return
        self.is_done, self.failed, self.result = True, failed, result
        for resume in self._waiting:
            resume(self)

    def then(self, resume: Callable[["Task"], None]) -> None:
        if self.is_done:
            resume(self)
        else:
            self._waiting.append(resume)


Steps: TypeAlias = Generator[Task, None, bool]
"""A loop inside one action: yields what it waits for, returns whether it succeeded."""


class Replay:
    """Plays the history against the actions of the answer."""

    def __init__(self, history: Sequence[HistoryEvent], actions: Sequence[Action], limits: OrchestrationLimits) -> None:
        self._history, self._actions, self._limits = history, actions, limits
        started = next((event for event in history if isinstance(event, ExecutionStarted)), None)
        self._execution = started.orchestration_instance if started else Execution("")
        self._requests = {e.event_id: sent_request(e) for e in history if isinstance(e, EventSent)}
        self._sent: dict[str, Instant] = {}
        self._listed = _listed_counts(history)
        self._episode = -1
        self._now: Instant = ""
        self._issued = 0
        self._current: Task | None = None
        self._waiters: dict[str, list[Task]] = defaultdict(list)
        self._early: dict[str, deque[EventRaised]] = defaultdict(deque)
        self._open: dict[int, Task] = {}
        self._ignored: set[int] = set()
        self._listed_tasks: list[Task] = []
        self._canceled: list[Task] = []
        self._continued = False
        self._locked: list[str] = []
        self._lock = ""
        self.next_id = 0
        self.loops = 0
        self.pending: dict[int, Scheduling] = {}
        self.carried: list[EventRaised] = []

    def play(self) -> None:
        """Raises NonDeterminism."""
        for event in self._history:
            match event:
                case OrchestratorStarted():
                    self._now = event.timestamp
                    self._episode += 1
                case OrchestratorCompleted():
                    self._issue_all()
                case TaskScheduled() | SubOrchestrationInstanceCreated() | TimerCreated() | EventSent():
                    self._issue_all()
                    self._expect(event)
                case _:
                    self._apply(event)
                    self._issue_ready()
        self._issue_all()

    def has_open_work(self) -> bool:
        """Whether anything must still come in before the execution may end (6.4)."""
        return bool(self._open.keys() - self._ignored)

    def awaits_action(self) -> bool:
        """Whether an action is not done: an event counts, which may otherwise be outstanding at the end (6.4).

        A canceled timer is done, and so is what waited for it alone. Nothing can be played after this.
        """
        for timer in self._canceled:
            timer.finish()
        return not all(task.is_done for task in self._listed_tasks)

    # Events of the history

    def _apply(self, event: HistoryEvent) -> None:
        match event:
            case EventRaised():
                self._deliver(event)
            case TaskFailed() | SubOrchestrationInstanceFailed():
                self._complete(completed_id(event), failed=True)
            case TaskCompleted() | SubOrchestrationInstanceCompleted():
                self._complete(completed_id(event), result=event.result)
            case TimerFired():
                self._complete(completed_id(event))

    def _complete(self, task_id: int, failed: bool = False, result: str | None = None) -> None:
        if task := self._open.pop(task_id, None):
            task.finish(failed, result)

    def _deliver(self, event: EventRaised) -> None:
        """The newest waiter of the name takes it, else it is kept for the next wait (6.8)."""
        if self._continued:
            self.carried.append(event)
        elif waiters := self._waiters[event.name.lower()]:
            waiters.pop().finish(result=event.input)
        else:
            self._early[event.name.lower()].append(event)

    def _expect(self, event: Scheduling) -> None:
        decided = self.pending.pop(event.event_id, None)
        if decided is None or type(decided) is not type(event) or _name(decided).lower() != _name(event).lower():
            raise NonDeterminism(event, decided)

    # Actions of the answer

    def _issue_ready(self) -> None:
        while self._issued < self._limit() and (self._current is None or self._current.is_done):
            self._issue_next()

    def _issue_all(self) -> None:
        while self._issued < self._limit():
            self._issue_next()

    def _limit(self) -> int:
        """How many actions the episode being played had listed; unknown where another host wrote the history."""
        if self._episode < 0:
            return 0
        listed = self._listed[self._episode]
        return len(self._actions) if listed is None else min(listed, len(self._actions))

    def _issue_next(self) -> None:
        self._issued += 1
        self._current = self._issue(self._actions[self._issued - 1])
        self._listed_tasks.append(self._current)

    def _issue(self, action: Action) -> Task:
        match action:
            case actions.CallActivity():
                return self._activity(action.name, action.input)
            case actions.CallSubOrchestrator():
                return self._child(action)
            case actions.CreateTimer():
                return self._timer(action)
            case actions.WaitForEvent():
                return self._wait(action.name)
            case actions.CallEntity():
                return self._entity(action)
            case actions.LockEntities():
                return self._lock_all(action)
            case actions.ReleaseEntities():
                return self._release_all()
            case actions.CallHttp():
                return self._run(self._polling(action)) if action.polls else self._http(json_text(action.request))
            case actions.WithRetry():
                return self._run(self._retrying(action))
            case actions.WhenAny() | actions.WhenAll():
                return self._compound(action)
            case actions.ContinueAsNew():
                self._continued = True
                return Task(is_done=True)

    def _take_id(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def _schedule(self, event: Scheduling) -> Task:
        task = Task()
        self.pending[event.event_id] = event
        self._open[event.event_id] = task
        return task

    def _activity(self, name: str, text: str | None) -> Task:
        event_id = self._take_id()
        given = f"[{text or 'null'}]"
        return self._schedule(TaskScheduled(timestamp=self._now, event_id=event_id, name=name, input=given))

    def _child(self, action: actions.CallSubOrchestrator) -> Task:
        event_id = self._take_id()
        call = SubOrchestrationInstanceCreated(
            timestamp=self._now,
            event_id=event_id,
            name=action.name,
            version=self._limits.version if action.version is None else action.version,
            instance_id=action.instance_id or f"{self._execution.execution_id}:{event_id}",
            input=action.input,
        )
        return self._schedule(replace(call, child_execution_id=child_execution(self._execution.execution_id, call)))

    def _timer(self, action: actions.CreateTimer) -> Task:
        if self._seconds_until(action.fire_at) > self._limits.max_timer:
            task = self._run(self._split_timer(action))
        else:
            task = self._create_timer(action.fire_at, action.is_canceled)
        if action.is_canceled:
            self._canceled.append(task)
        return task

    def _create_timer(self, fire_at: Instant, is_canceled: bool = False) -> Task:
        event_id = self._take_id()
        if is_canceled:
            self._ignored.add(event_id)
        return self._schedule(TimerCreated(timestamp=self._now, event_id=event_id, fire_at=fire_at))

    def _wait(self, name: str) -> Task:
        task = Task()
        if early := self._early[name.lower()]:
            task.finish(result=early.popleft().input)
        else:
            self._waiters[name.lower()].append(task)
        return task

    def _entity(self, action: actions.CallEntity) -> Task:
        request = self._new_request(action.instance_id, is_ordered=action.due is None)
        wanted = replace(
            request, operation=action.operation, is_signal=action.is_signal, input=action.input, due=action.due
        )
        self._send_request(action.instance_id, wanted)
        return Task(is_done=True) if action.is_signal else self._wait(request.id)

    def _lock_all(self, action: actions.LockEntities) -> Task:
        """One request visits the entities in order; the last one answers (10.6)."""
        entities = sorted({EntityId(name.lower(), key) for name, key in action.entities}, key=str)
        self._locked = [str(entity) for entity in entities]
        request = self._new_request(self._locked[0])
        self._lock = request.id
        self._send_request(self._locked[0], replace(request, lock_set=tuple(entities)))
        return self._wait(request.id)

    def _release_all(self) -> Task:
        for instance_id in self._locked:
            self._send(self._take_id(), instance_id, RELEASE, release_text(self._execution.instance_id, self._lock))
        self._locked = []
        return Task(is_done=True)

    def _new_request(self, target: str, is_ordered: bool = True) -> EntityRequest:
        """A request without its operation. One that is in the history keeps its id and its order stamps."""
        event_id, before = self._take_id(), self._sent.get(target, NEVER)
        recorded = self._requests.get(event_id)
        at = recorded.timestamp if recorded else max(self._now, next_tick(before))
        if is_ordered:
            self._sent[target] = at
        return EntityRequest(
            id=recorded.id if recorded else entity_request(self._execution, event_id),
            parent=self._execution.instance_id,
            parent_execution=self._execution.execution_id,
            timestamp=at if is_ordered else NEVER,
            predecessor=before if is_ordered else NEVER,
            action=event_id,
        )

    def _send_request(self, target: str, request: EntityRequest) -> None:
        assert request.action is not None
        self._send(request.action, target, request.event_name, json_text(request_json(request)))

    def _send(self, event_id: int, instance_id: str, name: str, text: str) -> None:
        self.pending[event_id] = EventSent(
            timestamp=self._now, event_id=event_id, instance_id=instance_id, name=name, input=text
        )

    def _http(self, request: str) -> Task:
        return self._activity(HTTP_ACTIVITY, request)

    def _compound(self, action: actions.WhenAny | actions.WhenAll) -> Task:
        """WhenAny ends with its first child, WhenAll at its first failure or with its last child (6.5)."""
        children = [self._issue(child) for child in action.children]
        whole, left = Task(), len(children)
        if not children:
            whole.finish()

        def child_done(child: Task) -> None:
            nonlocal left
            left -= 1
            if isinstance(action, actions.WhenAny) or child.failed or left == 0:
                whole.finish(failed=child.failed and isinstance(action, actions.WhenAll))

        for child in children:
            child.then(child_done)
        return whole

    # Actions that take several steps

    def _run(self, steps: Steps) -> Task:
        whole = Task()
        self.loops += 1

        def advance(_: Task | None) -> None:
            try:
                waited = next(steps)
            except StopIteration as end:
                self.loops -= 1
                whole.finish(failed=not end.value)
            else:
                waited.then(advance)

        advance(None)
        return whole

    def _retrying(self, action: actions.WithRetry) -> Steps:
        """After the last failure the SDKs wait for one more timer, due at once (6.6)."""
        options = action.options
        for attempt in range(options.attempts):
            task = self._issue(action.call)
            yield task
            if not task.failed:
                return True
            is_last = attempt + 1 == options.attempts
            yield self._create_timer(later(self._now, 0 if is_last else options.delay(attempt)))
        return False

    def _split_timer(self, action: actions.CreateTimer) -> Steps:
        """A timer longer than the SDK may count on goes in hops (6.7)."""
        while (left := self._seconds_until(action.fire_at)) > 0:
            yield self._create_timer(later(self._now, min(left, self._limits.timer_chunk)), action.is_canceled)
        return True

    def _polling(self, action: actions.CallHttp) -> Steps:
        """While the answer is 202: two ids at once, a timer and the next request (6.10)."""
        request = dict(action.request)
        task = self._http(json_text(request))
        while True:
            yield task
            answer = json.loads(task.result or "null")
            if task.failed or not _is_pending(answer):
                return not task.failed
            headers = {name.lower(): value for name, value in answer["headers"].items()}
            timer_id, request_id = self._take_id(), self._take_id()
            due = later(self._now, _seconds(headers.get("retry-after"), self._limits.http_poll))
            yield self._schedule(TimerCreated(timestamp=self._now, event_id=timer_id, fire_at=due))
            request = _next_poll(request, headers["location"])
            given = f"[{json_text(request)}]"
            task = self._schedule(
                TaskScheduled(timestamp=self._now, event_id=request_id, name=HTTP_ACTIVITY, input=given)
            )

    def _seconds_until(self, at: Instant) -> float:
        return (to_datetime(at) - to_datetime(self._now)).total_seconds()


def _listed_counts(history: Sequence[HistoryEvent]) -> list[int | None]:
    """The listed count of each episode; None for the newest, and where another host wrote the history."""
    counts: list[int | None] = []
    for event in history:
        if isinstance(event, OrchestratorStarted):
            counts.append(None)
        elif isinstance(event, OrchestratorCompleted) and counts:
            counts[-1] = event.listed
    return counts


def _is_pending(answer: object) -> bool:
    if not isinstance(answer, dict) or answer.get("statusCode") != 202:
        return False
    return any(name.lower() == "location" for name in answer.get("headers") or {})


def _next_poll(request: dict[str, object], location: str) -> dict[str, object]:
    headers = request.get("headers")
    if isinstance(headers, dict):
        request["headers"] = {name: value for name, value in headers.items() if name.lower() != "x-functions-key"}
    return {**request, "method": "GET", "uri": location, "content": None}


def _seconds(text: object, default: float) -> float:
    return float(text) if isinstance(text, str) and text.isdigit() else default


def _name(event: Scheduling) -> str:
    return "" if isinstance(event, TimerCreated) else event.name


_KINDS = {
    TaskScheduled: "an activity task",
    SubOrchestrationInstanceCreated: "a sub-orchestration",
    TimerCreated: "a timer",
    EventSent: "a message to an entity",
}


def _differs(recorded: Scheduling, decided: Scheduling | None) -> str:
    named = f" and name '{_name(recorded)}' (version '')" if _name(recorded) else ""
    now = f"schedules {_KINDS[type(decided)]} '{_name(decided)}' there" if decided else "has not (yet) scheduled it"
    return (
        f"Non-Deterministic workflow detected: a previous execution scheduled {_KINDS[type(recorded)]} with "
        f"sequence ID {recorded.event_id}{named}, but the current replay {now}. "
        "Was the orchestrator's code changed while it ran?"
    )
