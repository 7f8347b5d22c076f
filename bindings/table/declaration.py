"""The binding type `table` (platform/app-files.md 3, platform/table.md 1)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.expressions import parse
from fnhost.bindings.schema import STRING, TEMPLATE, Violation, members
from fnhost.bindings.storage.services import StorageServices
from fnhost.bindings.table.adapters import open_table
from fnhost.bindings.table.settings import NAME, read_settings

_TABLE = re.compile(r"[A-Za-z][A-Za-z0-9]{2,62}")


def name_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    name = entry["tableName"]
    if parse(name).is_constant and not _TABLE.fullmatch(name):
        yield Violation(
            "/tableName", f"'{name}' is no name of a table: write 3 to 63 letters and digits, a letter first."
        )


BINDING_TYPES: Final = (
    BindingType(
        name="table",
        schema=members(
            "tableName",
            tableName=TEMPLATE,
            partitionKey=TEMPLATE,
            rowKey=TEMPLATE,
            take={"type": "integer", "minimum": 1},
            filter=TEMPLATE,
            connection=STRING,
        ),
        directions=frozenset(("in", "out")),
        settings=NAME,
        read_settings=read_settings,
        needs_storage=True,
        services=StorageServices,
        open=open_table,
        violations=name_violations,
    ),
)
