"""The protobuf form as a Dialect."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message

from fnhost.bindings.contract import Failure, Json, Outcome, Value
from fnhost.host.durable.dialects.dialect import Dialect, Part, Verdict, result_text
from fnhost.host.durable.dialects.protobuf.decision import decision_of, unanswered
from fnhost.host.durable.dialects.protobuf.entities import batch_request, batch_result
from fnhost.host.durable.dialects.protobuf.events import event_message
from fnhost.host.durable.dialects.protobuf.values import details_of
from fnhost.host.durable.entities.entity import Entity, EntityBatchResult, EntityLimits
from fnhost.host.durable.entities.messages import EntityRequest, answer_text
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.history import (
    Execution,
    ExecutionStarted,
    FailureDetails,
    HistoryEvent,
    TaskFailed,
    TaskScheduled,
)
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.model.text import compacted, json_text
from fnhost.host.durable.replay.decide import Failed, OrchestrationLimits, failure
from fnhost.host.rpc import durabletask_pb2 as pb

M = TypeVar("M", bound=Message)
WINDOW = Duration(seconds=int(EntityLimits().window))


@dataclass(frozen=True, slots=True)
class ProtobufDialect:
    """An orchestrator lists only new work, under ids of its own."""

    retries_timeouts = True

    def part(self, event: HistoryEvent) -> Part:
        """As the repeated field that holds it: the encoded events of a history, one after the other, are the field."""
        return pb.OrchestratorRequest(past_events=[event_message(event, with_inputs=False)]).SerializeToString()

    def episode(
        self,
        started: ExecutionStarted,
        past: Sequence[Part],
        opening: Sequence[HistoryEvent],
        limits: OrchestrationLimits,
    ) -> str:
        request = pb.OrchestratorRequest(
            instance_id=started.orchestration_instance.instance_id,
            new_events=map(event_message, opening),
            entity_parameters=pb.OrchestratorEntityParameters(entity_message_reorder_window=WINDOW),
        )
        parts = [request.SerializeToString(), *(part for part in past if isinstance(part, bytes))]
        return base64.b64encode(b"".join(parts)).decode()

    def decide(self, outcome: Outcome, history: Sequence[HistoryEvent], limits: OrchestrationLimits) -> Verdict:
        if outcome.failure:
            return Verdict(unanswered(history, details_of(outcome.failure)))
        try:
            response = read(pb.OrchestratorResponse(), outcome.returned, "orchestrator")
            decision = decision_of(response, history, limits)
        except InvalidWorkerResponse as error:
            return Verdict(failure(history, str(error)), (str(error),))
        finish = decision.finish
        is_ours = isinstance(finish, Failed) and finish.failure is None
        return Verdict(decision, (finish.reason,) if is_ours and isinstance(finish, Failed) else ())

    def batch(self, us: EntityId, entity: Entity, operations: Sequence[EntityRequest]) -> str:
        return base64.b64encode(batch_request(us, entity, operations).SerializeToString()).decode()

    def batch_result(self, outcome: Outcome, operations: Sequence[EntityRequest]) -> EntityBatchResult:
        return batch_result(read(pb.EntityBatchResult(), outcome.returned, "entity"), operations)

    def refused_operation(self, reason: str) -> str:
        return answer_text(json_text(reason), is_error=True, failure=FailureDetails("EntityFunctionNotFound", reason))

    def activity_input(self, item: TaskScheduled, target: Execution) -> Value:
        """Compact JSON text, whatever the value; nothing for none."""
        return None if item.input is None else compacted(item.input)

    def activity_result(self, returned: Value) -> str | None:
        return result_text(returned)

    def activity_failed(self, item: TaskScheduled, failure: Failure, now: Instant) -> TaskFailed:
        return TaskFailed(
            timestamp=now,
            task_scheduled_id=item.event_id,
            reason=f"Function '{item.name}' failed with an unhandled exception.",
            failure_details=details_of(failure),
        )


PROTOBUF: Final[Dialect] = ProtobufDialect()


def read(message: M, returned: Value, kind: str) -> M:
    """The message in what a function returned: base64, as a text or as a JSON text. Raises InvalidWorkerResponse."""
    try:
        text = json.loads(returned.text) if isinstance(returned, Json) else returned
        if not isinstance(text, str) or not text:
            raise ValueError(f"it returned {type(text).__name__ if text != '' else 'nothing'}")
        message.ParseFromString(base64.b64decode(text, validate=True))
    except (ValueError, DecodeError) as error:
        raise InvalidWorkerResponse(f"the {kind}'s answer is not that of a Durable Functions SDK: {error}") from error
    return message
