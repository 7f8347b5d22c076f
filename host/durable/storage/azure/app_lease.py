"""The app lease: one app at a time serves a hub, with as many hosts as it likes (platform/task-hub.md 6.3)."""

import json
import math
from dataclasses import dataclass

from fnhost.bindings.storage.containers import Containers
from fnhost.bindings.storage.errors import ResourceNotFound
from fnhost.host.durable.storage.azure.names import Names, fnv1a


@dataclass(frozen=True, slots=True)
class AppLeaseInfo:
    """The contents of the blob in the leased container: the lease ids of who owns the hub and of who asks for it."""

    owner: str = ""
    wanted_by: str | None = None


class AppLease:
    def __init__(self, containers: Containers, names: Names, app: str) -> None:
        self._containers, self._container, self._blob = containers, names.reservation, names.holder
        self._lease = lease_id(app)

    async def keep(self, seconds: float) -> bool:
        """False while another app has it."""
        try:
            holder = lease_info_of(await self._containers.get(self._container, self._blob))
            if not await self._take(holder, math.ceil(seconds)):
                return False
        except ResourceNotFound:
            await self._containers.create(self._container)
            return await self.keep(seconds)
        if holder.owner != self._lease:
            await self._containers.put(self._container, self._blob, lease_info_text(self._lease))
        return True

    async def _take(self, holder: AppLeaseInfo, seconds: int) -> bool:
        if await self._containers.acquire(self._container, self._lease, seconds):
            return True
        is_ours_to_take = holder.wanted_by == self._lease
        return is_ours_to_take and await self._containers.take_over(self._container, holder.owner, self._lease)

    async def end(self) -> None:
        await self._containers.release(self._container, self._lease)

    async def delete(self) -> None:
        await self._containers.delete(self._container)


def lease_id(app: str) -> str:
    """One for all hosts of an app: the lease keeps apps apart, not hosts."""
    return f"{fnv1a(app):08x}-0000-0000-0000-000000000000"


def lease_info_of(text: str | None) -> AppLeaseInfo:
    """Empty if the text cannot be read."""
    try:
        found = json.loads(text or "{}")
        return AppLeaseInfo(str(found.get("OwnerId") or ""), found.get("DesiredSwapId"))
    except (ValueError, AttributeError):
        return AppLeaseInfo()


def lease_info_text(owner: str) -> str:
    return json.dumps({"OwnerId": owner, "DesiredSwapId": None}, separators=(",", ":"))
