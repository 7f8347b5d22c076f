"""`extensions.tables` of host.json. The one key is ours: the platform has none."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fnhost.bindings.settings import Section

NAME = "tables"


@dataclass(frozen=True, slots=True)
class TableSettings:
    """`reads_partition`: an input with both keys gives its whole partition, as the platform's current bundle does."""

    reads_partition: bool


def read_settings(members: Mapping[str, Any]) -> TableSettings:
    """Raises BindingError."""
    return TableSettings(Section(NAME, members).choice("singleEntityInput", "entity", "partition") == "partition")
