"""An entity between its batches: state, waiting requests, lock; and the effects of a batch. Pure.

Rules from platform/entities.md.
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fnhost.bindings.contract import Outcome
from fnhost.host.durable.entities.messages import (
    CONTINUE,
    LOCKED,
    NEVER,
    RELEASE,
    REQUEST,
    EntityRequest,
    answer_text,
    read_json_text,
    read_request,
    request_json,
    request_of,
)
from fnhost.host.durable.entities.sorter import MessageSorter, sorter_json, sorter_of
from fnhost.host.durable.model.errors import InvalidWorkerResponse, UnreadableRecord
from fnhost.host.durable.model.history import EventRaised, Execution, ExecutionStarted, FailureDetails
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import Instant, later, parse_instant
from fnhost.host.durable.model.messages import Message
from fnhost.host.durable.model.text import json_text, well_formed
from fnhost.host.durable.model.worker_json import read_returned_json

EXISTS = "entityExists"
"""The member of the custom status by which lists of entities tell those that exist."""
RELEASED_FOR = 1800.0
"""Seconds for which a released lock is remembered: its request may come after its release."""


@dataclass(frozen=True, slots=True)
class EntityLimits:
    """Limits from host.json: operations in a batch, and seconds for which messages are kept in order."""

    batch: int = 5000
    window: float = 1800.0


@dataclass(frozen=True, slots=True)
class Entity:
    """`state` is JSON text. `released` is this host's own: when locks were released, by the id of their request."""

    exists: bool = False
    state: str | None = None
    queue: tuple[EntityRequest, ...] = ()
    locked_by: str | None = None
    suspended: bool = False
    sorter: MessageSorter = field(default_factory=MessageSorter)
    released: Mapping[str, Instant] = field(default_factory=dict)

    @property
    def custom_status(self) -> str:
        shown = {EXISTS: self.exists, "queueSize": len(self.queue), "lockedBy": self.locked_by}
        return json_text({name: value for name, value in shown.items() if value})


@dataclass(frozen=True, slots=True)
class Batch:
    """The next operations in order, then the request whose sender gets the lock, if there is one."""

    operations: tuple[EntityRequest, ...] = ()
    lock: EntityRequest | None = None

    @property
    def requests(self) -> tuple[EntityRequest, ...]:
        return (*self.operations, *((self.lock,) if self.lock else ()))


@dataclass(frozen=True, slots=True)
class OperationResult:
    """The result of one operation; `text` is JSON text. `failure` is an error in its parts, where the SDK tells it."""

    text: str | None
    is_error: bool = False
    failure: FailureDetails | None = None


@dataclass(frozen=True, slots=True)
class Signal:
    """`due` delays it."""

    target: EntityId
    operation: str
    input: str | None
    due: Instant | None = None


@dataclass(frozen=True, slots=True)
class OrchestrationStart:
    """An orchestration that an entity starts, at once or when it is due. Without `instance_id` it gets a new one."""

    name: str
    instance_id: str | None
    version: str
    input: str | None
    due: Instant | None = None


@dataclass(frozen=True, slots=True)
class EntityBatchResult:
    """The answer of the entity function to a batch. Operations beyond the `results` wait for the next batch."""

    exists: bool
    state: str | None
    results: tuple[OperationResult, ...]
    signals: tuple[Signal, ...] = ()
    starts: tuple[OrchestrationStart, ...] = ()


# --- as it is stored --------------------------------------------------------------------------------------------------


def entity_text(entity: Entity) -> str:
    """The input of the instance: defaults are left out, but for the sorter."""
    found = {
        "exists": entity.exists,
        "state": entity.state,
        "queue": [request_json(each) for each in entity.queue],
        "lockedBy": entity.locked_by,
        "suspended": entity.suspended,
        "released": dict(entity.released),
    }
    kept = {name: value for name, value in found.items() if value not in (None, False) and value != [] and value != {}}
    return json_text({**kept, "sorter": sorter_json(entity.sorter)})


def read_entity(text: str | None) -> Entity:
    """Raises UnreadableRecord. Some hosts do not write `exists`: there an entity with a state exists."""
    found = read_json_text(text) or {}
    try:
        state = found.get("state")
        return Entity(
            exists=bool(found.get("exists", state is not None)),
            state=state,
            queue=tuple(map(request_of, found.get("queue") or ())),
            locked_by=found.get("lockedBy"),
            suspended=bool(found.get("suspended")),
            sorter=sorter_of(found.get("sorter") or {}),
            released=found.get("released") or {},
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise UnreadableRecord(f"This is no state of an entity ({error!r}): {str(text)[:200]}") from error


# --- what comes -------------------------------------------------------------------------------------------------------


def received(entity: Entity, event: EventRaised, window: float) -> Entity:
    """The entity after it took a message. Raises UnreadableRecord."""
    match event.name.partition("@")[0]:
        case name if name == CONTINUE:
            return replace(entity, suspended=False)
        case name if name == RELEASE:
            return _released(entity, read_json_text(event.input), event.timestamp)
        case name if name == REQUEST:
            return _enqueued(entity, read_request(event.input), window)
    return entity


def _enqueued(entity: Entity, request: EntityRequest, window: float) -> Entity:
    ready, sorter = [request], entity.sorter
    if not request.due and not request.position:
        sorter, ready = sorter.receive(request, window)
    known = {each.id for each in entity.queue} | entity.released.keys()
    return replace(entity, sorter=sorter, queue=(*entity.queue, *(each for each in ready if each.id not in known)))


def _released(entity: Entity, release: Any, now: Instant) -> Entity:
    """Release a lock, also if its request is still in the queue or has not come yet."""
    if not isinstance(release, dict):
        raise UnreadableRecord(f"This releases nothing: {str(release)[:200]}")
    parent, lock = release.get("parent"), str(release.get("id", ""))
    if lock in entity.released:
        return entity
    kept = {name: at for name, at in entity.released.items() if at > later(now, -RELEASED_FOR)}
    return replace(
        entity,
        queue=tuple(each for each in entity.queue if each.id != lock),
        locked_by=None if entity.locked_by == parent else entity.locked_by,
        released=kept | {lock: now},
    )


# --- what is done -----------------------------------------------------------------------------------------------------


def next_batch(entity: Entity, limit: int) -> Batch:
    """The operations whose turn it is; while somebody holds the entity, only theirs. A lock request ends a batch."""
    operations: list[EntityRequest] = []
    for request in () if entity.suspended else entity.queue:
        if entity.locked_by is not None and (request.parent != entity.locked_by or request.is_lock):
            continue
        if request.is_lock:
            return Batch(tuple(operations), request)
        operations.append(request)
        if len(operations) == limit:
            break
    return Batch(tuple(operations))


def payload(us: EntityId, entity: Entity, operations: Iterable[EntityRequest]) -> str:
    """What the SDK is given: these four members and no other (10.4)."""
    batch = [{"name": each.operation, "input": each.input, "isSignal": each.is_signal} for each in operations]
    self_ = {"name": us.name, "key": us.key}
    return json_text({"self": self_, "exists": entity.exists, "state": entity.state, "batch": batch})


def read_batch_result(outcome: Outcome, operations: Sequence[EntityRequest]) -> EntityBatchResult:
    """Raises InvalidWorkerResponse."""
    found = read_returned_json(outcome.returned, "entity")
    try:
        answer = EntityBatchResult(
            exists=bool(found["entityExists"]),
            state=_optional(found.get("entityState")) if found["entityExists"] else None,
            results=tuple(
                OperationResult(_optional(each.get("result")), bool(each.get("isError"))) for each in found["results"]
            ),
            signals=tuple(map(_signal, found.get("signals") or ())),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InvalidWorkerResponse(f"the entity's answer is not complete: {error!r}") from error
    if len(answer.results) != len(operations):
        raise InvalidWorkerResponse(f"the entity answered {len(answer.results)} operations of {len(operations)}")
    return answer


def _optional(text: Any) -> str | None:
    return None if text is None else well_formed(str(text))


def _signal(found: Any) -> Signal:
    target = found["target"]
    entity = EntityId(well_formed(target["name"]).lower(), well_formed(target["key"]))
    return Signal(entity, well_formed(found["name"]), _optional(found.get("input")) or None)


def all_failed(entity: Entity, operations: Iterable[EntityRequest], result: str) -> EntityBatchResult:
    """The same error for every operation, and no change. `result` is JSON text, or the text of a time-out (10.5)."""
    return EntityBatchResult(
        entity.exists, entity.state, tuple(OperationResult(result, is_error=True) for _ in operations)
    )


def done(
    entity: Entity, us: Execution, batch: Batch, answer: EntityBatchResult | None, now: Instant
) -> tuple[Entity, tuple[Message, ...]]:
    """The entity after a batch, and the messages it sends."""
    if answer and len(answer.results) < len(batch.operations):
        batch = Batch(batch.operations[: len(answer.results)])
    gone = {each.id for each in batch.requests}
    entity = replace(entity, queue=tuple(each for each in entity.queue if each.id not in gone))
    outbox: list[Message] = []
    if answer:
        entity = replace(entity, exists=answer.exists, state=answer.state)
        outbox += _answers(us, batch.operations, answer.results, now)
        for signal in answer.signals:
            entity, message = _signalled(entity, us, signal, now)
            outbox.append(message)
        outbox += (_start_message(us, start, now) for start in answer.starts)
    if batch.lock:
        entity = replace(entity, locked_by=batch.lock.parent)
        outbox.append(_locked(us, batch.lock, now))
    return entity, tuple(outbox)


def _answers(
    us: Execution, operations: Iterable[EntityRequest], results: Iterable[OperationResult], now: Instant
) -> Iterator[Message]:
    for request, result in zip(operations, results, strict=True):
        if not request.is_signal and request.parent is not None:
            text = answer_text(result.text, is_error=result.is_error, failure=result.failure)
            yield _answer(us, request, text, now)


def _answer(us: Execution, request: EntityRequest, text: str, now: Instant) -> Message:
    asker = Execution(request.parent or "", request.parent_execution)
    return Message(asker, EventRaised(timestamp=now, name=request.id, input=text), us)


def _signalled(entity: Entity, us: Execution, signal: Signal, now: Instant) -> tuple[Entity, Message]:
    target = str(signal.target)
    sorter, at, before = (entity.sorter, NEVER, NEVER) if signal.due else entity.sorter.stamp(target, now)
    request = EntityRequest(
        id=str(uuid.uuid4()),
        operation=signal.operation,
        is_signal=True,
        input=signal.input,
        parent=us.instance_id,
        due=signal.due,
        timestamp=at,
        predecessor=before,
    )
    return replace(entity, sorter=sorter), _request_message(us, target, request, now)


def _start_message(us: Execution, start: OrchestrationStart, now: Instant) -> Message:
    """It has no row until its first episode."""
    started = Execution(start.instance_id or uuid.uuid4().hex, uuid.uuid4().hex)
    event = ExecutionStarted(
        timestamp=now,
        orchestration_instance=started,
        name=start.name,
        version=start.version,
        input=start.input,
        scheduled_start_time=start.due,
    )
    return Message(started, event, us)


def _locked(us: Execution, lock: EntityRequest, now: Instant) -> Message:
    """Pass the lock request to the next entity of the set; the last one answers (10.6)."""
    position = lock.position + 1
    if position == len(lock.lock_set):
        return _answer(us, lock, answer_text(LOCKED), now)
    onward = replace(lock, position=position, timestamp=NEVER, predecessor=NEVER, action=None)
    return _request_message(us, str(lock.lock_set[position]), onward, now)


def _request_message(us: Execution, target: str, request: EntityRequest, now: Instant) -> Message:
    event = EventRaised(timestamp=now, name=request.event_name, input=json_text(request_json(request)))
    return Message(Execution(target), event, us)


def continue_message(us: Execution, now: Instant) -> Message:
    """The message that an entity sends itself when operations are left."""
    return Message(Execution(us.instance_id), EventRaised(timestamp=now, name=CONTINUE), us)


def is_early(event: EventRaised, now: Instant) -> bool:
    """Whether a delayed request came more than 100 ms early, and is sent again (platform/entities.md 2)."""
    name, _, due = event.name.partition("@")
    try:
        return name == REQUEST and parse_instant(due) > later(now, 0.1)
    except ValueError:
        return False
