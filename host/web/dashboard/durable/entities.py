"""The API of entities: the list, the state and queue of each, what it has done, and signals."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fnhost.host.durable.entities.entity import EXISTS, Entity, read_entity
from fnhost.host.durable.entities.messages import EntityRequest
from fnhost.host.durable.insight.hub import Operation
from fnhost.host.durable.model.errors import UnreadableRecord
from fnhost.host.durable.model.ids import EntityId, is_entity
from fnhost.host.durable.model.states import Instance, Query
from fnhost.host.durable.model.text import json_text
from fnhost.host.durable.runtime.entity_session import error_text
from fnhost.host.web.dashboard.answers import ApiError, answer, member, number, read_members, single
from fnhost.host.web.dashboard.durable.shapes import value_of
from fnhost.host.web.dashboard.durable.view import HubView, telling

MOST = 1000
SHOWN_STATE = 300
EMPTY_KEY = "$"


def entity_routes(view: HubView) -> list[BaseRoute]:
    async def listed(request: Request) -> Response:
        query = request.query_params
        view.insight.is_used = True
        name, prefix = query.get("name", "").lower(), query.get("prefix", "")
        found = f"@{name}@{prefix}" if name else f"@{prefix.lower()}"
        page = await view.insight.client.list(
            Query(prefix=found), number(request, "top", 100, MOST), query.get("token") or None
        )
        rows = [row for each in page.instances if is_entity(each.id) and (row := entity_row(view, each))]
        names = [str(each) for each in view.insight.engine.names("entity")]
        return answer({"items": rows, "token": page.token, "names": names, "kind": None if rows else "empty"})

    async def one(request: Request) -> Response:
        view.insight.is_used = True
        us = entity_of(request)
        if (found := await view.insight.client.find(str(us))) is None:
            raise ApiError(404, f"There is no entity '{us.name}' with the key '{us.key}'.")
        return single(request, entity_json(view, found))

    async def signal(request: Request) -> Response:
        members, us = await read_members(request), entity_of(request)
        operation = member(members, "operation", str)
        if not operation:
            raise ApiError(400, 'The body has to name the operation: {"operation": ..., "input": ...}.')
        given = json_text(members["input"]) if members.get("input") is not None else None
        view.insight.is_used = True
        await view.insight.client.signal(us, operation, given)
        return answer({"id": str(us)}, 202)

    return [
        Route("/entities", telling(listed)),
        Route("/entities/{name}/{key}", telling(one)),
        Route("/entities/{name}/{key}/signal", telling(signal), methods=["POST"]),
    ]


def entity_of(request: Request) -> EntityId:
    key = request.path_params["key"]
    return EntityId(request.path_params["name"].lower(), "" if key == EMPTY_KEY else key)


def entity_row(view: HubView, instance: Instance) -> dict[str, Any] | None:
    """None for one that does not exist, holds no lock and has nothing to do."""
    try:
        entity = read_entity(instance.input)
    except UnreadableRecord:
        return None
    if not (entity.exists or entity.queue or entity.locked_by or EXISTS in (instance.custom_status or "")):
        return None
    us, operations = EntityId.of(instance.id), view.insight.operations(instance.id)
    state = entity.state
    return {
        "id": instance.id,
        "name": us.name,
        "key": us.key,
        "exists": entity.exists,
        "state": None if state is None else {"text": state[:SHOWN_STATE], "cut": len(state) > SHOWN_STATE},
        "locked_by": entity.locked_by,
        "queue": len(entity.queue),
        "updated": instance.updated,
        "last": operation_json(operations[0]) if operations else None,
    }


def entity_json(view: HubView, instance: Instance) -> dict[str, Any]:
    """Raises ApiError."""
    try:
        entity: Entity = read_entity(instance.input)
    except UnreadableRecord as error:
        raise ApiError(500, f"The state of the entity cannot be read: {error}") from error
    us = EntityId.of(instance.id)
    return {
        "id": instance.id,
        "name": us.name,
        "key": us.key,
        "exists": entity.exists,
        "state": value_of(entity.state),
        "state_text": entity.state,
        "locked_by": entity.locked_by,
        "queue": [request_json(each) for each in entity.queue],
        "updated": instance.updated,
        "operations": [operation_json(each) for each in view.insight.operations(instance.id)],
    }


def request_json(request: EntityRequest) -> dict[str, Any]:
    return {
        "operation": request.operation,
        "is_signal": request.is_signal,
        "is_lock": request.is_lock,
        "parent": request.parent,
        "input": value_of(request.input),
        "due": request.due,
    }


def operation_json(operation: Operation) -> dict[str, Any]:
    return {
        "at": operation.at,
        "operation": operation.operation,
        "is_signal": operation.is_signal,
        "input": value_of(operation.input),
        "result": None if operation.is_error else value_of(operation.result),
        "error": error_text(operation.result) if operation.is_error else None,
        "parent": operation.parent,
    }
