"""What bindings of Azure Storage are lent by the host."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fnhost.bindings.contract import Report
from fnhost.bindings.storage.account import Account
from fnhost.bindings.storage.blob_contents import BlobContents
from fnhost.bindings.storage.client import StorageClient
from fnhost.clock import Clock

Topic: TypeAlias = tuple[str, str]
"""A queue or container: the address of its account's service, and its name."""

PAUSES = (0.1, 0.2)
"""Seconds before each further try of a request: a service that is away is named within a second."""


class Notices:
    """Tells triggers of this host that an output of this host has written to what they watch."""

    def __init__(self) -> None:
        self._watching: defaultdict[Topic, set[asyncio.Event]] = defaultdict(set)

    def notify(self, topic: Topic) -> None:
        for event in self._watching.get(topic, ()):
            event.set()

    @contextmanager
    def watching(self, topic: Topic) -> Iterator[asyncio.Event]:
        """An event that is set for every notice; whoever waits clears it."""
        event = asyncio.Event()
        self._watching[topic].add(event)
        try:
            yield event
        finally:
            self._watching[topic].discard(event)


@dataclass(frozen=True, slots=True)
class HostState:
    """What outlives the generations of an app: `id` is the host id, `instance` names this process (unique, a UUID)."""

    id: str
    instance: str
    notices: Notices = field(default_factory=Notices)
    turns: Mapping[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    """By name of a singleton: who has it in this process, as two generations of an app may overlap."""


class StorageAccounts:
    """A client for each account that bindings name, opened when first asked for."""

    def __init__(self, find: Callable[[str], Account], clock: Clock, stack: AsyncExitStack) -> None:
        self._find, self._clock, self._stack = find, clock, stack
        self._clients: dict[Account, StorageClient] = {}
        self._contents: dict[Account, BlobContents] = {}

    def client(self, connection: str = "") -> StorageClient:
        """Raises BadConnection, naming the setting."""
        account = self._find(connection)
        if account not in self._clients:
            client = StorageClient(account, self._clock, PAUSES)
            self._stack.push_async_exit(client)
            self._clients[account] = client
        return self._clients[account]

    def contents(self, connection: str = "") -> BlobContents:
        """As `client`, for whole blobs."""
        client = self.client(connection)
        if client.account not in self._contents:
            contents = self._contents[client.account] = BlobContents(client)
            self._stack.push_async_callback(contents.close)
        return self._contents[client.account]


@asynccontextmanager
async def storage_accounts(find: Callable[[str], Account], clock: Clock) -> AsyncIterator[StorageAccounts]:
    """`find` gives the account of a binding's `connection`. The clients are closed with the block."""
    async with AsyncExitStack() as stack:
        yield StorageAccounts(find, clock, stack)


@dataclass(frozen=True, slots=True)
class StorageServices:
    """What the queue, blob, table and timer bindings of one generation are lent.

    `section` gives a section of host.json's `extensions`, `singleton` is that section of host.json itself.
    `time_zone` is a name like Europe/Berlin, empty for the machine's own.
    """

    accounts: StorageAccounts
    host: HostState
    clock: Clock
    section: Callable[[str], Mapping[str, Any]]
    singleton: Mapping[str, Any]
    time_zone: str
    is_development: bool
    report: Report
