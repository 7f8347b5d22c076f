"""The errors of the host.

FnhostError
    AppError                   the app cannot be served as it is; carries the problems
    StartError                 the host cannot start here: port, project, Node
    WorkerError
        WorkerStartFailed      a process never became ready
        IndexingFailed         a worker could not list the functions that the app declares in code
        WorkersNotReady        no process became ready in time: worth another try, and nobody's fault
        WorkersExhausted       the processes crashed too often: the host ends, nobody tries again
        FunctionNotLoadable    a worker could not load the function
        WorkerEnded            the process ended while it held the invocation
            WorkerCrashed      by itself: user code, a signal from outside, memory
            WorkerStopped      the host ended it: worth another try, and not the invocation's fault
        CannotObserve          the worker cannot replay this function for somebody who looks
    Poisonous                  this work ended its worker each time it was tried; it will not be tried again
    TimedOut                   an invocation ran longer than functionTimeout
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fnhost.bindings.contract import InvocationError
from fnhost.host.text import escaped


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
        text = f"{place if self.pointer else self.file}: {self.message}{' ' + self.hint if self.hint else ''}"
        return text if text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    """Names of files and functions may hold what a terminal would obey, and what no encoding has."""
    return character if character.isprintable() or character == "\n" else escaped(character)


class AppError(FnhostError):
    """The app cannot be served as it is."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


class StartError(FnhostError):
    """The host cannot start here."""


class WorkerError(FnhostError):
    """A language worker did not do what it was asked to."""


class WorkerStartFailed(WorkerError):
    """The worker process never became ready."""


class IndexingFailed(WorkerError):
    """The worker could not list the app's functions. The text is the worker's own, with the traceback of user code."""


class WorkersNotReady(WorkerError):
    """No worker process became ready in time. The work was not begun and may be tried again."""


class WorkersExhausted(WorkerError):
    """The worker processes crashed too often (platform/lifecycle.md 1). Trying again is in vain: the host ends."""


class FunctionNotLoadable(WorkerError):
    """The worker could not load the function. The text is the worker's own."""


class CannotObserve(WorkerError):
    """A replay that somebody wanted to look at was not possible. The text says why; nothing else is affected."""


class WorkerEnded(WorkerError):
    """The worker process ended while it held this invocation."""


class WorkerCrashed(WorkerEnded):
    """It ended by itself: user code ended it, or a signal from outside."""

    is_crash = True


class WorkerStopped(WorkerEnded):
    """The host ended it: for another invocation's time-out, or because the host itself ends."""


class Poisonous(FnhostError):
    """This work ended its worker process every time it was tried. It has failed for good, and nothing else with it."""


class TimedOut(FnhostError):
    """The invocation ran longer than functionTimeout."""
