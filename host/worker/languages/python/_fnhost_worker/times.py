"""The Durable SDK reads the time of every event on every replay, with a parser that accepts many forms of dates.

That is most of what a replay costs. The host's times have one form, which is quick to read; any other is read by the
SDK's own parser.
"""

from __future__ import annotations

import datetime
import sys
from typing import Any, Callable

MODULE = "azure.durable_functions.models.history.HistoryEvent"
PARSER = "dt_parse"
LENGTH = len("2024-05-01T10:00:01.1244567Z")


def install_fast_parser() -> None:
    """Replace the SDK's parser, if the SDK is imported and has the one that is known."""
    module = sys.modules.get(MODULE)
    slow = getattr(module, PARSER, None)
    if slow is not None and slow.__module__ != __name__:
        setattr(module, PARSER, fast_parser(slow))


def fast_parser(slow: Callable[[str], Any]) -> Callable[[str], Any]:
    """A parser that reads the host's own form by itself, and any other with `slow`."""
    from dateutil.tz import tzutc

    utc = tzutc()

    def parse(text: str) -> Any:
        if len(text) != LENGTH or text[-1] != "Z" or text[19] != ".":
            return slow(text)
        return datetime.datetime.fromisoformat(text[:26]).replace(tzinfo=utc)

    return parse
