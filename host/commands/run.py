"""`fnhost run NAME`: one run of a function, now, without listening to anything. Its log is on the console."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fnhost.bindings.contract import InvocationError
from fnhost.bindings.http.trigger import HttpSettings, RouteTable
from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage.services import HostState
from fnhost.clock import SYSTEM_CLOCK
from fnhost.host.app import App
from fnhost.host.assembly.emulator import StorageEmulator
from fnhost.host.assembly.functions import OpenedFunction, manual_event, opened_functions
from fnhost.host.assembly.generation import loaded
from fnhost.host.assembly.servable import servable, uses_durable
from fnhost.host.assembly.storage_use import needs_emulator
from fnhost.host.commands.indexing import with_functions
from fnhost.host.errors import StartError
from fnhost.host.identity import host_id
from fnhost.host.listing import error_lines
from fnhost.host.load.app import load
from fnhost.host.logging.console import Console
from fnhost.host.logging.log import Log
from fnhost.host.logging.writer import BackgroundWriter, standard_output
from fnhost.host.terminal.style import style_of
from fnhost.host.web.keys import Keys
from fnhost.host.worker.commands import runnable
from fnhost.host.worker.debuggers import Debuggers
from fnhost.host.worker.standby import StandbyWorkers

if TYPE_CHECKING:
    from fnhost.host.assembly.openhub import TaskHub


def run(
    root: Path, environment: Mapping[str, str], name: str, text: str, interpreters: Mapping[str, str], verbose: bool
) -> int:
    """0 if the function succeeded, else 1. Raises StartError, AppError."""
    app = _app_of(root, environment, name, interpreters)
    with BackgroundWriter(standard_output(sys.stdout)) as writer:
        console = Console(writer, verbose=verbose, style=style_of(environment, is_terminal=writer.is_terminal))
        console.set_levels(app.config.log_levels)
        return asyncio.run(_run(app, name, text, interpreters, Log(console)))


def _app_of(root: Path, environment: Mapping[str, str], name: str, interpreters: Mapping[str, str]) -> App:
    """The app with this function alone, which may still have to be listed. Raises StartError, AppError, WorkerError."""
    whole = with_functions(servable(load(root, environment)), interpreters, ())
    problems = [problem for problem in whole.problems if (problem.function or "").lower() == name.lower()]
    if problems:
        raise StartError("\n".join(error_lines(problems)))
    function = next((function for function in whole.functions if function.name.lower() == name.lower()), None)
    if function is None:
        known = ", ".join(function.name for function in whole.functions) or "none"
        raise StartError(f"There is no function '{name}'. Known: {known}.")
    if binding_types()[function.trigger.type].endpoint:
        raise StartError(f"'{function.name}' needs a request: run `fnhost start`, and call it over HTTP.")
    return servable(load(root, environment, [name]))


async def _run(app: App, name: str, text: str, interpreters: Mapping[str, str], log: Log) -> int:
    async with _opened(app, name, interpreters, log) as (opened, failures):
        if opened is None:
            log.error("Host.Startup", "\n".join(failures.values()))
            return 1
        try:
            outcome = await opened.fire(await manual_event(opened, text))
        except InvocationError:
            return 1  # the invocation has said in the log what failed
        return 1 if outcome.failure else 0


@asynccontextmanager
async def _opened(
    app: App, name: str, interpreters: Mapping[str, str], log: Log
) -> AsyncIterator[tuple[OpenedFunction | None, Mapping[str, str]]]:
    """The app's function, ready to be called; None, and why, if its worker could not load it."""
    ending, exhausted, state = asyncio.Event(), asyncio.Event(), HostState(host_id(app.root), str(uuid.uuid4()))
    async with AsyncExitStack() as stack:
        standby = await stack.enter_async_context(StandbyWorkers(log, debuggers=Debuggers(log)))
        emulator = await stack.enter_async_context(StorageEmulator(app.root, log, SYSTEM_CLOCK))
        app, commands = runnable(app, interpreters)
        workers = loaded(app, commands, standby, log, ending, exhausted, only=[name])
        fresh = await stack.enter_async_context(workers)
        if needs_emulator(fresh.app):
            emulator.begin(app.settings.environment)
            await emulator.ready()
        hub = await stack.enter_async_context(_hub(fresh.app, emulator, log))
        opening = opened_functions(fresh, RouteTable(HttpSettings()), hub, state, emulator, log, SYSTEM_CLOCK)
        functions = await stack.enter_async_context(opening)
        yield (None if fresh.failures else functions[0]), fresh.failures


@asynccontextmanager
async def _hub(app: App, emulator: StorageEmulator, log: Log) -> "AsyncIterator[TaskHub | None]":
    if not uses_durable(app):
        yield None
        return
    from fnhost.host.assembly.openhub import HubOpener  # not needed by most, and heavy
    from fnhost.host.assembly.taskhub import TaskHubs

    opener = HubOpener(app.root, emulator, log, SYSTEM_CLOCK, Keys.of_app(app.root), "localhost:7071")
    async with TaskHubs(opener) as hubs:
        change = await hubs.prepare(app)
        hub = await change.open()
        change.commit()
        try:
            yield hub
        finally:
            await change.leave()
