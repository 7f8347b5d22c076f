"""The Partitions table: which host serves which control queue (platform/task-hub.md 6.1)."""

from collections.abc import Sequence

from fnhost.bindings.storage import Operation, PreconditionFailed, ResourceExists, ResourceNotFound, Row, Tables
from fnhost.bindings.storage.tables import ETAG
from fnhost.host.durable.model.instants import Instant, parse_instant
from fnhost.host.durable.model.states import PartitionLease
from fnhost.host.durable.storage.codec import dated


class PartitionTable:
    def __init__(self, tables: Tables, table: str) -> None:
        self._tables, self._table = tables, table

    async def add(self, queue: str) -> None:
        """Safe to repeat."""
        try:
            await self._tables.write(self._table, Operation("insert", {**_key(queue), "IsDraining": False}))
        except ResourceExists:
            return

    async def all(self) -> Sequence[PartitionLease]:
        found = await self._tables.query(self._table, with_etags=True)
        return [partition_lease_of(row) for row in found.rows]

    async def replace(self, lease: PartitionLease) -> bool:
        """False if it was changed since it was read, or removed."""
        try:
            await self._tables.write(self._table, Operation("replace", row_of(lease), lease.version))
        except PreconditionFailed:
            return False
        except ResourceNotFound as error:
            if error.code == "TableNotFound":
                raise
            return False
        return True


def partition_lease_of(row: Row) -> PartitionLease:
    return PartitionLease(
        queue=row["RowKey"],
        owner=row.get("CurrentOwner"),
        next_owner=row.get("NextOwner"),
        since=_date(row, "OwnedSince"),
        renewed=_date(row, "LastRenewal"),
        until=_date(row, "ExpiresAt"),
        is_draining=bool(row.get("IsDraining")),
        version=row.get(ETAG, ""),
    )


def row_of(lease: PartitionLease) -> Row:
    names = {"CurrentOwner": lease.owner, "NextOwner": lease.next_owner}
    return {
        **_key(lease.queue),
        **{column: name for column, name in names.items() if name},
        "IsDraining": lease.is_draining,
        **dated("OwnedSince", lease.since),
        **dated("LastRenewal", lease.renewed),
        **dated("ExpiresAt", lease.until),
    }


def _date(row: Row, column: str) -> Instant | None:
    return parse_instant(row[column]) if row.get(column) else None


def _key(queue: str) -> Row:
    return {"PartitionKey": "", "RowKey": queue}
