"""The binding types of Durable Functions: orchestration, activity and entity triggers, and the client binding.

Rules from platform/durable-http.md 2.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, Protocol
from urllib.parse import quote_plus, urlencode

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.contract import Adapter, Binding, BindingError, Event, Fire, Json, Outcome, Value
from fnhost.bindings.formats import compact
from fnhost.bindings.in_flight import EventsInFlight
from fnhost.bindings.schema import BOOLEAN, STRING, Violation, members

Kind = Literal["orchestrator", "activity", "entity"]
WEBHOOK = "/runtime/webhooks/durabletask"
MARKER = "\n\n$OutOfProcData$:"
"""Stands between the text of an orchestrator's exception and the state it left (platform/replay.md 4.2)."""


class DurableFunctions(Protocol):
    """The engine that runs orchestrators, activities and entities."""

    def serving(self, kind: Kind, name: str, fire: Fire) -> AbstractContextManager[None]:
        """Inside the block, `fire` is called for the function `name`."""


class OrchestrationStarter(Protocol):
    """Starts orchestrations."""

    async def start(self, name: str, instance: str | None = None, input: str | None = None) -> str: ...


@dataclass(frozen=True, slots=True)
class HubEndpoints:
    """The addresses of a hub's management API: `origin` like `http://localhost:7071`, `rpc` with a slash at its end.

    `grpc` is the origin of its gRPC service, for apps whose SDK speaks that.
    """

    origin: str
    hub: str
    connection: str = "Storage"
    key: str = ""
    rpc: str | None = None
    grpc: str | None = None
    forwarded: bool = False

    @property
    def base(self) -> str:
        return f"{self.origin}{WEBHOOK}"

    @property
    def code(self) -> str:
        return f"code={self.key}" if self.key else ""

    def links(self, instance: str) -> Mapping[str, str]:
        """The nine management URLs, with `instance` inserted unescaped."""
        at = f"{self.base}/instances/{instance}"
        query = "&".join(filter(None, (urlencode({"taskHub": self.hub, "connection": self.connection}), self.code)))
        return {
            "id": instance,
            "statusQueryGetUri": f"{at}?{query}",
            "sendEventPostUri": f"{at}/raiseEvent/{{eventName}}?{query}",
            "terminatePostUri": f"{at}/terminate?reason={{text}}&{query}",
            "rewindPostUri": f"{at}/rewind?reason={{text}}&{query}",
            "purgeHistoryDeleteUri": f"{at}?{query}",
            "restartPostUri": f"{at}/restart?{query}",
            "suspendPostUri": f"{at}/suspend?reason={{text}}&{query}",
            "resumePostUri": f"{at}/resume?reason={{text}}&{query}",
        }

    def started(self, instance: str) -> Mapping[str, str]:
        """The eight members of the response to a start: the plain id, and links with the id form-encoded."""
        links = self.links(quote_plus(instance))
        return {name: link for name, link in links.items() if name != "rewindPostUri"} | {"id": instance}

    def client(self) -> str:
        """The value of a durableClient input: platform/durable-http.md 2.2 and platform/durable-protobuf.md 7."""
        return compact(self._grpc_client() if self.grpc else self._http_client())

    def _grpc_client(self) -> Mapping[str, Any]:
        return {
            "taskHubName": self.hub,
            "connectionName": self.connection,
            "rpcBaseUrl": self.grpc,
            "requiredQueryStringParameters": self.code,
            "httpBaseUrl": self.base,
            "maxGrpcMessageSizeInBytes": 2**31 - 1,
            "grpcHttpClientTimeout": "00:01:40",
            "useForwardedHost": self.forwarded,
        }

    def _http_client(self) -> Mapping[str, Any]:
        start = f"{self.base}/orchestrators/{{functionName}}[/{{instanceId}}]?"
        wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
        return {
            "taskHubName": self.hub,
            "connectionName": None,
            "creationUrls": {
                "createNewInstancePostUri": start + self.code,
                "createAndWaitOnNewInstancePostUri": start + "&".join(filter(None, (wait, self.code))),
            },
            "managementUrls": self.links("INSTANCEID"),
            "baseUrl": self.base,
            "requiredQueryStringParameters": self.code,
            "rpcBaseUrl": self.rpc,
        }


def origin(host_name: str) -> str:
    """The origin of links, from WEBSITE_HOSTNAME (platform/durable-http.md 8.4)."""
    return f"{'http' if host_name.startswith('localhost:') else 'https'}://{host_name}"


@dataclass(frozen=True, slots=True)
class DurableTrigger:
    """Registers the function with the engine while it listens."""

    engine: DurableFunctions
    kind: Kind
    name: str
    in_flight: EventsInFlight = field(default_factory=EventsInFlight)

    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        async def counted(event: Event) -> Outcome:
            with self.in_flight:
                return await fire(event)

        with self.engine.serving(self.kind, self.name, counted):
            await stopping.wait()
        await self.in_flight.settled()


@dataclass(frozen=True, slots=True)
class ClientInput:
    payload: str

    async def read(self, event: Event) -> Value:
        return self.payload


@dataclass(frozen=True, slots=True)
class ClientOutput:
    """Starts one orchestration for each object written (platform/durable-http.md 2.1)."""

    starter: OrchestrationStarter
    place: str

    async def write(self, value: Value, event: Event) -> None:
        for request in requests(value, self.place):
            await self.starter.start(request.function, request.instance, request.input)


@dataclass(frozen=True, slots=True)
class StartRequest:
    function: str
    instance: str | None
    input: str | None


def requests(value: Value, place: str) -> list[StartRequest]:
    """The starts that a value written to a client output requests. Raises BindingError, naming `place`."""
    if isinstance(value, tuple):
        return [request for text in value for request in requests(text, place)]
    if value is None:
        return []
    text = value.text if isinstance(value, Json) else value
    try:
        wanted = json.loads(text) if isinstance(text, str | bytes) else text
    except ValueError as error:
        raise _unusable(place) from error
    return [_request(each, place) for each in (wanted if isinstance(wanted, list) else [wanted])]


def _request(wanted: Any, place: str) -> StartRequest:
    members = {name.lower(): member for name, member in wanted.items()} if isinstance(wanted, dict) else {}
    function, instance, input = (members.get(name) for name in ("functionname", "instanceid", "input"))
    if not isinstance(function, str) or not isinstance(instance, str | None):
        raise _unusable(place)
    text = None if input is None else compact(input)
    return StartRequest(function, instance or None, text)


def _unusable(place: str) -> BindingError:
    return BindingError(
        f"{place} starts orchestrations: write a JSON object with FunctionName and, if wanted, InstanceId and Input."
    )


@dataclass(frozen=True, slots=True)
class DurableServices:
    """What durable bindings are lent: the engine of the app's task hub, its client, and where the hub is reached."""

    engine: DurableFunctions
    starter: OrchestrationStarter
    address: HubEndpoints


def open_orchestrator(services: DurableServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    return DurableTrigger(services.engine, "orchestrator", binding.properties.get("orchestration") or function)


def open_activity(services: DurableServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    return DurableTrigger(services.engine, "activity", binding.properties.get("activity") or function)


def open_entity(services: DurableServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    return DurableTrigger(services.engine, "entity", binding.properties.get("entityName") or function)


def open_client(services: DurableServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    if binding.direction == "out":
        return ClientOutput(services.starter, f"Binding '{binding.name}' of function '{function}'")
    return ClientInput(addressed(services.address, binding).client())


def addressed(address: HubEndpoints, binding: Binding) -> HubEndpoints:
    """The address with the hub and connection a binding names, if it does."""
    return replace(
        address,
        hub=binding.properties.get("taskHub") or address.hub,
        connection=binding.properties.get("connectionName") or address.connection,
    )


def name_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    """The trigger brings its input as `data` to binding expressions, and the platform takes no parameter beside it."""
    if str(entry.get("name")).lower() == "data":
        yield Violation(
            "/name",
            "Can't bind parameter 'data': an activity trigger keeps this name for its input.",
            "Give the parameter another name, in the code too.",
        )


REQUIRES_GRPC = "durableRequiresGrpc"
"""A property of the bindings of an app whose SDK speaks the protobuf form, and of none other."""
FLAG: Final = {REQUIRES_GRPC: BOOLEAN}


def _declared(name: str, open: Any, **given: Any) -> BindingType:
    return BindingType(name=name, open=open, services=DurableServices, settings="durableTask", **given)


BINDING_TYPES: Final = (
    _declared(
        "durableClient",
        open_client,
        schema=members(taskHub=STRING, connectionName=STRING, **FLAG),
        directions=frozenset(("in", "out")),
        aliases=("orchestrationClient",),
    ),
    _declared("orchestrationTrigger", open_orchestrator, schema=members(orchestration=STRING, **FLAG)),
    _declared("activityTrigger", open_activity, schema=members(activity=STRING, **FLAG), violations=name_violations),
    _declared("entityTrigger", open_entity, schema=members(entityName=STRING, **FLAG)),
)
