"""`python -m benchmarks [PART ...]`: measure, print the table, and write it as text and JSON."""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path

import aiohttp
import uvloop

from benchmarks import machine, targets
from benchmarks.bench import Bench, clean_environment
from benchmarks.flows import WrongAnswer
from benchmarks.load import LoadFailed
from benchmarks.parts import dashboard, durable, http, memory, reload, screen, start, status, storage
from benchmarks.peers import Peers
from benchmarks.processes import NotStarted
from benchmarks.table import Measure, as_json, as_text
from fnhost.azurite import AzuriteError
from fnhost.bindings.storage import StorageError

PARTS: Mapping[str, Callable[[Bench], AsyncIterator[Measure]]] = {
    http.PART: http.measure,
    dashboard.PART: dashboard.measure,
    start.PART: start.measure,
    reload.PART: reload.measure,
    "sequential": durable.sequential,
    "throughput": durable.throughput,
    "fanout": durable.fan_out,
    status.PART: status.measure,
    screen.PART: screen.measure,
    storage.PART: storage.measure,
    memory.PART: memory.measure,
}
LIMIT = 14 * 60.0
"""Seconds for all parts together."""
FAILURES = (NotStarted, WrongAnswer, LoadFailed, AzuriteError, StorageError, aiohttp.ClientError, OSError, TimeoutError)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)} (all of them)")
    parser.add_argument("--out", type=Path, default=Path("build"), help="the folder for the results (build)")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"there is no part {', '.join(unknown)}; the parts are {', '.join(PARTS)}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        about, measures = runner.run(_run(options.parts or list(PARTS)))
    options.out.mkdir(parents=True, exist_ok=True)
    text, document = _text(about, measures), {"about": about, "measures": as_json(measures)}
    (options.out / "benchmarks.txt").write_text(text, "utf-8")
    (options.out / "benchmarks.json").write_text(json.dumps(document, indent=2, ensure_ascii=False), "utf-8")
    print(text)
    return 0


async def _run(parts: Sequence[str]) -> tuple[Mapping[str, str], Sequence[Measure]]:
    environment = clean_environment()
    about = await machine.describe(environment)
    with tempfile.TemporaryDirectory(prefix="fnhost-bench-") as work:
        bench = Bench(Path(work), Peers(_cache(environment), environment, _say), environment, _say)
        end = time.monotonic() + LIMIT
        measures = [measure for part in parts for measure in await _measured(bench, part, end - time.monotonic())]
    return about, measures


async def _measured(bench: Bench, part: str, seconds: float) -> Sequence[Measure]:
    """What a part measured until it was done, failed, or had no time left: the others still count."""
    found: list[Measure] = []
    try:
        async with asyncio.timeout(max(seconds, 0)) as limit:
            async for measure in PARTS[part](bench):
                found.append(measure)
    except FAILURES as error:
        reason = f"not done within {LIMIT / 60:.0f} minutes" if limit.expired() else f"{type(error).__name__}: {error}"
        bench.say(f"{part} failed: {reason}")
        found.append(Measure(part, "the rest", "fnhost", "not measured", note=reason))
    return found


def _text(about: Mapping[str, str], measures: Sequence[Measure]) -> str:
    head = "".join(f"{name}: {value}\n" for name, value in about.items())
    return "\n".join((head, as_text(measures), targets.as_text(measures)))


def _cache(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fnhost" / "bench"


def _say(line: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
