"""Whether a custom status looks like progress. Pure.

Only what the value itself says counts: a total is never guessed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

DONE = frozenset({"step", "done", "current", "completed", "processed", "count", "n", "index"})
TOTAL = frozenset({"of", "total", "max", "length", "count"})
PERCENT = re.compile(r"percent|pct|progress|%", re.IGNORECASE)
OF_TEXT = re.compile(r"\D*(\d{1,12})\s*(?:/|of|von|de)\s*(\d{1,12})\D*")
PERCENT_TEXT = re.compile(r"\D*(\d{1,3}(?:\.\d{1,6})?)\s*%\D*")


@dataclass(frozen=True, slots=True)
class Progress:
    """`percent` is from 0 to 100; None for a counter, whose end nobody knows."""

    kind: Literal["fraction", "percent", "of", "counter"]
    value: float
    of: float | None = None

    @property
    def percent(self) -> float | None:
        if self.kind == "counter" or self.of is None:
            return None
        return round(100 * self.value / self.of, 2)


def progress_of(custom_status: str | None) -> Progress | None:
    """What the JSON text of a custom status says of progress; None if nothing."""
    if not custom_status:
        return None
    try:
        return _progress(json.loads(custom_status))
    except (ValueError, RecursionError):
        return None


def _progress(value: Any) -> Progress | None:
    if _is_number(value):
        return _of_number(value)
    match value:
        case str():
            return _of_text(value)
        case dict():
            return _of_object(value)
        case [done, total]:
            return _of_pair(done, total)
    return None


def _of_number(value: float) -> Progress | None:
    if isinstance(value, float) and 0 <= value <= 1:
        return Progress("fraction", value, 1)
    return Progress("counter", value) if isinstance(value, int) and value >= 0 else None


def _of_text(text: str) -> Progress | None:
    if found := OF_TEXT.fullmatch(text):
        return _of_pair(int(found[1]), int(found[2]))
    if (found := PERCENT_TEXT.fullmatch(text)) and float(found[1]) <= 100:
        return Progress("percent", float(found[1]), 100)
    return None


def _of_object(members: Mapping[str, Any]) -> Progress | None:
    numbers = {name.lower(): value for name, value in members.items() if _is_number(value)}
    for name, value in numbers.items():
        if PERCENT.search(name) and 0 <= value <= 100:
            is_fraction = isinstance(value, float) and value <= 1
            return Progress("fraction", value, 1) if is_fraction else Progress("percent", value, 100)
    totals = [name for name in numbers if name in TOTAL]
    for name in numbers:
        for total in totals:
            if name in DONE and name != total and (found := _of_pair(numbers[name], numbers[total])):
                return found
    return None


def _of_pair(done: Any, total: Any) -> Progress | None:
    if not _is_number(done) or not _is_number(total) or not 0 <= done <= total or total <= 0:
        return None
    return Progress("of", done, total)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
