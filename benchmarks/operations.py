"""Storage operations: read from the emulator's access log, and done again by a plain client."""

import asyncio
import itertools
import re
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from fnhost.bindings.storage import Account, Operation, Queues, ResourceNotFound, StorageClient, Tables

WORKERS = 32
REQUEST = re.compile(r'"([A-Z]+) /[^/]+/(\S+) HTTP/1\.1" (\d+)')
QUEUE, HISTORY, INSTANCES = "replay", "ReplayHistory", "ReplayInstances"
HIDDEN = 60
MESSAGE = "x" * 900
ROW = {
    "EventType": "TaskCompleted",
    "Result": "1",
    "EventId": -1,
    "TaskScheduledId": 0,
    "IsPlayed": True,
    "x": "y" * 200,
}
EVENTS = 4
"""Rows of one step of a chain beside the sentinel: its episode's start and end, what it heard and what it scheduled."""
SENTINEL = "sentinel"


def kinds(log: str) -> list[str]:
    """What each request in an access log was; those of the listing that looks for the end are left out."""
    found = (_kind(match[1], match[2]) for match in REQUEST.finditer(log))
    return [kind for kind in found if kind]


def _kind(method: str, path: str) -> str:
    if "/messages" in path:
        names = {"POST": "put message", "GET": "get messages", "DELETE": "remove message", "PUT": "hide message"}
        return names[method]
    if path == "$batch":
        return "transaction"
    if method != "GET":
        return "write row"
    if "RowKey=" in path.partition("?")[0]:
        return "read row"
    return "" if "Instances()" in path else "query"


def per_step(found: Sequence[str], steps: int) -> dict[str, float]:
    return {kind: count / steps for kind, count in Counter(found).most_common()}


@dataclass(slots=True)
class Replay:
    """Does operations of these kinds on a queue and tables of its own, which grow as those of so many instances."""

    instances: int
    queues: Queues
    tables: Tables
    _messages: deque[tuple[str, str]] = field(default_factory=deque)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def rate(self, found: Sequence[str]) -> float:
        """Operations a second, when many are always under way."""
        left = iter(found)
        begun = time.perf_counter()
        done = sum(await asyncio.gather(*(self._work(left) for _ in range(WORKERS))))
        return done / (time.perf_counter() - begun)

    async def _work(self, left: Iterator[str]) -> int:
        done = 0
        for kind in left:
            await self._do(kind)
            done += 1
        return done

    async def _do(self, kind: str) -> None:
        number = next(self._numbers)
        partition = str(number % self.instances)
        match kind:
            case "remove message" | "hide message" if self._messages:
                await self._take(kind, *self._messages.popleft())
            case "put message" | "remove message" | "hide message":
                self._messages.append(await self.queues.put(QUEUE, MESSAGE, HIDDEN))
            case "get messages":
                await self.queues.get(QUEUE, 32, HIDDEN)
            case "transaction":
                rows = [SENTINEL, *(f"{number:08}{event:08}" for event in range(EVENTS))]
                await self.tables.transact(HISTORY, [_write(partition, row) for row in rows])
            case "write row":
                await self.tables.write(INSTANCES, _write(partition, ""))
            case "read row":
                with suppress(ResourceNotFound):
                    await self.tables.get(INSTANCES, partition, "")
            case _:
                await self.tables.query(HISTORY, f"PartitionKey eq '{partition}'")

    async def _take(self, kind: str, message: str, receipt: str) -> None:
        if kind == "hide message":
            receipt = await self.queues.hide(QUEUE, message, receipt, HIDDEN)
            self._messages.append((message, receipt))
        else:
            await self.queues.remove(QUEUE, message, receipt)


def _write(partition: str, row: str) -> Operation:
    return Operation("insert or merge", {"PartitionKey": partition, "RowKey": row, **ROW})


@asynccontextmanager
async def replaying(account: Account, instances: int) -> AsyncIterator[Replay]:
    async with StorageClient(account) as wire:
        replay = Replay(instances, Queues(wire), Tables(wire))
        await replay.queues.create(QUEUE)
        await replay.tables.create(HISTORY)
        await replay.tables.create(INSTANCES)
        yield replay
