"""One active orchestration: its pending messages, its history in memory, and its episodes one after the other."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, Protocol

from fnhost.bindings.contract import Failure, Outcome
from fnhost.clock import Clock
from fnhost.host.durable.dialects.dialect import Dialect, Part
from fnhost.host.durable.dialects.json import JSON
from fnhost.host.durable.entities.entity import EntityLimits, OperationResult
from fnhost.host.durable.entities.messages import EntityRequest
from fnhost.host.durable.model.errors import Conflict, HubError, RecordRefused
from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    GenericEvent,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    Scheduling,
    TimerFired,
)
from fnhost.host.durable.model.instants import Instant, utc_now
from fnhost.host.durable.model.messages import Message, ReceivedMessage
from fnhost.host.durable.model.states import Checkpoint, HistoryState, Instance, Progress, fold
from fnhost.host.durable.replay.decide import Failed, OrchestrationLimits
from fnhost.host.durable.replay.outgoing import end_message, refusal, release_messages
from fnhost.host.durable.replay.replayer import Episode, RecordedHistory, Replayer, RunOrchestrator
from fnhost.host.durable.runtime.inbox import (
    Admission,
    admit,
    is_over,
    is_suspended,
    needs_row,
    next_batch,
    seen_before,
    takes_one_message,
)
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.logging.events import HostMessage, Level
from fnhost.host.logging.log import Log

LONGEST_WAIT = 3.0
"""Seconds at most until a message that came too early is tried again: after a crash its history appears soon."""
MAX_REFUSALS = 3
"""How often storage may refuse to record an episode, with a pause after each, before the instance fails."""


class OtherDialect(Exception):
    """The function was replaced, while its call waited, by one that is spoken to in another way."""


class SessionServices(Protocol):
    """What a session needs of the engine."""

    clock: Clock
    limits: OrchestrationLimits
    entities: EntityLimits
    log: Log

    @property
    def hub(self) -> Hub: ...

    async def dialect(self, kind: Literal["orchestrator", "entity"], name: str) -> Dialect:
        """How this function is spoken to; waits while it is not loaded."""

    async def replay(self, name: str, payload: str, instance: str, dialect: Dialect) -> Outcome:
        """Run the orchestrator function once; waits while it is not loaded. Raises OtherDialect."""

    async def operate(self, name: str, payload: str, instance: str, dialect: Dialect) -> Outcome:
        """Run the entity once, in the same way.

        Raises BindingError, FunctionNotLoadable, OtherDialect, Poisonous, TimedOut.
        """

    def unavailable(self, event: Scheduling) -> str | None:
        """Why this work cannot be done at all, such as that its function does not exist; None if it can."""

    async def commit(self, progress: Progress) -> HistoryState | None:
        """Store it and dispatch the messages it sends. Raises Conflict."""

    def recorded(self, instance: Instance) -> None: ...

    def operated(
        self, entity: str, operations: Sequence[EntityRequest], results: Sequence[OperationResult], now: Instant
    ) -> None: ...

    def settle(self, received: Iterable[ReceivedMessage]) -> None: ...

    def release(self, received: Iterable[ReceivedMessage], after: float = 0) -> None: ...


class Session:
    """Takes messages with `put` and processes them with `run`.

    The history that it recorded stays in memory, to tell a storage that lost events from another host that recorded.
    """

    def __init__(self, instance: str, services: SessionServices) -> None:
        self.instance = instance
        self.queue = ""
        self._services = services
        self._mailbox: deque[ReceivedMessage] = deque()
        self._state: HistoryState | None = None
        self._parts: list[Part] = []
        self._spoken: Dialect = JSON
        self._one_at_a_time = False
        self._has_recorded = False
        self._suspended = False
        self._refusals = 0

    def put(self, received: ReceivedMessage) -> None:
        if not received.is_activity_completion:
            self.queue = received.queue
        self._mailbox.append(received)

    def take_undelivered(self) -> Sequence[ReceivedMessage]:
        """Remove and return the messages that were not processed."""
        left, self._mailbox = self._mailbox, deque()
        return left

    @property
    def is_over(self) -> bool:
        """Whether the session can be dropped for good: no messages, and no execution that runs."""
        return not self._mailbox and (self._state is None or is_over(self._state.events))

    @property
    def state(self) -> HistoryState | None:
        """The history as it is held; None while it is not loaded."""
        return self._state

    @property
    def is_idle(self) -> bool:
        return not self._mailbox

    def take_completions(self) -> Sequence[ReceivedMessage]:
        """Remove and return activity results that cannot be taken while the instance is suspended."""
        ends = [one for one in self._mailbox if one.is_activity_completion]
        self._mailbox = deque(one for one in self._mailbox if not one.is_activity_completion)
        return ends

    async def run(self) -> None:
        """Episodes, until no message is left that may be delivered."""
        while self._mailbox:
            try:
                state = await self._current()
                if not (batch := self._next_batch()):
                    return
                await self._take(state, batch)
            except Conflict:
                await self.compare()

    async def _current(self) -> HistoryState:
        """The history, loaded if it must be: it says which messages the next episode may take."""
        if any(isinstance(one.message.event, GenericEvent) for one in self._mailbox):
            self._state = None  # The instance was rewound: the history that is held is no longer the stored one.
        if self._state is None and any(one.is_new for one in self._mailbox):
            self._hold(HistoryState())  # Nothing is stored that could be loaded.
        state = await self._load()
        return await self._begin_again(state) if state.opening else state

    def _next_batch(self) -> Sequence[ReceivedMessage]:
        return next_batch(self._mailbox, one_at_a_time=self._one_at_a_time, suspended=self._suspended)

    async def _take(self, state: HistoryState, batch: Sequence[ReceivedMessage]) -> None:
        admission = await self._admit(state, batch)
        if admission.accepted:
            await self._play(state, [one.message.event for one in admission.accepted], admission)
        else:
            await self._drop(state, admission.dropped)
        for one in admission.refused:
            await self._refuse(one)
        for one in batch:
            self._mailbox.remove(one)
        for one in admission.early:
            self._services.release([one], min(2.0**one.deliveries, LONGEST_WAIT))

    async def _play(self, state: HistoryState, events: Sequence[HistoryEvent], admission: Admission) -> None:
        """One episode. If storage refuses its record again and again, the instance fails instead."""
        done = [*admission.accepted, *admission.dropped]
        episode = await self._episode(state, events)
        try:
            await self._commit(state, episode, done)
        except (RecordRefused, ValueError) as error:
            self._refusals += 1
            if self._refusals < MAX_REFUSALS:
                raise
            refusal = f"the task hub's storage refuses to record this episode: {error}"
            self._log(f"Instance {self.instance} failed: {refusal}")
            await self._commit(state, await self._episode(state, events, refusal), done)

    async def _admit(self, state: HistoryState, batch: Sequence[ReceivedMessage]) -> Admission:
        row = await self._services.hub.find(self.instance) if needs_row(state, batch) else None
        return admit(state, row, batch)

    async def compare(self) -> None:
        """Load the history again. If storage holds only the beginning of ours, record the lost end anew."""
        ours, self._state = self._state, None
        theirs = await self._load()
        if ours is None or not _begins(theirs.events, ours.events):
            return
        lost = ours.events[len(theirs.events) :]
        row = fold(None, ours.events, ours.custom_status)
        if lost and row:
            self._log(FORGOTTEN.format(len(lost), self.instance), Level.WARNING)
            self._hold(await self._services.hub.record(Checkpoint(theirs, ours.execution_id or "", lost, row)))

    async def _load(self) -> HistoryState:
        if self._state is None:
            self._hold(await self._services.hub.load(self.instance))
        assert self._state is not None
        return self._state

    def _hold(self, state: HistoryState, *, continues: bool = False) -> None:
        """`continues`: its history begins with the one that was held."""
        self._state = state
        if not continues:
            self._parts = []
        self._suspended = is_suspended(state.events)
        self._one_at_a_time = takes_one_message(state.events)

    def _past_parts(self, dialect: Dialect, events: Sequence[HistoryEvent]) -> Sequence[Part]:
        """The events of the history that is held, as this dialect sends them. Each is encoded only once."""
        if self._spoken is not dialect:
            self._spoken, self._parts = dialect, []
        self._parts += map(dialect.part, events[len(self._parts) :])
        return self._parts

    async def _commit(self, state: HistoryState, episode: Episode, done: Sequence[ReceivedMessage]) -> None:
        checkpoint = self._checkpoint(state, episode)
        after = await self._services.commit(Progress(episode.messages, done, checkpoint))
        assert after is not None
        self._hold(after, continues=not checkpoint.replaces)
        self._has_recorded, self._refusals = True, 0
        self._services.recorded(checkpoint.instance)

    def _checkpoint(self, state: HistoryState, episode: Episode) -> Checkpoint:
        past = state.events if episode.execution_id == state.execution_id else ()
        row = fold(None, (*past, *episode.events), episode.custom_status)
        if row is None:
            raise HubError(f"The history of instance {self.instance} does not begin with its start.")
        return Checkpoint(state, episode.execution_id, episode.events, row, seen=episode.seen)

    async def _begin_again(self, torn: HistoryState) -> HistoryState:
        """Run the first episode of an execution again: after continue-as-new there is no message that would."""
        past = HistoryState(version=torn.version, seen=torn.seen)
        await self._commit(torn, await self._replayed(past, torn.opening), [])
        return await self._load()

    async def _drop(self, state: HistoryState, dropped: Sequence[ReceivedMessage]) -> None:
        if dropped and (not self._has_recorded or any(one.deliveries > 0 for one in dropped)):
            await self._repair_row(state)
        self._services.settle(dropped)

    async def _repair_row(self, state: HistoryState) -> None:
        """A crash between the writes of history and row leaves an old row; messages that come too late may show it."""
        self._has_recorded = True
        row = fold(None, state.events, state.custom_status)
        if row and row != await self._services.hub.find(self.instance):
            recorded = await self._services.hub.record(Checkpoint(state, row.execution_id or "", (), row))
            self._hold(recorded, continues=True)

    async def _refuse(self, received: ReceivedMessage) -> None:
        start = received.message.event
        assert isinstance(start, ExecutionStarted)
        reason = f"An Orchestration instance with the id {self.instance} is running already."
        await self._services.commit(Progress([*refusal(start, reason, utc_now(self._services.clock))], [received]))

    # One episode

    async def _episode(
        self, state: HistoryState, events: Sequence[HistoryEvent], refusal: str | None = None
    ) -> Episode:
        """With a `refusal` no user code runs, and the instance fails for that reason."""
        begins = isinstance(events[0], ExecutionStarted)
        past = HistoryState(version=state.version) if begins else state
        opened = OrchestratorStarted(timestamp=self._now(past.events, events))
        if isinstance(events[0], ExecutionTerminated):
            return _terminated(events[0], past, opened)
        if isinstance(events[0], (ExecutionSuspended, ExecutionResumed)):
            return _suspended_or_resumed(events[0], past, opened)
        episode = await self._replayed(past, (opened, *events), refusal)
        if begins:
            return replace(episode, messages=(*_locks_released(state, opened.timestamp), *episode.messages))
        return episode

    def _now(self, past: Sequence[HistoryEvent], events: Sequence[HistoryEvent]) -> Instant:
        """The time of this episode: never before an earlier one, nor before a timer that fires in it (6.7)."""
        before = next((e.timestamp for e in reversed(past) if isinstance(e, OrchestratorStarted)), "")
        fired = [event.fire_at for event in events if isinstance(event, TimerFired)]
        return max(utc_now(self._services.clock), before, *fired)

    async def _replayed(
        self, past: HistoryState, opening: tuple[HistoryEvent, ...], refusal: str | None = None
    ) -> Episode:
        while True:
            try:
                episode = await self._replay(past, opening, refusal)
                break
            except OtherDialect:
                continue
        for reason in episode.failures:
            self._log(f"Instance {self.instance} failed: {reason}")
        for reason in episode.undelivered:
            self._log(f"A signal of instance {self.instance} was not sent: {reason}")
        return replace(episode, seen=seen_before(past, opening))

    async def _replay(self, past: HistoryState, opening: tuple[HistoryEvent, ...], refusal: str | None) -> Episode:
        services, dialect = self._services, JSON
        if not refusal:
            dialect = await services.dialect("orchestrator", _started((*past.events, *opening)).name)
        replayer = Replayer(
            _failing(refusal) if refusal else partial(services.replay, dialect=dialect),
            services.limits,
            services.clock,
            services.unavailable,
            self._will_be_terminated,
            dialect,
        )
        parts = self._past_parts(dialect, past.events) if past.events else ()
        return await replayer.replay(RecordedHistory(past.events, parts, past.custom_status), opening)

    def _log(self, text: str, level: Level = Level.ERROR) -> None:
        """A sentence that belongs to this instance."""
        event = HostMessage(level=level, category="Host.Durable", message=text, instance=self.instance)
        self._services.log.write(event)

    def _will_be_terminated(self) -> bool:
        return any(isinstance(one.message.event, ExecutionTerminated) for one in self._mailbox)


def _failing(reason: str) -> RunOrchestrator:
    """An orchestrator that fails for this reason."""

    async def run(name: str, payload: str, instance: str) -> Outcome:
        return Outcome(failure=Failure(reason))

    return run


FORGOTTEN = "The storage had lost the last {} events of instance {}; they are written again."


def _begins(start: Sequence[HistoryEvent], whole: Sequence[HistoryEvent]) -> bool:
    """Whether a history begins with another. Inputs are left aside: not every history keeps them."""
    pairs = zip(start, whole, strict=False)
    return len(start) <= len(whole) and all(
        (type(a), a.event_id, a.timestamp) == (type(b), b.event_id, b.timestamp) for a, b in pairs
    )


def _started(events: Sequence[HistoryEvent]) -> ExecutionStarted:
    return next(event for event in events if isinstance(event, ExecutionStarted))


def _closed(events: Sequence[HistoryEvent], now: Instant) -> OrchestratorCompleted:
    """The end of an episode in which the orchestrator did not run: what the last answer held still counts."""
    last = next((event for event in reversed(events) if isinstance(event, OrchestratorCompleted)), None)
    return replace(last, timestamp=now) if last else OrchestratorCompleted(timestamp=now, listed=0)


def _locks_released(replaced: HistoryState, now: Instant) -> Iterator[Message]:
    """Release the locks of an execution that another one replaces while it runs."""
    if replaced.events and not is_over(replaced.events):
        yield from release_messages(_started(replaced.events), replaced.events, now)


def _suspended_or_resumed(event: HistoryEvent, past: HistoryState, opened: OrchestratorStarted) -> Episode:
    """The orchestrator does not run in this episode (section 12)."""
    events = (opened, replace(event, is_played=True), _closed(past.events, opened.timestamp))
    return Episode(past.execution_id or "", events, (), past.custom_status)


def _terminated(event: ExecutionTerminated, past: HistoryState, opened: OrchestratorStarted) -> Episode:
    """Work that runs goes on, and its results are dropped (section 12)."""
    now, started = opened.timestamp, _started(past.events)
    ended = ExecutionCompleted(
        timestamp=now,
        event_id=max(one.event_id for one in past.events) + 1,
        orchestration_status=RuntimeStatus.Terminated,
        result=event.input,
    )
    to_parent = end_message(started, Failed(event.input or ""), now)
    return Episode(
        past.execution_id or "",
        (opened, replace(event, is_played=True), ended, _closed(past.events, now)),
        (*to_parent, *release_messages(started, past.events, now)),
        past.custom_status,
    )
