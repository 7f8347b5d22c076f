"""Why an instance or a call failed: the call at fault, where the orchestrator stood, the traceback. Pure."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

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

TITLE = re.compile(r"^([A-Za-z_][\w.]*): ?(.*)$", re.DOTALL)
Cause: TypeAlias = TaskFailed | SubOrchestrationInstanceFailed


@dataclass(frozen=True, slots=True)
class Error:
    """`trace` is the traceback as text, as a worker wrote it or made from a replay; empty if there is none.

    `task` is the call that failed, `child` the instance that did. `orchestrator` is where the orchestrator stood.
    """

    type: str
    message: str
    text: str
    trace: str = ""
    task: str | None = None
    child: str | None = None
    orchestrator: Place | None = None
    is_recomputed: bool = False


def failure_of(events: Sequence[HistoryEvent], output: str | None, replayed: Replayed | None) -> Error | None:
    """Of an instance that has failed; None of any other."""
    end = next((event for event in reversed(events) if isinstance(event, ExecutionCompleted)), None)
    if end is None or end.orchestration_status is not RuntimeStatus.Failed:
        return None
    text = end.result or output or ""
    recording = replayed.recording if replayed and replayed.fits else None
    raised = recording.end if recording and recording.end and recording.end.is_raised else None
    if (cause := _cause(events, text, raised.event if raised else None)) is not None:
        here = raised.place if raised else None
        return replace(task_error(cause, events), orchestrator=here)
    if raised:
        kind, message = titled(raised.text)
        return Error(
            kind, message, text, traceback_of(raised.text, raised.frames), orchestrator=raised.place, is_recomputed=True
        )
    kind, message = titled(told(text))
    return Error(kind, message, text)


def _cause(events: Sequence[HistoryEvent], text: str, at: int | None) -> Cause | None:
    """The call whose failure the orchestrator did not catch: its reason is in the text of the instance's failure."""
    if at is not None and at < len(events) and isinstance(found := events[at], Cause):
        return found if _is_in(found.reason, text) else None
    failed = [event for event in events if isinstance(event, Cause)]
    return next((event for event in reversed(failed) if _is_in(event.reason, text)), None)


def _is_in(reason: str | None, text: str) -> bool:
    return bool(reason) and str(reason).strip() in text


def task_error(event: Cause, events: Sequence[HistoryEvent]) -> Error:
    """Of one call."""
    task, child = event.task_scheduled_id, None
    if isinstance(event, SubOrchestrationInstanceFailed):
        created = (e for e in events if isinstance(e, SubOrchestrationInstanceCreated) and e.event_id == task)
        child = next((e.instance_id for e in created), None)
    kind, message = titled(told(event.reason or event.details or ""))
    return Error(kind, message, event.reason or "", _trace(event.details), str(task), child)


def _trace(details: str | None) -> str:
    """The traceback in the details of a failure, which are an exception in the platform's JSON, or text."""
    try:
        found = json.loads(details or "null")
    except (ValueError, RecursionError):
        return details or ""
    return str(found.get("StackTraceString") or "") if isinstance(found, dict) else ""


def titled(text: str) -> tuple[str, str]:
    """Type and message of a line such as `ValueError: no such luck`."""
    found = TITLE.match(text.strip())
    return (found[1], found[2]) if found else ("", text.strip())


def traceback_of(title: str, frames: Sequence[Place]) -> str:
    """As Python prints it. `frames` begin with the innermost."""
    lines = ["Traceback (most recent call last):"]
    for frame in reversed(frames):
        lines.append(f'  File "{frame.file}", line {frame.line}, in {frame.function}')
        if frame.source.strip():
            lines.append(f"    {frame.source.strip()}")
    return "\n".join([*lines, title])
