"""The tools of the Model Context Protocol, thin over the host's admin endpoints, routes and management API.

A tool's docstring is what a model reads of it.
"""

from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field

from fnhost.host.web.mcp.client import MANAGEMENT, HostClient, Query, answer, as_json, read_json

Members = dict[str, Any]
Status = Literal["Pending", "Running", "Completed", "ContinuedAsNew", "Failed", "Canceled", "Terminated", "Suspended"]
Level = Literal["Trace", "Debug", "Information", "Warning", "Error", "Critical"]
InstanceId = Annotated[str, Field(description="The id of the orchestration instance.")]
Reason = Annotated[str, Field(description="Why; kept with the instance.")]
Moment = Annotated[str, Field(description="ISO 8601, in UTC: 2024-05-01T08:00:00Z.")]
Count = Annotated[int, Field(ge=1, le=1000)]
TOKEN = "x-ms-continuation-token"


class Tools:
    """One method for each tool. They raise ToolError."""

    def __init__(self, host: HostClient) -> None:
        self._host = host

    # --- functions, logs, problems

    async def list_functions(self) -> Members:
        """List the app's functions that can be served: trigger, bindings, and for HTTP address and methods.

        Those that are broken are listed by list_problems.
        """
        found = await self._host.json("GET", "/admin/functions")
        return {"functions": [_function(each) for each in found]}

    async def call_http_function(
        self,
        path: Annotated[str, Field(description="Path with query, as `/api/hello?name=Ada`: see list_functions.")],
        method: str = "GET",
        headers: Annotated[dict[str, str] | None, Field(description="By name.")] = None,
        body: Annotated[str, Field(description="Sent as JSON unless headers name a content-type.")] = "",
    ) -> Members:
        """Call a function that has an HTTP trigger, and return its answer: status, headers, body.

        What it does is up to the function. What it logged is shown by get_logs.
        """
        response = await self._host.ask(method.upper(), f"/{path.lstrip('/')}", None, body or None, headers)
        return answer(response)

    async def run_function(
        self,
        name: Annotated[str, Field(description="The function.")],
        input: Annotated[
            str, Field(description="A queue's message, a blob as container/name, an activity's input as JSON.")
        ] = "",
    ) -> Members:
        """Run a timer, queue, blob, activity or manually triggered function once, now.

        It runs in the background. Ask get_logs with the `after` of the answer and this function for what became of it.
        """
        before = await self._last_number()
        await self._host.json("POST", f"/admin/functions/{_segment(name)}", None, as_json({"input": input}))
        return {"accepted": True, "after": before}

    async def get_logs(
        self,
        function: Annotated[str, Field(description="Of this function alone.")] = "",
        invocation: Annotated[str, Field(description="Of the invocation with this id alone.")] = "",
        instance: Annotated[str, Field(description="Of the orchestration instance with this id alone.")] = "",
        level: Annotated[Level, Field(description="The lowest level.")] = "Information",
        after: Annotated[int, Field(ge=0, description="Records with a higher number.")] = 0,
        top: Annotated[Count, Field(description="At most so many, the last ones.")] = 100,
    ) -> Members:
        """Show the host's last log records, the newest at the end: what functions log and print, why they failed."""
        query: Query = {
            "function": function,
            "invocation": invocation,
            "instance": instance,
            "level": level,
            "after": after,
            "top": top,
        }
        found: Members = await self._host.json("GET", "/admin/host/logs", query)
        return found

    async def list_problems(self) -> Members:
        """List what is wrong with the app, with file and place.

        `refused` is what keeps the files that were saved last from service: the version before goes on meanwhile.
        `problems` and `failures` are of functions that are left out of the version in service.
        """
        found: Members = await self._host.json("GET", "/admin/host/problems")
        return found

    async def _last_number(self) -> int:
        found = await self._host.json("GET", "/admin/host/logs", {"top": 1})
        return max((record["number"] for record in found["records"]), default=0)

    # --- instances

    async def list_instances(
        self,
        status: Annotated[list[Status] | None, Field(description="In one of these.")] = None,
        id_prefix: Annotated[str, Field(description="Whose id begins so.")] = "",
        created_from: Moment = "",
        created_to: Moment = "",
        top: Annotated[Count, Field(description="At most so many.")] = 100,
        token: Annotated[str, Field(description="The `token` of the page before.")] = "",
    ) -> Members:
        """List orchestration instances, and entities, in the order of their ids, with status and custom status.

        With a `token` in the answer there are more.
        """
        query = _filter(status, created_from, created_to) | {"instanceIdPrefix": id_prefix, "top": top}
        headers = {TOKEN: token} if token else None
        response = await self._host.ask("GET", f"{MANAGEMENT}/instances", query, None, headers)
        return {"instances": read_json(response), "token": response.headers.get(TOKEN, "")}

    async def get_instance(
        self,
        id: InstanceId,
        history: Annotated[bool, Field(description="With its history: what it has done and waits for.")] = False,
    ) -> Members:
        """Show an orchestration instance: status, custom status, input, output, times; if asked for, its history."""
        query = {"showHistory": history, "showHistoryOutput": history}
        found: Members = await self._host.json("GET", _instance(id), query)
        return found

    async def start_orchestration(
        self,
        name: Annotated[str, Field(description="The orchestrator function.")],
        input: Annotated[Any, Field(description="Any JSON value.")] = None,
        id: Annotated[str, Field(description="The id of the new instance; one is made if it is empty.")] = "",
    ) -> Members:
        """Start an orchestration, and return the id of its instance."""
        path = f"{MANAGEMENT}/orchestrators/{_segment(name)}{f'/{_segment(id)}' if id else ''}"
        return _id_of(await self._host.json("POST", path, None, None if input is None else as_json(input)))

    async def raise_event(
        self,
        id: InstanceId,
        name: Annotated[str, Field(description="The event that the instance waits for.")],
        data: Annotated[Any, Field(description="Any JSON value.")] = None,
    ) -> Members:
        """Send an orchestration instance an event."""
        return await self._steer(f"raiseEvent/{_segment(name)}", id, body=as_json(data))

    async def suspend_instance(self, id: InstanceId, reason: Reason = "") -> Members:
        """Halt an orchestration instance until it is resumed."""
        return await self._steer("suspend", id, {"reason": reason})

    async def resume_instance(self, id: InstanceId, reason: Reason = "") -> Members:
        """Let a suspended orchestration instance go on."""
        return await self._steer("resume", id, {"reason": reason})

    async def rewind_instance(self, id: InstanceId, reason: Reason = "") -> Members:
        """Let a failed orchestration instance try again what failed, with the app's present code."""
        return await self._steer("rewind", id, {"reason": reason})

    async def terminate_instance(self, id: InstanceId, reason: Reason = "") -> Members:
        """End an orchestration instance. It cannot be continued."""
        return await self._steer("terminate", id, {"reason": reason})

    async def restart_instance(
        self,
        id: InstanceId,
        new_id: Annotated[bool, Field(description="False: under the same id, and what it did before is lost.")] = True,
    ) -> Members:
        """Start the orchestrator of an instance again with the same input, and return the id of the instance."""
        query = {"restartWithNewInstanceId": new_id}
        return _id_of(await self._host.json("POST", f"{_instance(id)}/restart", query))

    async def purge_instance(self, id: InstanceId) -> Members:
        """Delete an orchestration instance that has ended, with its history."""
        found: Members = await self._host.json("DELETE", _instance(id))
        return found

    async def purge_instances(
        self,
        created_from: Moment,
        created_to: Moment = "",
        status: Annotated[list[Status] | None, Field(description="In one of these.")] = None,
    ) -> Members:
        """Delete all orchestration instances that have ended and were created in this time, with their histories."""
        response = await self._host.ask("DELETE", f"{MANAGEMENT}/instances", _filter(status, created_from, created_to))
        return {"instancesDeleted": 0} if response.status_code == 404 else read_json(response)

    async def _steer(self, verb: str, id: str, query: Members | None = None, body: str | None = None) -> Members:
        await self._host.json("POST", f"{_instance(id)}/{verb}", query, body)
        return {"accepted": True, "instanceId": id}


def _function(described: Members) -> Members:
    config = described["config"]
    bindings = config.get("bindings", [])
    trigger: Members = next((each for each in bindings if str(each.get("type", "")).lower().endswith("trigger")), {})
    return {
        "name": described["name"],
        "trigger": trigger.get("type"),
        "url": described["invoke_url_template"],
        "methods": trigger.get("methods"),
        "authLevel": trigger.get("authLevel"),
        "language": described["language"],
        "isDisabled": described["isDisabled"],
        "bindings": bindings,
    }


def _filter(status: list[Status] | None, created_from: str, created_to: str) -> dict[str, str | int]:
    return {
        "runtimeStatus": ",".join(status or ()),
        "createdTimeFrom": created_from,
        "createdTimeTo": created_to,
    }


def _instance(id: str) -> str:
    return f"{MANAGEMENT}/instances/{_segment(id)}"


def _segment(text: str) -> str:
    """A text as one segment of a path."""
    return quote(text, "@:")


def _id_of(links: Members) -> Members:
    return {"instanceId": links["id"]}
