"""Language workers: processes under the app's own interpreter, and the conversation with them.

The meaning of the conversation is FunctionRpc (function-rpc.md 1 to 3), its encoding our own frames (12).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fnhost.bindings.contract import Event, Outcome, Value
from fnhost.host.app import Function


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Which try of a retried invocation this is (functions-host.md 1.7). `previous` is the last one's failure."""

    count: int
    limit: int
    previous: str = ""


INSTANCE_TRIGGERS = frozenset({"orchestrationtrigger", "activitytrigger", "entitytrigger"})


def instance_of(trigger: str, event: Event) -> str:
    """The durable instance that an event of a trigger of this type (lower case) belongs to, or empty."""
    return str(event.metadata.get("instanceId", "")) if trigger in INSTANCE_TRIGGERS else ""


class Worker(Protocol):
    """Something that runs functions: one process, or a pool of them."""

    async def call(
        self,
        function: Function,
        inputs: Mapping[str, Value],
        event: Event,
        invocation: str,
        attempt: RetryContext | None = None,
        limit: float | None = None,
    ) -> Outcome:
        """Run it once. `inputs` holds every in binding by name, the trigger's value included, in binding order.

        Raises TimedOut after `limit` seconds, while the function runs on; WorkerDied when the process ends meanwhile;
        LoadFailed when it could not load the function. A failure of user code is an Outcome.
        """
