"""One active entity: its mailbox, its state while it is held, and its batches, one after the other.

An entity is an orchestration that continues as new after each batch, with its state as its input (platform/entities.md
7). The storage keeps nothing of it but that.
"""

import json
from collections import deque
from collections.abc import Sequence

from fnhost.bindings.contract import Failure, Outcome
from fnhost.bindings.formats import compact
from fnhost.host.durable.entities.entity import (
    Entity,
    EntityBatchResult,
    all_failed,
    done,
    going_on,
    is_early,
    next_batch,
    payload,
    read_batch_result,
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
from fnhost.host.durable.replay.replayer import Episode
from fnhost.host.durable.runtime.inbox import Admission
from fnhost.host.durable.runtime.session import Session, SessionServices
from fnhost.host.errors import FnhostError, Poisonous, TimedOut

REMEMBERED = 1000
"""How many of its past executions a session knows: enough for what a storage can forget in a few seconds."""


class EntityFailed(FnhostError):
    """The entity function did not answer a batch. It is tried again: an entity never fails (10.5)."""

    def __init__(self, instance: str, text: str) -> None:
        super().__init__(f"The entity {instance} did not answer: {text} Its operations wait.")


class EntitySession(Session):
    """Takes whatever came, and lets the entity function run once over it."""

    def __init__(self, instance: str, services: SessionServices) -> None:
        super().__init__(instance, services)
        self._us = EntityId.of(instance)
        self._past: deque[str] = deque(maxlen=REMEMBERED)

    def _next_batch(self) -> Sequence[ReceivedMessage]:
        return list(self._mailbox)

    async def _admit(self, state: HistoryState, batch: Sequence[ReceivedMessage]) -> Admission:
        """Only messages can be told to an entity: it cannot be started, suspended or terminated."""
        told = [one for one in batch if isinstance(one.message.event, EventRaised)]
        return Admission(accepted=told, dropped=[one for one in batch if one not in told])

    async def compare(self) -> None:
        """Load it anew. If the storage only knows a state of before, write ours again; if none, it was purged."""
        ours, self._state = self._state, None
        theirs = await self._load()
        if ours and ours.execution_id and theirs.execution_id in self._past:
            await self._commit(theirs, Episode(ours.execution_id, ours.events, (), ours.custom_status), [])

    async def _episode(self, state: HistoryState, events: Sequence[HistoryEvent]) -> Episode:
        now = self._now(state.events, events)
        told = [event for event in events if isinstance(event, EventRaised)]
        early = [event for event in told if is_early(event, now)]
        entity = self._received(_held(state), [event for event in told if event not in early])
        batch = next_batch(entity, self._services.entities.batch)
        answer = await self._answer(entity, batch.operations)
        if answer:
            self._report_failed_signals(batch.operations, answer)
        us = Execution(self.instance, next_execution(state.execution_id or self.instance))
        after, outbox = done(entity, us, batch, answer, now)
        if next_batch(after, 1).requests:
            outbox = (*outbox, going_on(us, now))
        again = [Message(Execution(self.instance), event, us) for event in early]
        self._past.append(state.execution_id or "")
        return Episode(us.execution_id or "", _history(us, after, now), (*outbox, *again), after.custom_status)

    def _received(self, entity: Entity, events: Sequence[EventRaised]) -> Entity:
        for event in events:
            try:
                entity = received(entity, event, self._services.entities.window)
            except UnreadableRecord as error:
                self._services.log.error("Host.Durable", f"A message for {self.instance} is dropped. {error}")
        return entity

    async def _answer(self, entity: Entity, operations: Sequence[EntityRequest]) -> EntityBatchResult | None:
        """Raises what the entity's door raises: then the batch is tried again, later."""
        if not operations:
            return None
        try:
            outcome = await self._services.operate(self._us.name, payload(self._us, entity, operations), self.instance)
        except TimedOut as error:
            return all_failed(entity, operations, str(error))
        except Poisonous as error:
            return all_failed(entity, operations, compact(str(error)))
        return self._read(outcome, operations)

    def _report_failed_signals(self, operations: Sequence[EntityRequest], answer: EntityBatchResult) -> None:
        """A caller gets the error; of a signal nobody would learn it."""
        for request, result in zip(operations, answer.results, strict=True):
            if request.is_signal and result.is_error:
                self._services.log.error(
                    "Host.Durable",
                    f"The operation '{request.operation}' of entity {self.instance}, which was signalled, failed: "
                    f"{error_text(result.text)}",
                )

    def _read(self, outcome: Outcome, operations: Sequence[EntityRequest]) -> EntityBatchResult:
        match outcome.failure:
            case Failure(message=message):
                raise EntityFailed(self.instance, message)
        try:
            return read_batch_result(outcome, operations)
        except InvalidWorkerResponse as error:
            raise EntityFailed(self.instance, f"{error}.") from error


def error_text(result: str | None) -> str:
    """The message in an operation's error, which is JSON text but for time-outs (10.5)."""
    try:
        found = json.loads(result or "null")
    except ValueError:
        return result or ""
    return found if isinstance(found, str) else result or ""


def _held(state: HistoryState) -> Entity:
    """What the storage keeps of it; an entity that was never heard of is new."""
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
