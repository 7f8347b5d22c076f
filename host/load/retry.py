"""Retry policies, of host.json and of a function.json (platform/app-files.md 6)."""

from collections.abc import Mapping
from typing import Any

from fnhost.bindings.contract import Schema
from fnhost.bindings.schema import TIMESPAN, choice, members, timespan
from fnhost.host.app import Retry


def _needs(strategy: str, *intervals: str) -> Schema:
    chosen = {"required": ["strategy"], "properties": {"strategy": {"const": strategy}}}
    return {"if": chosen, "then": {"required": list(intervals)}}


SCHEMA: Schema = {
    **members(
        "strategy",
        "maxRetryCount",
        strategy=choice("fixedDelay", "exponentialBackoff"),
        maxRetryCount={"type": "integer", "minimum": -1},
        delayInterval=TIMESPAN,
        minimumInterval=TIMESPAN,
        maximumInterval=TIMESPAN,
    ),
    "allOf": [
        _needs("fixedDelay", "delayInterval"),
        _needs("exponentialBackoff", "minimumInterval", "maximumInterval"),
    ],
}


def read(policy: Mapping[str, Any]) -> Retry:
    """The policy of a validated document, with names spelled as in `SCHEMA`."""
    limit = policy["maxRetryCount"]
    if policy["strategy"] == "fixedDelay":
        delay = timespan(policy["delayInterval"])
        return Retry(False, limit, delay, delay)
    return Retry(True, limit, timespan(policy["minimumInterval"]), timespan(policy["maximumInterval"]))
