"""Requests to a trivial JSON function."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.load import Result, load
from benchmarks.sites import PATH, Site, Subject, fnhost, fnhost_node, framework, node_framework, opened, starlette
from benchmarks.table import Measure

PART = "http"
ROUNDS, SECONDS, WARM_UP = 3, 2.0, 0.7
SMALL, LARGE = 20, 1_000_000
SUBJECTS = (
    Subject("fnhost, Python worker", fnhost),
    Subject("fnhost, Node worker", fnhost_node),
    Subject("bare Starlette", starlette, "uvicorn, uvloop, httptools, 1 process, no access log"),
    Subject("functions-framework, Python", framework, "gunicorn as it sets it up"),
    Subject("functions-framework, Node", node_framework),
)


@dataclass(frozen=True, slots=True)
class Case:
    size: int
    connections: int

    @property
    def is_latency(self) -> bool:
        return self.connections == 1

    @property
    def name(self) -> str:
        body = "1 MB body" if self.size == LARGE else f"{self.size} B body"
        return f"{body}, {self.connections} connection{'' if self.is_latency else 's'}"

    @property
    def unit(self) -> str:
        return "ms, median of each round" if self.is_latency else "answers per second"


CASES = tuple(Case(size, connections) for size in (SMALL, LARGE) for connections in (1, 32))


async def measure(bench: Bench) -> AsyncIterator[Measure]:
    """All stay open, and take turns: what else the machine does meets all of them."""
    async with AsyncExitStack() as stack:
        running, missing = await opened(stack, bench, SUBJECTS)
        for case in CASES:
            bench.say(f"http: {case.name}")
            results = await _rounds(running, case)
            for subject in SUBJECTS:
                yield _measured(case, subject, results.get(subject, []), missing.get(subject, ""))


async def _rounds(running: dict[Subject, Site], case: Case) -> dict[Subject, list[Result]]:
    results: dict[Subject, list[Result]] = {subject: [] for subject in running}
    for number in range(ROUNDS + 1):
        for subject, site in running.items():
            seconds = SECONDS if number else WARM_UP
            result = await load(site.server.port, PATH, case.size, case.connections, seconds)
            if number:
                results[subject].append(result)
    return results


def _measured(case: Case, subject: Subject, results: list[Result], reason: str) -> Measure:
    values = tuple(result.median if case.is_latency else result.rate for result in results)
    return Measure(
        PART,
        case.name,
        subject.name,
        case.unit,
        values,
        more_is_better=not case.is_latency,
        note=reason or _note(subject, results),
    )


def _note(subject: Subject, results: list[Result]) -> str:
    failed = sum(result.failed for result in results)
    busy = max((result.busy for result in results), default=0)
    texts = (
        subject.note,
        f"p95 {max((result.p95 for result in results), default=0):.2f} ms",
        f"generator busy {busy:.0%}",
        f"{failed} failed" if failed else "",
    )
    return "; ".join(filter(None, texts))
