"""One active entity: its mailbox, its state while it is held, and its batches, one after the other.

An entity is an orchestration that continues as new after each batch, with its state as its input (platform/entities.md
7). The storage keeps nothing of it but that.
"""

import json
from collections import deque
from collections.abc import Sequence

from fnhost.bindings.contract import Outcome
from fnhost.host.durable.dialects.dialect import Dialect
from fnhost.host.durable.entities.entity import (
    Entity,
    EntityBatchResult,
    all_failed,
    continue_message,
    done,
    is_early,
    next_batch,
    read_entity,
    received,
)
from fnhost.host.durable.entities.entity import entity_text as text_of
from fnhost.host.durable.entities.messages import EntityRequest
from fnhost.host.durable.model.errors import InvalidWorkerResponse, UnreadableRecord
from fnhost.host.durable.model.history import (
    EventRaised,
    Execution,
    ExecutionStarted,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
)
from fnhost.host.durable.model.ids import EntityId, next_execution
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.messages import Message, ReceivedMessage
from fnhost.host.durable.model.states import HistoryState
from fnhost.host.durable.model.text import json_text, too_large
from fnhost.host.durable.replay.replayer import Episode
from fnhost.host.durable.runtime.inbox import Admission
from fnhost.host.durable.runtime.session import OtherDialect, Session, SessionServices
from fnhost.host.errors import FnhostError, Poisonous, TimedOut

REMEMBERED = 1000
"""How many past executions a session remembers: more than an emulator that is killed can lose."""


class EntityFailed(FnhostError):
    """The entity function failed as a whole. The batch is tried again: an entity itself never fails (10.5)."""

    def __init__(self, instance: str, text: str) -> None:
        super().__init__(f"The entity {instance} did not answer: {text} Its operations wait.")


class EntitySession(Session):
    """Runs the entity function over whatever operations have come, in batches."""

    def __init__(self, instance: str, services: SessionServices) -> None:
        super().__init__(instance, services)
        self._us = EntityId.of(instance)
        self._past: deque[str] = deque(maxlen=REMEMBERED)

    def _next_batch(self) -> Sequence[ReceivedMessage]:
        return list(self._mailbox)

    async def _admit(self, state: HistoryState, batch: Sequence[ReceivedMessage]) -> Admission:
        """Only events can be sent to an entity: it cannot be started, suspended or terminated."""
        accepted = [one for one in batch if isinstance(one.message.event, EventRaised)]
        return Admission(accepted=accepted, dropped=[one for one in batch if one not in accepted])

    async def compare(self) -> None:
        """Load the entity anew. If storage holds an earlier state, record ours again; if none, it was purged."""
        ours, self._state = self._state, None
        theirs = await self._load()
        if ours and ours.execution_id and theirs.execution_id in self._past:
            await self._commit(theirs, Episode(ours.execution_id, ours.events, (), ours.custom_status), [])

    async def _episode(
        self, state: HistoryState, events: Sequence[HistoryEvent], refusal: str | None = None
    ) -> Episode:
        """With a `refusal` no user code runs, and every operation fails for that reason."""
        now = self._now(state.events, events)
        raised = [event for event in events if isinstance(event, EventRaised)]
        early = [event for event in raised if is_early(event, now)]
        entity = self._received(_stored(state), [event for event in raised if event not in early])
        batch = next_batch(entity, self._services.entities.batch)
        answer = await self._answer(entity, batch.operations, refusal)
        us = Execution(self.instance, next_execution(state.execution_id or self.instance))
        after, outbox = done(entity, us, batch, answer, now)
        if answer:
            self._services.operated(self.instance, batch.operations, answer.results, now)
        if next_batch(after, 1).requests:
            outbox = (*outbox, continue_message(us, now))
        again = [Message(Execution(self.instance), event, us) for event in early]
        self._past.append(state.execution_id or "")
        return Episode(us.execution_id or "", _history(us, after, now), (*outbox, *again), after.custom_status)

    def _received(self, entity: Entity, events: Sequence[EventRaised]) -> Entity:
        for event in events:
            try:
                entity = received(entity, event, self._services.entities.window)
            except UnreadableRecord as error:
                self._log(f"A message for {self.instance} is dropped. {error}")
        return entity

    async def _answer(
        self, entity: Entity, operations: Sequence[EntityRequest], refusal: str | None
    ) -> EntityBatchResult | None:
        """Raises what `operate` raises, and EntityFailed: the batch is then tried again, later."""
        if not operations:
            return None
        if refusal:
            answer = all_failed(entity, operations, json_text(refusal))
        else:
            answer = await self._operated(entity, operations)
        if reason := too_large(answer.state, "The state of the entity"):
            answer = all_failed(entity, operations, json_text(reason))
        self._report_failed_signals(operations, answer)
        return answer

    async def _operated(self, entity: Entity, operations: Sequence[EntityRequest]) -> EntityBatchResult:
        while True:
            dialect = await self._services.dialect("entity", self._us.name)
            text = dialect.batch(self._us, entity, operations)
            try:
                outcome = await self._services.operate(self._us.name, text, self.instance, dialect)
            except Poisonous as error:
                return all_failed(entity, operations, json_text(str(error)))
            except TimedOut as error:
                return all_failed(entity, operations, str(error))
            except OtherDialect:
                continue
            return self._read(dialect, outcome, operations)

    def _report_failed_signals(self, operations: Sequence[EntityRequest], answer: EntityBatchResult) -> None:
        """Callers get the error as their answer; a signal has none."""
        for request, result in zip(operations, answer.results, strict=False):
            if request.is_signal and result.is_error:
                self._log(
                    f"The operation '{request.operation}' of entity {self.instance}, which was signalled, failed: "
                    f"{error_text(result.text)}",
                )

    def _read(self, dialect: Dialect, outcome: Outcome, operations: Sequence[EntityRequest]) -> EntityBatchResult:
        if outcome.failure:
            raise EntityFailed(self.instance, outcome.failure.message)
        try:
            return dialect.batch_result(outcome, operations)
        except InvalidWorkerResponse as error:
            raise EntityFailed(self.instance, f"{error}.") from error


def error_text(result: str | None) -> str:
    """The message in an operation's error, which is JSON text but for time-outs (10.5)."""
    try:
        found = json.loads(result or "null")
    except (ValueError, RecursionError):
        return result or ""
    return found if isinstance(found, str) else result or ""


def _stored(state: HistoryState) -> Entity:
    """The entity as storage has it; one without history is new."""
    started = next((event for event in state.events if isinstance(event, ExecutionStarted)), None)
    return read_entity(started.input if started else None)


def _history(us: Execution, entity: Entity, now: Instant) -> tuple[HistoryEvent, ...]:
    started = ExecutionStarted(
        timestamp=now,
        is_played=True,
        orchestration_instance=us,
        name=us.instance_id,
        input=text_of(entity),
    )
    return OrchestratorStarted(timestamp=now), started, OrchestratorCompleted(timestamp=now)
