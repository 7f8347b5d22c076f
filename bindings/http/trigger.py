"""The HTTP trigger and its response: routes are open for as long as their triggers listen (platform/http.md)."""

import asyncio
import random
from bisect import insort
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from fnhost.bindings.contract import Binding, BindingError, Event, Fire, HttpStream, Outcome, Value
from fnhost.bindings.http.request import Scope, read_metadata, read_request
from fnhost.bindings.http.response import FAILED, NO_CONTENT, Header, HttpReply, header, render
from fnhost.bindings.http.segments import Path
from fnhost.bindings.http.templates import RouteTemplate, compile_template
from fnhost.bindings.in_flight import EventsInFlight

REASON = "This function was programmatically called via the host APIs."
BODY_LIMIT = 104_857_600
T = TypeVar("T")
RequestHandler = Callable[[Scope, Mapping[str, str], bytes | None, HttpStream | None], Awaitable[HttpReply]]


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """`extensions.http` of host.json (platform/settings.md 2). -1 is any number; `body_limit` is in bytes."""

    prefix: str = "api"
    concurrent: int = -1
    outstanding: int = -1
    headers: tuple[Header, ...] = ()
    body_limit: int = BODY_LIMIT


def read_settings(section: Mapping[str, Any], body_limit: str | None = None) -> HttpSettings:
    """Parse the section; `body_limit` is FUNCTIONS_REQUEST_BODY_SIZE_LIMIT. Raises BindingError."""
    members = {name.lower(): value for name, value in section.items()}
    try:
        return HttpSettings(
            prefix=str(members.get("routeprefix", "api")),
            concurrent=int(members.get("maxconcurrentrequests", -1)),
            outstanding=int(members.get("maxoutstandingrequests", -1)),
            headers=tuple(header((name, str(value))) for name, value in members.get("customheaders", {}).items()),
            body_limit=int(body_limit or BODY_LIMIT),
        )
    except (ValueError, AttributeError, TypeError) as error:
        raise BindingError(
            "host.json: extensions.http (or FUNCTIONS_REQUEST_BODY_SIZE_LIMIT) holds a value of the wrong kind. "
            f"Numbers are whole, customHeaders maps names to texts: {error}."
        ) from error


def template_text(prefix: str, function: str, trigger: Binding) -> str:
    """The route of a function under `prefix`, as written."""
    route = str(trigger.properties.get("route") or "").strip() or function
    return f"{prefix}/{route}" if prefix else route


@dataclass(frozen=True, slots=True)
class HttpRoute:
    """A function that listens. `methods` is None for all; `level` is the lower-case authLevel.

    With `is_streamed` it is handed the stream of a request instead of its body. What it answers then counts only if the
    stream has no response.
    """

    function: str
    template: RouteTemplate
    methods: frozenset[str] | None
    level: str
    is_disabled: bool
    answer: RequestHandler
    is_streamed: bool = False

    @property
    def rank(self) -> str:
        return self.function.upper()


class ConcurrencyLimiter:
    """How many requests may run, and how many may run and wait together; -1 is any number.

    Without limits nobody needs to ask it.
    """

    def __init__(self, concurrent: int, outstanding: int) -> None:
        self.has_limits = concurrent > 0 or outstanding > 0
        self._outstanding, self._limit = 0, outstanding
        self._places = asyncio.Semaphore(concurrent) if concurrent > 0 else None

    @property
    def is_full(self) -> bool:
        return 0 < self._limit <= self._outstanding

    async def run(self, answer: Callable[[], Awaitable[T]]) -> T:
        self._outstanding += 1
        try:
            if self._places is None:
                return await answer()
            async with self._places:
                return await answer()
        finally:
            self._outstanding -= 1


REMEMBERED = 256
"""Requests whose route is found without trying one route after the other; one path has many spellings."""


class RouteTable:
    """What is listening now, in the order it is asked: by function name, whatever the case; the first match wins."""

    def __init__(self, settings: HttpSettings, disabled: Collection[str] = (), streamed: Collection[str] = ()) -> None:
        """`disabled` and `streamed` are names of functions."""
        self.settings = settings
        self.streamed = frozenset(streamed)
        self.gate = ConcurrencyLimiter(settings.concurrent, settings.outstanding)
        self.disabled = frozenset(name.lower() for name in disabled)
        self._routes: list[HttpRoute] = []
        self._found: dict[tuple[str, str], HttpRoute] = {}
        """Routes by method and path, of requests without route values: most are the same few again and again."""

    @contextmanager
    def listening(self, route: HttpRoute) -> Iterator[None]:
        insort(self._routes, route, key=lambda route: route.rank)
        self._found.clear()
        try:
            yield
        finally:
            self._routes.remove(route)
            self._found.clear()

    def match(self, method: str, path: str) -> tuple[HttpRoute, dict[str, str]] | None:
        """The route a request is for, and its route values; a wrong method is no match. Raises SlowConstraint."""
        if known := self._found.get((method, path)):
            return known, {}
        found = self._find(method, path)
        if found and not found[1] and len(self._found) < REMEMBERED:
            self._found[method, path] = found[0]
        return found

    def _find(self, method: str, path: str) -> tuple[HttpRoute, dict[str, str]] | None:
        cut = Path.cut(path)
        for route in self._routes:
            if route.methods is None or method in route.methods:
                values = route.template.match(cut)
                if values is not None:
                    return route, values
        return None

    def shadowed(self) -> list[str]:
        """A sentence for each route that an earlier one hides (platform/http.md 2.2)."""
        return [
            f"The route '{route.template.text}' of function '{route.function}' is hidden by '{earlier.template.text}' "
            f"of function '{earlier.function}': routes are tried in the order of function names. Rename one of them."
            for index, route in enumerate(self._routes)
            for earlier in self._routes[:index]
            if hides(earlier, route)
        ]


def hides(earlier: HttpRoute, route: HttpRoute) -> bool:
    overlap = earlier.methods is None or route.methods is None or not earlier.methods.isdisjoint(route.methods)
    return overlap and all(earlier.template.match(sample) is not None for sample in route.template.samples)


def open_trigger(routes: RouteTable, function: str, binding: Binding, bindings: tuple[Binding, ...]) -> "HttpTrigger":
    """Raises BadTemplate."""
    methods = binding.properties.get("methods")
    return HttpTrigger(
        routes=routes,
        function=function,
        template=compile_template(template_text(routes.settings.prefix, function, binding)),
        methods=None if methods is None else frozenset(str(method).upper() for method in methods),
        level=str(binding.properties.get("authLevel") or "function").lower(),
        output=next((b.name for b in bindings if b.type == "http" and b.direction != "in"), None),
        wants_metadata=any(has_expression(b) for b in bindings if b is not binding),
    )


def has_expression(binding: Binding) -> bool:
    return any("{" in value for value in binding.properties.values() if isinstance(value, str))


class HttpOutput:
    """The response itself is given by the trigger, which holds the connection.

    With the direction `inout` it is an input without a value too.
    """

    async def read(self, event: Event) -> Value:
        return None

    async def write(self, value: Value, event: Event) -> None:
        return None


@dataclass(frozen=True, slots=True)
class HttpTrigger:
    routes: RouteTable
    function: str
    template: RouteTemplate
    methods: frozenset[str] | None
    level: str
    output: str | None
    wants_metadata: bool
    in_flight: EventsInFlight = field(default_factory=EventsInFlight)

    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        is_disabled = self.function.lower() in self.routes.disabled
        answer = partial(self.answer, fire)
        is_streamed = self.function in self.routes.streamed
        route = HttpRoute(self.function, self.template, self.methods, self.level, is_disabled, answer, is_streamed)
        with self.routes.listening(route):
            await stopping.wait()
        await self.in_flight.settled()

    async def answer(
        self,
        fire: Fire,
        scope: Scope,
        params: Mapping[str, str],
        body: bytes | None,
        stream: HttpStream | None = None,
    ) -> HttpReply:
        """Run the function for one request. Raises BadResponse, and what `fire` raises."""
        with self.in_flight:
            return await self._answer(fire, scope, params, body, stream)

    async def _answer(
        self, fire: Fire, scope: Scope, params: Mapping[str, str], body: bytes | None, stream: HttpStream | None
    ) -> HttpReply:
        request = read_request(scope, params, body, stream)
        outcome = await fire(
            Event(
                self.function,
                request,
                REASON,
                metadata=read_metadata(request) if self.wants_metadata else {},
                trace_parent=request.headers.get("traceparent") or new_trace_parent(),
                trace_state=request.headers.get("tracestate", ""),
            )
        )
        if outcome.failure:
            return FAILED
        return self._reply(outcome)

    def _reply(self, outcome: Outcome) -> HttpReply:
        """The http output; where that has no value, what the function returned to another binding (`$return`)."""
        value = None if self.output is None else outcome.outputs.get(self.output)
        if value is None and outcome.returned is not None:
            return render(outcome.returned)
        return NO_CONTENT if self.output is None else render(value)


def new_trace_parent() -> str:
    """A W3C trace context for a request that came without one."""
    digits = f"{random.getrandbits(192):048x}"
    return f"00-{digits[:32]}-{digits[32:]}-00"
