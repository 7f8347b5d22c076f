"""The functions that an app declares in code, for commands that do not serve it."""

import asyncio
from collections.abc import Mapping, Sequence

from fnhost.host.app import App
from fnhost.host.assembly.generation import loaded
from fnhost.host.logging.log import Log
from fnhost.host.worker.commands import runnable
from fnhost.host.worker.standby import StandbyWorkers


def with_functions(app: App, interpreters: Mapping[str, str], only: Sequence[str]) -> App:
    """The app as it is if folders declare its functions, else as a worker lists it. Raises AppError, WorkerError."""
    return asyncio.run(_listed(app, interpreters, only)) if app.index_files else app


async def _listed(app: App, interpreters: Mapping[str, str], only: Sequence[str]) -> App:
    log, ending = Log(), asyncio.Event()
    ending.set()
    app, commands = runnable(app, interpreters)
    async with StandbyWorkers(log) as standby:
        async with loaded(app, commands, standby, log, ending, asyncio.Event(), only=only) as fresh:
            return fresh.app
