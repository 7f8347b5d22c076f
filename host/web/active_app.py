"""What the front shows of a running generation."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.types import ASGIApp

from fnhost.bindings.contract import Fire
from fnhost.bindings.http.trigger import RouteTable
from fnhost.host.app import App
from fnhost.host.tasks import UseCount
from fnhost.host.worker import WorkerStatus

ManualInvoke = Callable[[str, str], Awaitable[object]]
"""Run a function now: its name, and the input as text. It ends when the invocation has ended and is logged."""


@dataclass(frozen=True, slots=True, eq=False)
class ActiveApp:
    """One generation as the web sees it. Requests are served while `state` is Running, else refused.

    `webhooks` are apps by lower-case extension name; they are mounted under `/runtime/webhooks/<name>`. `errors` are
    those of the app as a whole, `failures` what a worker said of a function it could not load, by function name.
    """

    app: App
    routes: RouteTable
    fire_manually: ManualInvoke
    webhooks: Mapping[str, ASGIApp] = field(default_factory=dict)
    state: Literal["Running", "Error"] = "Running"
    errors: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    fires: Mapping[str, Fire] = field(default_factory=dict)
    """What runs each function for an event, by name."""
    workers: Callable[[], Sequence[WorkerStatus]] = tuple
    durable: ASGIApp | None = None
    """The dashboard's API of its task hub; None if it has none."""
    hub: Callable[[], Awaitable[Mapping[str, Any]]] | None = None
    """Tells of its task hub: name, kind and partitions."""
    use: UseCount = field(default_factory=UseCount)
    """Counts the requests that this generation has begun to serve: it lives until they have ended."""
