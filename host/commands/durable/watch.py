"""`fnhost durable watch ID`: a line for each change of status or custom status, until the instance has ended."""

from argparse import Namespace
from dataclasses import dataclass

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.commands.durable import show
from fnhost.host.commands.durable.api import NotAnswered
from fnhost.host.commands.durable.asked import POLL, Asked
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

    async def run(self) -> int:
        """0 if it completes, 1 if it ends in another way. Raises AppError, Refused, StartError."""
        while not self._is_over:
            await self._follow()
            while not self._is_over and not hosts_of(self.choice):
                await self.clock.sleep(LOOK)
        assert self.last
        self.printer.end(self.last, show.output(self.last))
        return 0 if self.last["runtimeStatus"] == "Completed" else 1

    @property
    def _is_over(self) -> bool:
        return self.last is not None and self.last["runtimeStatus"] in show.TERMINAL

    async def _follow(self) -> None:
        """Until it is over, the host has ended, or there was none: without one a look at the storage is enough."""
        async with connected(self.choice) as connection:
            asked = Asked(self.options, connection, self.printer, self.clock)
            self._see(await asked.status(asked.instance))
            if not self._is_over and not asked.has_host:
                say(WAITING)
            while not self._is_over and (asked.has_host or connection.is_shared):
                await self.clock.sleep(POLL if asked.has_host else LOOK)
                if not asked.has_host and hosts_of(self.choice):
                    return
                try:
                    self._see(await asked.status(asked.instance))
                except NotAnswered:
                    if connection.host in hosts_of(self.choice):
                        raise
                    return

    def _see(self, found: Document) -> None:
        before, self.last = self.last, found
        if before is None or _shown(before) != _shown(found):
            self.printer.change(found, show.change(found, self.clock.now()))


def _shown(found: Document) -> tuple[object, object]:
    return found["runtimeStatus"], found["customStatus"]
