"""The Partitions table: which host serves which control queue (task-hub-storage.md 6.1)."""

from collections.abc import Sequence

from bindings.storage import AlreadyThere, NotFound, Operation, PreconditionFailed, Row, Tables
from bindings.storage.tables import ETAG
from host.durable.codec import dated
from host.durable.history import Instant, parse_instant
from host.durable.hub import Ownership


class Owners:
    def __init__(self, tables: Tables, table: str) -> None:
        self._tables, self._table = tables, table

    async def add(self, queue: str) -> None:
        """Safe to repeat."""
        try:
            await self._tables.write(self._table, Operation("insert", {**_key(queue), "IsDraining": False}))
        except AlreadyThere:
            return

    async def all(self) -> Sequence[Ownership]:
        found = await self._tables.query(self._table, with_etags=True)
        return [ownership_of(row) for row in found.rows]

    async def replace(self, ownership: Ownership) -> bool:
        """False if it was changed since it was read, or removed."""
        try:
            await self._tables.write(self._table, Operation("replace", row_of(ownership), ownership.version))
        except PreconditionFailed:
            return False
        except NotFound as error:
            if error.code == "TableNotFound":
                raise
            return False
        return True


def ownership_of(row: Row) -> Ownership:
    return Ownership(
        queue=row["RowKey"],
        owner=row.get("CurrentOwner"),
        asked_by=row.get("NextOwner"),
        since=_date(row, "OwnedSince"),
        renewed=_date(row, "LastRenewal"),
        until=_date(row, "ExpiresAt"),
        is_draining=bool(row.get("IsDraining")),
        version=row.get(ETAG, ""),
    )


def row_of(ownership: Ownership) -> Row:
    names = {"CurrentOwner": ownership.owner, "NextOwner": ownership.asked_by}
    return {
        **_key(ownership.queue),
        **{column: name for column, name in names.items() if name},
        "IsDraining": ownership.is_draining,
        **dated("OwnedSince", ownership.since),
        **dated("LastRenewal", ownership.renewed),
        **dated("ExpiresAt", ownership.until),
    }


def _date(row: Row, column: str) -> Instant | None:
    return parse_instant(row[column]) if row.get(column) else None


def _key(queue: str) -> Row:
    return {"PartitionKey": "", "RowKey": queue}
