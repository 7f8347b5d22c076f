"""Real worker processes over real apps, and what they say."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fnhost.bindings.contract import Event, HttpRequest, Outcome, Value
from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.app import App
from fnhost.host.load.app import load
from fnhost.host.load.indexed import complete
from fnhost.host.logging.log import Log, Record
from fnhost.host.worker import Invocation, RetryContext
from fnhost.host.worker.commands import command
from fnhost.host.worker.pool import WorkerPool
from fnhost.host.worker.standby import StandbyWorkers

SETTINGS = {"FUNCTIONS_WORKER_RUNTIME": "python", "AzureWebJobsStorage": "UseDevelopmentStorage=true"}
HTTP = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
RETURN = {"name": "$return", "type": "http", "direction": "out"}


class Heard:
    """Every record so far, and a way to wait for one."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._news = asyncio.Event()

    def __call__(self, record: Record) -> None:
        self.records.append(record)
        self._news.set()

    async def until(self, is_wanted: Callable[[Record], bool]) -> Record:
        async with asyncio.timeout(20):
            while not (found := [record for record in self.records if is_wanted(record)]):
                self._news.clear()
                await self._news.wait()
        return found[0]

    async def message(self, text: str) -> Record:
        return await self.until(lambda record: text in record.message)


@dataclass
class Bench:
    """An app that is loaded into workers."""

    app: App
    pool: WorkerPool
    standby: StandbyWorkers
    heard: Heard
    failures: Mapping[str, str]
    ids: "itertools.count[int]" = field(default_factory=itertools.count)

    async def call(
        self,
        name: str,
        value: Value = None,
        inputs: Mapping[str, Value] | None = None,
        metadata: Mapping[str, Value] | None = None,
        invocation: str = "",
        attempt: RetryContext | None = None,
        crashes: int | None = None,
        trace_parent: str = "00-parent",
    ) -> Outcome:
        function = next(function for function in self.app.functions if function.name == name)
        event = Event(
            name,
            value,
            "test",
            metadata=metadata or {},
            trace_parent=trace_parent,
            trace_state="state",
            crashes=crashes,
        )
        given = {function.trigger.name: value, **(inputs or {})}
        id = invocation or f"{name}-{next(self.ids)}"
        with self.pool.use:
            return await self.pool.call(Invocation(id, function, given, event, attempt))


def get(body: bytes | None = None, headers: Mapping[str, str] | None = None, **query: str) -> HttpRequest:
    return HttpRequest("GET", "http://localhost:7071/api/x", headers or {}, query, {"id": "42"}, body)


@asynccontextmanager
async def bench(
    root: Path, python: str | None = None, clock: Clock = SYSTEM_CLOCK, **settings: str
) -> AsyncIterator[Bench]:
    """The app in `root`, loaded."""
    heard = Heard()
    log = Log(heard)
    app = load(root, {"PATH": os.environ["PATH"], **SETTINGS, **settings})
    worker = command(app, {"python": python} if python else {})
    async with StandbyWorkers(log, clock) as standby, WorkerPool(app, worker, standby, log, clock=clock) as pool:
        if "python" in app.index_files:  # tests of Node list functions by themselves
            app = complete(app, {"python": await pool.index()})
            pool.serve(app.functions)
        yield Bench(app, pool, standby, heard, await pool.load())


def write_app(root: Path, **sources: str) -> Path:
    """An app of HTTP functions with a `$return`, from the text of each `__init__.py`."""
    (root / "host.json").write_text('{"version": "2.0"}')
    for name, source in sources.items():
        write_function(root / name, source)
    return root


def write_function(folder: Path, source: str, *bindings: Mapping[str, object], file: str = "__init__.py") -> None:
    document = {"scriptFile": file, "bindings": bindings or (HTTP, RETURN)}
    write_file(folder / "function.json", json.dumps(document))
    write_file(folder / file, source)


def write_file(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")


async def serve(root: str) -> None:
    """Load the app and stay."""
    async with bench(Path(root)):
        await asyncio.Event().wait()
