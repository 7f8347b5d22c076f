"""The targets, and whether a run meets them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.table import Measure, number

Find = Callable[[str, str], Measure]


class NotMeasured(Exception):
    """A figure that a target needs is not in this run."""


@dataclass(frozen=True, slots=True)
class Target:
    text: str
    value: Callable[[Find], float]
    wanted: float
    more_is_better: bool = True

    def met(self, value: float) -> bool:
        return value >= self.wanted if self.more_is_better else value <= self.wanted


PYTHON, SQLITE, AZURITE = "fnhost, Python worker", "fnhost, SQLite hub", "fnhost, Azurite hub"
BUSY, ALONE = "20 B body, 32 connections", "20 B body, 1 connection"
FIVE, THROUGHPUT = "one orchestration of 5 activities", "200 orchestrations of 5 activities at once"
FAN = "fan-out and fan-in of 100 activities"
STORAGE, NEW_ANSWER = "storage operations per second", "file write to first new answer"
DRAWN = "custom status: set to drawn"
IDLE, WORN = "HTTP-only app, idle", "HTTP-only app, after 10,000 invocations"


def share(case: str, ours: str, theirs: str) -> Callable[[Find], float]:
    return lambda find: find(case, ours).median / find(case, theirs).median


def median(case: str, subject: str) -> Callable[[Find], float]:
    return lambda find: find(case, subject).median


def p95(case: str, subject: str) -> Callable[[Find], float]:
    return lambda find: find(case, subject).p95 or find(case, subject).median


def distance(case: str, ours: str, theirs: str) -> Callable[[Find], float]:
    return lambda find: find(case, ours).median - find(case, theirs).median


TARGETS = (
    Target("HTTP at 32, share of bare Starlette's rate", share(BUSY, PYTHON, "bare Starlette"), 0.5),
    Target("HTTP at 32, times functions-framework's rate", share(BUSY, PYTHON, "functions-framework, Python"), 3),
    Target("HTTP at 1, ms above bare Starlette", distance(ALONE, PYTHON, "bare Starlette"), 0.35, False),
    Target("start of an HTTP-only app, ms", median("start to first answer", "fnhost, HTTP only"), 800, False),
    Target("reload, p95, ms", p95(NEW_ANSWER, PYTHON), 150, False),
    Target("reload, failed requests", median("failed requests meanwhile", PYTHON), 0, False),
    Target("five steps on SQLite, share of DBOS's time", share(FIVE, SQLITE, "DBOS on SQLite"), 1, False),
    Target("five steps on SQLite, share of Restate's time", share(FIVE, SQLITE, "Restate"), 1, False),
    Target("throughput on SQLite, times DBOS's", share(THROUGHPUT, SQLITE, "DBOS on SQLite"), 3),
    Target("throughput on SQLite, share of Restate's", share(THROUGHPUT, SQLITE, "Restate"), 0.5),
    Target("fan-out of 100 on SQLite, times as quick as DBOS", share(FAN, "DBOS on SQLite", SQLITE), 5),
    Target("share of Azurite's own maximum", share(STORAGE, AZURITE, "plain client, 32 at once"), 0.8),
    Target("five steps on Azurite, ms", median(FIVE, AZURITE), 100, False),
    Target("custom status to the page of its instance, ms", median(DRAWN, "fnhost, instance page"), 200, False),
    Target("custom status to the list of instances, ms", median(DRAWN, "fnhost, list of instances"), 200, False),
    Target("idle host, MB", median(IDLE, "fnhost"), 90, False),
    Target("host after 10,000 invocations, times its idle size", lambda find: _growth(find), 1.2, False),
)


def _growth(find: Find) -> float:
    return find(WORN, "fnhost").median / find(IDLE, "fnhost").median


def judged(measures: Sequence[Measure]) -> Iterator[tuple[Target, float]]:
    """Every target whose figures were measured."""
    known = {(measure.case, measure.subject): measure for measure in measures if measure.values}

    def find(case: str, subject: str) -> Measure:
        if (case, subject) not in known:
            raise NotMeasured(f"{subject}: {case}")
        return known[case, subject]

    for target in TARGETS:
        try:
            yield target, target.value(find)
        except NotMeasured:
            continue


def as_text(measures: Sequence[Measure]) -> str:
    lines = [
        f"  {'met   ' if target.met(value) else 'missed'}  {number(value):>7}  wanted "
        f"{'≥' if target.more_is_better else '≤'} {number(target.wanted):<5}  {target.text}"
        for target, value in judged(measures)
    ]
    return "\n".join(["targets", *lines]) + "\n" if lines else ""
