"""Instances and histories as people read them: times of this place, values as compact JSON. Pure.

The documents are those of the management API (platform/durable-http.md 5.2).
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, TypeAlias

from fnhost.host.commands.durable.tables import labelled, table

Document: TypeAlias = Mapping[str, Any]

TERMINAL = ("Completed", "Failed", "Terminated", "Canceled")
EXCEPTION = '{"$type":'
DETAILS = ("Result", "Reason", "Input", "Data")
"""Members of an event that say most of it, the most telling first."""


def local(time: str | None, zone: tzinfo | None = None, digits: int = 0) -> str:
    """An instant of the API as a time of this place, or of `zone`, with up to six digits of the second."""
    if not time:
        return ""
    try:
        at = datetime.fromisoformat(f"{time.removesuffix('Z')[:26]}+00:00")
        return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S.%f")[: 20 + digits if digits else 19]
    except (ValueError, OverflowError):
        return time


def value(found: Any) -> str:
    """A text as it is, anything else as compact JSON; nothing for null."""
    if found is None:
        return ""
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def readable(text: str) -> str:
    """The text of a failure: an exception as .NET serialises it is shown by its stack trace, with the user's files."""
    return "\n".join(_trace(line) if line.lstrip().startswith(EXCEPTION) else line for line in text.splitlines())


def _trace(line: str) -> str:
    try:
        return str(json.loads(line).get("StackTraceString") or "").strip() or line
    except (ValueError, AttributeError, RecursionError):
        return line


def instances(found: Sequence[Document], width: int | None, zone: tzinfo | None = None) -> str:
    heads = ("ID", "NAME", "STATUS", "CREATED", "UPDATED", "CUSTOM STATUS")
    rows = [
        (
            each["instanceId"],
            each["name"],
            each["runtimeStatus"],
            local(each["createdTime"], zone),
            local(each["lastUpdatedTime"], zone),
            value(each["customStatus"]),
        )
        for each in found
    ]
    return table(heads, rows, width, len(heads) - 1)


def output(found: Document) -> str:
    """What the instance returned, or why it failed."""
    text = value(found["output"])
    return readable(text) if found["runtimeStatus"] == "Failed" else text


def status(found: Document, zone: tzinfo | None = None) -> str:
    is_failed = found["runtimeStatus"] == "Failed"
    pairs = [
        ("Instance", found["instanceId"]),
        ("Function", found["name"]),
        ("Status", found["runtimeStatus"]),
        ("Custom status", value(found["customStatus"])),
        ("Created", local(found["createdTime"], zone)),
        ("Updated", local(found["lastUpdatedTime"], zone)),
        ("Version", found.get("version", "")),
        ("Input", value(found["input"])),
        ("Error" if is_failed else "Output", output(found)),
    ]
    return labelled([pair for pair in pairs if pair[1]])


def change(found: Document, now: datetime) -> str:
    """A line of `watch`."""
    custom = value(found["customStatus"])
    return f"[{now.astimezone():%H:%M:%S}] {found['runtimeStatus']}{'  ' if custom else ''}{custom}"


def history(events: Sequence[Document], width: int | None, zone: tzinfo | None = None) -> str:
    heads = ("TIME", "EVENT", "NAME", "SECONDS", "DETAILS")
    rows = [
        (local(each.get("Timestamp"), zone, 3), each["EventType"], _name(each), _seconds(each), _details(each, zone))
        for each in events
    ]
    return table(heads, rows, width, len(heads) - 1)


def _name(event: Document) -> str:
    return value(event.get("FunctionName") or event.get("Name"))


def _seconds(event: Document) -> str:
    """How long what has ended took, the wait for a free place counted in."""
    try:
        begun, ended = (datetime.fromisoformat(event[name][:26].rstrip("Z")) for name in ("ScheduledTime", "Timestamp"))
    except (KeyError, TypeError, ValueError):
        return ""
    return f"{(ended - begun).total_seconds():.3f}"


def _details(event: Document, zone: tzinfo | None) -> str:
    told = [value(event[name]) for name in ("OrchestrationStatus", "InstanceId") if event.get(name)]
    if event.get("FireAt"):
        told.append(f"until {local(event['FireAt'], zone)}" if event["EventType"] == "TimerCreated" else "")
    text = next((value(event[name]) for name in DETAILS if event.get(name) is not None), "")
    return " ".join(filter(None, [*told, *text.splitlines()[:1]]))
