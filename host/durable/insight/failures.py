"""Why an instance or an activity failed: type, message, and the user's frames first. Pure, but for reading source.

What a worker wrote of an exception is text; Python's and Node's tracebacks are read from it.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.waits import told
from fnhost.host.durable.model.history import (
    ExecutionCompleted,
    HistoryEvent,
    RuntimeStatus,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskFailed,
)
from fnhost.host.durable.replay.recording import Place

PYTHON_FRAME = re.compile(r'^\s*File "(.+?)", line (\d+)(?:, in (.+))?$')
NODE_FRAME = re.compile(r"^\s*at (?:(?:async )?(.+?) \()?(?:file://)?(.+?):(\d+):\d+\)?$")
TITLE = re.compile(r"^([A-Za-z_][\w.]*): ?(.*)$", re.DOTALL)
MOST_FRAMES = 50
FOREIGN = ("site-packages", "node_modules", "dist-packages", ".venv", "node:internal")


@dataclass(frozen=True, slots=True)
class Error:
    """`frames` are in the order in which a reader wants them: where it happened first, the user's before others.

    `orchestrator` is where the orchestrator stood. `task` is the call that failed, `child` the instance that did.
    """

    type: str
    message: str
    text: str
    frames: tuple[Place, ...] = ()
    task: str | None = None
    child: str | None = None
    orchestrator: Place | None = None
    is_recomputed: bool = False

    def users(self, root: Path) -> list[Place]:
        return [frame for frame in self.frames if is_users(frame, root)]


def failure_of(events: Sequence[HistoryEvent], output: str | None, replayed: Replayed | None) -> Error | None:
    """Of an instance that has failed; None of any other."""
    end = next((event for event in reversed(events) if isinstance(event, ExecutionCompleted)), None)
    if end is None or end.orchestration_status is not RuntimeStatus.Failed:
        return None
    text = end.result or output or ""
    recording = replayed.recording if replayed and replayed.fits else None
    raised = recording.end if recording and recording.end and recording.end.is_raised else None
    here = raised.frames[0] if raised and raised.frames else None
    if (cause := _cause(events, text, raised.event if raised else None)) is not None:
        return _with_place(task_error(cause, events), here)
    if raised:
        kind, message = titled(raised.text)
        return Error(kind, message, text, raised.frames, orchestrator=here, is_recomputed=True)
    kind, message = titled(told(text))
    return Error(kind, message, text, frames_of(text))


def _with_place(error: Error, here: Place | None) -> Error:
    return Error(error.type, error.message, error.text, error.frames, error.task, error.child, here, here is not None)


def _cause(
    events: Sequence[HistoryEvent], text: str, at: int | None
) -> TaskFailed | SubOrchestrationInstanceFailed | None:
    """The call whose failure the orchestrator did not catch: its reason is in the text of the instance's failure."""
    if (
        at is not None
        and at < len(events)
        and isinstance(found := events[at], TaskFailed | SubOrchestrationInstanceFailed)
    ):
        return found if _is_in(found.reason, text) else None
    failed = [event for event in events if isinstance(event, TaskFailed | SubOrchestrationInstanceFailed)]
    return next((event for event in reversed(failed) if _is_in(event.reason, text)), None)


def _is_in(reason: str | None, text: str) -> bool:
    return bool(reason) and str(reason).strip() in text


def task_error(event: TaskFailed | SubOrchestrationInstanceFailed, events: Sequence[HistoryEvent]) -> Error:
    """Of one call."""
    task, child = event.task_scheduled_id, None
    if isinstance(event, SubOrchestrationInstanceFailed):
        created = (e for e in events if isinstance(e, SubOrchestrationInstanceCreated) and e.event_id == task)
        child = next((e.instance_id for e in created), None)
    trace = _trace(event.details)
    kind, message = titled(told(event.reason or event.details or ""))
    text = "\n".join(filter(None, (event.reason, trace)))
    return Error(kind, message, text, frames_of(trace), str(task), child)


def _trace(details: str | None) -> str:
    """The traceback in the details of a failure, which are an exception in the platform's JSON, or text."""
    try:
        found = json.loads(details or "null")
    except ValueError:
        return details or ""
    return str(found.get("StackTraceString") or "") if isinstance(found, dict) else ""


def titled(text: str) -> tuple[str, str]:
    """Type and message of a line such as `ValueError: no such luck`."""
    found = TITLE.match(text.strip())
    return (found[1], found[2]) if found else ("", text.strip())


def frames_of(trace: str) -> tuple[Place, ...]:
    """The frames in a traceback of Python or Node, where it happened first."""
    lines = trace.splitlines()
    python = [_python_frame(at, lines) for at in range(len(lines))]
    found = [frame for frame in python if frame][::-1] or [frame for line in lines if (frame := _node_frame(line))]
    return tuple(found[:MOST_FRAMES])


def _python_frame(at: int, lines: Sequence[str]) -> Place | None:
    found = PYTHON_FRAME.match(lines[at])
    if not found:
        return None
    below = lines[at + 1] if at + 1 < len(lines) else ""
    source = "" if PYTHON_FRAME.match(below) or not below.startswith("    ") else below.strip()
    return Place(found[1], int(found[2]), found[3] or "", source)


def _node_frame(line: str) -> Place | None:
    found = NODE_FRAME.match(line)
    return Place(found[2], int(found[3]), found[1] or "") if found else None


def is_users(place: Place, root: Path) -> bool:
    """Whether a file is the app's own."""
    parts = Path(place.file).parts
    return not any(name in parts for name in FOREIGN) and place.file.startswith(f"{root}/")


@dataclass(slots=True)
class Sources:
    """Lines of the app's files, each read once, and no file outside of the app's folder."""

    root: Path
    _read: dict[str, list[str]] = field(default_factory=dict)

    def shown(self, file: str) -> str:
        """The name of a file as people know it: below the app's folder, else its whole path."""
        prefix = f"{self.root}/"
        return file.removeprefix(prefix)

    def text(self, file: str) -> str | None:
        """None for a file that is not the app's, or cannot be read. Blocks."""
        lines = self.lines(file)
        return "\n".join(lines) if lines else None

    def lines(self, file: str) -> list[str]:
        if file not in self._read:
            self._read[file] = _lines(self.root, file)
        return self._read[file]

    def around(self, place: Place, more: int = 2) -> list[tuple[int, str]]:
        """The lines about a place, with their numbers."""
        lines = self.lines(place.file)
        first = max(place.line - more, 1)
        return list(enumerate(lines[first - 1 : place.line + more], first)) if place.line <= len(lines) else []


LARGEST_FILE = 1024 * 1024


def _lines(root: Path, file: str) -> list[str]:
    try:
        path = Path(file).resolve()
        if not path.is_relative_to(root.resolve()) or path.stat().st_size > LARGEST_FILE:
            return []
        return path.read_text("utf-8", "replace").splitlines()
    except (OSError, ValueError):
        return []
