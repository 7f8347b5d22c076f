"""What a binding adapter and the host agree on. An adapter knows its own service and this module, nothing else.

A trigger turns something that happened into an `Event` and hands it to `fire`; what the function answered comes
back as an `Outcome`. Values travel in the kinds of the platform's TypedData (platform/values.md 1).

Who counts and who retries. The service counts deliveries: a trigger puts the service's own count into
`Event.deliveries` and never keeps one itself, so the count survives the host. A retry policy (platform/app-files.md 6)
is applied inside one delivery, by `fire`: it calls the function again and does not change `deliveries`. When `fire`
has returned a failure or raised, the trigger alone decides what becomes of the event: an HTTP trigger answers 500, a
queue trigger gives the message back until its deliveries are used up and then moves it to the poison queue, a timer
waits for its next occurrence. Delivery is at least once: a trigger settles an event only after `fire` has returned.

Nobody changes a value that he was given. Those of which each request makes some are not `frozen` all the same: with
that, making one takes more than twice as long.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

Direction = Literal["in", "out", "inout"]
RETURN = "$return"


class InvocationError(Exception):
    """A function could not be run to its end, for another reason than its own code: `fire` raises these alone."""

    is_crash = False
    """Whether the worker process ended by itself meanwhile: this very work may have ended it."""


class BindingError(InvocationError):
    """A binding could not do its work. The text says what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Json:
    """A value that travels as JSON text. The text is kept as it came: never parsed and printed again."""

    text: str


class HttpStream(Protocol):
    """Both bodies of a request, handed on as they come: for a worker that serves HTTP itself."""

    @property
    def has_body(self) -> bool:
        """Whether the request has one."""

    @property
    def is_broken(self) -> bool:
        """Whether the request cannot be completed: its client has gone, or its body is too long."""

    async def broken(self) -> None:
        """Waits until it is."""

    @property
    def is_started(self) -> bool:
        """Whether the response has begun."""

    def body(self) -> AsyncIterator[bytes]:
        """That of the request, no faster than it is taken. Raises ConnectionError once the request is broken."""

    async def start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Begin the response: the client has its head at once."""

    async def write(self, piece: bytes) -> None:
        """A piece of its body, no faster than the client reads."""

    async def end(self) -> None:
        """It is whole."""


@dataclass(slots=True)
class HttpRequest:
    """A request as a worker receives it (platform/http.md 3): lower-case header names, values joined with `,`.

    With a `stream` the body is there and not in `body`, and the response is given there.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes | None = None
    stream: HttpStream | None = None


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie to set. `expires` is seconds since 1970, UTC; `same_site` is None, "Lax", "Strict" or "ExplicitNone"."""

    name: str
    value: str
    domain: str | None = None
    path: str | None = None
    expires: float | None = None
    max_age: float | None = None
    secure: bool | None = None
    http_only: bool | None = None
    same_site: str | None = None


@dataclass(slots=True)
class HttpResponse:
    """A response as a worker gives it (platform/http.md 6). An empty or invalid `status` means 200."""

    status: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: "Value" = None
    cookies: tuple[Cookie, ...] = ()
    negotiate: bool = False


Collection: TypeAlias = tuple[str, ...] | tuple[bytes, ...] | tuple[int, ...] | tuple[float, ...]
Value: TypeAlias = str | bytes | int | float | Json | HttpRequest | HttpResponse | Collection | None


@dataclass(frozen=True, slots=True)
class Binding:
    """One entry of a function.json. `properties` holds what is specific to its type, `%SETTING%` already replaced.

    `type` and `direction` are lower case; property names have the platform's own spelling, whatever the file's case.
    """

    name: str
    type: str
    direction: Direction
    data_type: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_trigger(self) -> bool:
        return self.type.endswith("trigger") and self.direction != "out"


class Renewal(Protocol):
    """Keeps an event hidden from other consumers while it is being dealt with."""

    @property
    def seconds(self) -> float:
        """For how long the event is hidden, counted from its receipt or its last renewal."""

    async def renew(self) -> None:
        """Hide it for `seconds` from now. Raises BindingError; the event may then be delivered to another consumer."""


@dataclass(slots=True)
class Event:
    """Something happened that a function waits for.

    `value` is the trigger's own input; `metadata` what stands beside it (platform/values.md 3); `reason` and
    `details` are the texts of the console's `Executing` line (platform/console-and-logs.md 2).

    `id` is the service's own id of it, empty if it has none. `deliveries` says how often the service has delivered
    it, this time included. `renewal` is set where the service delivers an event again after a time: whoever runs
    `fire` renews it at half of that time until `fire` returns, pauses between retries included.

    `crashes` is how often this very work has ended its worker process, for a trigger that counts this and gives up at a
    limit of its own. From the second crash on it runs in a process apart, and crashes that may be its own do not count
    towards the end of the host (platform/lifecycle.md 1). None means that nobody counts.
    """

    function: str
    value: Value
    reason: str
    details: str = ""
    metadata: Mapping[str, Value] = field(default_factory=dict)
    trace_parent: str = ""
    trace_state: str = ""
    id: str = ""
    deliveries: int = 1
    renewal: Renewal | None = None
    invocation: str = ""
    """The id of the invocation, for the outputs: set by `fire`."""
    crashes: int | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """User code failed. `message` is `<Type>: <text>` as the worker tells it, `stack` the traceback."""

    message: str
    stack: str = ""


@dataclass(slots=True)
class Outcome:
    """What a function answered: outputs by binding name, or a failure.

    `returned` is the return value; where the function declares a `$return` binding it stands in `outputs` as well.
    """

    outputs: Mapping[str, Value] = field(default_factory=dict)
    returned: Value = None
    failure: Failure | None = None


Fire = Callable[[Event], Awaitable[Outcome]]
"""Runs the function once for an event. A failure of user code is an Outcome. Raises InvocationError."""


class Trigger(Protocol):
    async def listen(self, fire: Fire, stopping: asyncio.Event) -> None:
        """Call `fire` for every event until `stopping` is set.

        From then on nothing more is taken; it returns when everything taken so far is settled. Cancelled, it ends at
        once: what was taken is given back, where the service has a way to give back. It may raise BindingError, for
        example when the service cannot be reached; it is then called again later.
        """


@runtime_checkable
class ManualTrigger(Protocol):
    """A trigger that can make an event of its own kind from a text: `POST /admin/functions/{name}` and `fnhost run`."""

    async def manual_event(self, text: str) -> Event:
        """The event that `text` describes. Raises BindingError."""


class Input(Protocol):
    async def read(self, event: Event) -> Value:
        """The value for this invocation. Raises BindingError."""


class Output(Protocol):
    async def write(self, value: Value, event: Event) -> None:
        """Write what the function answered for this binding. Raises BindingError."""


Level = Literal["debug", "information", "warning", "error"]
Report = Callable[[str, Level, str], None]
"""Writes a line of the log: the function it is about, the level, the sentence."""

Adapter: TypeAlias = Trigger | Input | Output
Schema: TypeAlias = Mapping[str, Any]
"""A JSON Schema of one binding entry, without the members common to all."""
