"""Replay of one orchestration episode without storage: history and new events go in, a decision comes out.

The engine commits the decision; a debugger or a check of changed code only looks at it.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from fnhost.bindings.contract import Outcome
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.dialects.dialect import Dialect, Part
from fnhost.host.durable.dialects.json import JSON
from fnhost.host.durable.entities.messages import read_request, sent_request
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorStarted,
    Scheduling,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskFailed,
    TaskScheduled,
)
from fnhost.host.durable.model.ids import (
    EntityId,
    is_entity,
    next_execution,
    refused_entity_id,
    refused_instance_id,
)
from fnhost.host.durable.model.instants import Instant, utc_now
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.replay.decide import Continued, Decision, OrchestrationLimits, failure
from fnhost.host.durable.replay.outgoing import end_message, release_messages, scheduled_messages
from fnhost.host.durable.storage.codec import event_of_json, history_json
from fnhost.host.supervise import describe

RunOrchestrator: TypeAlias = Callable[[str, str, str], Awaitable[Outcome]]
"""Runs the orchestrator function of a name over a payload, for an instance: `run(name, payload, instance)`."""


@dataclass(frozen=True, slots=True)
class RecordedHistory:
    """What is recorded of an execution before an episode. Without events the episode begins it.

    `texts` are the events as workers are given them, by the replayer's dialect; a caller that replays often keeps them.
    """

    events: tuple[HistoryEvent, ...] = ()
    texts: Sequence[Part] = ()
    custom_status: str | None = None

    @classmethod
    def of(cls, events: Sequence[HistoryEvent], custom_status: str | None = None) -> "RecordedHistory":
        return cls(tuple(events), [history_json(event) for event in events], custom_status)

    @classmethod
    def of_texts(cls, texts: Sequence[str], custom_status: str | None = None) -> "RecordedHistory":
        """From events in the form that workers are given (platform/replay.md 3). Raises UnreadableRecord."""
        return cls(tuple(map(event_of_json, texts)), texts, custom_status)


@dataclass(frozen=True, slots=True)
class Episode:
    """The decision of an episode.

    `events` are what it appends to the history; if `execution_id` is not that of the history, they replace it
    (continue-as-new). `failures` are reasons to fail that user code did not give itself, `undelivered` the reasons why
    signals were not sent. `seen` are digests of external events that earlier executions took (`HistoryState.seen`).
    """

    execution_id: str
    events: tuple[HistoryEvent, ...]
    messages: tuple[Message, ...] = ()
    custom_status: str | None = None
    failures: tuple[str, ...] = ()
    undelivered: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


@dataclass(slots=True)
class _Execution:
    """One execution during an episode: what is recorded of it, what the episode opens with, its custom status."""

    events: tuple[HistoryEvent, ...]
    texts: Sequence[Part]
    opening: tuple[HistoryEvent, ...]
    custom_status: str | None
    inherited: bool = False
    """Whether the status comes from the execution before: it stands until the new one sets one (section 8)."""
    history: tuple[HistoryEvent, ...] = field(init=False)
    started: ExecutionStarted = field(init=False)

    def __post_init__(self) -> None:
        self.history = (*self.events, *self.opening)
        self.started = next(event for event in self.history if isinstance(event, ExecutionStarted))

    @property
    def now(self) -> Instant:
        return self.opening[0].timestamp

    def set_status(self, decision: Decision) -> None:
        is_said = decision.custom_status is not None or decision.clears_status
        if not decision.keeps_status and (is_said or not self.inherited):
            self.custom_status, self.inherited = decision.custom_status, False

    def next(self, end: Continued, now: Instant) -> "_Execution":
        """The execution after continue-as-new, with the external events that it takes over (1.1, 6.11)."""
        started = self.started
        us = started.orchestration_instance
        fresh = replace(
            started,
            timestamp=now,
            is_played=False,
            orchestration_instance=replace(us, execution_id=next_execution(us.execution_id or "")),
            input=end.input,
            version=started.version if end.version is None else end.version,
            generation=None,
            scheduled_start_time=None,
        )
        carried = (replace(event, is_played=True) for event in end.carried)
        opening = (OrchestratorStarted(timestamp=now), fresh, *carried)
        return _Execution((), (), opening, self.custom_status, inherited=self.custom_status is not None)


def _never() -> bool:
    return False


def _available(event: Scheduling) -> None:
    """Every function exists."""


@dataclass(frozen=True, slots=True)
class Replayer:
    """Runs orchestrators over histories and decides what follows; commits nothing.

    `run` calls the orchestrator function. `unavailable` says why scheduled work cannot be done at all, None if it can;
    such work fails at once. `is_ending` says whether the instance is to be terminated: continue-as-new then stops after
    the execution that runs. `dialect` is how orchestrators are spoken to.
    """

    run: RunOrchestrator
    limits: OrchestrationLimits = field(default_factory=OrchestrationLimits)
    clock: Clock = SYSTEM_CLOCK
    unavailable: Callable[[Scheduling], str | None] = _available
    is_ending: Callable[[], bool] = _never
    dialect: Dialect = JSON

    async def replay(self, past: RecordedHistory, opening: Sequence[HistoryEvent]) -> Episode:
        """One episode: run the orchestrator, and again for every continue-as-new (platform/task-hub.md 3.6).

        `opening` is its OrchestratorStarted and the new events; an ExecutionStarted is in `past` or in it. Raises what
        `run` raises.
        """
        first = execution = _Execution(past.events, past.texts, tuple(opening), past.custom_status)
        messages, failures, undelivered = list[Message](), list[str](), list[str]()
        while True:
            decision = await self._decide(execution, failures, is_first=execution is first)
            execution.set_status(decision)
            messages += self._messages(execution, decision, undelivered)
            if not isinstance(decision.finish, Continued):
                episode = _episode(execution, decision, messages)
                return replace(episode, failures=tuple(failures), undelivered=tuple(undelivered))
            execution = execution.next(decision.finish, max(utc_now(self.clock), execution.now))

    async def _decide(self, execution: _Execution, failures: list[str], *, is_first: bool) -> Decision:
        if not is_first and self.is_ending():
            return Decision()  # Else an endless continue-as-new would never come to its termination.
        outcome = await self._answer(execution)
        try:
            verdict = self.dialect.decide(outcome, execution.history, self.limits)
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            failures.append(describe(error))
            return failure(execution.history, f"the host cannot act on its answer: {error!r}")
        failures += verdict.failures
        return verdict.decision

    async def _answer(self, execution: _Execution) -> Outcome:
        started = execution.started
        payload = self.dialect.episode(started, execution.texts, execution.opening, self.limits)
        return await self.run(started.name, payload, started.orchestration_instance.instance_id)

    def _messages(self, execution: _Execution, decision: Decision, undelivered: list[str]) -> Iterator[Message]:
        """What the decision sends: new work, the failures of work that nobody can do, the end, released locks."""
        started, history, now = execution.started, execution.history, execution.now
        episode = sum(isinstance(event, OrchestratorStarted) for event in history)
        possible = []
        for event in decision.scheduled:
            if reason := refused_target(event) or self.unavailable(event):
                if is_one_way(event):
                    undelivered.append(reason)
                else:
                    yield _failure_message(started, event, reason, now, self.dialect)
            else:
                possible.append(event)
        yield from scheduled_messages(started, episode, possible, now)
        yield from end_message(started, decision.finish, now)
        if decision.finish:
            yield from release_messages(started, (*history, *decision.scheduled), now)


def refused_target(event: Scheduling) -> str | None:
    """Why this work cannot go where user code sends it: nothing may have that id. None if it can."""
    match event:
        case SubOrchestrationInstanceCreated(instance_id=instance):
            return refused_instance_id(instance)
        case EventSent(instance_id=instance) if is_entity(instance):
            return refused_entity_id(EntityId.of(instance))
    return None


def is_one_way(event: Scheduling) -> bool:
    """Whether nobody waits for an answer: a signal, or the release of a lock."""
    if not isinstance(event, EventSent):
        return False
    request = sent_request(event)
    return request is None or request.is_signal


def _episode(execution: _Execution, decision: Decision, messages: list[Message]) -> Episode:
    return Episode(
        execution_id=execution.started.orchestration_instance.execution_id or "",
        events=(*_played(execution.opening), *decision.events(execution.now)),
        messages=tuple(messages),
        custom_status=execution.custom_status,
    )


def _played(opening: Sequence[HistoryEvent]) -> Iterator[HistoryEvent]:
    for event in opening:
        yield event if isinstance(event, OrchestratorStarted) else replace(event, is_played=True)


def _failure_message(
    started: ExecutionStarted, event: Scheduling, reason: str, now: Instant, dialect: Dialect
) -> Message:
    """A call of a function that does not exist fails at its caller (7.4)."""
    us = started.orchestration_instance
    if isinstance(event, TaskScheduled):
        failed = TaskFailed(timestamp=now, task_scheduled_id=event.event_id, reason=reason, details="")
        return Message(us, failed, us)
    if isinstance(event, EventSent):
        text = dialect.refused_operation(reason)
        return Message(us, EventRaised(timestamp=now, name=read_request(event.input).id, input=text), us)
    child = SubOrchestrationInstanceFailed(timestamp=now, task_scheduled_id=event.event_id, reason=reason, details="")
    return Message(us, child, us)
