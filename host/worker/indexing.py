"""What a worker says of the functions that an app declares in code (platform/worker-protocol.md 6.2)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fnhost.host.app import IndexedFunction
from fnhost.host.errors import IndexingFailed


def read_metadata(message: Mapping[str, Any]) -> Sequence[IndexedFunction] | None:
    """The functions of a `functionMetadataResponse`; None if folders declare them. Raises IndexingFailed."""
    result = message["result"]
    if result["status"] != "success":
        exception = result.get("exception") or {}
        stack = f"\n{exception['stackTrace']}" if exception.get("stackTrace") else ""
        raise IndexingFailed(f"{exception.get('message', '')}{stack}")
    if message.get("useDefaultMetadataIndexing"):
        return None
    return [_function(each) for each in message["functionMetadataResults"]]


def _function(listed: Mapping[str, Any]) -> IndexedFunction:
    status, properties = listed.get("status") or {}, listed.get("properties") or {}
    failure = (status.get("exception") or {}).get("message", "") if status.get("status") == "failure" else ""
    return IndexedFunction(
        id=listed.get("functionId") or listed["name"],
        name=listed["name"],
        directory=Path(listed["directory"]),
        script=listed["scriptFile"],
        entry_point=listed.get("entryPoint") or "",
        bindings=tuple(listed["rawBindings"]),
        retry=_retry(listed.get("retryOptions")) or listed.get("retry"),
        file=str(properties.get("file", "")),
        line=int(properties.get("line", 0)),
        failure=failure,
    )


def _retry(options: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """As a function.json spells it; spans come as seconds and billionths of one."""
    if not options:
        return None
    spans = {name: _span(options[name]) for name in _SPANS if options.get(name)}
    return {"strategy": options["retryStrategy"], "maxRetryCount": options["maxRetryCount"], **spans}


_SPANS = ("delayInterval", "minimumInterval", "maximumInterval")


def _span(span: Mapping[str, int]) -> str:
    seconds, ticks = int(span.get("seconds", 0)), int(span.get("nanos", 0)) // 100
    days, hours = seconds // 86400, seconds // 3600 % 24
    return f"{days}.{hours:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ticks:07}"
