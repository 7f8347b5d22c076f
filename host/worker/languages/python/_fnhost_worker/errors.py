"""Failures of user code as text."""

from __future__ import annotations

import os
import traceback

_OURS = os.path.dirname(os.path.abspath(__file__))
_INTERNAL = (_OURS, "<frozen importlib", os.path.join("importlib", "__init__.py"))


class FunctionLoadError(Exception):
    """The text says why a function cannot be loaded."""


def title(error: BaseException) -> str:
    """Type and text. Raises nothing: a text that cannot be had is replaced as the module `traceback` replaces it."""
    try:
        text = str(error)
    except BaseException:
        text = "<exception str() failed>"
    return f"{_type_name(error)}: {text}"


def _type_name(error: BaseException) -> str:
    """The name that the class was given, whatever its metaclass says."""
    return str(type.__dict__["__name__"].__get__(type(error)))


def stack(error: BaseException) -> str:
    """The traceback as Python prints it, without the worker's own frames where others show the place.

    Raises nothing: without its texts and causes where user code fails while it is asked for them.
    """
    try:
        formatted = traceback.TracebackException.from_exception(error)
        _keep_user_frames(formatted, isinstance(error, SyntaxError))
        return "".join(formatted.format())
    except BaseException:
        return "".join(_frames(error)) + title(error)


def _frames(error: BaseException) -> list[str]:
    """The lines of user code that led to the exception; read past any attribute access of its own."""
    try:
        frames = traceback.extract_tb(BaseException.__dict__["__traceback__"].__get__(error))
        users = [frame for frame in frames if not _is_internal(frame.filename)]
        return ["Traceback (most recent call last):\n", *traceback.format_list(users or list(frames))]
    except BaseException:
        return []


def _keep_user_frames(formatted: traceback.TracebackException | None, place_is_known: bool) -> None:
    if formatted is None:
        return
    users = [frame for frame in formatted.stack if not _is_internal(frame.filename)]
    if users or place_is_known:
        formatted.stack = traceback.StackSummary.from_list(users)
    _keep_user_frames(formatted.__cause__, place_is_known)
    _keep_user_frames(formatted.__context__, place_is_known)


def _is_internal(filename: str) -> bool:
    return filename.startswith(_INTERNAL[:2]) or filename.endswith(_INTERNAL[2])
