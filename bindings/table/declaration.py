"""The binding type `table` (platform/app-files.md 3, platform/values.md 4)."""

from typing import Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.schema import INTEGER, STRING, TEMPLATE, members

BINDING_TYPES: Final = (
    BindingType(
        name="table",
        schema=members(
            "tableName",
            tableName=TEMPLATE,
            partitionKey=TEMPLATE,
            rowKey=TEMPLATE,
            take=INTEGER,
            filter=TEMPLATE,
            connection=STRING,
        ),
        directions=frozenset(("in", "out")),
        settings="tables",
        needs_storage=True,
    ),
)
