"""The conversation with one worker process, whatever its encoding (platform/worker-protocol.md 1 to 7).

Own frames (framed.py) are one form of it: same messages, same order, another form may carry them over gRPC.
"""

from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any, Protocol

from fnhost.bindings.contract import Outcome
from fnhost.clock import Clock
from fnhost.host.app import Function
from fnhost.host.limits import STOP
from fnhost.host.logging.log import Log
from fnhost.host.worker import Invocation, ObserveMode
from fnhost.host.worker.commands import Command
from fnhost.host.worker.groups import ProcessGroups
from fnhost.host.worker.process import ProcessExit


class WorkerChannel(Protocol):
    """One worker that has introduced itself. Every wait ends when its process does."""

    @property
    def pid(self) -> int: ...

    @property
    def is_alive(self) -> bool: ...

    @property
    def is_stopped(self) -> bool:
        """Whether the host ends it, or has ended it: its end is no crash."""

    @property
    def running(self) -> Collection[Invocation]:
        """The invocations it holds: those it has not answered, whether or not someone still waits."""

    @property
    def requires_grpc(self) -> bool:
        """Whether the Durable SDK of the functions that it has loaded speaks the protobuf form, and gRPC."""

    def streams(self, function: Function) -> bool:
        """Whether it takes requests for a function that it has loaded as streams."""

    async def load(self, functions: Iterable[Function]) -> Mapping[str, str]:
        """Why it could not load those it could not, by name. Raises WorkerEnded."""

    async def metadata(self, root: str) -> Mapping[str, Any]:
        """The functions that the app itself registers: a `functionMetadataResponse` (platform/worker-protocol.md 6.2).

        Ask before `load`. Raises WorkerEnded.
        """

    async def debug(self, setup: Mapping[str, Any], is_attached: Callable[[], bool]) -> Mapping[str, Any]:
        """Have it join a debugger before it loads user code; the worker's answer. Raises WorkerEnded.

        `setup` is what the debugger of its language wants to know. While `is_attached` says so, no time limit counts.
        """

    async def call(self, invocation: Invocation) -> Outcome:
        """Raises WorkerCrashed or WorkerStopped when the process ends, TimedOut after the invocation's limit."""

    async def observe(self, invocation: Invocation, mode: ObserveMode, seconds: float) -> Mapping[str, Any]:
        """Replay an orchestrator quietly, beside what runs, and return its recording (platform/worker-protocol.md 8).

        Raises CannotObserve, TimedOut, WorkerEnded.
        """

    @property
    def is_debugged(self) -> bool:
        """Whether the client of a debugger is attached, who may hold it at a breakpoint."""

    def warm_up(self) -> None:
        """Let it import what its app may need, as it has nothing to do."""

    async def wait(self) -> ProcessExit: ...

    def kill(self) -> None: ...

    async def stop(self, grace: float = STOP) -> None:
        """Ask it to end; kill it when it does not within `grace` seconds."""


OpenChannel = Callable[[Command, Log, ProcessGroups, Clock], Coroutine[Any, Any, WorkerChannel]]
"""Start a process and open the conversation with it. Raises WorkerStartFailed."""
