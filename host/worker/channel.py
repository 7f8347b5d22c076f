"""The conversation with one worker process, whatever its encoding (platform/worker-protocol.md 1 to 7).

Own frames (framed.py) are one form of it: same messages, same order, another form may carry them over gRPC.
"""

from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Protocol

from fnhost.bindings.contract import Outcome
from fnhost.host.app import Function
from fnhost.host.log import Log
from fnhost.host.worker import Invocation
from fnhost.host.worker.commands import Command
from fnhost.host.worker.process import ProcessExit


class WorkerChannel(Protocol):
    """One worker that has introduced itself. Every wait ends when its process does."""

    @property
    def pid(self) -> int: ...

    @property
    def is_alive(self) -> bool: ...

    @property
    def running(self) -> Iterable[str]:
        """The invocations it holds: those it has not answered, whether or not someone still waits."""

    async def load(self, functions: Iterable[Function]) -> Mapping[str, str]:
        """Why it could not load those it could not, by name. Raises WorkerDied."""

    async def call(self, invocation: Invocation) -> Outcome:
        """Raises WorkerDied when the process ends meanwhile, TimedOut after the invocation's limit."""

    def warm_up(self) -> None:
        """Let it import what its app may need, as it has nothing to do."""

    async def wait(self) -> ProcessExit: ...

    def kill(self) -> None: ...

    async def stop(self) -> None:
        """Ask it to end; kill it when it does not."""


OpenChannel = Callable[[Command, Log], Coroutine[Any, Any, WorkerChannel]]
"""Start a process and open the conversation with it. Raises WorkerStartFailed."""
