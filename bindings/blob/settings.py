"""`extensions.blobs` of host.json (platform/settings.md 2)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fnhost.bindings.queue.settings import LONGEST_BATCH, QueueSettings
from fnhost.bindings.settings import Section

NAME = "blobs"
LONGEST_POLL, LONGEST_LOCAL_POLL = 60.0, 2.0


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """How many blobs of a function are dealt with at once, and how often each is tried."""

    parallel: int
    deliveries: int

    def of_queue(self, is_development: bool) -> QueueSettings:
        """The same for the queue of found blobs."""
        batch = min((self.parallel + 1) // 2, LONGEST_BATCH)
        longest = LONGEST_LOCAL_POLL if is_development else LONGEST_POLL
        return QueueSettings(batch, self.parallel - batch, longest, self.deliveries, 0.0, True)


def read_settings(members: Mapping[str, Any]) -> BlobSettings:
    """Raises BindingError."""
    section = Section(NAME, members)
    return BlobSettings(
        parallel=section.whole("maxDegreeOfParallelism", 8 * (os.cpu_count() or 1), lowest=1),
        deliveries=section.whole("poisonBlobThreshold", 5, lowest=1),
    )
