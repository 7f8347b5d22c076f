"""What a client has in place of an engine where no host runs: messages are stored for whichever host comes next."""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.durable.model.messages import WORK_ITEMS, ReceivedMessage
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.runtime.registry import FindFunction
from fnhost.host.durable.runtime.status_watch import StatusSubscription, StatusWatch
from fnhost.host.durable.storage.hub import Hub


class DetachedEngine:
    """Implements `MessageDispatcher` of the client. It serves no queue, so that nothing is held and all is visible.

    `orchestrators` and `entities` are the names that may be started or signalled.
    """

    takes_any_name = False

    def __init__(
        self, hub: Hub, orchestrators: Sequence[str] = (), entities: Sequence[str] = (), clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._names = {"orchestrator": orchestrators, "entity": entities}
        self._watch = StatusWatch(clock)
        self.remote_queues = frozenset({*hub.queues, WORK_ITEMS})

    def serves(self, kind: Literal["orchestrator", "entity"], name: str) -> bool:
        return name.lower() in map(str.lower, self._names[kind])

    def serving_others(self, find: FindFunction) -> AbstractContextManager[None]:
        """Nothing is run."""
        return nullcontext()

    def names(self, kind: Literal["orchestrator", "entity"]) -> Sequence[str]:
        return self._names[kind]

    def dispatch(self, received: Iterable[ReceivedMessage]) -> None:
        """They lie in their queues already."""

    def recorded(self, instance: Instance) -> None:
        """Nobody looks on."""

    def purged(self, instance: str) -> None:
        """Nobody looks on."""

    def forget(self, instance: str) -> None:
        """Nothing is held."""

    def watching(self, instance: str) -> AbstractContextManager[StatusSubscription]:
        return self._watch.watching(instance)
