"""The API that steers instances: start, the verbs, and batches of them."""

import uuid
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from fnhost.host.durable.client import ClientError, DurableClient
from fnhost.host.durable.insight.index import Filter
from fnhost.host.durable.model.errors import AlreadyExists, HubError
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.model.text import json_text
from fnhost.host.web.dashboard.answers import ApiError, answer, member, read_members
from fnhost.host.web.dashboard.durable.filters import read_filter
from fnhost.host.web.dashboard.durable.verbs import VERBS, refusal
from fnhost.host.web.dashboard.durable.view import HubView, telling

BATCH_VERBS = tuple(verb for verb in VERBS if verb != "raise")
MOST_BATCH = 50_000
MOST_ERRORS = 20
PROGRESS_EVERY = 10


def action_routes(view: HubView) -> list[BaseRoute]:
    async def start(request: Request) -> Response:
        members = await read_members(request)
        name = member(members, "name", str)
        if not name:
            raise ApiError(400, 'The body has to name an orchestrator: {"name": ...}.')
        given = json_text(members["input"]) if members.get("input") is not None else None
        version, id = member(members, "version", str), member(members, "id", str)
        return answer({"id": await view.insight.client.start(name, id or None, given, version)}, 201)

    async def verb(request: Request) -> Response:
        name, members = request.path_params["verb"], await read_members(request)
        if name not in VERBS:
            raise ApiError(404, f"'{name}' is nothing that can be done with an instance. There is {', '.join(VERBS)}.")
        instance = await view.expect(request)
        return answer(await applied(view.insight.client, instance, name, members), 202)

    async def batch(request: Request) -> Response:
        members = await read_members(request)
        name, ids = member(members, "verb", str, ""), await wanted_ids(view, members)
        if name not in BATCH_VERBS:
            raise ApiError(400, f"'{name}' is no verb for many. Take one of {', '.join(BATCH_VERBS)}.")
        job = Job(view, name, members)
        view.tasks.spawn(f"The dashboard's batch {name}", job.run(ids))
        return answer({"job": job.id, "of": len(ids)}, 202)

    return [
        Route("/instances", telling(start), methods=["POST"]),
        Route("/instances/batch", telling(batch), methods=["POST"]),
        Route("/instances/{id}/{verb}", telling(verb), methods=["POST"]),
    ]


async def applied(
    client: DurableClient, instance: Instance, verb: str, members: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Do it. Raises ApiError 409 where the state forbids it, and what the client raises."""
    if reason := refusal(verb, instance.status):
        raise ApiError(409, reason)
    id, why = instance.id, member(members, "reason", str)
    match verb:
        case "raise":
            name = member(members, "name", str)
            if not name:
                raise ApiError(400, 'The body has to name the event: {"name": ..., "data": ...}.')
            await client.raise_event(id, name, json_text(members.get("data")))
        case "suspend":
            await client.suspend(id, why)
        case "resume":
            await client.resume(id, why)
        case "terminate":
            await client.terminate(id, why)
        case "rewind":
            await client.rewind(id, why)
        case "restart":
            return {"id": await client.restart(id, same_id=not member(members, "new_id", bool, True))}
        case "purge":
            return {"id": id, "deleted": (await client.purge(id)).instances}
    return {"id": id}


async def wanted_ids(view: HubView, members: Mapping[str, Any]) -> list[str]:
    """Those that a batch names, or that its filter lets through. Raises ApiError, HubError."""
    if (named := member(members, "ids", list)) is not None:
        return [str(each) for each in named[:MOST_BATCH]]
    if (given := member(members, "filter", dict)) is None:
        raise ApiError(400, "Name the instances by 'ids', or by a 'filter'; an empty filter is all of them.")
    return await _filtered(view, read_filter(given, view.insight.clock))


async def _filtered(view: HubView, wanted: Filter) -> list[str]:
    ids, token = list[str](), None
    while len(ids) < MOST_BATCH:
        page = await view.insight.index.list(wanted, "id", 1000, token)
        ids += [row.id for row in page.rows]
        if (token := page.token) is None:
            break
    return ids


class Job:
    """One verb for many instances, one after the other; pages that read its topic are told how far it is."""

    def __init__(self, view: HubView, verb: str, members: Mapping[str, Any]) -> None:
        self.id = uuid.uuid4().hex
        self._view, self._verb, self._members = view, verb, members
        self._done = self._failed = 0
        self._errors: list[dict[str, str]] = []

    async def run(self, ids: list[str]) -> None:
        for number, id in enumerate(ids, 1):
            try:
                await applied(self._view.insight.client, await self._expect(id), self._verb, self._members)
                self._done += 1
            except (ClientError, HubError, ApiError, AlreadyExists) as error:
                self._failed += 1
                if len(self._errors) < MOST_ERRORS:
                    self._errors.append({"id": id, "error": str(error)})
            if number % PROGRESS_EVERY == 0:
                self._tell(len(ids))
        self._tell(len(ids))

    async def _expect(self, id: str) -> Instance:
        return await self._view.insight.client.expect(id)

    def _tell(self, of: int) -> None:
        told = {"job": self.id, "verb": self._verb, "done": self._done, "failed": self._failed, "of": of}
        for topic in (f"job:{self.id}", "instances"):
            self._view.live.publish(topic, "job", {**told, "errors": self._errors}, key=self.id)
