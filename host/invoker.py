"""The door to user code: inputs, worker, outputs, a time limit, and the two log lines of every invocation."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from fnhost.bindings.contract import BindingError, Event, Failure, Input, Outcome, Output, Value
from fnhost.bindings.durable import MARKER
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import Function, Retry
from fnhost.host.errors import FnhostError, LoadFailed, TimedOut, WorkerDied
from fnhost.host.log import Level, Log
from fnhost.host.worker import Invocation, RetryContext, Worker


@dataclass(frozen=True, slots=True)
class FunctionInvoker:
    """`fire` of one function. Adapters by binding name; `timeout` in seconds, None without limit."""

    function: Function
    worker: Worker
    log: Log
    inputs: Mapping[str, Input] = field(default_factory=dict)
    outputs: Mapping[str, Output] = field(default_factory=dict)
    timeout: float | None = None
    clock: Clock = SYSTEM_CLOCK
    abandon: Callable[[str], Awaitable[None]] | None = None
    """Ends the process that runs an invocation: a language has no other way to stop one."""

    async def __call__(self, event: Event) -> Outcome:
        """Raises BindingError, WorkerDied, LoadFailed, TimedOut. A failure of user code is an Outcome."""
        if self.function.retry is None:
            return await self._logged(event, None)
        return await self._retried(event, self.function.retry)

    async def _retried(self, event: Event, retry: Retry) -> Outcome:
        """The policy's loop lives here, inside one event (platform/app-files.md 6)."""
        count, failure = 0, ""
        while True:
            outcome = await self._logged(event, RetryContext(count, retry.limit, failure))
            if outcome.failure is None:
                return outcome
            if count == retry.limit:
                self._say(Level.ERROR, f"Function execution failed after '{count}' retries.")
                return outcome
            pause = min(retry.shortest * 2**count, retry.longest) if retry.exponential else retry.shortest
            count, failure = count + 1, outcome.failure.message
            text = f"Next attempt: '{count}'. Max retry count: '{retry.limit}'."
            self._say(Level.DEBUG, f"Waiting for '{pause:g} s' before retrying function execution. {text}")
            await self.clock.sleep(pause)

    async def _logged(self, event: Event, retry: RetryContext | None) -> Outcome:
        invocation, started = new_id(), self.clock.monotonic()
        name = f"Functions.{self.function.name}"
        self._say(Level.INFORMATION, f"Executing '{name}' (Reason='{event.reason}', Id={invocation})", invocation)
        if event.details:
            self._say(Level.INFORMATION, f"Trigger Details: {event.details}", invocation)
        try:
            outcome = await self._run(event, invocation, retry)
        except (BindingError, FnhostError) as error:
            self._say_failed(invocation, started, Failure(_described(error)))
            raise
        if outcome.failure:
            self._say_failed(invocation, started, outcome.failure)
        else:
            self._say(
                Level.INFORMATION, f"Executed '{name}' (Succeeded, {self._took(invocation, started)})", invocation
            )
        return outcome

    async def _run(self, event: Event, invocation: str, retry: RetryContext | None) -> Outcome:
        values = await self._read(event)
        outcome = await self._call(values, event, invocation, retry)
        if outcome.failure is None and self.outputs:
            await self._write(outcome, event)
        return outcome

    async def _read(self, event: Event) -> Mapping[str, Value]:
        """Every in binding in its order, the trigger's own value among them."""
        if not self.inputs:
            return {self.function.trigger.name: event.value}
        read = dict(zip(self.inputs, await asyncio.gather(*(i.read(event) for i in self.inputs.values())), strict=True))
        read[self.function.trigger.name] = event.value
        return {b.name: read[b.name] for b in self.function.bindings if b.name in read}

    async def _call(
        self, values: Mapping[str, Value], event: Event, invocation: str, retry: RetryContext | None
    ) -> Outcome:
        try:
            return await self.worker.call(Invocation(invocation, self.function, values, event, retry, self.timeout))
        except TimedOut as error:
            raise await self._timed_out(invocation) from error

    async def _timed_out(self, invocation: str) -> TimedOut:
        """Code that runs too long can only be stopped with its process (platform/lifecycle.md 3)."""
        text = f"Timeout value of {_span(self.timeout or 0)} exceeded by function 'Functions.{self.function.name}'"
        self._say(Level.ERROR, f"{text} (Id: '{invocation}'). Initiating cancellation.", invocation)
        if self.abandon:
            restart = (
                f"A function timeout has occurred. Restarting worker process executing invocationId '{invocation}'."
            )
            self._say(Level.ERROR, restart, invocation)
            await self.abandon(invocation)
        return TimedOut(f"{text}.")

    async def _write(self, outcome: Outcome, event: Event) -> None:
        """All outputs that have a value, at once; one that fails fails the invocation (platform/values.md 4)."""
        await asyncio.gather(
            *(
                self.outputs[name].write(value, event)
                for name, value in outcome.outputs.items()
                if value is not None and name in self.outputs
            )
        )

    def _say_failed(self, invocation: str, started: float, failure: Failure) -> None:
        name = f"Functions.{self.function.name}"
        self._say(Level.ERROR, f"Executed '{name}' (Failed, {self._took(invocation, started)})", invocation)
        message, trace = (text.partition(MARKER)[0].rstrip() for text in (failure.message, failure.stack))
        stack = f"\nStack: {trace}" if trace else ""
        text = f"System.Private.CoreLib: Exception while executing function: {name}."
        self._say(Level.ERROR, f"{text} Result: Failure\nException: {message}{stack}", invocation)

    def _took(self, invocation: str, started: float) -> str:
        return f"Id={invocation}, Duration={(self.clock.monotonic() - started) * 1000:.0f}ms"

    def _say(self, level: Level, text: str, invocation: str = "") -> None:
        self.log(level, f"Function.{self.function.name}", text, self.function.name, invocation)


def new_id() -> str:
    """A random UUID. Making one with `uuid` takes three times as long, and calls the system."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _described(error: Exception) -> str:
    """The worker's own text of a load failure says it all; other errors are told by their kind."""
    return str(error) if isinstance(error, (LoadFailed, WorkerDied)) else f"{type(error).__name__}: {error}"


def _span(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole % 3600 // 60:02}:{whole % 60:02}"
