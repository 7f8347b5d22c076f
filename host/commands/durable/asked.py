"""One command: what it asks of the management API, and how the API's failures are told."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.commands.durable.api import Answer, Refused, path_of
from fnhost.host.commands.durable.connect import Connection
from fnhost.host.commands.durable.output import Printer
from fnhost.host.commands.durable.show import TERMINAL, Document

POLL = 0.1
"""Seconds between two looks at a status: the API has no other way to wait for one."""
MOST_ALIKE = 3
LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """A verb with its options, on an open connection."""

    options: Namespace
    connection: Connection
    printer: Printer
    clock: Clock = SYSTEM_CLOCK

    @property
    def instance(self) -> str:
        return str(self.options.instance)

    @property
    def has_host(self) -> bool:
        return self.connection.host is not None

    async def ask(
        self,
        method: str,
        *segments: str,
        query: Mapping[str, str] | None = None,
        body: str | None = None,
        token: str | None = None,
    ) -> Answer:
        return await self.connection.api.ask(method, path_of(*segments), query, body, token)

    async def status(self, instance: str, **query: str) -> Document:
        """Raises Refused, naming the id, if there is none."""
        answer = await self.ask("GET", "instances", instance, query={"showInput": "false", **query})
        if answer.status == 404:
            raise Refused(await self._not_found(instance))
        found: Document = self.expect(answer, 200, 202)
        return found

    async def tell(self, verb: str, *, query: Mapping[str, str] | None = None, body: str | None = None) -> Answer:
        """POST to the instance. Raises Refused, naming the id, if it does not take it."""
        answer = await self.ask("POST", "instances", self.instance, *verb.split("/", 1), query=query, body=body)
        if answer.status == 404:
            raise Refused(await self._not_found(self.instance))
        if answer.status == 410:
            ended = await self.status(self.instance)
            raise Refused(f"The instance '{self.instance}' is {ended['runtimeStatus']} already, and takes no messages.")
        self.expect(answer, 202)
        return answer

    async def _not_found(self, instance: str) -> str:
        """With the ids that begin so: nobody types a whole one."""
        text = f"There is no instance '{instance}' in the task hub '{self.connection.hub}' ({self.connection.place})."
        found, _ = await self.instances({"instanceIdPrefix": instance, "showInput": "false"}, MOST_ALIKE + 1)
        if not found:
            return text
        ids = [str(each["instanceId"]) for each in found]
        more = " and others" if len(ids) > MOST_ALIKE else ""
        return f"{text} Ids that begin so: {', '.join(ids[:MOST_ALIKE])}{more}."

    async def instances(
        self, query: Mapping[str, str], top: int, token: str | None = None
    ) -> tuple[Sequence[Document], str | None]:
        """As many as wanted, page after page, and what continues the list."""
        found: list[Document] = []
        while True:
            page = {**query, "top": str(min(top - len(found), LARGEST_PAGE))}
            answer = await self.ask("GET", "instances", query=page, token=token)
            found += self.expect(answer, 200)
            token = answer.token
            if token is None or len(found) >= top:
                return found, token

    def expect(self, answer: Answer, *statuses: int) -> Any:
        """The document of an answer. Raises Refused if it has another status."""
        if answer.status not in statuses:
            raise Refused(f"{self._of_instance()}{answer.reason}")
        return answer.value

    def _of_instance(self) -> str:
        given = getattr(self.options, "instance", None)
        return f"Instance '{given}': " if given else ""

    async def until(self, wanted: Sequence[str], seconds: float) -> Document:
        """The status when it is a wanted or a final one, or as it is then."""
        end = self.clock.monotonic() + seconds
        while True:
            found = await self.status(self.instance)
            is_over = found["runtimeStatus"] in (*wanted, *TERMINAL)
            if is_over or self.clock.monotonic() >= end:
                return found
            await self.clock.sleep(POLL)
