"""Which action of an orchestrator each piece of recorded work came from, and what is waited for. Pure.

The same walk as that of an episode (`decide.Replay`), which notes more on its way. Only those who look use it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from fnhost.host.durable.model.history import EventRaised, HistoryEvent
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.replay import actions
from fnhost.host.durable.replay.actions import Action
from fnhost.host.durable.replay.decide import NonDeterminism, OrchestrationLimits, Replay, Steps, Task

DEFAULT_LIMITS = OrchestrationLimits()


@dataclass(slots=True, eq=False)
class Origin:
    """One action that is no compound of others, and what became of it.

    `listed` is its place, or that of the compound that it is part of, among the actions of the answer. `ids` are the
    events that it scheduled, several for a retry, a polled HTTP call and a timer in hops. `taken` is the external event
    or the entity's answer that it waited for; `was_early` says that it had come before.
    """

    listed: int
    action: Action
    since: Instant
    number: int
    ids: list[int] = field(default_factory=list)
    task: Task | None = None
    taken: EventRaised | None = None
    was_early: bool = False

    @property
    def is_done(self) -> bool:
        return self.task is not None and self.task.is_done


class Trace(Replay):
    """Play a history against the actions of its answer, and keep where everything came from.

    `mismatch` is set, and the trace ends there, where the history does not fit the actions.
    """

    def __init__(
        self,
        history: Sequence[HistoryEvent],
        listed: Sequence[Action],
        limits: OrchestrationLimits = DEFAULT_LIMITS,
    ) -> None:
        super().__init__(history, listed, limits)
        self.origins: list[Origin] = []
        self.of_id: dict[int, Origin] = {}
        self.mismatch: NonDeterminism | None = None
        self._origin: Origin | None = None
        self._waits: dict[Task, Origin] = {}
        try:
            self.play()
        except NonDeterminism as mismatch:
            self.mismatch = mismatch

    def awaited(self) -> Sequence[Origin]:
        """What the last action that was listed still waits for; if that is done, all that is open."""
        last = self._issued - 1
        opened = [one for one in self.origins if not one.is_done and not self.is_ignored(one)]
        return [one for one in opened if one.listed == last] or opened

    def is_ignored(self, origin: Origin) -> bool:
        """Whether it is a timer that was cancelled."""
        return bool(origin.ids) and all(one in self._ignored for one in origin.ids)

    def _issue_next(self) -> None:
        self._origin = None
        super()._issue_next()

    def _issue(self, action: Action) -> Task:
        if self._origin is not None or isinstance(action, actions.WhenAny | actions.WhenAll):
            return super()._issue(action)
        origin = self._origin = Origin(self._issued - 1, action, self._now, len(self.origins))
        self.origins.append(origin)
        try:
            origin.task = super()._issue(action)
        finally:
            self._origin = None
        return origin.task

    def _run(self, steps: Steps) -> Task:
        return super()._run(self._traced(steps, self._origin))

    def _traced(self, steps: Steps, origin: Origin | None) -> Steps:
        """A loop inside one action goes on later: what it then schedules is that action's still."""
        while True:
            before, self._origin = self._origin, origin
            try:
                waited = next(steps)
            except StopIteration as end:
                return bool(end.value)
            finally:
                self._origin = before
            yield waited

    def _take_id(self) -> int:
        taken = super()._take_id()
        if self._origin is not None:
            self._origin.ids.append(taken)
            self.of_id[taken] = self._origin
        return taken

    def _wait(self, name: str) -> Task:
        early, origin = self._early[name.lower()], self._origin
        event = early[0] if early else None
        task = super()._wait(name)
        if origin is not None and event is not None:
            origin.taken, origin.was_early = event, True
        elif origin is not None:
            self._waits[task] = origin
        return task

    def _deliver(self, event: EventRaised) -> None:
        waiting = self._waiters[event.name.lower()]
        waiter = waiting[-1] if waiting and not self._continued else None
        super()._deliver(event)
        if waiter is not None and waiter in self._waits:
            self._waits[waiter].taken = event
