"""The recording of a quiet replay, as a worker gives it: the steps of an orchestrator and where it stands. Pure.

A step is one `yield`: it ends in what is awaited there. Places are lines of source, the innermost frame first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fnhost.bindings.contract import Failure, Json, Outcome
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.text import compacted
from fnhost.host.durable.replay.actions import OrchestratorState, read_orchestrator_state


@dataclass(frozen=True, slots=True)
class Place:
    """A line of source; `file` as the worker names it, with its whole path."""

    file: str
    line: int
    function: str = ""
    source: str = ""


PACKAGES = re.compile(r"[\\/](site-packages|dist-packages|node_modules|lib[\\/]python3\.\d+)[\\/]")
"""Where the files of packages and of Python itself lie."""


def own_place(frames: Sequence[Place]) -> Place | None:
    """The innermost frame that is the app's; of packages alone the innermost."""
    own = (frame for frame in frames if not PACKAGES.search(frame.file))
    return next(own, frames[0] if frames else None)


@dataclass(frozen=True, slots=True)
class Step:
    """`event` is the index of the event that led to it. The actions from `before` to `after` were listed by it."""

    event: int
    frames: tuple[Place, ...]
    before: int
    after: int
    custom_status: str | None = None

    @property
    def place(self) -> Place | None:
        return own_place(self.frames)


@dataclass(frozen=True, slots=True)
class End:
    """How the orchestrator ended in the replay. `text` is what it returned or raised."""

    is_raised: bool
    text: str
    frames: tuple[Place, ...] = ()
    event: int | None = None
    custom_status: str | None = None

    @property
    def place(self) -> Place | None:
        return own_place(self.frames)


@dataclass(frozen=True, slots=True)
class Recording:
    """`note` says why there are no steps, where there are none. `cut` steps at the end were left out."""

    answer: OrchestratorState
    steps: tuple[Step, ...] = ()
    end: End | None = None
    ms: float = 0.0
    sdk: str = ""
    note: str = ""
    cut: int = 0

    def places(self) -> Mapping[int, Place]:
        """Where each action was asked for, by its place among the actions of the answer."""
        return {
            listed: place for step in self.steps if (place := step.place) for listed in range(step.before, step.after)
        }


def read_recording(found: Mapping[str, Any]) -> Recording:
    """Raises InvalidWorkerResponse."""
    try:
        places = [_place(each) for each in found.get("places") or ()]
        return Recording(
            answer=_answer(found),
            steps=tuple(_step(each, places) for each in found.get("steps") or ()),
            end=_end(found.get("end"), places),
            ms=float(found.get("ms") or 0),
            sdk=str(found.get("sdk") or ""),
            note=str(found.get("note") or ""),
            cut=int(found.get("cut") or 0),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise InvalidWorkerResponse(f"the recording of a replay is not complete: {error!r}") from error


def _answer(found: Mapping[str, Any]) -> OrchestratorState:
    if failure := found.get("failure"):
        return read_orchestrator_state(Outcome(failure=Failure(str(failure["message"]))))
    return read_orchestrator_state(Outcome(returned=Json(str(found["answer"]))))


def _place(found: Mapping[str, Any]) -> Place:
    return Place(
        str(found["file"]), int(found["line"]), str(found.get("function") or ""), str(found.get("source") or "")
    )


def _step(found: Mapping[str, Any], places: Sequence[Place]) -> Step:
    return Step(
        event=int(found["event"]),
        frames=tuple(places[number] for number in found["frames"]),
        before=int(found["actions_before"]),
        after=int(found["actions_after"]),
        custom_status=_status(found.get("custom_status")),
    )


def _end(found: Mapping[str, Any] | None, places: Sequence[Place]) -> End | None:
    if found is None:
        return None
    event = found.get("event")
    return End(
        is_raised=found["kind"] == "raised",
        text=str(found.get("text") or ""),
        frames=tuple(places[number] for number in found.get("frames") or ()),
        event=None if event is None else int(event),
        custom_status=_status(found.get("custom_status")),
    )


def _status(text: str | None) -> str | None:
    """As it is stored: compact JSON."""
    return None if text is None else compacted(text)
