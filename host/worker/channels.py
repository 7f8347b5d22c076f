"""Opens the conversation with a worker, in the form that its command asks for."""

from typing import TYPE_CHECKING

from fnhost.clock import Clock
from fnhost.host.logging.log import Log
from fnhost.host.worker import framed
from fnhost.host.worker.channel import WorkerChannel
from fnhost.host.worker.commands import Command
from fnhost.host.worker.groups import ProcessGroups

if TYPE_CHECKING:
    from fnhost.host.worker.official.server import FunctionRpcServer


class Channels:
    """Opens channels. Owns what several share: the gRPC server of official workers, once there is one of those."""

    def __init__(self) -> None:
        self._server: FunctionRpcServer | None = None

    async def open(self, command: Command, log: Log, groups: ProcessGroups, clock: Clock) -> WorkerChannel:
        """Raises WorkerStartFailed."""
        if command.official:
            return await self._open_official(command, log, groups, clock)
        if command.handler is None:
            return await framed.open_channel(command, log, groups, clock)
        from fnhost.host.worker.handlers.channel import open_handler  # its HTTP client is slow to import

        return await open_handler(command, command.handler, log, groups, clock)

    async def close(self) -> None:
        """When all workers have ended."""
        if self._server:
            await self._server.close()

    async def _open_official(self, command: Command, log: Log, groups: ProcessGroups, clock: Clock) -> WorkerChannel:
        """Raises WorkerStartFailed."""
        from fnhost.host.worker.official.channel import open_official  # gRPC is an extra, and slow to import
        from fnhost.host.worker.official.server import FunctionRpcServer

        assert command.official
        self._server = self._server or FunctionRpcServer()
        return await open_official(command, command.official, self._server, log, groups, clock)
