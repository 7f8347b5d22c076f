"""What can happen while a host runs, as typed values: fields for programs, and the sentence that the console prints.

Sentences, levels and categories are the platform's (platform/console-and-logs.md). `kind` names an event in JSON
output, where the fields of its class are members (docs/logging.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Literal


class Level(IntEnum):
    """The platform's levels. Nothing happens at NONE: as a lowest level it hides everything.

    Rules from platform/worker-protocol.md 3.
    """

    TRACE = 0
    DEBUG = 1
    INFORMATION = 2
    WARNING = 3
    ERROR = 4
    CRITICAL = 5
    NONE = 6


LEVELS: Mapping[str, Level] = {**{level.name.lower(): level for level in Level}, "info": Level.INFORMATION}
"""Levels by the names that settings and workers write, in lower case."""
CONSOLE = "Host.Function.Console"
STARTUP = "Host.Startup"
WORKER = "Worker.Process"
HOST_CATEGORY = "Fnhost"
"""Category of what this host itself tells its user: shown like the user's own logs."""
FILES_SHOWN = 3
"""How many changed files the sentence of a reload names."""


@dataclass(slots=True, kw_only=True)
class _Event:
    """What every event may belong to; empty where it belongs to none.

    Nobody changes an event. It is not `frozen`: with that, making one takes more than twice as long, and each request
    makes two.
    """

    function: str = ""
    invocation: str = ""
    instance: str = ""


@dataclass(slots=True, kw_only=True)
class HostMessage(_Event):
    """A sentence of the host or of a worker's own program that has no event of its own."""

    kind: ClassVar[str] = "hostMessage"
    level: Level
    category: str
    message: str


@dataclass(slots=True, kw_only=True)
class HostStarting(_Event):
    """The first of a host. `url` is its base address."""

    kind: ClassVar[str] = "hostStarting"
    level: ClassVar[Level] = Level.INFORMATION
    category: ClassVar[str] = STARTUP
    version: str
    url: str

    @property
    def message(self) -> str:
        return f"fnhost {self.version}: runs Azure Functions apps on this machine"


@dataclass(slots=True, kw_only=True)
class FunctionsListed(_Event):
    """The functions of a version that serves, whenever they differ from those listed before.

    Each has `name`, `trigger`, `file`, `url` and `methods` (None where it is not reached over HTTP, or where all
    methods are) and `disabled`.
    """

    kind: ClassVar[str] = "functionsListed"
    level: ClassVar[Level] = Level.INFORMATION
    category: ClassVar[str] = STARTUP
    message: str
    functions: tuple[Mapping[str, object], ...]


@dataclass(slots=True, kw_only=True)
class InvocationStarted(_Event):
    """`trigger` is the binding type in lower case; `attempt` counts the retries of a retry policy from 1."""

    kind: ClassVar[str] = "invocationStarted"
    level: ClassVar[Level] = Level.INFORMATION
    reason: str
    trigger: str
    attempt: int = 0

    @property
    def category(self) -> str:
        return f"Function.{self.function}"

    @property
    def message(self) -> str:
        return f"Executing 'Functions.{self.function}' (Reason='{self.reason}', Id={self.invocation})"


@dataclass(slots=True, kw_only=True)
class InvocationEnded(_Event):
    """`duration_ms` is the time from the event to its outcome, inputs and outputs included."""

    kind: ClassVar[str] = "invocationEnded"
    outcome: Literal["Succeeded", "Failed"]
    duration_ms: float

    @property
    def level(self) -> Level:
        return Level.INFORMATION if self.outcome == "Succeeded" else Level.ERROR

    @property
    def category(self) -> str:
        return f"Function.{self.function}"

    @property
    def message(self) -> str:
        took = f"Id={self.invocation}, Duration={self.duration_ms:.0f}ms"
        return f"Executed 'Functions.{self.function}' ({self.outcome}, {took})"


@dataclass(slots=True, kw_only=True)
class InvocationException(_Event):
    """Why an invocation failed. `exception` is `<Type>: <text>`, `stack` the traceback or empty."""

    kind: ClassVar[str] = "invocationException"
    level: ClassVar[Level] = Level.ERROR
    exception: str
    stack: str = ""

    @property
    def category(self) -> str:
        return f"Function.{self.function}"

    @property
    def message(self) -> str:
        text = f"System.Private.CoreLib: Exception while executing function: Functions.{self.function}."
        stack = f"\nStack: {self.stack}" if self.stack else ""
        return f"{text} Result: Failure\nException: {self.exception}{stack}"


@dataclass(slots=True, kw_only=True)
class UserLog(_Event):
    """What user code logs. `logger` is the name it logs under."""

    kind: ClassVar[str] = "userLog"
    level: Level
    message: str
    logger: str = ""

    @property
    def category(self) -> str:
        return f"Function.{self.function}.User" if self.function else "Function.User"


@dataclass(slots=True, kw_only=True)
class WorkerOutput(_Event):
    """A line that a worker process, or a child of one, printed. `is_cut` says that the next record continues it."""

    kind: ClassVar[str] = "workerOutput"
    category: ClassVar[str] = CONSOLE
    level: Level
    message: str
    stream: Literal["stdout", "stderr"]
    pid: int
    is_cut: bool = False


@dataclass(slots=True, kw_only=True)
class WorkerStarted(_Event):
    """A worker process that answers. `executable` is the interpreter."""

    kind: ClassVar[str] = "workerStarted"
    level: ClassVar[Level] = Level.DEBUG
    category: ClassVar[str] = WORKER
    pid: int
    executable: str

    @property
    def message(self) -> str:
        return f"Language Worker Process started. Pid={self.pid}, {self.executable}"


@dataclass(slots=True, kw_only=True)
class WorkerExited(_Event):
    """`code` is 128 + n after signal n; `is_expected` that the host ended it, or that it ended as asked."""

    kind: ClassVar[str] = "workerExited"
    category: ClassVar[str] = WORKER
    pid: int
    code: int
    is_expected: bool
    last_words: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        return Level.INFORMATION if self.is_expected else Level.ERROR

    @property
    def message(self) -> str:
        return f"Language Worker Process exited. Pid={self.pid}."


@dataclass(slots=True, kw_only=True)
class FilesChanged(_Event):
    """Files of the app that were saved, relative to it."""

    kind: ClassVar[str] = "filesChanged"
    level: ClassVar[Level] = Level.INFORMATION
    category: ClassVar[str] = "Host.Watch"
    files: tuple[str, ...]

    @property
    def message(self) -> str:
        return f"Changed: {', '.join(self.files)}"


@dataclass(slots=True, kw_only=True)
class AppReloaded(_Event):
    """A new version of the app serves; `duration_ms` since its files were saved. Without files it was asked for."""

    kind: ClassVar[str] = "appReloaded"
    level: ClassVar[Level] = Level.INFORMATION
    category: ClassVar[str] = HOST_CATEGORY
    files: tuple[str, ...]
    duration_ms: float

    @property
    def message(self) -> str:
        files = f": {', '.join(self.files[:FILES_SHOWN])}" if self.files else ""
        return f"Reloaded in {self.duration_ms:.0f} ms{files}"


@dataclass(slots=True, kw_only=True)
class AppStarted(_Event):
    """A version of the app serves. Editors wait for this sentence: it is shown whatever the levels are."""

    kind: ClassVar[str] = "appStarted"
    level: ClassVar[Level] = Level.INFORMATION
    category: ClassVar[str] = STARTUP
    message: ClassVar[str] = "Worker process started and initialized."


@dataclass(slots=True, kw_only=True)
class AppRefused(_Event):
    """A version of the app does not serve. `is_serving` says that the one before goes on."""

    kind: ClassVar[str] = "appRefused"
    level: ClassVar[Level] = Level.ERROR
    category: ClassVar[str] = HOST_CATEGORY
    problems: tuple[str, ...]
    is_serving: bool

    @property
    def message(self) -> str:
        served = "The last good version keeps serving." if self.is_serving else "Nothing is served yet."
        return "\n".join([*self.problems, f"{served} Mend it and save: it is tried again at once."])


@dataclass(slots=True, kw_only=True)
class LinesLeftOut(_Event):
    """What one reader of the records could not be given. Stands where the lines would have stood."""

    kind: ClassVar[str] = "linesLeftOut"
    level: ClassVar[Level] = Level.WARNING
    category: ClassVar[str] = HOST_CATEGORY
    count: int
    reason: str

    @property
    def message(self) -> str:
        return f"{self.count} {'line was' if self.count == 1 else 'lines were'} left out: {self.reason}."


LogEvent = (
    HostMessage
    | HostStarting
    | FunctionsListed
    | InvocationStarted
    | InvocationEnded
    | InvocationException
    | UserLog
    | WorkerOutput
    | WorkerStarted
    | WorkerExited
    | FilesChanged
    | AppReloaded
    | AppStarted
    | AppRefused
    | LinesLeftOut
)
