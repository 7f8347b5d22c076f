"""A process that user code forks must not go on as a second worker: it sends the host nothing."""

from __future__ import annotations

import asyncio
import os
import selectors
import sys
from typing import Callable

from .errors import stack

AWAITS = "A forked process cannot await: the event loop is its parent's alone. Start one of its own with asyncio.run()."
_is_child = False


def on_fork(in_child: Callable[[], None]) -> None:
    """Have `in_child` called in every process that user code forks; nothing where there is no fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=in_child)


def watch_forks() -> None:
    """Call once, in the worker itself."""
    on_fork(_mark_child)


def _mark_child() -> None:
    global _is_child
    _is_child = True


def new_event_loop() -> asyncio.AbstractEventLoop:
    """One that a forked process does not run: it would take what wakes the worker up, and run its tasks twice."""
    if not hasattr(os, "fork"):
        return asyncio.new_event_loop()
    selector = selectors.DefaultSelector()
    loop = asyncio.SelectorEventLoop(selector)
    on_fork(lambda: _end_where_it_waits(loop, selector))
    return loop


def _end_where_it_waits(loop: asyncio.AbstractEventLoop, selector: selectors.BaseSelector) -> None:
    forking = asyncio.current_task(loop)

    def end(timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        end_child(_error(forking) if forking else None)
        return []

    selector.select = end  # type: ignore[method-assign]


def _error(task: asyncio.Task[object]) -> BaseException | None:
    if not task.done():
        return SystemExit(AWAITS)
    return asyncio.CancelledError() if task.cancelled() else task.exception()


def end_child(error: BaseException | None = None) -> None:
    """End a forked process whose function or task has returned or raised; the worker itself goes on.

    The exit code is what Python gives a program that ends so: 0, that of `sys.exit()`, or 1 after a traceback.
    """
    if not _is_child:
        return
    code = 1
    try:
        code = _exit_code(error)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    if not isinstance(error, SystemExit):
        print(stack(error), file=sys.stderr, end="")
        return 1
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)
    return 1
