"""Workflows: one after the other, many at once, and with many steps at once."""

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import aiohttp

from benchmarks.bench import Bench
from benchmarks.flows import SUBJECTS, Flow, FlowSubject, Kind, WrongAnswer
from benchmarks.peers import PeerMissing
from benchmarks.processes import NotStarted
from benchmarks.table import Measure

PASSES = 2
"""Every subject is started anew for each pass: what else the machine does meets all of them."""
WARM_UP = 2.0
"""Seconds for which a subject works before it is measured: what a start leaves to be done later is done by then."""


@dataclass(frozen=True, slots=True)
class Case:
    """`samples` in each pass. With `at_once` above 1 the figure is a rate."""

    part: str
    name: str
    kind: Kind
    steps: int
    samples: int
    at_once: int = 1

    @property
    def unit(self) -> str:
        return "ms, start to result seen" if self.at_once == 1 else "orchestrations per second"

    async def sample(self, flow: Flow) -> float:
        begun = time.perf_counter()
        if self.at_once == 1:
            await flow.run(self.kind, self.steps)
            return (time.perf_counter() - begun) * 1000
        await flow.run_many(self.kind, self.steps, self.at_once)
        return self.at_once / (time.perf_counter() - begun)


SEQUENTIAL = (
    Case("sequential", "one orchestration of 5 activities", "chain", 5, 15),
    Case("sequential", "one orchestration of 50 activities", "chain", 50, 3),
)
THROUGHPUT = (Case("throughput", "200 orchestrations of 5 activities at once", "chain", 5, 1, 200),)
FAN_OUT = (
    Case("fanout", "fan-out and fan-in of 100 activities", "fan", 100, 3),
    Case("fanout", "fan-out and fan-in of 1,000 activities", "fan", 1000, 1),
)


async def measure(bench: Bench, cases: Sequence[Case]) -> AsyncIterator[Measure]:
    values: dict[tuple[FlowSubject, Case], list[float]] = {(s, case): [] for case in cases for s in SUBJECTS}
    missing: dict[FlowSubject, str] = {}
    for _ in range(PASSES):
        for subject in SUBJECTS:
            if subject not in missing:
                bench.say(f"{cases[0].part}: {subject.name}")
                try:
                    await _pass(bench, subject, cases, values)
                except (PeerMissing, NotStarted, WrongAnswer, aiohttp.ClientError, TimeoutError) as error:
                    missing[subject] = str(error) or type(error).__name__
    for (subject, case), found in sorted(values.items(), key=lambda item: cases.index(item[0][1])):
        yield Measure(
            case.part,
            case.name,
            subject.name,
            case.unit,
            tuple(found),
            more_is_better=case.at_once > 1,
            note=missing.get(subject, subject.note),
        )


async def _pass(
    bench: Bench,
    subject: FlowSubject,
    cases: Sequence[Case],
    values: dict[tuple[FlowSubject, Case], list[float]],
) -> None:
    async with subject.open(bench) as flow:
        begun = time.perf_counter()
        while time.perf_counter() - begun < WARM_UP:
            await flow.run(cases[0].kind, 5)
        for case in cases:
            for _ in range(case.samples):
                values[subject, case].append(await case.sample(flow))


def sequential(bench: Bench) -> AsyncIterator[Measure]:
    return measure(bench, SEQUENTIAL)


def throughput(bench: Bench) -> AsyncIterator[Measure]:
    return measure(bench, THROUGHPUT)


def fan_out(bench: Bench) -> AsyncIterator[Measure]:
    return measure(bench, FAN_OUT)
