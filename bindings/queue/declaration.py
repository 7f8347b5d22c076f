"""The binding types `queueTrigger` and `queue` (platform/app-files.md 3, platform/queue.md)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.expressions import parse
from fnhost.bindings.queue.output import open_output
from fnhost.bindings.queue.settings import NAME, read_settings
from fnhost.bindings.queue.trigger import open_trigger
from fnhost.bindings.schema import STRING, TEMPLATE, Violation, members
from fnhost.bindings.storage.services import StorageServices

NAMES = re.compile("[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]")


def name_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    """Of an output: a name that storage would refuse, unless it is known only when a function runs."""
    name = str(entry["queueName"])
    if parse(name).is_constant and not NAMES.fullmatch(name.lower()):
        yield Violation(
            "/queueName",
            f"'{name}' is no name of a queue.",
            "It has 3 to 63 lower-case letters, digits and dashes, begins and ends with a letter or digit, and has no "
            "two dashes in a row.",
        )


def trigger_violations(entry: Mapping[str, Any]) -> Iterator[Violation]:
    if not parse(entry["queueName"]).is_constant:
        yield Violation("/queueName", "A trigger's queue cannot be named by an expression in braces: write its name.")
    yield from name_violations(entry)


BINDING_TYPES: Final = (
    BindingType(
        name="queueTrigger",
        schema=members("queueName", queueName=TEMPLATE, connection=STRING),
        settings=NAME,
        read_settings=read_settings,
        needs_storage=True,
        services=StorageServices,
        open=open_trigger,
        violations=trigger_violations,
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
        violations=name_violations,
    ),
)
