"""The binding types `queueTrigger` and `queue` (platform/app-files.md 3, platform/queue.md)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.expressions import parse
from fnhost.bindings.queue.output import open_output
from fnhost.bindings.queue.settings import NAME, read_settings
from fnhost.bindings.queue.trigger import open_trigger
from fnhost.bindings.schema import STRING, TEMPLATE, Violation, members
from fnhost.bindings.storage.services import StorageServices


def name_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    if not parse(entry["queueName"]).is_constant:
        yield Violation("/queueName", "A trigger's queue cannot be named by an expression in braces: write its name.")


BINDING_TYPES: Final = (
    BindingType(
        name="queueTrigger",
        schema=members("queueName", queueName=TEMPLATE, connection=STRING),
        settings=NAME,
        read_settings=read_settings,
        needs_storage=True,
        services=StorageServices,
        open=open_trigger,
        violations=name_violations,
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
