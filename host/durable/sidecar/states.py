"""Instances and entities as messages. Pure."""

from collections.abc import Iterable

from fnhost.host.durable.dialects.protobuf.values import (
    failure_message,
    failure_of_text,
    filled,
    optional_timestamp,
    text,
    timestamp,
)
from fnhost.host.durable.entities.entity import Entity
from fnhost.host.durable.model.history import ExecutionCompleted, FailureDetails, HistoryEvent, RuntimeStatus
from fnhost.host.durable.model.states import Instance
from fnhost.host.rpc import durabletask_pb2 as pb


def state_message(
    instance: Instance, *, with_texts: bool = True, failure: FailureDetails | None = None
) -> pb.OrchestrationState:
    """`with_texts`: with input, output and custom status. A failed instance has failure details and no output."""
    state = pb.OrchestrationState(
        instance_id=instance.id,
        name=instance.name,
        version=filled(instance.version),
        orchestration_status=instance.status.value,  # type: ignore[arg-type]
        scheduled_start_timestamp=optional_timestamp(instance.scheduled),
        created_timestamp=timestamp(instance.created),
        last_updated_timestamp=timestamp(instance.updated),
        execution_id=text(instance.execution_id),
        completed_timestamp=optional_timestamp(instance.completed),
        tags=instance.tags,
    )
    return _with_texts(state, instance, failure) if with_texts else state


def _with_texts(
    state: pb.OrchestrationState, instance: Instance, failure: FailureDetails | None
) -> pb.OrchestrationState:
    state.MergeFrom(pb.OrchestrationState(input=text(instance.input), custom_status=text(instance.custom_status)))
    if instance.status is RuntimeStatus.Failed:
        state.failure_details.CopyFrom(failure_message(failure or failure_of_text(instance.output or "")))
    else:
        state.MergeFrom(pb.OrchestrationState(output=text(instance.output)))
    return state


def failure_in(history: Iterable[HistoryEvent]) -> FailureDetails | None:
    """What an execution failed of, where its SDK told it in parts."""
    ends = (event.failure_details for event in history if isinstance(event, ExecutionCompleted))
    return next(ends, None)


def entity_message(instance: Instance, entity: Entity, *, with_state: bool) -> pb.EntityMetadata:
    return pb.EntityMetadata(
        instance_id=instance.id,
        last_modified_time=timestamp(instance.updated),
        backlog_queue_size=len(entity.queue),
        locked_by=text(entity.locked_by),
        serialized_state=text(entity.state) if with_state else None,
    )
