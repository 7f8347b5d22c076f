"""Language workers: processes under the app's own interpreter, and the conversation with them.

The meaning of the conversation is FunctionRpc (platform/worker-protocol.md 1 to 7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fnhost.bindings.contract import Event, Outcome, Value
from fnhost.host.app import Function
from fnhost.host.tasks import UseCount


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Which try of a retried invocation this is (platform/app-files.md 6). `previous` is the last one's failure."""

    count: int
    limit: int
    previous: str = ""


@dataclass(slots=True)
class Invocation:
    """One run of a function: everything that its worker is told.

    `inputs` holds every in binding by name, the trigger's value included, in binding order. `limit` is in seconds.
    """

    id: str
    function: Function
    inputs: Mapping[str, Value]
    event: Event
    retry: RetryContext | None = None
    limit: float | None = None


INSTANCE_TRIGGERS = frozenset({"orchestrationtrigger", "activitytrigger", "entitytrigger"})


def instance_of(trigger: str, event: Event) -> str:
    """The durable instance that an event of a trigger of this type (lower case) belongs to, or empty."""
    return str(event.metadata.get("instanceId", "")) if trigger in INSTANCE_TRIGGERS else ""


class Worker(Protocol):
    """Something that runs functions: one process, or a pool of them."""

    @property
    def use(self) -> UseCount:
        """Who runs a function counts here from begin to end, pauses between its tries included."""

    async def call(self, invocation: Invocation) -> Outcome:
        """Run it once. A failure of user code is an Outcome.

        Raises TimedOut after the invocation's limit, while the function runs on; WorkerCrashed or WorkerStopped when
        the process ends meanwhile; WorkersNotReady, WorkersExhausted when there is none; FunctionNotLoadable when it
        could not load the function.
        """
