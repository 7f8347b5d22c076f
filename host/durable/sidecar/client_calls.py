"""What clients ask: each call of the service is a function of the task hub's client and the request.

Rules from platform/durable-protobuf.md 8.
"""

from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from dataclasses import replace

from fnhost.host.durable.client import (
    ClientError,
    DurableClient,
    Finished,
    NotFinished,
    NotFound,
    WrongState,
)
from fnhost.host.durable.dialects.protobuf.events import event_message
from fnhost.host.durable.dialects.protobuf.values import instant_of, optional, text
from fnhost.host.durable.entities.entity import Entity, EntityLimits, read_entity
from fnhost.host.durable.model.history import TERMINAL, RuntimeStatus
from fnhost.host.durable.model.ids import EntityId, read_entity_id
from fnhost.host.durable.model.instants import Instant, later, utc_now
from fnhost.host.durable.model.states import Instance, PurgeResult, Query
from fnhost.host.durable.sidecar.states import entity_message, failure_in, state_message
from fnhost.host.durable.storage.hub import all_of
from fnhost.host.rpc import durabletask_pb2 as pb

PAGE = 100
"""Instances of a page, and events of a chunk, where nothing else is asked for."""
LONGEST = 10 * 365 * 86400.0
"""Seconds: a wait ends with the deadline of its call, or when the caller gives up."""
INTERVAL = 1.0
"""Seconds between two looks at what another host may have recorded."""


class BadRequest(ClientError):
    """A request lacks what it needs, or holds what nothing can be made of."""


class NotAllowed(ClientError):
    """This host does not do that."""


# --- orchestrations ---------------------------------------------------------------------------------------------------


async def start_instance(client: DurableClient, request: pb.CreateInstanceRequest) -> pb.CreateInstanceResponse:
    if not request.name:
        raise BadRequest("The name of the orchestrator is missing.")
    policy = _statuses(request.orchestration_id_reuse_policy.replaceable_status)
    instance = await client.start(
        request.name,
        request.instance_id or None,
        optional(request, "input"),
        optional(request, "version"),
        at=_time(request, "scheduled_start_timestamp"),
        tags=dict(request.tags),
        overridable=policy or None,
    )
    return pb.CreateInstanceResponse(instance_id=instance)


async def get_instance(client: DurableClient, request: pb.GetInstanceRequest) -> pb.GetInstanceResponse:
    return await _response(client, await client.find(_id(request)), request)


async def wait_for_instance_start(client: DurableClient, request: pb.GetInstanceRequest) -> pb.GetInstanceResponse:
    return await _response(client, await client.wait_for_start(_id(request), INTERVAL), request)


async def wait_for_instance_completion(client: DurableClient, request: pb.GetInstanceRequest) -> pb.GetInstanceResponse:
    try:
        found = await client.wait(_id(request), LONGEST, INTERVAL)
    except NotFound:
        return pb.GetInstanceResponse(exists=False)
    return await _response(client, found, request)


async def _response(
    client: DurableClient, found: Instance | None, request: pb.GetInstanceRequest
) -> pb.GetInstanceResponse:
    if found is None:
        return pb.GetInstanceResponse(exists=False)
    with_texts, failure = request.get_inputs_and_outputs, None
    if with_texts and found.status is RuntimeStatus.Failed:
        failure = failure_in(await client.history(found))
    state = state_message(found, with_texts=with_texts, failure=failure)
    return pb.GetInstanceResponse(exists=True, orchestration_state=state)


async def raise_event(client: DurableClient, request: pb.RaiseEventRequest) -> pb.RaiseEventResponse:
    await client.raise_event(_id(request), request.name, optional(request, "input"))
    return pb.RaiseEventResponse()


async def terminate_instance(client: DurableClient, request: pb.TerminateRequest) -> pb.TerminateResponse:
    """A scheduler has nothing to say against ending what has ended: SDKs do so before they purge."""
    reason = optional(request, "output")
    try:
        await _told("terminate", client.terminate(_id(request), reason, recursive=request.recursive))
    except WrongState:
        if not client.engine.takes_any_name:
            raise
    return pb.TerminateResponse()


async def suspend_instance(client: DurableClient, request: pb.SuspendRequest) -> pb.SuspendResponse:
    await _told("suspend", client.suspend(_id(request), optional(request, "reason")))
    return pb.SuspendResponse()


async def resume_instance(client: DurableClient, request: pb.ResumeRequest) -> pb.ResumeResponse:
    await _told("resume", client.resume(_id(request), optional(request, "reason")))
    return pb.ResumeResponse()


async def rewind_instance(client: DurableClient, request: pb.RewindInstanceRequest) -> pb.RewindInstanceResponse:
    await client.rewind(_id(request), optional(request, "reason"))
    return pb.RewindInstanceResponse()


async def restart_instance(client: DurableClient, request: pb.RestartInstanceRequest) -> pb.RestartInstanceResponse:
    before = await client.expect(_id(request))
    if not before.status.is_terminal and not request.restart_with_new_instance_id:
        raise WrongState("restart", before.id, before.status)
    instance = await client.restart(before.id, same_id=not request.restart_with_new_instance_id)
    return pb.RestartInstanceResponse(instance_id=instance)


async def query_instances(client: DurableClient, request: pb.QueryInstancesRequest) -> pb.QueryInstancesResponse:
    asked = request.query
    query = Query(
        created_from=_time(asked, "created_time_from"),
        created_to=_time(asked, "created_time_to"),
        statuses=_statuses(asked.runtime_status),
        prefix=asked.instance_id_prefix.value,
        with_input=asked.fetch_inputs_and_outputs,
    )
    page = await client.list(query, _size(asked.max_instance_count), asked.continuation_token.value or None)
    return pb.QueryInstancesResponse(
        orchestration_state=[
            state_message(each, with_texts=asked.fetch_inputs_and_outputs)
            for each in page.instances
            if not each.id.startswith("@")
        ],
        continuation_token=text(page.token),
    )


async def list_instance_ids(client: DurableClient, request: pb.ListInstanceIdsRequest) -> pb.ListInstanceIdsResponse:
    """Ended instances in the order of their ends."""
    statuses = _statuses(request.runtime_status) or TERMINAL
    query = Query(statuses=statuses, with_input=False)
    first, last = _time(request, "completed_time_from"), _time(request, "completed_time_to")
    ended = [
        (each.completed, each.id)
        async for each in all_of(client.hub, query)
        if each.completed and (first or "") <= each.completed <= (last or each.completed)
    ]
    after = request.last_instance_key.value
    left = sorted(each for each in ended if f"{each[0]} {each[1]}" > after)
    size = _size(request.page_size)
    page = left[:size]
    key = f"{page[-1][0]} {page[-1][1]}" if len(left) > size else None
    return pb.ListInstanceIdsResponse(instance_ids=[id for _, id in page], last_instance_key=text(key))


async def stream_instance_history(
    client: DurableClient, request: pb.StreamInstanceHistoryRequest
) -> AsyncIterator[pb.HistoryChunk]:
    history = await client.history(await client.expect(_id(request)))
    for begin in range(0, len(history), PAGE):
        yield pb.HistoryChunk(events=map(event_message, history[begin : begin + PAGE]))


async def purge_instances(client: DurableClient, request: pb.PurgeInstancesRequest) -> pb.PurgeInstancesResponse:
    match request.WhichOneof("request"):
        case "instance_id":
            purged = await _purged(client, [request.instance_id], request.recursive)
        case "instance_batch":
            purged = await _purged(client, request.instance_batch.instance_ids, request.recursive)
        case "purge_instance_filter":
            purged = await _purged_by(client, request.purge_instance_filter, request.recursive)
        case _:
            raise BadRequest("Say what to purge: an instance, several of them, or a filter.")
    response = pb.PurgeInstancesResponse(deleted_instance_count=purged.instances)
    response.is_complete.value = True
    return response


async def _purged(client: DurableClient, ids: Iterable[str], recursive: bool) -> PurgeResult:
    """Unknown ids and running instances are left out, without an error."""
    purged = PurgeResult()
    for id in ids:
        try:
            purged += await (client.purge_whole(id) if recursive else client.purge(id))
        except (NotFound, NotFinished):
            continue
    return purged


async def _purged_by(client: DurableClient, asked: pb.PurgeInstanceFilter, recursive: bool) -> PurgeResult:
    query = Query(
        created_from=_time(asked, "created_time_from"),
        created_to=_time(asked, "created_time_to"),
        statuses=_statuses(asked.runtime_status),
        with_input=False,
    )
    if not recursive:
        return await client.purge_by(query)
    ended = replace(query, statuses=query.statuses & TERMINAL or TERMINAL)
    return await _purged(client, [each.id async for each in all_of(client.hub, ended)], recursive)


# --- entities ---------------------------------------------------------------------------------------------------------


async def signal_entity(client: DurableClient, request: pb.SignalEntityRequest) -> pb.SignalEntityResponse:
    await client.signal(
        _entity(request),
        request.name,
        optional(request, "input"),
        due=_time(request, "scheduled_time"),
        request_id=request.request_id or None,
    )
    return pb.SignalEntityResponse()


async def get_entity(client: DurableClient, request: pb.GetEntityRequest) -> pb.GetEntityResponse:
    found = await client.find(str(_entity(request)))
    entity = read_entity(found.input) if found else Entity()
    if found is None or not entity.exists:
        return pb.GetEntityResponse(exists=False)
    return pb.GetEntityResponse(exists=True, entity=entity_message(found, entity, with_state=request.include_state))


async def query_entities(client: DurableClient, request: pb.QueryEntitiesRequest) -> pb.QueryEntitiesResponse:
    asked = request.query
    query = Query(
        created_from=_time(asked, "last_modified_from"),
        created_to=_time(asked, "last_modified_to"),
        prefix=_entity_prefix(asked.instance_id_starts_with.value),
    )
    page = await client.list(query, _size(asked.page_size.value), asked.continuation_token.value or None)
    entities = ((each, read_entity(each.input)) for each in page.instances)
    return pb.QueryEntitiesResponse(
        entities=[
            entity_message(instance, entity, with_state=asked.include_state)
            for instance, entity in entities
            if entity.exists or asked.include_transient
        ],
        continuation_token=text(page.token),
    )


async def clean_entity_storage(
    client: DurableClient, request: pb.CleanEntityStorageRequest
) -> pb.CleanEntityStorageResponse:
    """Empty entities go when no message for them can come late any more, orphaned locks at once."""
    removed = released = 0
    before = later(utc_now(client.clock), -EntityLimits().window)
    for instance in [each async for each in all_of(client.hub, Query(prefix="@"))]:
        entity = read_entity(instance.input)
        if entity.locked_by is not None:
            if request.release_orphaned_locks:
                released += await client.release_orphaned_lock(instance.id, entity.locked_by)
        elif request.remove_empty_entities and _is_empty(entity) and instance.updated < before:
            removed += (await client.purge(instance.id)).instances
    return pb.CleanEntityStorageResponse(empty_entities_removed=removed, orphaned_locks_released=released)


def _is_empty(entity: Entity) -> bool:
    return not entity.exists and not entity.queue


def _entity(request: pb.SignalEntityRequest | pb.GetEntityRequest) -> EntityId:
    """Raises BadRequest."""
    try:
        return read_entity_id(request.instance_id)
    except ValueError as error:
        raise BadRequest(str(error)) from error


def _entity_prefix(asked: str) -> str:
    """Names are stored in lower case; keys keep theirs."""
    name, at, key = asked.removeprefix("@").partition("@")
    return f"@{name.lower()}{at}{key}"


# --- the hub ----------------------------------------------------------------------------------------------------------


async def create_task_hub(client: DurableClient, request: pb.CreateTaskHubRequest) -> pb.CreateTaskHubResponse:
    if request.recreate_if_exists:
        raise NotAllowed(KEEPS_DATA)
    await client.hub.create()
    return pb.CreateTaskHubResponse()


async def delete_task_hub(client: DurableClient, request: pb.DeleteTaskHubRequest) -> pb.DeleteTaskHubResponse:
    raise NotAllowed(KEEPS_DATA)


KEEPS_DATA = "This host does not delete its task hub over gRPC: that would delete the developer's data. Purge instead."


# --- parts of requests ------------------------------------------------------------------------------------------------


def _id(
    request: pb.GetInstanceRequest
    | pb.RaiseEventRequest
    | pb.TerminateRequest
    | pb.SuspendRequest
    | pb.ResumeRequest
    | pb.RewindInstanceRequest
    | pb.RestartInstanceRequest
    | pb.StreamInstanceHistoryRequest,
) -> str:
    """Raises BadRequest."""
    if not request.instance_id:
        raise BadRequest("The id of the instance is missing.")
    return request.instance_id


def _time(message: object, field: str) -> Instant | None:
    has: bool = message.HasField(field)  # type: ignore[attr-defined]
    return instant_of(getattr(message, field)) if has else None


def _statuses(asked: Sequence[int]) -> frozenset[RuntimeStatus]:
    """Raises BadRequest."""
    if unknown := sorted({each for each in asked if each not in _KNOWN}):
        raise BadRequest(f"There is no status of the number {unknown[0]}. The known ones are: {_LISTED}.")
    return frozenset(map(RuntimeStatus, asked))


_KNOWN = frozenset(each.value for each in RuntimeStatus)
_LISTED = ", ".join(f"{each.value} ({each.name})" for each in RuntimeStatus)


def _size(asked: int) -> int:
    """Of a page: one that is not positive is the usual one, as an unset one is."""
    return asked if asked > 0 else PAGE


async def _told(verb: str, call: Awaitable[None]) -> None:
    """An instance that has ended is told in the words of the platform. Raises WrongState, and what the call raises."""
    try:
        await call
    except Finished as error:
        raise WrongState(verb, error.instance, error.status) from error
