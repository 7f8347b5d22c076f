"""`fnhost durable watch ID`: a line for each change of status or custom status, until the instance has ended."""

from argparse import Namespace
from dataclasses import dataclass

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.commands.durable import show
from fnhost.host.commands.durable.api import NotAnswered, RemoteApi
from fnhost.host.commands.durable.asked import Asked
from fnhost.host.commands.durable.choice import HubChoice
from fnhost.host.commands.durable.connect import connected, hosts_of
from fnhost.host.commands.durable.output import Printer, say
from fnhost.host.commands.durable.show import Document

LOOK = 0.5
"""Seconds between two looks for a host, or at a storage that others serve."""
WAITING = "No host runs: the instance goes on when one does (`fnhost start`). Waiting for it; Ctrl-C ends this."


@dataclass(slots=True)
class Watch:
    """Follows one instance, from one host to the next."""

    options: Namespace
    choice: HubChoice
    printer: Printer
    clock: Clock = SYSTEM_CLOCK
    last: Document | None = None
    _is_waiting: bool = False

    async def run(self) -> int:
        """0 if it completes, 1 if it ends in another way. Raises AppError, Refused, StartError."""
        while not self._is_over:
            await self._follow()
            while not self._is_over and not hosts_of(self.choice):
                self._say_waiting()
                await self.clock.sleep(LOOK)
        assert self.last
        self.printer.end(self.last, show.output(self.last))
        return 0 if self.last["runtimeStatus"] == "Completed" else 1

    @property
    def _is_over(self) -> bool:
        return self.last is not None and self.last["runtimeStatus"] in show.TERMINAL

    def _say_waiting(self) -> None:
        if not self._is_waiting:
            say(WAITING)
        self._is_waiting = True

    async def _follow(self) -> None:
        """Until it is over, the host has ended, or there was none: without one a look at the storage is enough."""
        async with connected(self.choice) as connection:
            asked = Asked(self.options, connection, self.printer, self.clock)
            if isinstance(connection.api, RemoteApi):
                self._is_waiting = False
                return await self._listen(asked, connection.api)
            self._see(await asked.status(asked.instance))
            while connection.is_shared and not self._is_over and not hosts_of(self.choice):
                self._say_waiting()
                await self.clock.sleep(LOOK)
                self._see(await asked.status(asked.instance))

    async def _listen(self, asked: Asked, api: RemoteApi) -> None:
        """Until it is over, or the host has ended: it is looked for again then. Raises NotAnswered of one that runs."""
        try:
            self._see(await asked.status(asked.instance))
            async for found in api.changes(asked.instance):
                self._see(found)
        except NotAnswered:
            if any(host.address == api.address for host in hosts_of(self.choice)):
                raise

    def _see(self, found: Document) -> None:
        before, self.last = self.last, found
        if before is None or _shown(before) != _shown(found):
            self.printer.change(found, show.change(found, self.clock.now()))


def _shown(found: Document) -> tuple[object, object]:
    return found["runtimeStatus"], found["customStatus"]
