"""One invocation of a function: inputs, worker, outputs, a time limit, and the two log lines."""

import asyncio
import random
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from fnhost.bindings.contract import (
    BindingError,
    Event,
    Failure,
    Input,
    InvocationError,
    Outcome,
    Output,
    Renewal,
    Value,
)
from fnhost.bindings.durable import MARKER
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import Function, Retry
from fnhost.host.errors import FnhostError, TimedOut, WorkerError, WorkersExhausted
from fnhost.host.logging.events import InvocationEnded, InvocationException, InvocationStarted
from fnhost.host.logging.log import Level, Log
from fnhost.host.worker import Invocation, RetryContext, Worker, instance_of


@dataclass(frozen=True, slots=True)
class FunctionInvoker:
    """What a trigger calls for each event of one function.

    Adapters by binding name; `timeout` in seconds, None without limit.
    """

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
        """Raises BindingError, TimedOut, and the errors of `Worker.call`. A failure of user code is an Outcome."""
        if event.renewal is None:
            return await self._invoke(event)
        renewing = asyncio.create_task(self._renew(event.renewal))
        try:
            return await self._invoke(event)
        finally:
            renewing.cancel()

    async def _renew(self, renewal: Renewal) -> None:
        """Until cancelled. A renewal that fails is tried again: the event may come a second time, nothing is lost."""
        while True:
            await self.clock.sleep(renewal.seconds / 2)
            try:
                await renewal.renew()
            except BindingError as error:
                self._say(Level.WARNING, f"The event could not be kept hidden from other consumers: {error}")

    async def _invoke(self, event: Event) -> Outcome:
        with self.worker.use:
            if self.function.retry is None:
                return await self._logged(event, None)
            return await self._retried(event, self.function.retry)

    async def _retried(self, event: Event, retry: Retry) -> Outcome:
        """The policy's loop lives here, inside one event (platform/app-files.md 6).

        Whatever fails an invocation is retried: user code, an output, a worker that died. Without workers nothing is.
        """
        count, before = 0, ""
        while True:
            try:
                outcome = await self._logged(event, RetryContext(count, retry.limit, before))
                if outcome.failure is None or self._is_last(count, retry):
                    return outcome
                before = outcome.failure.message
            except WorkersExhausted:
                raise
            except InvocationError as error:
                if self._is_last(count, retry):
                    raise
                before = _described(error)
            pause, count = pause_after(count, retry), count + 1
            text = f"Next attempt: '{count}'. Max retry count: '{retry.limit}'."
            self._say(Level.DEBUG, f"Waiting for '{_span(pause)}' before retrying function execution. {text}")
            await self.clock.sleep(pause)

    def _is_last(self, count: int, retry: Retry) -> bool:
        if count == retry.limit:
            self._say(Level.ERROR, f"Function execution failed after '{count}' retries.")
        return count == retry.limit

    async def _logged(self, event: Event, retry: RetryContext | None) -> Outcome:
        invocation, started = new_id(), self.clock.monotonic()
        instance = self._note_start(event, invocation, retry)
        try:
            outcome = await self._run(event, invocation, retry)
        except (BindingError, FnhostError) as error:
            self._note_end(invocation, instance, started, Failure(_described(error)))
            raise
        except Exception as error:  # a fault of an adapter, which may be a package of somebody else
            stack = "".join(traceback.format_exception(error))
            self._note_end(invocation, instance, started, Failure(_described(error), stack))
            raise BindingError(f"A binding of '{self.function.name}' failed: {_described(error)}") from error
        self._note_end(invocation, instance, started, outcome.failure)
        return outcome

    def _note_start(self, event: Event, invocation: str, retry: RetryContext | None) -> str:
        """The durable instance it belongs to, or empty."""
        trigger = self.function.trigger.type
        instance = instance_of(trigger, event)
        self.log.write(
            InvocationStarted(
                function=self.function.name,
                invocation=invocation,
                instance=instance,
                reason=event.reason,
                trigger=trigger,
                attempt=retry.count if retry else 0,
            )
        )
        if event.details:
            self._say(Level.INFORMATION, f"Trigger Details: {event.details}", invocation)
        return instance

    def _note_end(self, invocation: str, instance: str, started: float, failure: Failure | None) -> None:
        self.log.write(
            InvocationEnded(
                function=self.function.name,
                invocation=invocation,
                instance=instance,
                outcome="Failed" if failure else "Succeeded",
                duration_ms=(self.clock.monotonic() - started) * 1000,
            )
        )
        if failure:
            exception, stack = (text.partition(MARKER)[0].rstrip() for text in (failure.message, failure.stack))
            self.log.write(
                InvocationException(
                    function=self.function.name,
                    invocation=invocation,
                    instance=instance,
                    exception=exception,
                    stack=stack,
                )
            )

    async def _run(self, event: Event, invocation: str, retry: RetryContext | None) -> Outcome:
        if (observer := self.log.observer) is not None:
            observer.called(invocation, event)
        values = await self._read(event)
        outcome = await self._call(values, event, invocation, retry)
        if observer is not None:
            observer.answered(invocation, values, outcome)
        if outcome.failure is None and self.outputs:
            await self._write(outcome, replace(event, invocation=invocation))
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

    def _say(self, level: Level, text: str, invocation: str = "") -> None:
        self.log(level, f"Function.{self.function.name}", text, self.function.name, invocation)


def pause_after(count: int, retry: Retry) -> float:
    """Seconds to wait after that many retries and one more failure."""
    if not retry.exponential:
        return retry.shortest
    return min(retry.shortest * 2.0 ** min(count, 64), retry.longest)


def new_id() -> str:
    """A random UUID. Making one with `uuid` takes three times as long, and calls the system."""
    digits = f"{random.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _described(error: Exception) -> str:
    """The worker's own text of a load failure says it all; other errors are told by their kind."""
    return str(error) if isinstance(error, WorkerError) else f"{type(error).__name__}: {error}"


def _span(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02}:{whole % 3600 // 60:02}:{whole % 60:02}"
