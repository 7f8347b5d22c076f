"""Query strings as the platform reads them: what cannot be read counts as absent.

Rules from platform/durable-http.md 4.3 and 4.4.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fnhost.bindings.http.request import joined, query_pairs
from fnhost.host.durable.model.history import RuntimeStatus
from fnhost.host.durable.model.instants import Instant, parse_instant

LONGEST_WAIT = 7 * 24 * 3600.0
"""Seconds: more than any client waits, and few enough for every timer."""
STATUSES: Mapping[str, RuntimeStatus] = {
    text: status for status in RuntimeStatus for text in (status.name, str(status.value))
}


@dataclass(frozen=True, slots=True)
class Parameters:
    """Values by lower-case name; those of a repeated name are joined with a comma."""

    values: Mapping[str, str]

    @classmethod
    def parse(cls, query_string: str) -> "Parameters":
        return cls(joined([(name.lower(), value) for name, value in query_pairs(query_string)]))

    def text(self, name: str) -> str | None:
        return self.values.get(name.lower())

    def flag(self, name: str, default: bool) -> bool:
        return {"true": True, "false": False}.get(self._trimmed(name).lower(), default)

    def whole(self, name: str) -> int | None:
        text = self._trimmed(name)
        return int(text) if re.fullmatch(r"[+-]?[0-9]{1,10}", text) else None

    def seconds(self, name: str) -> float | None:
        """At most `LONGEST_WAIT`."""
        text = self._trimmed(name)
        try:
            number = float(text) if text.isascii() and "_" not in text else math.nan
        except ValueError:
            return None
        return min(number, LONGEST_WAIT) if math.isfinite(number) and number >= 0 else None

    def moment(self, name: str) -> Instant | None:
        """A date at either end of the calendar is one; an offset that would lead out of it leads to its end."""
        try:
            return parse_instant(self._trimmed(name))
        except ValueError:
            return None

    def statuses(self, name: str) -> frozenset[RuntimeStatus]:
        """Names are case-sensitive, numbers are accepted, unknown ones dropped."""
        wanted = (each.strip() for each in self._trimmed(name).split(","))
        return frozenset(STATUSES[each] for each in wanted if each in STATUSES)

    def _trimmed(self, name: str) -> str:
        return (self.text(name) or "").strip()
