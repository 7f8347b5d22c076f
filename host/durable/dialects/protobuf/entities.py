"""Batches of entity operations, and their results, as messages. Pure. Rules from platform/durable-protobuf.md 6."""

from collections.abc import Sequence

from fnhost.host.durable.dialects.protobuf.values import failure_of, instant_of, optional, text
from fnhost.host.durable.entities.entity import (
    Entity,
    EntityBatchResult,
    OperationResult,
    OrchestrationStart,
    Signal,
)
from fnhost.host.durable.entities.messages import EntityRequest
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.history import FailureDetails
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.text import json_text, well_formed
from fnhost.host.rpc import durabletask_pb2 as pb


def batch_request(us: EntityId, entity: Entity, operations: Sequence[EntityRequest]) -> pb.EntityBatchRequest:
    """An entity without a state does not exist."""
    return pb.EntityBatchRequest(
        instance_id=str(us),
        entity_state=text(entity.state) if entity.exists else None,
        operations=[
            pb.OperationRequest(operation=each.operation or "", request_id=each.id, input=text(each.input))
            for each in operations
        ],
    )


def batch_result(answer: pb.EntityBatchResult, operations: Sequence[EntityRequest]) -> EntityBatchResult:
    """Operations without a result wait for the next batch; if it failed, they fail. Raises InvalidWorkerResponse."""
    results = [_result(each) for each in answer.results]
    if answer.HasField("failure_details"):
        failed = _failed(failure_of(answer.failure_details))
        results += [failed] * (len(operations) - len(results))
    if len(results) > len(operations) or (operations and not results):
        raise InvalidWorkerResponse(f"the entity answered {len(results)} operations of {len(operations)}")
    state = optional(answer, "entity_state")
    return EntityBatchResult(
        exists=state is not None,
        state=state,
        results=tuple(results),
        signals=tuple(_signal(each.send_signal) for each in answer.actions if _kind(each) == "send_signal"),
        starts=tuple(
            _start(each.start_new_orchestration) for each in answer.actions if _kind(each) == "start_new_orchestration"
        ),
    )


def _kind(action: pb.OperationAction) -> str:
    """Raises InvalidWorkerResponse."""
    kind: str | None = action.WhichOneof("operation_action_type")
    if kind is None:
        raise InvalidWorkerResponse("the entity asked for an action that this host does not know")
    return kind


def _result(result: pb.OperationResult) -> OperationResult:
    if result.WhichOneof("result_type") == "failure":
        return _failed(failure_of(result.failure.failure_details))
    return OperationResult(optional(result.success, "result"))


def _failed(failure: FailureDetails) -> OperationResult:
    return OperationResult(json_text(failure.error_message), is_error=True, failure=failure)


def _signal(signal: pb.SendSignalAction) -> Signal:
    due = instant_of(signal.scheduled_time) if signal.HasField("scheduled_time") else None
    target = EntityId.of(well_formed(signal.instance_id))
    return Signal(target, well_formed(signal.name), optional(signal, "input"), due)


def _start(start: pb.StartNewOrchestrationAction) -> OrchestrationStart:
    return OrchestrationStart(
        name=well_formed(start.name),
        instance_id=well_formed(start.instance_id) or None,
        version=optional(start, "version") or "",
        input=optional(start, "input"),
        due=instant_of(start.scheduled_time) if start.HasField("scheduled_time") else None,
    )
