"""The seam between the engine and the code of durable functions: what it is given, and what its answer means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from fnhost.bindings.contract import Failure, Json, Outcome, Value
from fnhost.host.durable.entities.entity import Entity, EntityBatchResult
from fnhost.host.durable.entities.messages import EntityRequest
from fnhost.host.durable.model.history import Execution, ExecutionStarted, HistoryEvent, TaskFailed, TaskScheduled
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.text import compacted, json_text
from fnhost.host.durable.replay.decide import Decision, OrchestrationLimits

Part: TypeAlias = str | bytes
"""One event of a history in the form in which it is sent. A session keeps them: a history is encoded only once."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from an orchestrator's answer, and reasons to fail that user code did not give itself."""

    decision: Decision
    failures: tuple[str, ...] = ()


class Dialect(Protocol):
    """How an orchestration, an entity and an activity speak to their code."""

    @property
    def retries_timeouts(self) -> bool:
        """Whether an episode that did not end in time runs again; else it has failed."""

    def part(self, event: HistoryEvent) -> Part: ...

    def episode(
        self,
        started: ExecutionStarted,
        past: Sequence[Part],
        opening: Sequence[HistoryEvent],
        limits: OrchestrationLimits,
    ) -> str:
        """The input of an orchestrator. `past` are the recorded events, `opening` those of this episode."""

    def decide(self, outcome: Outcome, history: Sequence[HistoryEvent], limits: OrchestrationLimits) -> Verdict:
        """What its answer means. `history` holds this episode's OrchestratorStarted and messages last."""

    def batch(self, us: EntityId, entity: Entity, operations: Sequence[EntityRequest]) -> str:
        """The input of an entity."""

    def batch_result(self, outcome: Outcome, operations: Sequence[EntityRequest]) -> EntityBatchResult:
        """What it returned. Raises InvalidWorkerResponse."""

    def refused_operation(self, reason: str) -> str:
        """The answer to a call of an entity that cannot be called."""

    def activity_input(self, item: TaskScheduled, target: Execution) -> Value:
        """The input of an activity that `target` has scheduled."""

    def activity_result(self, returned: Value) -> str | None:
        """What an activity returned, as it enters the history; None for nothing."""

    def activity_failed(self, item: TaskScheduled, failure: Failure, now: Instant) -> TaskFailed: ...


def result_text(returned: Value) -> str | None:
    """The compact JSON text of what an activity returned; its own text where that is no JSON."""
    match returned:
        case None:
            return None
        case Json(text=text):
            return compacted(text)
        case str() | int() | float():
            return json_text(returned)
    return json_text(str(returned))
