"""The source that an instance runs through, with the line where it waits or failed."""

from typing import Any

from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.model.history import (
    RuntimeStatus,
)
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.replay.recording import Place
from fnhost.host.text import decoded
from fnhost.host.web.dashboard.durable import shapes
from fnhost.host.web.dashboard.durable.view import HubView
from fnhost.host.web.files import read_served


def code_json(view: HubView, instance: Instance, replayed: Replayed) -> dict[str, Any]:
    """Reads source files: call it in a thread."""
    marks: dict[str, list[dict[str, Any]]] = {}
    for kind, place in _marked(instance, replayed):
        shown = marks.setdefault(place.file, [])
        if kind is not None:
            shown.append({"line": place.line, "kind": kind, "function": place.function, "task": None})
    files = [
        {"path": shapes.shown_file(file, view.root), "text": text, "marks": found}
        for file, found in marks.items()
        if (text := _source(view, file)) is not None
    ]
    return {"files": files, "note": replayed.note or None}


def _marked(instance: Instance, replayed: Replayed) -> list[tuple[str | None, Place]]:
    """Where it waits or failed, the innermost first; then the other files that its steps led through."""
    recording, found = replayed.recording, list[tuple[str | None, Place]]()
    if recording is None or not replayed.fits:
        return found
    if instance.status is RuntimeStatus.Failed and recording.end:
        found += [("failed", place) for place in recording.end.frames]
    elif not instance.status.is_terminal and recording.steps:
        found += [("waits", place) for place in recording.steps[-1].frames]
    known = {place.file for _, place in found}
    return [*found, *((None, place) for step in recording.steps for place in step.frames if place.file not in known)]


def _source(view: HubView, file: str) -> str | None:
    """Of a file below the app's folder alone, and none of its packages."""
    path = view.root / file
    if not path.is_relative_to(view.root) or {"site-packages", "node_modules"} & set(path.parts):
        return None
    data = read_served(view.root, path)
    return None if data is None else decoded(data)
