"""The protobuf form for programs that take their work from a stream: there activities and entities get messages too."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fnhost.bindings.contract import Json, Value
from fnhost.host.durable.dialects.dialect import Dialect, result_text
from fnhost.host.durable.dialects.protobuf.dialect import ProtobufDialect
from fnhost.host.durable.dialects.protobuf.values import filled, optional_timestamp, text
from fnhost.host.durable.entities.entity import Entity
from fnhost.host.durable.entities.messages import EntityRequest
from fnhost.host.durable.model.history import Execution, TaskScheduled
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.text import well_formed
from fnhost.host.rpc import durabletask_pb2 as pb


@dataclass(frozen=True, slots=True)
class StreamedDialect(ProtobufDialect):
    """See platform/durable-protobuf.md 9."""

    def activity_input(self, item: TaskScheduled, target: Execution) -> Value:
        request = pb.ActivityRequest(
            name=item.name,
            version=filled(item.version),
            input=text(item.input),
            orchestration_instance=pb.OrchestrationInstance(
                instance_id=target.instance_id, execution_id=text(target.execution_id)
            ),
            task_id=item.event_id,
            tags=item.tags,
        )
        return base64.b64encode(request.SerializeToString()).decode()

    def activity_result(self, returned: Value) -> str | None:
        """The text as it came: what is in it is between an orchestrator and its activity, and need be no JSON."""
        return well_formed(returned.text) if isinstance(returned, Json) else result_text(returned)

    def batch(self, us: EntityId, entity: Entity, operations: Sequence[EntityRequest]) -> str:
        request = pb.EntityRequest(
            instance_id=str(us),
            entity_state=text(entity.state) if entity.exists else None,
            operation_requests=map(_operation, operations),
        )
        return base64.b64encode(request.SerializeToString()).decode()


STREAMED: Final[Dialect] = StreamedDialect()


def _operation(request: EntityRequest) -> pb.HistoryEvent:
    if request.is_signal:
        signaled = pb.EntityOperationSignaledEvent(
            request_id=request.id,
            operation=request.operation or "",
            scheduled_time=optional_timestamp(request.due),
            input=text(request.input),
        )
        return pb.HistoryEvent(event_id=-1, entity_operation_signaled=signaled)
    called = pb.EntityOperationCalledEvent(
        request_id=request.id,
        operation=request.operation or "",
        input=text(request.input),
        parent_instance_id=text(request.parent),
        parent_execution_id=text(request.parent_execution),
    )
    return pb.HistoryEvent(event_id=-1, entity_operation_called=called)
