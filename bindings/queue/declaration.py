"""The binding types `queueTrigger` and `queue` (platform/app-files.md 3, platform/queue.md)."""

from typing import Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.queue.output import open_output
from fnhost.bindings.queue.settings import NAME, read_settings
from fnhost.bindings.queue.trigger import open_trigger
from fnhost.bindings.schema import STRING, TEMPLATE, members
from fnhost.bindings.storage.services import StorageServices

BINDING_TYPES: Final = (
    BindingType(
        name="queueTrigger",
        schema=members("queueName", queueName=STRING, connection=STRING),
        settings=NAME,
        read_settings=read_settings,
        needs_storage=True,
        services=StorageServices,
        open=open_trigger,
    ),
    BindingType(
        name="queue",
        schema=members("queueName", queueName=TEMPLATE, connection=STRING),
        directions=frozenset(("out",)),
        settings=NAME,
        read_settings=read_settings,
        needs_storage=True,
        services=StorageServices,
        open=open_output,
    ),
)
