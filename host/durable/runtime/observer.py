"""What happens in an engine, told to one who looks on. Calls are short, on the event loop, and raise nothing."""

from collections.abc import Sequence

from fnhost.host.durable.entities.entity import OperationResult
from fnhost.host.durable.entities.messages import EntityRequest
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.states import Instance


class EngineObserver:
    """Nobody looks. Whoever does overrides what it wants to know."""

    def recorded(self, instance: Instance) -> None:
        """The row that was stored with an episode, or by a start."""

    def purged(self, instance: str) -> None: ...

    def began(self, instance: str, task: int) -> None:
        """An activity begins to run in this host, once more if its worker has ended."""

    def operated(
        self, entity: str, operations: Sequence[EntityRequest], results: Sequence[OperationResult], now: Instant
    ) -> None:
        """An entity has run a batch."""
