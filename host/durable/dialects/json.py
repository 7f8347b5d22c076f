"""The JSON form: azure-functions-durable 1.x, durable-functions, PowerShell (platform/replay.md)."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from fnhost.bindings.contract import Failure, Outcome, Value
from fnhost.host.durable.dialects.dialect import Dialect, Part, Verdict, result_text
from fnhost.host.durable.entities.entity import Entity, EntityBatchResult, payload, read_batch_result
from fnhost.host.durable.entities.messages import EntityRequest, answer_text
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.history import Execution, ExecutionStarted, HistoryEvent, TaskFailed, TaskScheduled
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.text import json_text
from fnhost.host.durable.replay.actions import OrchestratorState, read_orchestrator_state
from fnhost.host.durable.replay.decide import Decision, Failed, OrchestrationLimits, decide
from fnhost.host.durable.replay.hints import input_hint
from fnhost.host.durable.replay.outgoing import activity_failed
from fnhost.host.durable.replay.payload import orchestrator_payload
from fnhost.host.durable.storage.codec import history_json


@dataclass(frozen=True, slots=True)
class JsonDialect:
    """An orchestrator lists every action since its start; the host finds out which are new."""

    retries_timeouts = False

    def part(self, event: HistoryEvent) -> Part:
        return history_json(event)

    def episode(
        self,
        started: ExecutionStarted,
        past: Sequence[Part],
        opening: Sequence[HistoryEvent],
        limits: OrchestrationLimits,
    ) -> str:
        texts = cast(Sequence[str], [*past, *map(self.part, opening)])
        return orchestrator_payload(started, texts, limits)

    def decide(self, outcome: Outcome, history: Sequence[HistoryEvent], limits: OrchestrationLimits) -> Verdict:
        failures = []
        try:
            answer = self.read(outcome)
        except InvalidWorkerResponse as error:
            failures.append(str(error))
            answer = OrchestratorState(error=str(error))
        decision = decide(history, answer, limits)
        return Verdict(decision, (*failures, *_hints(history, answer), *_faults(answer, decision)))

    def read(self, outcome: Outcome) -> OrchestratorState:
        """The answer in an outcome. Raises InvalidWorkerResponse."""
        return read_orchestrator_state(outcome)

    def batch(self, us: EntityId, entity: Entity, operations: Sequence[EntityRequest]) -> str:
        return payload(us, entity, operations)

    def batch_result(self, outcome: Outcome, operations: Sequence[EntityRequest]) -> EntityBatchResult:
        return read_batch_result(outcome, operations)

    def refused_operation(self, reason: str) -> str:
        return answer_text(json_text(reason), is_error=True)

    def activity_input(self, item: TaskScheduled, target: Execution) -> Value:
        return activity_input(item.input)

    def activity_result(self, returned: Value) -> str | None:
        return result_text(returned)

    def activity_failed(self, item: TaskScheduled, failure: Failure, now: Instant) -> TaskFailed:
        return activity_failed(item, failure.message, failure.stack, now)


JSON: Final[Dialect] = JsonDialect()


def activity_input(text: str | None) -> Value:
    """An activity's argument from its one-element input: a string as it is, else JSON text (platform/replay.md 9.2)."""
    value = json.loads(text or "[null]")
    given = value[0] if isinstance(value, list) and len(value) == 1 else value
    if given is None or isinstance(given, str):
        return given
    return json_text(given)


def _hints(history: Sequence[HistoryEvent], answer: OrchestratorState) -> list[str]:
    """What explains an error of the SDK itself to the user."""
    error = answer.error or (answer.worker_failure.message if answer.worker_failure else "")
    if not error:
        return []
    started = next(event for event in history if isinstance(event, ExecutionStarted))
    hint = input_hint(error, started.input)
    return [hint] if hint else []


def _faults(answer: OrchestratorState, decision: Decision) -> list[str]:
    if decision.mismatch:
        return [str(decision.mismatch)]
    if isinstance(decision.finish, Failed) and answer.error is None and answer.worker_failure is None:
        return [decision.finish.reason]
    return []
