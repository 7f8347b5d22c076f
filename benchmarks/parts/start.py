"""From the start of the command to its first answer."""

from collections.abc import AsyncIterator, Sequence

from benchmarks.bench import Bench
from benchmarks.hosts import on_sqlite, with_emulator
from benchmarks.peers import PeerMissing
from benchmarks.processes import NotStarted
from benchmarks.sites import Subject, fnhost, framework, node_framework, starlette
from benchmarks.table import Measure
from fnhost import azurite

PART, CASE, UNIT = "start", "start to first answer", "ms"
ROUNDS = 5
SUBJECTS = (
    Subject("fnhost, HTTP only", fnhost),
    Subject("fnhost, Durable on SQLite", on_sqlite),
    Subject("fnhost, Durable on Azurite", with_emulator),
    Subject("bare Starlette", starlette, "uvicorn"),
    Subject("functions-framework, Python", framework),
    Subject("functions-framework, Node", node_framework),
)


async def measure(bench: Bench) -> AsyncIterator[Measure]:
    bench.say(PART)
    is_there = bool(await azurite.listening())
    times: dict[Subject, list[float]] = {subject: [] for subject in SUBJECTS}
    missing: dict[Subject, str] = {}
    for _ in range(ROUNDS + 1):
        for subject in SUBJECTS:
            if subject not in missing:
                try:
                    async with subject.open(bench) as site:
                        times[subject].append(site.server.started_in * 1000)
                except (PeerMissing, NotStarted) as error:
                    missing[subject] = str(error)
    for subject in SUBJECTS:
        yield _measured(subject, times[subject], missing.get(subject, ""), is_there)


def _measured(subject: Subject, times: Sequence[float], reason: str, is_there: bool) -> Measure:
    """The first round finds cold files, and does not count."""
    starts = "uses one that runs already" if is_there else "starts Azurite, which is installed"
    note = reason or (starts if "Azurite" in subject.name else subject.note)
    return Measure(PART, CASE, subject.name, UNIT, tuple(times[1:]), note=note)
