"""A process that user code forks must not go on as a second worker: it sends the host nothing."""

from __future__ import annotations

import os
import sys
from typing import Callable

from .errors import stack

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


def end_child(error: BaseException | None = None) -> None:
    """End a forked process whose function has returned or raised; the worker itself goes on.

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
