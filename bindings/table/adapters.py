"""Table input and output (platform/table.md 1 and 2)."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from fnhost.bindings.contract import Adapter, Binding, Event, Json, Value
from fnhost.bindings.expressions import BindingTemplate, parse
from fnhost.bindings.formats import compact, odata_escaped
from fnhost.bindings.storage import Operation, ResourceNotFound, Row, Tables
from fnhost.bindings.storage.services import StorageServices
from fnhost.bindings.storage.tables import literal
from fnhost.bindings.table import entities
from fnhost.bindings.table.settings import NAME, read_settings

MOST_IN_TRANSACTION = 100
PAGE = 1000


def _template(binding: Binding, name: str) -> BindingTemplate | None:
    text = binding.properties.get(name)
    return parse(str(text)) if text else None


class TableInput:
    """An entity, where both keys are given, or null; else an array of those that meet the conditions."""

    def __init__(self, services: StorageServices, binding: Binding) -> None:
        self._tables = Tables(services.accounts.client(binding.properties.get("connection", "")))
        self._clock = services.clock
        self._table = parse(str(binding.properties["tableName"]))
        self._partition, self._row = _template(binding, "partitionKey"), _template(binding, "rowKey")
        self._filter, self._take = _template(binding, "filter"), binding.properties.get("take")
        self._reads_partition = read_settings(services.section(NAME)).reads_partition

    async def read(self, event: Event) -> Value:
        table = self._table.render_for(event, self._clock.now)
        is_single = self._partition is not None and self._row is not None and not self._reads_partition
        conditions = " and ".join(self._conditions(event, is_single))
        found = [entities.read(row) for row in await self._rows(table, conditions, 1 if is_single else self._take)]
        if not is_single:
            return Json(compact(found))
        return Json(compact(found[0])) if found else None

    def _conditions(self, event: Event, is_single: bool) -> Iterator[str]:
        for name, template in (("PartitionKey", self._partition), ("RowKey", self._row if is_single else None)):
            if template:
                yield f"{name} eq {literal(template.render_for(event, self._clock.now))}"
        if self._filter:
            yield f"({self._filter.render_for(event, self._clock.now, odata_escaped)})"

    async def _rows(self, table: str, conditions: str, take: int | None) -> Sequence[Row]:
        """A table that is not there has no rows."""
        rows: list[Row] = []
        after: tuple[str, str] | None = None
        while True:
            top = None if take is None else min(take - len(rows), PAGE)
            try:
                page = await self._tables.query(table, conditions, top=top, after=after, with_etags=True)
            except ResourceNotFound:
                return rows
            rows += page.rows
            after = page.after
            if after is None or (take is not None and len(rows) >= take):
                return rows


class TableOutput:
    """Inserts entities, up to 100 of a partition in one transaction. The table is made when it is missing."""

    def __init__(self, services: StorageServices, function: str, binding: Binding) -> None:
        self._tables = Tables(services.accounts.client(binding.properties.get("connection", "")))
        self._clock = services.clock
        self._table = parse(str(binding.properties["tableName"]))
        self._keys = {"PartitionKey": _template(binding, "partitionKey"), "RowKey": _template(binding, "rowKey")}
        self._place = f"Binding '{binding.name}' of function '{function}'"

    async def write(self, value: Value, event: Event) -> None:
        table = self._table.render_for(event, self._clock.now)
        defaults = {
            name: template.render_for(event, self._clock.now) for name, template in self._keys.items() if template
        }
        for rows in batches(list(entities.written(value, defaults, self._place))):
            try:
                await self._insert(table, rows)
            except ResourceNotFound:
                await self._tables.create(table)
                await self._insert(table, rows)

    async def _insert(self, table: str, rows: Sequence[Row]) -> None:
        operations = [Operation("insert", row) for row in rows]
        if len(operations) == 1:
            await self._tables.write(table, operations[0])
        else:
            await self._tables.transact(table, operations)


def batches(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Rows of one partition, 100 at most, in the order they came."""
    order = {row["PartitionKey"]: index for index, row in reversed(list(enumerate(rows)))}
    for _, group in groupby(sorted(rows, key=lambda row: order[row["PartitionKey"]]), lambda row: row["PartitionKey"]):
        partition = list(group)
        for start in range(0, len(partition), MOST_IN_TRANSACTION):
            yield partition[start : start + MOST_IN_TRANSACTION]


def open_table(services: StorageServices, function: str, binding: Binding, _: tuple[Binding, ...]) -> Adapter:
    """Raises BindingError."""
    return TableOutput(services, function, binding) if binding.direction == "out" else TableInput(services, binding)
