"""Failures of user code as text."""

from __future__ import annotations

import os
import traceback

_OURS = os.path.dirname(os.path.abspath(__file__))
_INTERNAL = (_OURS, "<frozen importlib", os.path.join("importlib", "__init__.py"))


class FunctionLoadError(Exception):
    """The text says why a function cannot be loaded."""


def title(error: BaseException) -> str:
    """Type and text. An exception whose `str()` fails, whatever it raises, is told as `traceback` tells it."""
    try:
        text = str(error)
    except BaseException:
        text = "<exception str() failed>"
    return f"{type(error).__name__}: {text}"


def stack(error: BaseException) -> str:
    """The traceback as Python prints it, without the worker's own frames where others tell the place.

    The places alone, when user code fails while it is asked for its texts.
    """
    try:
        told = traceback.TracebackException.from_exception(error)
        _keep_user_frames(told, isinstance(error, SyntaxError))
        return "".join(told.format())
    except BaseException:
        return "".join(traceback.format_tb(error.__traceback__)) + title(error)


def _keep_user_frames(told: traceback.TracebackException | None, place_is_told: bool) -> None:
    if told is None:
        return
    users = [frame for frame in told.stack if not _is_internal(frame.filename)]
    if users or place_is_told:
        told.stack = traceback.StackSummary.from_list(users)
    _keep_user_frames(told.__cause__, place_is_told)
    _keep_user_frames(told.__context__, place_is_told)


def _is_internal(filename: str) -> bool:
    return filename.startswith(_INTERNAL[:2]) or filename.endswith(_INTERNAL[2])
