"""Run a loop again after it fails: the one place with a broad `except`."""

import traceback
from collections.abc import Awaitable, Callable

from fnhost.bindings.contract import BindingError
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.errors import FnhostError, WorkersExhausted
from fnhost.host.logging.log import Log
from fnhost.host.retry import Attempts, RetryPolicy

CATEGORY = "Host.Supervisor"


async def supervise(
    name: str, loop: Callable[[], Awaitable[None]], log: Log, clock: Clock = SYSTEM_CLOCK, longest: float = 10.0
) -> None:
    """Run `loop` until it returns or is cancelled; after a failure say so once and try again, later each time.

    The same failure in a row is said once; `longest` is the greatest pause between two tries, in seconds. Without
    workers nothing can be done: then it ends.
    """
    attempts, said = Attempts(RetryPolicy(longest=longest, forgiving=2 * longest), clock), ""
    while True:
        try:
            return await loop()
        except WorkersExhausted as error:
            return log.error(CATEGORY, f"{name} ends: {error}")
        except Exception as error:
            attempts.failed()
            if (text := describe(error)) != said or attempts.count == 1:
                log.error(CATEGORY, f"{name} failed and will be tried again: {text}")
            said = text
        await attempts.pause()


def describe(error: BaseException) -> str:
    """Our own errors speak for themselves; any other is shown with its traceback."""
    if isinstance(error, (FnhostError, BindingError)):
        return str(error)
    return "".join(traceback.format_exception(error)).strip()
