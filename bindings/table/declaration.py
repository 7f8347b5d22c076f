"""The binding type `table` (platform/app-files.md 3, platform/table.md 1)."""

from typing import Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.schema import STRING, TEMPLATE, members
from fnhost.bindings.storage.services import StorageServices
from fnhost.bindings.table.adapters import open_table
from fnhost.bindings.table.settings import NAME, read_settings

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
    ),
)
