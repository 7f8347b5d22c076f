"""Runs that a page asks for: requests go through the front like those of any client, other functions get an event."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.types import ASGIApp

from fnhost.bindings.contract import InvocationError
from fnhost.host.app import Function
from fnhost.host.endpoints import endpoint_of
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.dashboard.answers import ApiError, member
from fnhost.host.web.dashboard.payloads import keep_response, shown_response
from fnhost.host.web.dashboard.recording import RecordedInvocation, RequestedCall, calling
from fnhost.host.web.dashboard.requests import OutgoingRequest, Response, again, read_outgoing, send
from fnhost.host.web.keys import HOST, MASTER, Keys

AGAIN = "This function was sent again from the dashboard."
KEY_HEADER = "x-functions-key"
BY_OTHERS = {
    "orchestrationtrigger": "An orchestrator runs with its instance: start one, or restart this one.",
    "entitytrigger": "An entity runs with its operations: signal it.",
}


class Caller:
    """`keys` are those that the front demands, None if it demands none; `address` is the host's origin."""

    def __init__(self, front: ASGIApp, tasks: BackgroundTasks, keys: Keys | None, address: str) -> None:
        self._front, self._tasks, self._keys = front, tasks, keys
        self._scheme, _, self._host = address.partition("://")

    async def call(self, view: ActiveApp, function: Function, members: Mapping[str, Any]) -> dict[str, Any]:
        """Run a function with what a page gives: `{input}`, or for HTTP a request. Raises ApiError."""
        if endpoint := endpoint_of(function, view.app.config):
            if "{" in endpoint.path and member(members, "path", str) is None:
                raise ApiError(400, f"The address of '{function.name}' has route values: give its 'path'.")
            methods = endpoint.methods or ("POST" if member(members, "body", str) else "GET",)
            request = read_outgoing(members, OutgoingRequest(methods[0], f"/{endpoint.path}"))
            return await self._request(request if is_open(function) else self._with_key(request))
        return await self._fire_manually(view, function, members)

    async def again(self, view: ActiveApp, row: RecordedInvocation, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Run a function with what it ran with before, but for the changes. Raises ApiError."""
        function = next((one for one in view.app.functions if one.name == row.function), None)
        if function is None:
            raise ApiError(409, f"The function '{row.function}' is not in the app any more.")
        if row.request:
            before = again(row.request) if "body" not in changes and "body_base64" not in changes else None
            return await self._request(read_outgoing(changes, before or again(row.request.without_body)), row.id)
        if "input" in changes:
            return await self._fire_manually(view, function, changes, row.id)
        if row.event is None:
            raise ApiError(409, "What it ran with is not kept whole, so that it cannot be sent again.")
        self._refuse(function)
        event, fire = replace(row.event, reason=AGAIN), view.fires[function.name]
        return {"invocation": await self._begin(function.name, lambda: fire(event), row.id), "response": None}

    async def _fire_manually(
        self, view: ActiveApp, function: Function, members: Mapping[str, Any], again_of: str = ""
    ) -> dict[str, Any]:
        self._refuse(function)
        given = members.get("input")
        text = "" if given is None else given if isinstance(given, str) else json.dumps(given)
        work = lambda: view.fire_manually(function.name, text)  # noqa: E731
        return {"invocation": await self._begin(function.name, work, again_of), "response": None}

    def _refuse(self, function: Function) -> None:
        if reason := BY_OTHERS.get(function.trigger.type):
            raise ApiError(409, reason)

    async def _begin(self, name: str, work: Callable[[], Awaitable[object]], again_of: str) -> str:
        """The id of the invocation, once it has begun. Raises ApiError if none begins."""
        failures: list[InvocationError] = []

        async def run() -> None:
            try:
                await work()
            except InvocationError as error:  # the log says it, once the invocation has begun
                failures.append(error)

        call = await self._run(name, run, again_of)
        if call.invocation.done():
            return call.invocation.result()
        raise ApiError(400, str(failures[0]) if failures else f"'{name}' was not run.")

    def _with_key(self, request: OutgoingRequest) -> OutgoingRequest:
        """Whoever opened the dashboard has shown the master key, where keys are demanded."""
        if self._keys is None or request.has_header(KEY_HEADER) or "code=" in request.target:
            return request
        return replace(request, headers=(*request.headers, (KEY_HEADER, self._keys.of(HOST)[MASTER])))

    async def _request(self, request: OutgoingRequest, again_of: str = "") -> dict[str, Any]:
        """The response is told here only if no function was called: else it comes with the invocation."""
        failures: list[ApiError] = []
        responses: list[Response] = []

        async def run() -> None:
            try:
                responses.append(await send(self._front, request, self._host, self._scheme))
            except ApiError as error:
                failures.append(error)

        call = await self._run(request.target, run, again_of)
        if call.invocation.done():
            return {"invocation": call.invocation.result(), "response": None}
        if failures:
            raise failures[0]
        answer = responses[0]
        return {
            "invocation": None,
            "response": shown_response(keep_response(answer.status, answer.headers, answer.body)),
        }

    async def _run(self, name: str, work: Callable[[], Awaitable[None]], again_of: str) -> RequestedCall:
        """Run it in a task of its own; return when an invocation has begun, or when it ends without one."""
        call = RequestedCall(again_of)

        async def run() -> None:
            with calling(call):
                await work()

        task = self._tasks.spawn(f"A run of {name} that a page asked for", run())
        waiting: set[asyncio.Future[Any]] = {task, call.invocation}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        return call


def is_open(function: Function) -> bool:
    """Whether its endpoint asks for no key."""
    return str(function.trigger.properties.get("authLevel") or "").lower() == "anonymous"
