"""Apps for Node in real workers: of both programming models, and the recorded programs of the Durable SDK in them."""

import asyncio
import itertools
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fnhost.bindings.contract import Binding, Event, Outcome, Value
from fnhost.host.app import App, Function, HostConfig, Settings
from fnhost.host.logging.log import Log
from fnhost.host.worker import Invocation, RetryContext
from fnhost.host.worker.commands import command
from fnhost.host.worker.framed import FramedChannel, open_channel
from tests.support.npm import link_packages
from tests.support.recordings import RECORDED
from tests.support.workers import Heard, write_file, write_function

NODE = {"FUNCTIONS_WORKER_RUNTIME": "node"}
HTTP = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
RES = {"name": "res", "type": "http", "direction": "out"}
ORCHESTRATION = {"name": "context", "type": "orchestrationTrigger", "direction": "in"}
ENTITY = {"name": "context", "type": "entityTrigger", "direction": "in"}

PRELUDE = """
const df = require('durable-functions');
const LOG = [];
const E = (name, key) => new df.EntityId(name, key);
const later = (c, milliseconds) => new Date(c.df.currentUtcDateTime.getTime() + milliseconds);
const http = (c, method, url, body, headers, tokenSource, enablePolling) => %s;
"""
"""What the recorded programs have at hand."""
CALL_HTTP = {
    "v3": "c.df.callHttp(method, url, body, headers, tokenSource, enablePolling)",
    "v4": "c.df.callHttp({ method, url, body, headers, tokenSource, enablePolling })",
}
MODELS = {"js2": "v3", "js3": "v4"}
"""The programming model for each line of the SDK."""


def write_v3(root: Path, **sources: str) -> Path:
    """An app of HTTP functions with an output `res`, from the text of each `index.js`."""
    (root / "host.json").write_text('{"version": "2.0"}')
    for name, source in sources.items():
        write_function(root / name, source, HTTP, RES, file="index.js")
    return root


def write_v4(root: Path, files: Mapping[str, str], main: str = "src/**/*.js", **package: object) -> Path:
    """An app whose functions are registered by its files below `src`, with the packages for that."""
    root.mkdir(exist_ok=True)
    for name, text in {"host.json": '{"version": "2.0"}', **files}.items():
        write_file(root / name, text)
    write_file(root / "package.json", json.dumps({"main": main, **package}))
    return link_packages(root, "v4")


@dataclass
class Registered:
    """A worker with an app that registers its functions: what it told of them, and a way to call them."""

    channel: FramedChannel
    told: Mapping[str, Any]
    functions: Mapping[str, Function]
    failures: Mapping[str, str]
    heard: Heard
    ids: "itertools.count[int]" = field(default_factory=itertools.count)

    async def call(
        self,
        name: str,
        value: Value = None,
        inputs: Mapping[str, Value] | None = None,
        metadata: Mapping[str, Value] | None = None,
        invocation: str = "",
        attempt: RetryContext | None = None,
    ) -> Outcome:
        function = self.functions[name]
        event = Event(name, value, "test", metadata=metadata or {}, trace_parent="00-parent", trace_state="state")
        given = {function.trigger.name: value, **(inputs or {})}
        id = invocation or f"{name}-{next(self.ids)}"
        return await self.channel.call(Invocation(id, function, given, event, attempt))


@asynccontextmanager
async def registered(root: Path, **settings: str) -> AsyncIterator[Registered]:
    """A worker that was asked for its functions, and has loaded them."""
    heard = Heard()
    environment = {"PATH": os.environ["PATH"], **NODE, **settings}
    run = command(App(root, "node", (), Settings(environment), HostConfig()))
    channel = await open_channel(run, Log(heard))
    try:
        told = await channel.metadata(str(root))
        functions = {each["functionId"]: function_of(each) for each in told["functionMetadataResults"]}
        yield Registered(channel, told, functions, await channel.load(functions.values()), heard)
    finally:
        await channel.stop()


def function_of(told: Mapping[str, Any]) -> Function:
    entries = [json.loads(text) for text in told["rawBindings"]]
    return Function(
        name=told["functionId"],
        directory=Path(told["directory"]),
        script=Path(told["directory"], told["scriptFile"]),
        entry_point=told["entryPoint"],
        language=told["language"],
        bindings=tuple(
            Binding(each["name"], each["type"].lower(), each["direction"], properties=each) for each in entries
        ),
    )


def write_recorded(root: Path, sdk: str) -> Path:
    """An app with every program that was recorded with `js2` or `js3`; each has the name of its recording."""
    model = MODELS[sdk]
    found = {name: recorded for name, recorded in RECORDED.items() if name.startswith(f"{sdk}-")}
    prelude = PRELUDE % CALL_HTTP[model]
    if model == "v4":
        lines = [_registration(name, recorded) for name, recorded in found.items() if recorded["kind"] != "cases"]
        return write_v4(root, {"src/index.js": "\n".join([prelude, *lines])})
    for name, recorded in found.items():
        if recorded["kind"] == "orchestrator":
            source = f"{prelude}module.exports = df.orchestrator({recorded['orchestrator_source']});"
            write_function(root / name, source, ORCHESTRATION, file="index.js")
        elif recorded["kind"] == "entity":
            source = f"{prelude}module.exports = df.entity({_entity(recorded)});"
            write_function(root / name, source, ENTITY, file="index.js")
    (root / "host.json").write_text('{"version": "2.0"}')
    return link_packages(root, model)


def _registration(name: str, recorded: Mapping[str, Any]) -> str:
    if recorded["kind"] == "entity":
        return f"df.app.entity({name!r}, {_entity(recorded)});"
    return f"df.app.orchestration({name!r}, {recorded['orchestrator_source']});"


def _entity(recorded: Mapping[str, Any]) -> str:
    """The recording holds a module of entities by name."""
    factory = recorded["entity_source"].strip().removeprefix("module.exports = ").removesuffix(";")
    return f"({factory})(df).{recorded['request']['self']['name']}"


class Program:
    """A recorded program, run by the SDK in a worker."""

    def __init__(self, run: Callable[[str], Awaitable[Outcome]]) -> None:
        self._run = run
        self.asked: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.answers: list[Outcome] = []

    async def __call__(self, event: Event) -> Outcome:
        self.asked.put_nowait(json.loads(str(event.value)))
        self.answers.append(await self._run(str(event.value)))
        return self.answers[-1]


def names_of(kind: str, sdk: str, but: Iterable[str] = ()) -> Sequence[str]:
    """The recordings of a kind made with an SDK."""
    return sorted(
        name
        for name, recorded in RECORDED.items()
        if name.startswith(sdk) and recorded["kind"] == kind and name not in but
    )
