"""SIGINT and SIGTERM end the process in bounded time, whatever its event loop does.

Python runs a signal handler in the main thread between two bytecodes, and the matcher of regular expressions looks for
signals as well: a loop that is busy still hears them. The time limit is a timer of the kernel (SIGALRM), so it needs no
thread and no turn of the loop. Only a call into C that holds the interpreter and never looks for signals is waited for.
"""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
ASKED_TO_END = 0
"""The exit code of a host that was asked to end, however long that took."""


def end_at_once() -> None:
    """From now on either signal ends the process: nothing has begun that would have to be put in order.

    At the very end signals are ignored: the interpreter gives up its handlers before it is gone, and the default ones
    would make of an end that was asked for one by a signal.
    """
    atexit.register(_ignore)
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: os._exit(ASKED_TO_END))


def _ignore() -> None:
    for number in (*STOP_SIGNALS, *([] if sys.platform == "win32" else [signal.SIGALRM])):
        signal.signal(number, signal.SIG_IGN)


def interrupt() -> None:
    """From now on SIGINT raises KeyboardInterrupt, as in any Python program, and SIGTERM ends the process."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def ending_in_time(stop: Callable[[], object], last: Callable[[], object], seconds: float) -> Iterator[None]:
    """The first signal calls `stop`; after so many seconds, or with the second signal, the process is gone.

    `last` is called just before it ends that way, and must not take long. The time runs on when the block has ended.
    Both are called in the main thread, between any two bytecodes.
    """

    def end(*_: object) -> None:
        try:
            last()
        finally:
            os._exit(ASKED_TO_END)

    is_begun = False

    def begin(number: int, frame: FrameType | None) -> None:
        nonlocal is_begun
        if is_begun:  # the second came before this had told the system who takes it
            return end()
        is_begun = True
        for each in STOP_SIGNALS:
            signal.signal(each, end)
        _call_after(seconds, end)
        stop()

    for number in STOP_SIGNALS:
        signal.signal(number, begin)
    yield


def _call_after(seconds: float, end: Callable[..., object]) -> None:
    if sys.platform == "win32":
        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        return
    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
