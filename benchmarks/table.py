"""Measurements, and the tables made of them."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from statistics import median
from typing import Any

OURS = "fnhost"
ENOUGH_FOR_P95 = 20
HEAD = ("", "median", "p95", "least", "most", "n", "ratio", "")
GAP = "  "


@dataclass(frozen=True, slots=True)
class Measure:
    """What one subject did in one case. Without values it could not be measured, and `note` says why."""

    part: str
    case: str
    subject: str
    unit: str
    values: tuple[float, ...] = ()
    more_is_better: bool = False
    note: str = ""

    @property
    def median(self) -> float:
        """Not a number without values."""
        return median(self.values) if self.values else math.nan

    @property
    def p95(self) -> float | None:
        return percentile(self.values, 0.95) if len(self.values) >= ENOUGH_FOR_P95 else None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def ratio(ours: Measure, theirs: Measure) -> float:
    """How many times as good we are. Not a number if either was not measured."""
    better, worse = (ours, theirs) if ours.more_is_better else (theirs, ours)
    if worse.median == 0:
        return math.nan if better.median == 0 else math.inf
    return better.median / worse.median


def base(case: Sequence[Measure]) -> Measure | None:
    """Whom the others of a case are compared with: our first row that was measured."""
    return next((measure for measure in case if measure.subject.startswith(OURS) and measure.values), None)


def cases(measures: Iterable[Measure]) -> list[list[Measure]]:
    return [list(group) for _, group in groupby(measures, key=lambda measure: (measure.part, measure.case))]


def as_text(measures: Sequence[Measure]) -> str:
    """One table per case, all with the same columns."""
    tables = [(f"{case[0].part}: {case[0].case} [{case[0].unit}]", _rows(case)) for case in cases(measures)]
    every = [HEAD, *(row for _, rows in tables for row in rows)]
    widths = [max(len(row[column]) for row in every) for column in range(len(HEAD) - 1)]
    blocks = ["\n".join([title, *(_line(row, widths) for row in (HEAD, *rows))]) for title, rows in tables]
    return "\n\n".join(blocks) + "\n"


def _rows(case: Sequence[Measure]) -> list[tuple[str, ...]]:
    ours = base(case)
    return [_row(measure, ours) for measure in case]


def _row(measure: Measure, ours: Measure | None) -> tuple[str, ...]:
    if not measure.values:
        return (measure.subject, *("-" for _ in HEAD[1:-1]), measure.note)
    figures = (measure.median, measure.p95, min(measure.values), max(measure.values))
    times = ratio(ours, measure) if ours and ours is not measure else None
    return (measure.subject, *map(number, figures), str(len(measure.values)), number(times), measure.note)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (text.rjust(width) for text, width in zip(row[1:-1], widths[1:], strict=True))
    return GAP.join((" " * 2 + row[0].ljust(widths[0]), first, *rest, row[-1])).rstrip()


def number(value: float | None) -> str:
    """Three digits that count, and no more."""
    if value is None or math.isnan(value):
        return ""
    if math.isinf(value) or value == 0:
        return "∞" if value else "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def as_json(measures: Sequence[Measure]) -> list[dict[str, Any]]:
    """Every measurement with its values and what was worked out from them."""
    return [_json(measure, base(case)) for case in cases(measures) for measure in case]


def _json(measure: Measure, ours: Measure | None) -> dict[str, Any]:
    times = ratio(ours, measure) if ours else math.nan
    return {**asdict(measure), "median": _finite(measure.median), "p95": measure.p95, "ratio": _finite(times)}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
