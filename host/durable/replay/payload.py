"""The JSON payload that an orchestrator function replays."""

import json
from collections.abc import Sequence
from functools import cache

from fnhost.host.durable.model.history import (
    ExecutionStarted,
)
from fnhost.host.durable.model.text import json_text
from fnhost.host.durable.replay.decide import OrchestrationLimits


def orchestrator_payload(started: ExecutionStarted, texts: Sequence[str], limits: OrchestrationLimits) -> str:
    """What the SDK is given (platform/replay.md 2). History and input go in as the texts they are."""
    parent = started.parent_instance
    rest = {
        "instanceId": started.orchestration_instance.instance_id,
        "isReplaying": started.is_played,
        "parentInstanceId": parent.orchestration_instance.instance_id if parent else None,
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 3,
        "longRunningTimerIntervalDuration": _span(limits.timer_chunk),
        "maximumShortTimerDuration": _span(limits.max_timer),
        "defaultHttpAsyncRequestSleepTimeMillseconds": int(limits.http_poll * 1000),
    }
    return f'{{"history":[{",".join(texts)}],"input":{_embedded(started.input)},{json_text(rest)[1:]}'


def _embedded(text: str | None) -> str:
    """Stored input is JSON text; what another host stored otherwise is a string."""
    try:
        json.loads(text or "null")
    except ValueError:
        return json_text(text)
    return text or "null"


@cache
def _span(seconds: float) -> str:
    """A .NET time span: `d.hh:mm:ss`."""
    days, rest = divmod(int(seconds), 86400)
    return f"{days}.{rest // 3600:02}:{rest % 3600 // 60:02}:{rest % 60:02}"
