"""Instances, waits, errors and statuses as JSON values (docs/dashboard-api.md). Pure, but for reading source lines."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from fnhost.host.durable.insight.failures import Error
from fnhost.host.durable.insight.index import IndexRow
from fnhost.host.durable.insight.inputs import given_value
from fnhost.host.durable.insight.progress import progress_of
from fnhost.host.durable.insight.store import PastExecution
from fnhost.host.durable.insight.waits import Wait, told
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.instants import Instant
from fnhost.host.durable.replay.decide import CUSTOM_STATUS_KB
from fnhost.host.durable.replay.recording import Place
from fnhost.host.web.dashboard.exceptions import read_exception

STATUS_LIMIT = (CUSTOM_STATUS_KB + 1) * 1024
"""The platform counts whole kilobytes: this is the first size that it refuses, in bytes of UTF-16."""
MOST_TEXT = 1_000_000
CUT_TEXT = 64 * 1024
SHOWN_NOTE = 300
SHOWN_TEXT = 300


def value_of(stored: str | None) -> Any:
    """A stored text as the value that it is; as a string where it is no JSON."""
    if stored is None:
        return None
    try:
        return json.loads(stored, parse_constant=str)
    except (ValueError, RecursionError):
        return stored


def bounded(stored: str | None, read: Callable[[str | None], Any]) -> Any:
    """The value of a stored text, or the begin of one that is too long for a page."""
    return stored[:CUT_TEXT] if is_cut(stored) and stored else read(stored)


def is_cut(stored: str | None) -> bool:
    return stored is not None and len(stored) > MOST_TEXT


def cut_sizes(**stored: str | None) -> dict[str, int]:
    """How many characters each text has that `bounded` cuts."""
    return {name: len(text) for name, text in stored.items() if text is not None and is_cut(text)}


def status_bytes(custom_status: str | None) -> int:
    return len((custom_status or "").encode("utf-16-le", "surrogatepass"))


def status_json(custom_status: str | None, *, is_cut: bool = False) -> dict[str, Any] | None:
    """The custom status of a row."""
    if custom_status is None:
        return None
    progress = None if is_cut else progress_of(custom_status)
    return {
        "text": custom_status[:SHOWN_TEXT],
        "cut": is_cut or len(custom_status) > SHOWN_TEXT,
        "progress": progress
        and {"kind": progress.kind, "value": progress.value, "of": progress.of, "percent": progress.percent},
    }


def row_json(row: IndexRow, note: dict[str, Any] | None, parent: str | None = None) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status.name,
        "created": row.created,
        "updated": row.updated,
        "custom_status": status_json(row.custom_status, is_cut=row.is_cut),
        "note": note or ended_note(row),
        "parent": parent,
    }


def note(kind: str | None, text: str) -> dict[str, Any]:
    return {"kind": kind, "text": text[:SHOWN_NOTE]}


def ended_note(row: IndexRow) -> dict[str, Any]:
    """What its end says; of one that runs nothing."""
    if row.status is RuntimeStatus.Failed:
        return note("error", told(row.output or ""))
    if row.status in (RuntimeStatus.Completed, RuntimeStatus.Terminated) and row.output is not None:
        return note("output", row.output)
    return note(None, "")


def waits_note(waits: Sequence[Wait]) -> dict[str, Any] | None:
    """The wait that a person would name first: an event, else the one that began first."""
    if not waits:
        return None
    first = min(waits, key=lambda wait: (wait.kind != "event", wait.since))
    more = f" and {len(waits) - 1} more" if len(waits) > 1 else ""
    return {**note("waits", f"{first.sentence}{more}"), "since": first.since}


def error_note(error: Error | None, root: Path) -> dict[str, Any]:
    """Type, message and the user's line. Reads source files: call it in a thread."""
    if (shown := error_json(error, root)) is None:
        return note(None, "")
    text = f"{shown['type']}: {shown['message']}" if shown["type"] else shown["message"]
    return {**note("error", text), "file": shown["file"], "line": shown["line"]}


def place_json(place: Place | None, root: Path) -> dict[str, Any]:
    if place is None:
        return {"file": None, "line": None, "function": None, "source_line": None}
    return {
        "file": shown_file(place.file, root),
        "line": place.line,
        "function": place.function or None,
        "source_line": place.source or None,
    }


def shown_file(file: str, root: Path) -> str:
    """Relative to the app's folder where it lies below it."""
    path = Path(file)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else file


def wait_json(wait: Wait, root: Path) -> dict[str, Any]:
    return {
        "kind": wait.kind,
        "name": wait.name,
        "task": wait.task,
        "since": wait.since,
        "due": wait.due,
        "attempt": wait.attempt,
        "of": wait.of,
        "child": wait.child,
        **place_json(wait.place, root),
        "source": "recomputed" if wait.is_recomputed else "live",
    }


def error_json(error: Error | None, root: Path) -> dict[str, Any] | None:
    """Reads source files: call it in a thread."""
    if error is None:
        return None
    title = f"{error.type}: {error.message}" if error.type else error.message
    read = read_exception(title, error.trace, root)
    place = next((frame for frame in read["frames"] if frame["is_user"]), None)
    own = place_json(error.orchestrator, root) if error.orchestrator else None
    at = {"file": place["file"], "line": place["line"], "function": place["function"]} if place else {}
    source = place and next((each["text"] for each in place["source"] if each["line"] == place["line"]), place["text"])
    return {
        "type": error.type or read["type"],
        "message": error.message,
        "text": error.text,
        "trace": error.trace,
        **(own or place_json(None, root)),
        **at,
        **({"source_line": source} if place else {}),
        "frames": read["frames"],
        "causes": read["causes"],
        "task": error.task,
        "child": error.child,
        "orchestrator": own,
        "source": "recomputed" if error.is_recomputed else "recorded",
    }


def past_json(number: int, past: PastExecution) -> dict[str, Any]:
    return {
        "execution_id": past.execution_id,
        "generation": number,
        "created": past.created,
        "input": given_value(past.input),
        "status": "ContinuedAsNew",
        "events": None,
    }


def status_value(at: Instant, text: str | None, episode: int | None, *, is_recomputed: bool) -> dict[str, Any]:
    return {
        "at": at,
        "value": value_of(text),
        "text": text,
        "bytes": status_bytes(text),
        "episode": episode,
        "source": "recomputed" if is_recomputed else "recorded",
    }
