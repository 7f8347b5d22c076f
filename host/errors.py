"""The errors of the host.

FnhostError
    AppError              the app cannot be served as it is; carries the problems
    StartError            the host cannot start here: port, project, Node
    WorkerError
        WorkerDied        the process ended while it held an invocation
        WorkerStartFailed it never became ready
        LoadFailed        it could not load a function
    TimedOut              an invocation ran longer than functionTimeout
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fnhost.bindings.contract import InvocationError


class FnhostError(InvocationError):
    """The root of all errors that are meant for the user's eyes. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong in the app's files: where, what, and what to do about it.

    `file` is relative to the app; `pointer` a JSON pointer into it, or `line N column M` where it cannot be parsed.
    """

    file: str
    pointer: str
    message: str
    hint: str = ""
    function: str | None = None

    def __str__(self) -> str:
        place = f"{self.file}{' ' if self.pointer and not self.pointer.startswith('/') else '#'}{self.pointer}"
        return f"{place if self.pointer else self.file}: {self.message}{' ' + self.hint if self.hint else ''}"


class AppError(FnhostError):
    """The app cannot be served as it is."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class StartError(FnhostError):
    """The host cannot start here."""


class WorkerError(FnhostError):
    """A language worker let us down."""


class WorkerDied(WorkerError):
    """The worker process ended while it held this invocation."""


class WorkerStartFailed(WorkerError):
    """The worker process never became ready."""


class LoadFailed(WorkerError):
    """The worker could not load the function. The text is the worker's own."""


class TimedOut(FnhostError):
    """The invocation ran longer than functionTimeout."""
