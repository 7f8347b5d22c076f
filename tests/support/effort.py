"""How much processor time a piece of work takes."""

import gc
import time
from collections.abc import Callable

ROUNDS = 7


def effort(work: Callable[[], object]) -> float:
    """Seconds of this thread's processor time, the least of several runs: other processes and the collector are left
    out."""
    times = []
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(ROUNDS):
            started = time.thread_time()
            work()
            times.append(time.thread_time() - started)
    finally:
        if was_enabled:
            gc.enable()
    return min(times)


def is_linear(small: Callable[[], object], large: Callable[[], object]) -> bool:
    """Whether four times the input takes at most nine times as long: twice the input, at most three times.

    What is quadratic takes sixteen times as long. Work of less than a millisecond is too little to tell.
    """
    return effort(large) < max(9 * effort(small), 0.001)
