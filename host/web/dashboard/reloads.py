"""The versions of the app that went into service, or did not: kept from the start, as they are few."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.web.dashboard.answers import ApiError, answer, single, time_text
from fnhost.host.web.dashboard.live import LiveEvents

KEPT = 100
"""Reloads that are kept."""


@dataclass(frozen=True, slots=True)
class ReloadEntry:
    """One try to put a version of the app into service. `version` counts those that succeeded, from 1.

    A refused one has the version that goes on, 0 if there is none. `files` are empty for the first.
    """

    number: int
    at: datetime
    files: tuple[str, ...]
    duration_ms: float
    result: Literal["entered", "refused"]
    version: int
    faults: tuple[str, ...] = ()


class ReloadHistory:
    """Told by the reload of each version; `live` tells the pages."""

    def __init__(self, root: Path, live: LiveEvents, clock: Clock = SYSTEM_CLOCK) -> None:
        self._root, self._live, self._clock = root, live, clock
        self._entries: deque[ReloadEntry] = deque(maxlen=KEPT)
        self._count = 0
        self.version = 0
        """The version in service, from 1; 0 if there is none yet."""

    @property
    def entries(self) -> Sequence[ReloadEntry]:
        """The newest last."""
        return tuple(self._entries)

    def entered(self, files: Sequence[Path], seconds: float) -> None:
        self.version += 1
        self._add(files, seconds, "entered", ())

    def refused(self, files: Sequence[Path], seconds: float, faults: Sequence[str]) -> None:
        self._add(files, seconds, "refused", faults)

    def _add(
        self, files: Sequence[Path], seconds: float, result: Literal["entered", "refused"], faults: Sequence[str]
    ) -> None:
        self._count += 1
        at = self._clock.now()
        entry = ReloadEntry(
            self._count, at, tuple(map(str, files)), seconds * 1000, result, self.version, tuple(faults)
        )
        self._entries.append(entry)
        if self._live.is_read("reload"):
            self._live.publish("reload", "reload", self.shown(entry))

    def find(self, number: int) -> ReloadEntry | None:
        return next((entry for entry in self._entries if entry.number == number), None)

    def shown(self, entry: ReloadEntry) -> dict[str, Any]:
        from fnhost.host.web.dashboard.problems import told  # not needed for a start, and heavy

        return {
            "n": entry.number,
            "at": time_text(entry.at),
            "changed": list(entry.files),
            "ms": round(entry.duration_ms, 1),
            "result": entry.result,
            "version": entry.version,
            "faults": list(entry.faults),
            "problems": [told(fault, self._root) for fault in entry.faults],
        }


def reload_routes(history: ReloadHistory) -> list[Route]:
    async def listed(request: Request) -> Response:
        return answer([history.shown(entry) for entry in reversed(history.entries)])

    async def one(request: Request) -> Response:
        if entry := history.find(request.path_params["number"]):
            return single(request, history.shown(entry))
        raise ApiError(404, "There is no such reload, or it is no longer kept.", f"The last {KEPT} are kept.")

    return [Route("/reloads", listed), Route("/reloads/{number:int}", one)]
