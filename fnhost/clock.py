"""Time, as it is passed in: everything that waits, expires or says when asks one clock, and a test moves it.

`SystemClock` is the machine's. Only this module asks the machine or the event loop for the time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Do not make it. Cancelled or done already, nothing happens."""


class Clock(Protocol):
    """What the host asks of time. Durations are in seconds."""

    def now(self) -> datetime:
        """The time of day, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some moment; never set back."""

    def sleep(self, seconds: float) -> Awaitable[None]: ...

    def call_later(self, seconds: float, callback: Callable[..., object], *args: object) -> Timer:
        """Call `callback` in the running event loop, in so many seconds."""

    def timeout(self, seconds: float | None) -> asyncio.Timeout:
        """A block that raises TimeoutError when it takes longer; without a limit if None."""


class SystemClock:
    """The machine's clock and the running event loop's timers."""

    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(asyncio.sleep)
    timeout = staticmethod(asyncio.timeout)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def call_later(self, seconds: float, callback: Callable[..., object], *args: object) -> Timer:
        return asyncio.get_running_loop().call_later(seconds, callback, *args)


SYSTEM_CLOCK = SystemClock()
