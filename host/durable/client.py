"""The client of orchestrations and entities: start, query, raise events, signal, suspend, terminate, rewind, purge.

Each change is a message, stored in the hub and then dispatched in memory without polling. The checks and their order
are those of platform/durable-http.md 5.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.entities.entity import Entity, read_entity
from fnhost.host.durable.entities.messages import RELEASE, EntityRequest, release_text, request_json
from fnhost.host.durable.model.errors import Conflict
from fnhost.host.durable.model.history import (
    TERMINAL,
    EventRaised,
    Execution,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    GenericEvent,
    HistoryEvent,
    RuntimeStatus,
    SubOrchestrationInstanceCreated,
)
from fnhost.host.durable.model.ids import MAX_ENTITY_LENGTH, EntityId, refused_entity_id, refused_instance_id
from fnhost.host.durable.model.instants import Instant, to_datetime, utc_now
from fnhost.host.durable.model.messages import Message, ReceivedMessage
from fnhost.host.durable.model.states import OVERRIDABLE, Checkpoint, Instance, Page, PurgeResult, Query, pending
from fnhost.host.durable.model.text import json_text, well_formed
from fnhost.host.durable.replay.outgoing import unknown_function
from fnhost.host.durable.replay.rewind import rewound
from fnhost.host.durable.runtime.registry import FindFunction
from fnhost.host.durable.runtime.status_watch import StatusSubscription
from fnhost.host.durable.storage.hub import Hub, all_of
from fnhost.host.errors import FnhostError
from fnhost.host.tasks import KeyedLocks

SHORTEST_INTERVAL = 0.1
REWINDS = 10
"""How often an instance that others change meanwhile is looked at again."""
LONGEST_HOLD = 60.0
"""Seconds: what is due later than that is visible in time, whatever a hub's hold is."""


class ClientError(FnhostError):
    """The request cannot be carried out. The text says why."""


class UnknownFunction(ClientError):
    """No orchestrator of this name is served."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(unknown_function("orchestrator", name, known))


class UnknownEntity(ClientError):
    """No entity of this name is served."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(unknown_function("entity", name, known))


class InvalidId(ClientError):
    """No instance may have this id."""


class InvalidKey(ClientError):
    """No entity may have this key."""


class UnknownConnection(ClientError):
    """A connection was named that no setting resolves."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Unable to resolve the Azure Storage connection named '{name}'.")


class WrongHub(ClientError):
    """A task hub was named that this host does not serve."""

    def __init__(self, named: str, ours: str) -> None:
        super().__init__(f"This host serves the task hub '{ours}' alone, not '{named}'.")


class NotFound(ClientError):
    """There is no instance with this id."""

    def __init__(self, instance: str) -> None:
        super().__init__(f"No instance with ID '{instance}' was found.")


class Finished(ClientError):
    """The instance has ended and takes no messages."""

    def __init__(self, instance: str, status: RuntimeStatus) -> None:
        super().__init__(f"The instance '{instance}' is {status.name} already.")
        self.instance, self.status = instance, status


class WrongState(ClientError):
    """The instance runs, but not in a state in which this can be done."""

    def __init__(self, verb: str, instance: str, status: RuntimeStatus) -> None:
        super().__init__(
            f"Cannot {verb} the orchestration instance {instance} because instance is in the {status.name} state."
        )


class NotFailed(ClientError):
    """Only failed instances can be rewound."""

    def __init__(self, status: RuntimeStatus) -> None:
        super().__init__(
            f"This orchestration has status {status.name}, "
            'but only orchestrations in the "Failed" state can be rewound.'
        )


class Changed(ClientError):
    """The instance was changed each time it was about to be changed here."""

    def __init__(self, instance: str) -> None:
        super().__init__(f"The instance '{instance}' is changed again and again, or has lost its history.")


class NotFinished(ClientError):
    """Only instances that have ended can be purged."""

    def __init__(self, instance: str, status: RuntimeStatus) -> None:
        super().__init__(
            "Only orchestrations in a terminal state can be purged, "
            f"but the orchestration with instance ID {instance} has status {status.name}"
        )


class MessageDispatcher(Protocol):
    """What the client needs of the engine."""

    @property
    def takes_any_name(self) -> bool:
        """Whether this is a scheduler without an app, whose functions come with the programs."""

    def serves(self, kind: Literal["orchestrator", "entity"], name: str) -> bool:
        """Whether such a function may be called."""

    def names(self, kind: Literal["orchestrator", "entity"]) -> Sequence[str]: ...

    def serving_others(self, find: FindFunction) -> AbstractContextManager[None]:
        """Inside the block, `find` is asked for functions that the app does not serve."""

    @property
    def remote_queues(self) -> frozenset[str]:
        """The queues that other hosts serve."""

    def dispatch(self, received: Iterable[ReceivedMessage]) -> None: ...

    def recorded(self, instance: Instance) -> None:
        """Tell those who look on of a row that was stored."""

    def purged(self, instance: str) -> None: ...

    def forget(self, instance: str) -> None:
        """Drop what is held of an instance that is about to be purged."""

    def watching(self, instance: str) -> AbstractContextManager[StatusSubscription]:
        """A subscription to what this host records of the instance."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """From host.json `extensions.durableTask`: overridableExistingInstanceStates and defaultVersion."""

    overridable: frozenset[RuntimeStatus] = OVERRIDABLE
    version: str = ""


@dataclass(frozen=True, slots=True)
class DurableClient:
    engine: MessageDispatcher
    hub: Hub
    clock: Clock = SYSTEM_CLOCK
    settings: ClientSettings = ClientSettings()
    _locks: KeyedLocks = field(default_factory=KeyedLocks)
    """By instance: verbs that replace or delete what is stored of one take turns."""

    async def start(
        self,
        name: str,
        instance: str | None = None,
        input: str | None = None,
        version: str | None = None,
        *,
        at: Instant | None = None,
        tags: Mapping[str, str] | None = None,
        overridable: frozenset[RuntimeStatus] | None = None,
    ) -> str:
        """Start an orchestration, now or `at` a time; `input` is JSON text. The id it has, made up if none is given.

        An instance in one of the `overridable` states is replaced; None means those of the settings. Raises
        UnknownFunction, InvalidId, AlreadyExists.
        """
        if not self.engine.serves("orchestrator", name):
            raise UnknownFunction(name, self.engine.names("orchestrator"))
        expect_valid(instance)
        event = ExecutionStarted(
            timestamp=utc_now(self.clock),
            orchestration_instance=Execution(instance or uuid.uuid4().hex, uuid.uuid4().hex),
            name=name,
            version=self.settings.version if version is None else version,
            input=_text(input),
            tags=tags or None,
            scheduled_start_time=at,
            generation=0,
        )
        async with self._locks.of(event.orchestration_instance.instance_id):
            await self._start(event, self.settings.overridable if overridable is None else overridable)
        return event.orchestration_instance.instance_id

    async def _start(self, event: ExecutionStarted, overridable: frozenset[RuntimeStatus]) -> None:
        """Raises AlreadyExists."""
        start = await self.hub.start(Message(target=event.orchestration_instance, event=event), overridable)
        self.engine.recorded(pending(event, event.timestamp))
        await self._dispatch_start(start)

    async def _dispatch_start(self, start: ReceivedMessage) -> None:
        """A start for another host's queue is made visible before the caller can send an event after it.

        Until then it is held as long as one that this host runs, which may be longer than until it is due.
        """
        due = start.message.visible_at
        left = max((to_datetime(due) - self.clock.now()).total_seconds(), 0.0) if due else 0.0
        if start.queue in self.engine.remote_queues and left < LONGEST_HOLD:
            await self.hub.release([start], left)
        else:
            self.engine.dispatch([start])

    async def restart(self, instance: str, *, same_id: bool) -> str:
        """Start the same function with the same input again. Raises NotFound and what `start` raises."""
        before = await self.expect(instance)
        id = instance if same_id else None
        return await self.start(before.name, id, before.input, before.version, tags=before.tags)

    async def find(self, instance: str) -> Instance | None:
        """None for an id that is longer than any."""
        return await self.hub.find(instance) if len(instance) <= MAX_ENTITY_LENGTH else None

    async def expect(self, instance: str) -> Instance:
        """Raises NotFound."""
        if found := await self.find(instance):
            return found
        raise NotFound(instance)

    async def expect_alive(self, instance: str) -> Instance:
        """Raises NotFound, Finished."""
        found = await self.expect(instance)
        if found.status.is_terminal:
            raise Finished(instance, found.status)
        return found

    async def history(self, instance: Instance) -> tuple[HistoryEvent, ...]:
        """The events of its current execution; none before its first episode."""
        state = await self.hub.load(instance.id)
        is_current = instance.execution_id in (None, state.execution_id)
        return state.events if is_current and instance.status is not RuntimeStatus.Pending else ()

    async def list(self, query: Query, top: int = 100, token: str | None = None) -> Page:
        return await self.hub.list(query, top, token)

    async def wait(self, instance: str, longest: float, interval: float) -> Instance:
        """The instance when it has ended, or as it is after `longest` seconds. Raises NotFound.

        What this host records is noticed at once; what other hosts record, every `interval` seconds.
        """
        pause = max(interval, SHORTEST_INTERVAL)
        deadline = self.clock.monotonic() + longest
        with self.engine.watching(instance) as watch:
            found = await self.expect(instance)
            while not found.status.is_terminal and (left := deadline - self.clock.monotonic()) > 0:
                found = await watch.next(min(left, pause)) or await self.expect(instance)
        return found

    async def wait_for_start(self, instance: str, interval: float) -> Instance:
        """The instance as soon as it is there and no longer pending, however long that takes."""
        with self.engine.watching(instance) as watch:
            found = await self.find(instance)
            while found is None or found.status is RuntimeStatus.Pending:
                found = await watch.next(interval) or await self.find(instance)
        return found

    async def children(self, instance: Instance) -> Sequence[str]:
        """The ids of the orchestrations that its current execution has started, each once."""
        calls = (e for e in await self.history(instance) if isinstance(e, SubOrchestrationInstanceCreated))
        return list(dict.fromkeys(call.instance_id for call in calls))

    async def raise_event(self, instance: str, name: str, data: str | None) -> None:
        """`data` is JSON text. Raises NotFound, Finished."""
        await self.expect_alive(instance)
        await self._send(
            instance, EventRaised(timestamp=utc_now(self.clock), name=well_formed(name), input=_text(data))
        )

    async def terminate(self, instance: str, reason: str | None, *, recursive: bool = False) -> None:
        """With its children and theirs, if `recursive`. Raises NotFound, Finished."""
        found = await self.expect_alive(instance)
        await self._send(instance, ExecutionTerminated(timestamp=utc_now(self.clock), input=_text(reason)))
        for child in await self.children(found) if recursive else ():
            with suppress(NotFound, Finished):
                await self.terminate(child, reason, recursive=True)

    async def suspend(self, instance: str, reason: str | None) -> None:
        """Raises NotFound, Finished, WrongState."""
        status = (await self.expect_alive(instance)).status
        if status is RuntimeStatus.Suspended:
            raise WrongState("suspend", instance, status)
        await self._send(instance, ExecutionSuspended(timestamp=utc_now(self.clock), reason=_text(reason)))

    async def resume(self, instance: str, reason: str | None) -> None:
        """Raises NotFound, Finished, WrongState."""
        status = (await self.expect_alive(instance)).status
        if status is not RuntimeStatus.Suspended:
            raise WrongState("resume", instance, status)
        await self._send(instance, ExecutionResumed(timestamp=utc_now(self.clock), reason=_text(reason)))

    async def rewind(self, instance: str, reason: str | None) -> None:
        """Undo its failures, and those of its failed children, so that it goes on.

        Raises NotFound, NotFailed, Changed.
        """
        for _ in range(REWINDS):
            found = await self.expect(instance)
            if found.status is not RuntimeStatus.Failed:
                raise NotFailed(found.status)
            with suppress(Conflict):  # started anew, purged or rewound by another meanwhile
                return await self._rewind(found, reason)
        raise Changed(instance)

    async def _rewind(self, instance: Instance, reason: str | None) -> None:
        """Parents before their children. The message makes a host that holds the old history load it again.

        Raises Conflict.
        """
        async with self._locks.of(instance.id):
            children = await self._rewind_one(instance, reason)
        for child in children:
            with suppress(NotFound, NotFailed):
                await self.rewind(child, reason)

    async def _rewind_one(self, instance: Instance, reason: str | None) -> Iterable[str]:
        """Its children. Raises Conflict."""
        state = await self.hub.load(instance.id)
        if state.version is None or instance.execution_id not in (None, state.execution_id):
            raise Conflict(f"Instance {instance.id} has another history now.")
        past = rewound(state.events)
        if gone := {child for child in past.children if await self.hub.find(child) is None}:
            past = rewound(state.events, gone)
        row = replace(instance, status=RuntimeStatus.Pending, updated=utc_now(self.clock))
        await self.hub.record(Checkpoint(state, state.execution_id or "", past.events, row, rewritten=True))
        await self._send(instance.id, GenericEvent(timestamp=utc_now(self.clock), data=_text(reason)))
        return past.children

    async def signal(
        self,
        entity: EntityId,
        operation: str,
        input: str | None,
        *,
        due: Instant | None = None,
        request_id: str | None = None,
    ) -> None:
        """Signal an entity, now or when it is `due`, whether it exists or not; `input` is JSON text.

        Raises UnknownEntity, InvalidKey.
        """
        if not self.engine.serves("entity", entity.name):
            raise UnknownEntity(entity.name, self.engine.names("entity"))
        if reason := refused_entity_id(entity):
            raise InvalidKey(reason)
        request = EntityRequest(request_id or str(uuid.uuid4()), operation, is_signal=True, input=_text(input), due=due)
        text = json_text(request_json(request))
        await self._send(str(entity), EventRaised(timestamp=utc_now(self.clock), name=request.event_name, input=text))

    async def release_orphaned_lock(self, entity: str, holder: str) -> bool:
        """Let go the lock of an entity whose holder has ended or is gone. Whether it has."""
        found = await self.find(holder)
        if found and not found.status.is_terminal:
            return False
        text = release_text(holder, str(uuid.uuid4()))
        await self._send(entity, EventRaised(timestamp=utc_now(self.clock), name=RELEASE, input=text))
        return True

    async def read_entity(self, entity: EntityId) -> Entity | None:
        """None if it does not exist, or no longer."""
        found = await self.find(str(entity))
        known = read_entity(found.input) if found else None
        return known if known and known.exists else None

    async def _send(self, instance: str, event: HistoryEvent) -> None:
        message = Message(target=Execution(instance), event=event)
        self.engine.dispatch(await self.hub.send([message], self.engine.remote_queues))

    async def purge(self, instance: str) -> PurgeResult:
        """Raises NotFound, NotFinished; entities are purged whatever their state (platform/durable-http.md 5.9)."""
        async with self._locks.of(instance):
            if not instance.startswith("@"):
                status = (await self.expect(instance)).status
                if not status.is_terminal:
                    raise NotFinished(instance, status)
            return await self._purge(instance)

    async def _purge(self, instance: str) -> PurgeResult:
        """While it is locked: a start under the same id would lose its history to the purge of the old one."""
        self.engine.forget(instance)
        purged = await self.hub.purge(instance)
        self.engine.purged(instance)
        return purged

    async def purge_whole(self, instance: str) -> PurgeResult:
        """An ended instance with all the children that it and they have started. Raises NotFound, NotFinished."""
        children = await self.children(await self.expect(instance))
        purged = await self.purge(instance)
        for child in children:
            with suppress(NotFound, NotFinished):
                purged += await self.purge_whole(child)
        return purged

    async def purge_by(self, query: Query) -> PurgeResult:
        """Delete the ended instances of a query. Running ones are never deleted, unlike on the platform."""
        finished = replace(query, statuses=query.statuses & TERMINAL or TERMINAL, with_input=False)
        purged = [await self._purge_found(instance.id) async for instance in all_of(self.hub, finished)]
        return sum(purged, PurgeResult())

    async def _purge_found(self, instance: str) -> PurgeResult:
        """Unless it was purged or started anew since it was listed."""
        try:
            return await self.purge(instance)
        except (NotFound, NotFinished):
            return PurgeResult()


def _text(text: str | None) -> str | None:
    return None if text is None else well_formed(text)


def expect_valid(instance: str | None) -> None:
    """Raises InvalidId (platform/durable-http.md 5.1)."""
    if instance and (reason := refused_instance_id(instance)):
        raise InvalidId(reason)
