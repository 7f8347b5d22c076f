"""Notices a worker that holds invocations and does not answer."""

from collections.abc import Callable, Collection

from fnhost.clock import SYSTEM_CLOCK, Clock, Timer
from fnhost.host.limits import PING, SILENCE
from fnhost.host.logging.log import Log
from fnhost.host.worker import Invocation

CATEGORY = "Worker.Process"
STUCK = (
    "The worker process {pid} has not answered for {seconds:.0f} s. It runs: {functions}. Either the process is "
    "stopped, or a function holds the interpreter (an endless regular expression, native code that never returns), so "
    "that no other function can run. It goes on when that ends. "
    "To end it now: kill -9 {pid}; another process takes its place."
)
BLOCKED = (
    "The event loop of the worker process {pid} has been blocked for {seconds:.0f} s. It runs: {functions}. An async "
    "function that calls blocking code stops all async functions: use asyncio.to_thread or an async library, or make "
    "it a plain function. To end it now: kill -9 {pid}; another process takes its place."
)
BACK = "The worker process {pid} answers again."


class Liveness:
    """Asks a worker whether it is there, once in PING seconds and only while it holds invocations."""

    def __init__(
        self,
        pid: int,
        running: Collection[Invocation],
        ask: Callable[[], None],
        log: Log,
        clock: Clock = SYSTEM_CLOCK,
        is_debugged: Callable[[], bool] = lambda: False,
    ) -> None:
        """`running` is a live view of the invocations that the worker holds; `ask` sends a status request.

        While `is_debugged` says so, silence is nothing to report: a breakpoint holds the worker.
        """
        self._pid, self._running, self._ask, self._log, self._clock = pid, running, ask, log, clock
        self._is_debugged = is_debugged
        self._timer: Timer | None = None
        self._silent_since = 0.0
        self._is_asked = False
        self._told: set[str] = set()
        """What was said of the worker and is still so: each once."""

    def begin(self) -> None:
        """An invocation was sent. Costs next to nothing while the worker is being watched already."""
        if self._timer is None:
            self._is_asked = False
            self._timer = self._clock.call_later(PING, self._look)

    def end(self) -> None:
        """The process is gone."""
        self._running = ()
        if self._timer:
            self._timer.cancel()

    def answered(self, blocked: float) -> None:
        """The worker is there; its event loop has been blocked for so many seconds."""
        self._is_asked = False
        if blocked >= SILENCE:
            self._told.discard(STUCK)
            self._tell(BLOCKED, blocked)
        elif self._told:
            self._told.clear()
            self._log.information(CATEGORY, BACK.format(pid=self._pid))

    def _look(self) -> None:
        self._timer = None
        if not self._running:
            return self._told.clear()
        now = self._clock.monotonic()
        if not self._is_asked:
            self._is_asked, self._silent_since = True, now
            self._ask()
        elif now - self._silent_since >= SILENCE - PING:
            self._tell(STUCK, now - self._silent_since + PING)
        self._timer = self._clock.call_later(PING, self._look)

    def _tell(self, text: str, seconds: float) -> None:
        if text not in self._told and not self._is_debugged():
            self._told.add(text)
            functions = ", ".join(sorted(f"{one.function.name} (Id={one.id})" for one in self._running))
            self._log.warning(CATEGORY, text.format(pid=self._pid, seconds=seconds, functions=functions))
