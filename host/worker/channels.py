"""Opens the conversation with a worker, in the form that its command asks for."""

from fnhost.clock import Clock
from fnhost.host.log import Log
from fnhost.host.worker import framed
from fnhost.host.worker.channel import WorkerChannel
from fnhost.host.worker.commands import Command
from fnhost.host.worker.groups import ProcessGroups


async def open_channel(command: Command, log: Log, groups: ProcessGroups, clock: Clock) -> WorkerChannel:
    """Raises WorkerStartFailed."""
    if command.handler is None:
        return await framed.open_channel(command, log, groups, clock)
    from fnhost.host.worker.handlers.channel import open_handler  # its HTTP client is slow to import

    return await open_handler(command, command.handler, log, groups, clock)
