"""The loop that shares the control queues of a hub with other hosts (platform/task-hub.md 6.1 and 6.3).

A host alone has all queues at its first look. What `partitions` plans is done here, in this order: stop, write, serve.
"""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from fnhost.clock import Clock
from fnhost.host.durable.model.errors import HubError
from fnhost.host.durable.model.instants import utc_now
from fnhost.host.durable.model.messages import WORK_ITEMS
from fnhost.host.durable.model.states import PartitionLease
from fnhost.host.durable.sharing.identity import HostIdentity
from fnhost.host.durable.sharing.partitions import LeasePlan, LocalHost, others, plan
from fnhost.host.durable.storage.hub import Hub, HubSettings
from fnhost.host.logging.events import HOST_CATEGORY
from fnhost.host.logging.log import Level, Log

TRIES = 10
"""How often in a row the leases are read again because another host wrote between reading and writing."""
LONGEST_LOOK = 2.0
OWN_HUB = "To keep the apps apart, give each a task hub of its own: set extensions.durableTask.hubName in host.json."
SOON = 1.0
"""Seconds until the leases are read again while a queue changes its host, or after a reading that took too long."""


@dataclass(frozen=True, slots=True)
class LeaseSettings:
    """Seconds. `use_app_lease` and the three after it are host.json's `useAppLease` and `appLeaseOptions`."""

    use_app_lease: bool = True
    app_renewal: float = 25.0
    app_retry: float = 10.0
    app_lease: float = 60.0
    alone: float = 10.0
    """Seconds between two readings of the leases."""
    shared: float = 2.0
    """The same while other hosts share the hub."""
    drain: float = 60.0
    """How long running work may keep a queue that another host asks for."""
    hub: str = HubSettings().name
    """The hub's name, for messages."""


class QueueConsumer(Protocol):
    """What the lease manager needs of the engine."""

    @property
    def remote_queues(self) -> frozenset[str]:
        """The queues that it does not receive from."""

    def listen(self, queue: str) -> None:
        """Receive from it."""

    def drain(self, queue: str) -> None:
        """Receive no more from it, and release the messages that are not being processed."""

    def lose(self, queue: str) -> None:
        """Release it at once, also if work of it is running."""

    def is_busy(self, queue: str) -> bool:
        """Whether work of it is running."""


class LeaseManager:
    """`look`, and then `keep` looking; `leave` at the end, when nothing is received any more."""

    def __init__(
        self, hub: Hub, desk: QueueConsumer, identity: HostIdentity, clock: Clock, log: Log, settings: LeaseSettings
    ) -> None:
        self._hub, self._consumer, self._identity = hub, desk, identity
        self._clock, self._log, self._settings = clock, log, settings
        self._pause = 0.0
        self._is_made = self._has_owned = False
        self._renewal_at = 0.0 if settings.use_app_lease else math.inf
        self._draining: dict[str, float] = {}
        self._said = ""
        self._other_apps: frozenset[str] = frozenset()

    async def make(self) -> None:
        """Make the hub, once."""
        if not self._is_made:
            await self._hub.create()
            self._is_made = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._clock.sleep(self._pause)
            await self.refresh()

    async def refresh(self) -> None:
        """Read the leases, and change them where the rules say so."""
        await self.make()
        try:
            async with self._clock.timeout(LONGEST_LOOK):
                if await self._is_reserved():
                    self._pause = min(await self._share(), self._renewal_at - self._clock.monotonic())
                else:
                    self._pause = self._settings.app_retry
        except TimeoutError:
            self._pause = SOON

    async def leave(self) -> None:
        """Release every queue, and the app lease if no other host of the app is there."""
        if not self._has_owned:
            return
        with suppress(HubError):
            for _ in range(TRIES):
                rows = await self._hub.partition_leases()
                if await self._write(self._plan(rows, LocalHost(self._identity.id, is_leaving=True))):
                    break
            if self._settings.use_app_lease and not others(rows, self._identity.id, self._dead(rows)):
                await self._hub.release_app_lease()

    # The app's reservation

    async def _is_reserved(self) -> bool:
        """Whether this app has the hub. If another app has it, this host is only a client of it."""
        now = self._clock.monotonic()
        if now < self._renewal_at:
            return True
        is_ours = await self._hub.acquire_app_lease(self._settings.app_lease)
        self._renewal_at = now + self._settings.app_renewal if is_ours else 0.0
        if not is_ours:
            await self._give_up()
        return is_ours

    async def _give_up(self) -> None:
        self._say(
            f"Another app has the task hub '{self._settings.hub}', namely its app lease: this host starts and asks "
            f"instances, but runs none until the hub is free. {OWN_HUB}",
            Level.WARNING,
        )
        for queue in (*self._hub.queues, WORK_ITEMS):
            self._consumer.lose(queue)
        await self.leave()
        self._has_owned = False

    # The queues

    async def _share(self) -> float:
        """Read and update the leases once; in how many seconds the next reading is due."""
        self._consumer.listen(WORK_ITEMS)
        for _ in range(TRIES):
            rows = await self._hub.partition_leases()
            found = self._plan(rows, self._me())
            if await self._follow(found):
                break
        self._tell(found)
        self._warn(others(rows, self._identity.id, self._dead(rows)))
        if found.is_moving:
            return SOON
        return self._settings.shared if found.is_shared else self._settings.alone

    def _plan(self, rows: Sequence[PartitionLease], me: LocalHost) -> LeasePlan:
        return plan(rows, me, utc_now(self._clock), self._dead(rows))

    def _me(self) -> LocalHost:
        serving = frozenset(self._hub.queues) - self._consumer.remote_queues
        return LocalHost(self._identity.id, serving, self._busy())

    def _busy(self) -> frozenset[str]:
        """Queues that are drained and not yet empty; one that takes too long is released."""
        now = self._clock.monotonic()
        for queue, since in list(self._draining.items()):
            if now - since > self._settings.drain:
                self._consumer.lose(queue)
            if not self._consumer.is_busy(queue):
                del self._draining[queue]
        return frozenset(self._draining)

    def _dead(self, rows: Sequence[PartitionLease]) -> frozenset[str]:
        return frozenset(name for name in others(rows, self._identity.id) if self._identity.is_gone(name))

    async def _follow(self, found: LeasePlan) -> bool:
        for queue in found.lost:
            self._consumer.lose(queue)
        for queue in found.draining - self._consumer.remote_queues:
            self._draining[queue] = self._clock.monotonic()
            self._consumer.drain(queue)
        return await self._write(found)

    async def _write(self, found: LeasePlan) -> bool:
        """Write the leases; whether all were as they were read. Queues that are ours from now on are received from."""
        kept = await asyncio.gather(*(self._hub.update_partition_lease(row) for row in found.writes))
        for row, is_kept in zip(found.writes, kept, strict=True):
            if is_kept and row.queue in found.served:
                self._has_owned = True
                self._draining.pop(row.queue, None)
                self._consumer.listen(row.queue)
        return all(kept)

    def _tell(self, found: LeasePlan) -> None:
        """Say how queues are shared; a host that has always been alone says nothing."""
        if found.is_shared or self._said:
            count = len(self._hub.queues)
            text = f"This host, {self._identity.id}, serves {len(found.served)} of the task hub's {count} queues."
            self._say(text, Level.INFORMATION)

    def _warn(self, names: frozenset[str]) -> None:
        """Warn of another app on the hub: the app lease does not separate apps without WEBSITE_SITE_NAME."""
        before, self._other_apps = self._other_apps, frozenset(filter(self._identity.is_other_app, names))
        if self._other_apps - before:
            self._log.warning(
                HOST_CATEGORY,
                f"An app in another folder uses the task hub '{self._settings.hub}' as well (its host is "
                f"{' and '.join(sorted(self._other_apps))}). Each runs what the other starts, and what has its "
                f"function in the other alone waits. {OWN_HUB}",
            )

    def _say(self, text: str, level: Level) -> None:
        if text != self._said:
            self._log(level, HOST_CATEGORY, text)
        self._said = text
