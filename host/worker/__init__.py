"""Language workers: processes under the app's own interpreter, and the conversation with them.

The meaning of the conversation is FunctionRpc (platform/worker-protocol.md 1 to 7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from fnhost.bindings.contract import Event, Outcome, Value
from fnhost.host.app import Function


@dataclass(frozen=True, slots=True)
class RetryContext:
    """Which try of a retried invocation this is (platform/app-files.md 6). `previous` is the last one's failure."""

    count: int
    limit: int
    previous: str = ""


@dataclass(frozen=True, slots=True)
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


class Worker(Protocol):
    """Something that runs functions: one process, or a pool of them."""

    async def call(self, invocation: Invocation) -> Outcome:
        """Run it once. A failure of user code is an Outcome.

        Raises TimedOut after the invocation's limit, while the function runs on; WorkerDied when the process ends
        meanwhile; LoadFailed when it could not load the function.
        """
