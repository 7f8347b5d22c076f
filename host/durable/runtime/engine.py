"""The durable engine: receives messages, runs episodes and activities, and commits what follows from them.

Messages that this host sends are dispatched in memory at once. The queues are polled for messages of other hosts and
for those that a crash left.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from fnhost.bindings.contract import BindingError, Event, Failure, Fire, Outcome, Value
from fnhost.clock import Clock, Timer
from fnhost.host.durable.dialects.dialect import Dialect
from fnhost.host.durable.dialects.json import JSON
from fnhost.host.durable.entities.entity import EntityLimits, OperationResult
from fnhost.host.durable.entities.messages import EntityRequest, sent_request
from fnhost.host.durable.model.history import (
    EventSent,
    Execution,
    HistoryEvent,
    Scheduling,
    SubOrchestrationInstanceCreated,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
)
from fnhost.host.durable.model.ids import EntityId, is_entity
from fnhost.host.durable.model.instants import Instant, to_datetime, utc_now
from fnhost.host.durable.model.messages import WORK_ITEMS, ReceivedMessage
from fnhost.host.durable.model.states import HistoryState, Instance, Progress
from fnhost.host.durable.replay.decide import HTTP_ACTIVITY, OrchestrationLimits
from fnhost.host.durable.replay.outgoing import (
    activity_completed,
    activity_result_message,
    unknown_function,
)
from fnhost.host.durable.runtime.entity_session import EntitySession
from fnhost.host.durable.runtime.http_activity import HttpCalls
from fnhost.host.durable.runtime.in_flight import InFlightMessages
from fnhost.host.durable.runtime.observer import EngineObserver
from fnhost.host.durable.runtime.registry import FindFunction, FunctionRegistry, Kind, ServedFunction
from fnhost.host.durable.runtime.session import OtherDialect, Session
from fnhost.host.durable.runtime.status_watch import StatusSubscription, StatusWatch
from fnhost.host.durable.sharing.identity import HostIdentity, temporary_identity
from fnhost.host.durable.sharing.leases import LeaseManager, LeaseSettings
from fnhost.host.durable.storage.hub import Hub
from fnhost.host.durable.storage.retrying import RetryingHub
from fnhost.host.errors import (
    FnhostError,
    FunctionNotLoadable,
    Poisonous,
    TimedOut,
    WorkerCrashed,
    WorkersExhausted,
    WorkersNotReady,
    WorkerStopped,
)
from fnhost.host.limits import EPISODES_END, MESSAGES_RETURN
from fnhost.host.logging.events import HostMessage, Level
from fnhost.host.logging.log import Log
from fnhost.host.retry import RetryPolicy, retry
from fnhost.host.supervise import supervise
from fnhost.host.tasks import cancel_and_wait

REASON = "(null)"
"""The platform gives durable functions no better reason."""
POISONOUS = (
    "{what} of instance {instance} has ended its worker process {limit} times in a row, the last times in a process of "
    "its own. It counts as failed and is not tried again."
)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """The engine's settings, most of them from host.json (platform/durable-settings.md 1). Times in seconds."""

    limits: OrchestrationLimits = field(default_factory=OrchestrationLimits)
    entities: EntityLimits = field(default_factory=EntityLimits)
    orchestrators: int = 20
    activities: int = 20
    leases: LeaseSettings = field(default_factory=LeaseSettings)
    hidden: float = 10.0
    shortest_poll: float = 0.05
    longest_poll: float = 1.0
    sessions: int = 1000
    grace: float = EPISODES_END
    """How long running episodes may take when the host ends."""
    patience: float = MESSAGES_RETURN
    """How long releasing messages may take when the host ends; those left become visible when their hold ends."""
    remembered: float = 10.0
    """How long a finished instance is remembered: longer than an emulator that is killed can forget."""
    activity_crashes: int = 5
    """How often an activity may end its worker before it counts as failed."""
    episode_crashes: int = 5
    """How often an orchestrator or entity may end its worker, with the same messages, before it counts as failed."""
    takes_any_name: bool = False
    """Whether functions may be called before anybody serves them: they then wait for a program that does."""


class Engine:
    """Serves one hub. A reload of the app changes its functions; sessions and activities that run go on."""

    def __init__(
        self, storage: Hub, clock: Clock, log: Log, settings: EngineSettings, identity: HostIdentity | None = None
    ) -> None:
        """Without an `identity` another host takes over our queues only when our leases have expired."""
        hub = RetryingHub(storage, log, clock)
        hub.returned = self.compare_all
        self.hub, self.clock = hub, clock
        self.limits, self.entities = settings.limits, settings.entities
        self.log, self._settings = log, settings
        self._registry = FunctionRegistry()
        self._in_flight = InFlightMessages(hub, settings.hidden, clock)
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._status_watch = StatusWatch(clock)
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: dict[Timer, ReceivedMessage] = {}
        self._polled: set[str] = set()
        self.remote_queues = frozenset({*storage.queues, WORK_ITEMS})
        self._identity = identity or temporary_identity(socket.gethostname())
        self._leases = self._new_leases()
        self._orchestrators = asyncio.Semaphore(settings.orchestrators)
        self._activities = asyncio.Semaphore(settings.activities)
        self._http = HttpCalls(clock)
        self.observer = EngineObserver()
        self._open = False

    # For bindings and clients

    def serving(self, kind: Kind, name: str, fire: Fire, dialect: Dialect = JSON) -> AbstractContextManager[None]:
        return self._registry.serving(kind, name, fire, dialect)

    def serving_others(self, find: FindFunction) -> AbstractContextManager[None]:
        return self._registry.serving_others(find)

    @property
    def takes_any_name(self) -> bool:
        return self._settings.takes_any_name

    def serves(self, kind: Kind, name: str) -> bool:
        return self.takes_any_name or self._registry.find(kind, name) is not None

    def names(self, kind: Kind) -> Sequence[str]:
        return self._registry.names(kind)

    def dispatch(self, received: Iterable[ReceivedMessage]) -> None:
        """Process messages that this host holds: now, or when they are due."""
        for one in received:
            due = one.message.visible_at
            left = self._seconds_until(due) if due else 0.0
            if one.queue in self.remote_queues:
                self._release_to_owner(one, left)
            elif left > 0:
                self._dispatch_later(left, one)
            elif self._in_flight.take(one):
                self._deliver(one)

    def _release_to_owner(self, one: ReceivedMessage, left: float) -> None:
        """Leave a message to the host that serves its queue. One that is not yet due has its time in storage."""
        if left <= 0:
            self._in_flight.release([one])

    def watching(self, instance: str) -> AbstractContextManager[StatusSubscription]:
        return self._status_watch.watching(instance)

    def recorded(self, instance: Instance) -> None:
        self._status_watch.notify(instance)
        self.observer.recorded(instance)

    def purged(self, instance: str) -> None:
        self.observer.purged(instance)

    def operated(
        self, entity: str, operations: Sequence[EntityRequest], results: Sequence[OperationResult], now: Instant
    ) -> None:
        self.observer.operated(entity, operations, results, now)

    def held(self, instance: str) -> HistoryState | None:
        """The history of an instance as its session has it in memory; None if this host holds none."""
        session = self._sessions.get(instance)
        return session.state if session else None

    def _seconds_until(self, due: str) -> float:
        return (to_datetime(due) - self.clock.now()).total_seconds()

    def _dispatch_later(self, seconds: float, one: ReceivedMessage) -> None:
        """Dispatch a message when it is due; in storage it becomes visible at the same time."""

        def dispatch() -> None:
            self._timers.pop(timer, None)
            self.dispatch([one])

        timer = self.clock.call_later(seconds, dispatch)
        self._timers[timer] = one

    def _release_timers(self) -> None:
        """Release timers of queues that other hosts serve, so that those see them when due, not when our hold ends."""
        for timer, one in list(self._timers.items()):
            if one.queue in self.remote_queues:
                timer.cancel()
                del self._timers[timer]
                left = max(self._seconds_until(one.message.visible_at or utc_now(self.clock)), 0.0)
                if left < self._settings.hidden:
                    self._in_flight.release([one], left)

    def _deliver(self, one: ReceivedMessage) -> None:
        if not self._open:
            self._in_flight.release([one])
        elif one.message.is_work_item:
            self._spawn(f"The activity of instance {one.message.target.instance_id}", lambda: self._run_activity(one))
        else:
            self._deliver_to_session(one)

    # Life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Receive and process messages inside the block; at its end release those that are not finished.

        It can be opened again afterwards, and remembers nothing then but the functions that it serves.
        """
        self._open, self._http, self._leases = True, HttpCalls(self.clock), self._new_leases()
        async with self._http:
            await self._join_hub()
            self._spawn("Sharing the task hub", self._share)
            self._spawn("Renewing messages", self._in_flight.renew)
            try:
                yield
            finally:
                self._open = False
                await self._stop()

    def _new_leases(self) -> LeaseManager:
        return LeaseManager(self.hub, self, self._identity, self.clock, self.log, self._settings.leases)

    async def _join_hub(self) -> None:
        """Create the hub and take its free queues; if storage does not answer soon, in the background."""
        with suppress(TimeoutError):
            async with self.clock.timeout(self._settings.patience):
                await (self._leases.refresh() if self._registry.has_any else self._leases.make())

    async def _share(self) -> None:
        """Share the queues with other hosts; a host without durable functions takes none."""
        await self._leases.make()
        await self._registry.any()
        await self._leases.run()

    async def _stop(self) -> None:
        """Let running episodes end; all messages are released for the next host."""
        self.remote_queues = frozenset({*self.hub.queues, WORK_ITEMS})
        self._release_timers()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=self._settings.grace)
        await cancel_and_wait(*self._tasks)
        with suppress(TimeoutError):
            async with self.clock.timeout(self._settings.patience), asyncio.TaskGroup() as last:
                last.create_task(self._in_flight.release_all())
                last.create_task(self._leases.leave())
        for held in (self._sessions, self._running, self._polled):
            held.clear()

    def _spawn(self, name: str, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        task = asyncio.create_task(supervise(name, work, self.log, self.clock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Queues

    def listen(self, queue: str) -> None:
        if not self._open:
            return
        self.remote_queues -= {queue}
        if queue not in self._polled:
            self._polled.add(queue)
            self._spawn(f"Receiving from {queue}", partial(self._poll, queue))

    def drain(self, queue: str) -> None:
        self.remote_queues |= {queue}
        self._release_timers()
        for session in [one for one in self._sessions.values() if one.queue == queue]:
            if session.instance not in self._running:
                self._release_session(session)

    def lose(self, queue: str) -> None:
        """Stop the episodes of a queue that another host has taken. Activities go on: any host may send results."""
        self.drain(queue)
        if queue == WORK_ITEMS:
            return
        for session in [one for one in self._sessions.values() if one.queue == queue]:
            self._running.pop(session.instance).cancel()
            self._release_session(session)
        self._in_flight.release(self._in_flight.for_queue(queue))

    def is_busy(self, queue: str) -> bool:
        return bool(self._in_flight.for_queue(queue)) or any(
            self._sessions[one].queue == queue for one in self._running
        )

    def _release_session(self, session: Session) -> None:
        """Release its messages to the host that serves its queue now."""
        self._sessions.pop(session.instance, None)
        self._in_flight.release(session.take_undelivered())

    async def _poll(self, queue: str) -> None:
        """Poll often while messages come, and ever less often while none do (platform/task-hub.md 4.10)."""
        pause = self._settings.shortest_poll
        while queue not in self.remote_queues:
            received = await self.hub.receive(queue)
            self.dispatch(received)
            pause = self._settings.shortest_poll if received else min(pause * 2, self._settings.longest_poll)
            if not received:
                await self.clock.sleep(pause)
        self._polled.discard(queue)

    # Sessions

    async def commit(self, progress: Progress) -> HistoryState | None:
        return await self._in_flight.commit(progress, self.remote_queues, self.dispatch)

    def settle(self, received: Iterable[ReceivedMessage]) -> None:
        self._in_flight.settle(received)

    def release(self, received: Iterable[ReceivedMessage], after: float = 0) -> None:
        self._in_flight.release(received, after)

    def _deliver_to_session(self, one: ReceivedMessage) -> None:
        instance = one.message.target.instance_id
        session = self._sessions.get(instance) or self._open_session(instance)
        self._sessions.move_to_end(instance)
        session.put(one)
        if instance not in self._running:
            self._running[instance] = self._spawn(f"Instance {instance}", lambda: self._run(session))

    def _open_session(self, instance: str) -> Session:
        session = EntitySession(instance, self) if is_entity(instance) else Session(instance, self)
        self._sessions[instance] = session
        return session

    async def _run(self, session: Session) -> None:
        await session.run()
        self._running.pop(session.instance, None)
        self.release(session.take_completions())
        if session.queue in self.remote_queues:
            return self._release_session(session)
        if session.is_over:
            self.clock.call_later(self._settings.remembered, self._forget, session)
        self._evict_oldest()

    def _forget(self, session: Session) -> None:
        if session.is_over and self._sessions.get(session.instance) is session and session.is_idle:
            del self._sessions[session.instance]

    def forget(self, instance: str) -> None:
        """Drop the session of an instance that is purged."""
        if instance not in self._running:
            self._sessions.pop(instance, None)

    def compare_all(self) -> None:
        """The storage answers again: record anew what it may have lost."""
        for instance, session in self._sessions.items():
            if instance not in self._running:
                self._running[instance] = self._spawn(f"Instance {instance}", partial(self._compare, session))

    async def _compare(self, session: Session) -> None:
        await session.compare()
        await self._run(session)

    def _evict_oldest(self) -> None:
        """Idle sessions can be dropped: their histories can be loaded again."""
        surplus = len(self._sessions) - self._settings.sessions
        for instance in list(self._sessions)[:surplus] if surplus > 0 else ():
            if instance not in self._running and self._sessions[instance].is_idle:
                del self._sessions[instance]

    async def dialect(self, kind: Kind, name: str) -> Dialect:
        return (await self._loadable(kind, name)).dialect

    async def replay(self, name: str, payload: str, instance: str, dialect: Dialect) -> Outcome:
        """Run an orchestrator. One that ends its worker each time has failed, and its instance with it."""
        try:
            return await self._turn("orchestrator", name, payload, instance, dialect)
        except WorkersExhausted:
            raise
        except (FnhostError, BindingError) as error:
            return Outcome(failure=Failure(str(error)))

    async def operate(self, name: str, payload: str, instance: str, dialect: Dialect) -> Outcome:
        return await self._turn("entity", name, payload, instance, dialect)

    async def _turn(self, kind: Kind, name: str, payload: str, instance: str, dialect: Dialect) -> Outcome:
        metadata: Mapping[str, Value] = {"instanceId": instance}

        def event(function: ServedFunction, crashes: int) -> Event:
            if function.dialect is not dialect:
                raise OtherDialect
            return Event(function.name, payload, REASON, metadata=metadata, crashes=crashes)

        on = (WorkerCrashed, TimedOut) if dialect.retries_timeouts else (WorkerCrashed,)
        limit = self._settings.episode_crashes
        return await self._call(kind, name, instance, event, self._orchestrators, limit, on)

    async def _call(
        self,
        kind: Kind,
        name: str,
        instance: str,
        event: Callable[[ServedFunction, int], Event],
        places: asyncio.Semaphore,
        limit: int,
        on: tuple[type[Exception], ...] = (WorkerCrashed,),
    ) -> Outcome:
        """Call a function for an instance; `event` makes its event from the function and the crashes so far.

        While there is no such function, or it cannot be loaded, the call waits, and takes no place from others. Raises
        Poisonous when it has ended its worker `limit` times.
        """

        async def run(crashes: int) -> Outcome:
            while True:
                await self._loadable(kind, name)
                async with places:
                    function = await self._loadable(kind, name)
                    try:
                        return await function.fire(event(function, crashes))
                    except FunctionNotLoadable as error:
                        self._note_problem(kind, function, str(error))

        policy, again = RetryPolicy(limit=limit), (WorkerStopped, WorkersNotReady)
        try:
            return await retry(run, policy, self.clock, on=on, uncounted=again)
        except WorkerCrashed as error:
            text = POISONOUS.format(what=f"The {kind} {name}", instance=instance, limit=limit)
            self.log.write(
                HostMessage(level=Level.ERROR, category="Host.Durable", message=text, function=name, instance=instance)
            )
            raise Poisonous(f"{error} It happened {limit} times in a row.") from error

    async def _loadable(self, kind: Kind, name: str) -> ServedFunction:
        if self._registry.find(kind, name) is None and self._registry.note_missing(kind, name):
            text = unknown_function(kind, name, self.names(kind))
            self.log.warning("Host.Durable", f"{text} Instances that need it wait until there is one.")
        return await self._registry.loadable(kind, name)

    def _note_problem(self, kind: Kind, function: ServedFunction, text: str) -> None:
        """Said once for each version of the app: every instance that needs the function waits for the same reason."""
        if function.problem is None:
            function.problem = text
            self.log.error(
                "Host.Durable",
                f"The {kind} '{function.name}' cannot be loaded; instances that need it wait until its file is mended. "
                f"{text}",
            )

    def unavailable(self, event: Scheduling) -> str | None:
        kind: Kind
        match event:
            case TaskScheduled(name=name) if name != HTTP_ACTIVITY:
                kind = "activity"
            case SubOrchestrationInstanceCreated(name=name):
                kind = "orchestrator"
            case EventSent(instance_id=target) if (request := sent_request(event)) and request.wants_result:
                kind, name = "entity", EntityId.of(target).name
            case _:
                return None
        return None if self.serves(kind, name) else unknown_function(kind, name, self.names(kind))

    # Activities

    async def _run_activity(self, one: ReceivedMessage) -> None:
        """Run an activity. A session on this host takes the result in memory and records it with its next episode.

        To any other it is sent (platform/task-hub.md 5.2).
        """
        if not one.is_activity_completion:
            one.message = activity_result_message(one.message, await self._activity_result(one))
        session = self._sessions.get(one.message.target.instance_id)
        if session and session.queue not in self.remote_queues:
            return self._deliver_to_session(one)
        await self.commit(Progress([one.message], [one]))

    async def _activity_result(self, one: ReceivedMessage) -> TaskCompleted | TaskFailed:
        message, item = one.message, one.message.event
        assert isinstance(item, TaskScheduled)
        if one.deliveries > 0 and (known := await self._recorded_result(message.target, item.event_id)):
            return known
        dialect, outcome = await self._outcome(item, message.target)
        if outcome.failure:
            return dialect.activity_failed(item, outcome.failure, utc_now(self.clock))
        return activity_completed(item, dialect.activity_result(outcome.returned), utc_now(self.clock))

    async def _recorded_result(self, target: Execution, task: int) -> TaskCompleted | TaskFailed | None:
        """The result in the history, if a host died between recording it and deleting the work item."""
        state = await self.hub.load(target.instance_id)
        return _latest_result(state.events, task) if state.execution_id == target.execution_id else None

    async def _outcome(self, item: TaskScheduled, target: Execution) -> tuple[Dialect, Outcome]:
        """With the dialect of the function that was called."""
        if item.name == HTTP_ACTIVITY:
            return JSON, await self._http.call(item.input)
        dialect = JSON

        def event(function: ServedFunction, crashes: int) -> Event:
            nonlocal dialect
            dialect = function.dialect
            self.observer.began(target.instance_id, item.event_id)
            given = dialect.activity_input(item, target)
            metadata: Mapping[str, Value] = {"instanceId": target.instance_id, "data": given}
            return Event(function.name, given, REASON, metadata=metadata, crashes=crashes)

        try:
            outcome = await self._call(
                "activity", item.name, target.instance_id, event, self._activities, self._settings.activity_crashes
            )
            return dialect, outcome
        except WorkersExhausted:
            raise
        except (FnhostError, BindingError) as error:
            return dialect, Outcome(failure=Failure(str(error)))


def _latest_result(events: Sequence[HistoryEvent], task: int) -> TaskCompleted | TaskFailed | None:
    """Of the call that was scheduled last under this id."""
    for event in reversed(events):
        if isinstance(event, (TaskCompleted, TaskFailed)) and event.task_scheduled_id == task:
            return event
        if isinstance(event, TaskScheduled) and event.event_id == task:
            return None
    return None
