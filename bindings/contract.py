"""What a binding adapter and the host agree on. An adapter knows its own service and this page, nothing else.

A trigger turns something that happened into an `Event` and hands it to `fire`; what the function answered comes
back as an `Outcome`. Values travel in the kinds of the platform's TypedData (platform/values.md 1).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

Direction = Literal["in", "out", "inout"]
RETURN = "$return"


class BindingError(Exception):
    """A binding could not do its work. The text says what happened and what to do."""


@dataclass(frozen=True, slots=True)
class Json:
    """A value that travels as JSON text. The text is kept as it came: never parsed and printed again."""

    text: str


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as a worker receives it (platform/http.md 3): lower-case header names, values joined with `,`."""

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    params: Mapping[str, str]
    body: bytes | None = None


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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Event:
    """Something happened that a function waits for.

    `value` is the trigger's own input; `metadata` what stands beside it (platform/values.md 3); `reason` and
    `details` are the texts of the console's `Executing` line (platform/console-and-logs.md 2).
    """

    function: str
    value: Value
    reason: str
    details: str = ""
    metadata: Mapping[str, Value] = field(default_factory=dict)
    trace_parent: str = ""
    trace_state: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """User code failed. `message` is `<Type>: <text>` as the worker tells it, `stack` the traceback."""

    message: str
    stack: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function answered: outputs by binding name, or a failure.

    `returned` is the return value; where the function declares a `$return` binding it stands in `outputs` as well.
    """

    outputs: Mapping[str, Value] = field(default_factory=dict)
    returned: Value = None
    failure: Failure | None = None


Fire = Callable[[Event], Awaitable[Outcome]]


class Trigger(Protocol):
    async def listen(self, fire: Fire) -> None:
        """Call `fire` for every event, until cancelled."""


class Input(Protocol):
    async def read(self, event: Event) -> Value:
        """The value for this invocation. Raises BindingError."""


class Output(Protocol):
    async def write(self, value: Value, event: Event) -> None:
        """Write what the function answered for this binding. Raises BindingError."""


Adapter: TypeAlias = Trigger | Input | Output
Opener = Callable[[str, Binding, tuple[Binding, ...]], Adapter]
"""Opens a binding: the function's name, the binding, and all bindings of that function."""

Schema: TypeAlias = Mapping[str, Any]
"""A JSON Schema of one binding entry, without the members common to all."""
