"""Run a loop again after it fails: the one place with a broad `except`."""

import traceback
from collections.abc import Awaitable, Callable

from fnhost.bindings.contract import BindingError
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.errors import FnhostError
from fnhost.host.log import Log


async def supervise(
    name: str, loop: Callable[[], Awaitable[None]], log: Log, clock: Clock = SYSTEM_CLOCK, longest: float = 10.0
) -> None:
    """Run `loop` until it returns or is cancelled; after a failure say so once and try again, later each time.

    The same failure in a row is said once; `longest` is the greatest pause between two tries, in seconds.
    """
    pause, said = 0.1, ""
    while True:
        started = clock.monotonic()
        try:
            return await loop()
        except Exception as error:
            if clock.monotonic() - started > longest:
                pause, said = 0.1, ""
            if (text := describe(error)) != said:
                log.error("Host.Supervisor", f"{name} failed and will be tried again: {text}")
            said = text
        await clock.sleep(pause)
        pause = min(pause * 2, longest)


def describe(error: Exception) -> str:
    """Our own errors speak for themselves; any other is shown with its traceback."""
    if isinstance(error, (FnhostError, BindingError)):
        return str(error)
    return "".join(traceback.format_exception(error)).strip()
