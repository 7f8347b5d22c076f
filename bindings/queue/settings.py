"""`extensions.queues` of host.json (platform/settings.md 2)."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fnhost.bindings.settings import Section

NAME = "queues"
LONGEST_BATCH = 32
LONGEST_POLL, LONGEST_LOCAL_POLL = 60.0, 2.0
"""Seconds between two looks at an empty queue at most: in the cloud, and where the environment is Development."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """Spans in seconds. `threshold` is how many messages may be in flight when the next batch is fetched."""

    batch: int
    threshold: int
    longest_poll: float
    deliveries: int
    retry_after: float
    is_base64: bool


def read_settings(members: Mapping[str, Any], is_development: bool = True) -> QueueSettings:
    """Raises BindingError."""
    section = Section(NAME, members)
    batch = section.whole("batchSize", 16, lowest=1, highest=LONGEST_BATCH)
    longest = LONGEST_LOCAL_POLL if is_development else LONGEST_POLL
    return QueueSettings(
        batch=batch,
        threshold=section.whole("newBatchThreshold", max(batch * (os.cpu_count() or 1) // 2, 1)),
        longest_poll=section.seconds("maxPollingInterval", longest, lowest=0.1),
        deliveries=section.whole("maxDequeueCount", 5, lowest=1),
        retry_after=section.seconds("visibilityTimeout", 0.0, highest=7 * 86400),
        is_base64=section.choice("messageEncoding", "base64", "none") == "base64",
    )
