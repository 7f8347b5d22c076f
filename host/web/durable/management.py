"""The management HTTP API of Durable Functions (platform/durable-http.md 4 and 5).

One ASGI app for both endpoints: the public webhook, and the loopback endpoint that the SDKs in the workers call. All
bodies are JSON or empty, because the Python SDK reads every response as JSON.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote, unquote_plus

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from fnhost.bindings.durable import HubEndpoints
from fnhost.bindings.formats import compact
from fnhost.host.durable.client import DurableClient, NotFound, UnknownConnection
from fnhost.host.durable.model.errors import AlreadyExists
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.ids import EntityId
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.states import Page, Query
from fnhost.host.web.durable import payloads
from fnhost.host.web.durable.payloads import JsonText
from fnhost.host.web.durable.query import Parameters
from fnhost.host.web.durable.responses import (
    ARGUMENT,
    EMPTY,
    FAILURES,
    NOT_IMPLEMENTED,
    OPERATION,
    WRONG,
    BadArgument,
    BadContent,
    NotCalledJson,
    NotJson,
    NotJsonContent,
    empty_response,
    error_response,
    json_response,
)

TOKEN = "x-ms-continuation-token"
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ManagementRequest:
    """A request, parsed: `address` is the hub's as the caller sees it, `names` what the path holds."""

    request: Request
    client: DurableClient
    address: HubEndpoints
    names: Mapping[str, str]
    query: Parameters

    @property
    def instance(self) -> str:
        return self.names["instance"]

    @property
    def reason(self) -> str | None:
        return self.query.text("reason")


Handler = Callable[[ManagementRequest], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class ManagementRoute:
    """A method, a path of literal segments and `{names}`, and its handler. Literal segments match in any case."""

    method: str
    path: str
    handler: Handler

    def match(self, method: str, segments: list[str]) -> Mapping[str, str] | None:
        """The values of the names in the path; None if the path is not this route's."""
        parts = self.path.split("/")
        if method != self.method or len(parts) != len(segments):
            return None
        pairs = list(zip(parts, segments, strict=True))
        if any(part != segment.lower() for part, segment in pairs if not part.startswith("{")):
            return None
        return {part[1:-1]: segment for part, segment in pairs if part.startswith("{")}


async def start(ask: ManagementRequest) -> Response:
    input = await json_body(ask.request) if await ask.request.body() else None
    version = ask.query.text("version")
    return await started(ask, await ask.client.start(ask.names["function"], ask.names.get("instance"), input, version))


async def started(ask: ManagementRequest, instance: str) -> Response:
    """The links of an instance just started or, if the request wants to wait, its result."""
    longest, interval = ask.query.seconds("timeout"), ask.query.seconds("pollingInterval")
    if longest is not None and interval is not None:
        if interval > longest:
            raise BadArgument(f"Total timeout {longest:g} should be bigger than retry timeout {interval:g}")
        found = await ask.client.wait(instance, longest, interval)
        if found.status is RuntimeStatus.Completed:
            return json_response(payloads.shown(found.output))
        if found.status.is_terminal:
            return json_response(payloads.status(found))
    links = ask.address.started(instance)
    return json_response(compact(links), 202, {"Location": links["statusQueryGetUri"], "Retry-After": "10"})


async def show(ask: ManagementRequest) -> Response:
    query = ask.query
    found = await ask.client.expect(ask.instance)
    with_input, events = query.flag("showInput", True), None
    if query.flag("showHistory", False) and (history := await ask.client.history(found)):
        with_outputs = query.flag("showHistoryOutput", False)
        events = payloads.history(history, with_inputs=with_input, with_outputs=with_outputs)
    body = payloads.status(found, with_input=with_input, events=events)
    if not found.status.is_terminal:
        return json_response(body, 202, {"Location": address_of(ask), "Retry-After": "5"})
    is_error = found.status is RuntimeStatus.Failed and query.flag("returnInternalServerErrorOnFailure", False)
    return json_response(body, 500 if is_error else 200)


async def show_many(ask: ManagementRequest) -> Response:
    with_input = ask.query.flag("showInput", True)
    query = replace(wanted(ask.query), prefix=ask.query.text("instanceIdPrefix") or "", with_input=with_input)
    page = await ask.client.list(query, *page_of(ask))
    body = payloads.json_array(payloads.status(each, with_input=with_input) for each in page.instances)
    return json_response(body, 200, after(page))


def page_of(ask: ManagementRequest) -> tuple[int, str | None]:
    """The size of the page, and the continuation token if there is one."""
    top = ask.query.whole("top") or 0
    return min(top, LARGEST_PAGE) if top > 0 else 100, unquote(ask.request.headers.get(TOKEN, "")) or None


def after(page: Page) -> Mapping[str, str] | None:
    return {TOKEN: quote(page.token)} if page.token else None


async def raise_event(ask: ManagementRequest) -> Response:
    try:
        data = await event_data(ask.request)
    except BadContent:
        await ask.client.expect_alive(ask.instance)  # an unknown or finished instance is reported first
        raise
    await ask.client.raise_event(ask.instance, ask.names["event"], data)
    return empty_response(202)


async def terminate(ask: ManagementRequest) -> Response:
    await ask.client.terminate(ask.instance, ask.reason)
    return empty_response(202)


async def suspend(ask: ManagementRequest) -> Response:
    await ask.client.suspend(ask.instance, ask.reason)
    return empty_response(202)


async def resume(ask: ManagementRequest) -> Response:
    await ask.client.resume(ask.instance, ask.reason)
    return empty_response(202)


async def rewind(ask: ManagementRequest) -> Response:
    try:
        await ask.client.rewind(ask.instance, ask.reason)
    except NotFound:
        return json_response(compact(f'No orchestration with instance ID "${ask.instance}" found.'), 404)
    return empty_response(202)


async def restart(ask: ManagementRequest) -> Response:
    same_id = not ask.query.flag("restartWithNewInstanceId", True)
    try:
        instance = await ask.client.restart(ask.instance, same_id=same_id)
    except NotFound:
        text = f"An orchestrastion with the instanceId {ask.instance} was not found."
        return error_response(400, "InstanceId does not match a valid orchestration instance.", text, ARGUMENT)
    except AlreadyExists as error:
        return error_response(
            409, "A non-terminal instance with this instance ID already exists.", str(error), OPERATION
        )
    return await started(ask, instance)


async def purge(ask: ManagementRequest) -> Response:
    return purged((await ask.client.purge(ask.instance)).instances)


async def purge_many(ask: ManagementRequest) -> Response:
    query = wanted(ask.query)
    if query.created_from is None:
        return json_response(compact("Please provide value for 'createdTimeFrom' parameter."), 400)
    deleted = await ask.client.purge_by(replace(query, created_to=query.created_to or utc_now(ask.client.clock)))
    return purged(deleted.instances) if deleted.instances else empty_response(404)


async def read_entity(ask: ManagementRequest) -> Response:
    key = ask.names["key"]
    found = await ask.client.read_entity(EntityId(ask.names["entity"], "" if key == "$" else key))
    return json_response(found.state or payloads.NULL) if found else empty_response(404)


async def list_entities(ask: ManagementRequest) -> Response:
    name, with_state = ask.names.get("entity"), ask.query.flag("fetchState", False)
    query = Query(
        created_from=ask.query.moment("lastOperationTimeFrom"),
        created_to=ask.query.moment("lastOperationTimeTo"),
        prefix="@" if name is None else str(EntityId(name, "")),
        with_input=with_state,
    )
    page = await ask.client.list(query, *page_of(ask))
    texts = (payloads.entity(each, with_state=with_state) for each in page.instances)
    return json_response(payloads.json_array(filter(None, texts)), 200, after(page))


async def signal_entity(ask: ManagementRequest) -> Response:
    return await signalled(ask, ask.query.text("op") or "", await signal_input(ask.request))


async def delete_entity(ask: ManagementRequest) -> Response:
    return await signalled(ask, "delete", None)


async def signalled(ask: ManagementRequest, operation: str, input: JsonText | None) -> Response:
    entity = ask.names.get("entity")
    if entity is None:
        return json_response(compact({"Message": "The name of the entity is missing in the address."}), 400)
    await ask.client.signal(EntityId(entity.lower(), ask.names.get("key", "")), operation, input)
    return empty_response(202)


def purged(count: int) -> Response:
    return json_response(compact({"instancesDeleted": count}))


ROUTES = (
    ManagementRoute("POST", "orchestrators/{function}", start),
    ManagementRoute("POST", "orchestrators/{function}/{instance}", start),
    ManagementRoute("GET", "instances", show_many),
    ManagementRoute("DELETE", "instances", purge_many),
    ManagementRoute("GET", "instances/{instance}", show),
    ManagementRoute("DELETE", "instances/{instance}", purge),
    ManagementRoute("POST", "instances/{instance}/raiseevent/{event}", raise_event),
    ManagementRoute("POST", "instances/{instance}/terminate", terminate),
    ManagementRoute("POST", "instances/{instance}/suspend", suspend),
    ManagementRoute("POST", "instances/{instance}/resume", resume),
    ManagementRoute("POST", "instances/{instance}/rewind", rewind),
    ManagementRoute("POST", "instances/{instance}/restart", restart),
    ManagementRoute("GET", "entities", list_entities),
    ManagementRoute("GET", "entities/{entity}", list_entities),
    ManagementRoute("GET", "entities/{entity}/{key}", read_entity),
    *(
        ManagementRoute(method, path, handler)
        for method, handler in (("POST", signal_entity), ("DELETE", delete_entity))
        for path in ("entities", "entities/{entity}", "entities/{entity}/{key}")
    ),
)
LISTS = (show_many, list_entities)


def wanted(query: Parameters) -> Query:
    return Query(
        created_from=query.moment("createdTimeFrom"),
        created_to=query.moment("createdTimeTo"),
        statuses=query.statuses("runtimeStatus"),
    )


async def json_body(request: Request) -> JsonText:
    """The body as it came, known to be JSON. Raises NotJson."""
    try:
        text = (await request.body()).decode("utf-8-sig").strip()
        payloads.check_json(text)
    except ValueError as error:
        raise NotJson(f"{error}" if await request.body() else EMPTY) from error
    return text


async def signal_input(request: Request) -> JsonText | None:
    """JSON as it came; any other text as a JSON string. Raises NotJsonContent."""
    body = await request.body()
    if not body:
        return None
    if not is_json(request):
        return compact(body.decode("utf-8", "replace"))
    try:
        return await json_body(request)
    except NotJson as error:
        raise NotJsonContent(f"Could not parse JSON content: {error}") from error


async def event_data(request: Request) -> JsonText:
    """Raises NotCalledJson, NotJson."""
    if not is_json(request):
        raise NotCalledJson("Only application/json request content is supported")
    return await json_body(request)


def is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"


def segments(scope: Scope) -> list[str]:
    """The path below the mount, form-decoded piece by piece: no valid id holds a slash, and `+` is a space."""
    below = scope["raw_path"].decode("latin-1")[len(scope.get("root_path", "")) :]
    return [unquote_plus(segment) for segment in below.split("/") if segment]


def origin_of(request: Request, forwarded: bool) -> str:
    """Scheme and host as the caller used them; behind a proxy that is trusted, as it says."""
    headers = request.headers
    if forwarded and "x-forwarded-host" in headers and "x-forwarded-proto" in headers:
        return f"{headers['x-forwarded-proto']}://{headers['x-forwarded-host']}"
    server = request.scope.get("server") or ("localhost", None)
    host = headers.get("host") or ":".join(str(part) for part in server if part)
    return f"{request.scope['scheme']}://{host}"


def address_of(ask: ManagementRequest) -> str:
    """The absolute address of this very request, with its query."""
    scope = ask.request.scope
    query = scope["query_string"].decode("latin-1")
    return f"{ask.address.origin}{scope['raw_path'].decode('latin-1')}{'?' if query else ''}{query}"


@dataclass(frozen=True, slots=True)
class Management:
    """The ASGI app: finds the route of a request and the hub that it names, and calls the handler."""

    client: DurableClient
    address: HubEndpoints
    resolve: Callable[[str], str | None]
    forwarded: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.respond(Request(scope, receive))
        await response(scope, receive, send)

    async def respond(self, request: Request) -> Response:
        query = Parameters.parse(request.scope["query_string"].decode("latin-1"))
        path = segments(request.scope)
        if [segment.lower() for segment in path] == ["makeprimary"]:
            return empty_response(200)
        for route in ROUTES:
            if (names := route.match(request.method, path)) is not None:
                return await self.follow(route, names, query, request)
        return empty_response(404)

    async def follow(
        self, route: ManagementRoute, names: Mapping[str, str], query: Parameters, request: Request
    ) -> Response:
        if not self.is_ours(query):
            return other_hub_response(route.handler, query)
        address = replace(self.address, origin=origin_of(request, self.forwarded))
        return await route.handler(ManagementRequest(request, self.client, address, names, query))

    def is_ours(self, query: Parameters) -> bool:
        """Whether a request is for this host's task hub. Raises UnknownConnection."""
        hub, connection = ((query.text(name) or "").strip() for name in ("taskHub", "connection"))
        if connection and connection.lower() != self.address.connection.lower():
            target = self.resolve(connection)
            if target is None:
                raise UnknownConnection(connection)
            if target != self.resolve(self.address.connection):
                return False
        return hub.lower() in ("", self.address.hub.lower())


def other_hub_response(handler: Handler, query: Parameters) -> Response:
    """The response for another task hub: it looks empty, and nothing can be started there."""
    if handler is start:
        text = f"This host starts orchestrations in its own task hub only, not in '{query.text('taskHub') or ''}'."
        return error_response(501, WRONG, text, NOT_IMPLEMENTED)
    return json_response("[]") if handler in LISTS else empty_response(404)


def management(
    client: DurableClient, address: HubEndpoints, resolve: Callable[[str], str | None], forwarded: bool = False
) -> Starlette:
    """The management API of one hub, to be mounted. The front checks keys.

    `resolve` finds the connection string a name means; `forwarded` is host.json's httpSettings.useForwardedHost.
    """
    app = Starlette(exception_handlers=dict(FAILURES))
    app.router.default = Management(client, address, resolve, forwarded)  # a route's pattern takes no line break
    return app
