"""The status of a timer, as the platform stores it (platform/timer.md 2 and 3)."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fnhost.bindings.formats import compact
from fnhost.bindings.storage.blob_service import Blobs
from fnhost.bindings.storage.errors import ResourceNotFound
from fnhost.bindings.storage.singleton import CONTAINER
from fnhost.bindings.timer.schedule import Schedule

NEVER: Final = datetime(1, 1, 1, tzinfo=UTC)
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """When it ran last (NEVER if not yet), when it is due next, and when this was written."""

    last: datetime
    next: datetime
    updated: datetime

    @property
    def members(self) -> dict[str, str]:
        return {"Last": self.last.isoformat(), "Next": self.next.isoformat(), "LastUpdated": self.updated.isoformat()}

    def fits(self, schedule: Schedule) -> bool:
        """Whether `next` follows from this schedule: if not, the schedule has been changed since."""
        return self.next in [schedule.next(since) for since in (self.last, self.updated) if since != NEVER]


@dataclass(frozen=True, slots=True)
class StatusStore:
    """The status of one function."""

    blobs: Blobs
    blob: str

    async def read(self) -> TimerStatus | None:
        """None if there is none, or none that can be read. Raises StorageError."""
        try:
            body, _ = await self.blobs.get(CONTAINER, self.blob)
            found = json.loads(body)
            return TimerStatus(*(_time(found[name]) for name in ("Last", "Next", "LastUpdated")))
        except (ResourceNotFound, ValueError, KeyError, TypeError):
            return None

    async def write(self, status: TimerStatus) -> None:
        """Raises StorageError."""
        await self.blobs.put(CONTAINER, self.blob, compact(status.members).encode(), content_type=JSON)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
