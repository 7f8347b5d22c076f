"""The binding type `table` (functions-host.md 1.3, 4.4)."""

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
