"""The filter of a list of instances, from a query or from the body of a batch."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from fnhost.clock import Clock
from fnhost.host.durable.insight.index import Filter
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.instants import Instant, instant, parse_instant
from fnhost.host.web.dashboard.answers import ApiError

SPAN = re.compile(r"(\d{1,6})([smhd])")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
NAMES = {status.name.lower(): status for status in RuntimeStatus}


def read_filter(given: Mapping[str, Any], clock: Clock) -> Filter:
    """Unknown members are left aside. Raises ApiError."""
    return Filter(
        statuses=frozenset(_status(name) for name in _listed(given.get("status"))),
        names=frozenset(name.lower() for name in _listed(given.get("name"))),
        prefix=str(given.get("prefix") or ""),
        text=str(given.get("q") or "").lower(),
        created_from=_moment(given, "from", clock),
        created_to=_moment(given, "to", clock),
    )


def _listed(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else str(value or "").split(",")
    return [text for part in parts if (text := str(part).strip())]


def _status(name: str) -> RuntimeStatus:
    if (found := NAMES.get(name.lower())) is None:
        raise ApiError(400, f"'{name}' is no status. There are {', '.join(status.name for status in RuntimeStatus)}.")
    return found


def _moment(given: Mapping[str, Any], name: str, clock: Clock) -> Instant | None:
    """A time, or a span back from now such as `1h`."""
    text = str(given.get(name) or "").strip()
    if not text:
        return None
    if found := SPAN.fullmatch(text):
        return instant(clock.now() - timedelta(seconds=int(found[1]) * SECONDS[found[2]]))
    try:
        return parse_instant(text)
    except ValueError as error:
        raise ApiError(
            400, f"'{name}' is no time: {text}. Write 2026-11-25T12:00:00Z, or a span such as 1h."
        ) from error
