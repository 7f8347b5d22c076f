"""The binding types `queueTrigger` and `queue` (platform/app-files.md 3, platform/queue.md)."""

from typing import Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.schema import STRING, TEMPLATE, members

BINDING_TYPES: Final = (
    BindingType(
        name="queueTrigger",
        schema=members("queueName", queueName=STRING, connection=STRING),
        settings="queues",
        needs_storage=True,
    ),
    BindingType(
        name="queue",
        schema=members("queueName", queueName=TEMPLATE, connection=STRING),
        directions=frozenset(("out",)),
        settings="queues",
        needs_storage=True,
    ),
)
