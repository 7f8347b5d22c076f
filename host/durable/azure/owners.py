"""The Partitions table: which host serves which control queue (task-hub-storage.md 6.1)."""

from bindings.storage import AlreadyThere, Operation, PreconditionFailed, Row, Tables
from bindings.storage.tables import ETAG
from host.durable.codec import dated
from host.durable.history import Instant, later
from host.durable.hub import Lease

LEASE = 30.0


class Owners:
    def __init__(self, tables: Tables, table: str) -> None:
        self._tables, self._table = tables, table

    async def add(self, queue: str) -> None:
        """Safe to repeat."""
        try:
            await self._tables.write(self._table, Operation("insert", {**_key(queue), "IsDraining": False}))
        except AlreadyThere:
            return

    async def claim(self, lease: Lease, now: Instant) -> bool:
        row = await self._tables.get(self._table, "", lease.queue)
        if not is_free_for(lease.owner, row, now):
            return False
        try:
            await self._tables.write(self._table, Operation("replace", _claimed(lease, row, now), row[ETAG]))
        except PreconditionFailed:
            return False
        return True


def is_free_for(owner: str, row: Row, now: Instant) -> bool:
    """Whether it is this owner's already, nobody's, or its lease is over."""
    current, following = row.get("CurrentOwner"), row.get("NextOwner")
    return current == owner or (not current and following in (None, owner)) or row.get("ExpiresAt", now) <= now


def _claimed(lease: Lease, row: Row, now: Instant) -> Row:
    since = row.get("OwnedSince", now) if row.get("CurrentOwner") == lease.owner else now
    return {
        **_key(lease.queue),
        "CurrentOwner": lease.owner,
        "IsDraining": False,
        **dated("OwnedSince", since),
        **dated("LastRenewal", now),
        **dated("ExpiresAt", lease.until or later(now, LEASE)),
    }


def _key(queue: str) -> Row:
    return {"PartitionKey": "", "RowKey": queue}
