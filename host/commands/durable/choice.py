"""Which task hub a command is for."""

from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fnhost.host.load.root import find_root


@dataclass(frozen=True, slots=True)
class HubChoice:
    """The app, and which hub of it: empty name and setting mean the app's own."""

    root: Path
    hub: str = ""
    setting: str = ""

    @classmethod
    def of(cls, options: Namespace) -> Self:
        return cls(find_root(Path(options.app)), options.task_hub_name or "", options.connection_string_setting or "")
