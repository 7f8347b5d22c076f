"""An instance as a file: its history in the form that workers are given, and what the present code asks for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.statuses import PastStatus
from fnhost.host.durable.model.history import ExecutionCompleted, OrchestratorCompleted, SubOrchestrationInstanceCreated
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.storage.codec import history_json
from fnhost.host.web.dashboard.durable.shapes import value_of

FORMAT = "fnhost-history/1"


def export_of(instance: Instance, replayed: Replayed, values: Sequence[PastStatus], made: Mapping[str, Any]) -> bytes:
    """JSON, indented by one blank: histories are compared line by line."""
    sdk = replayed.recording.sdk if replayed.recording else None
    found = {
        "format": FORMAT,
        "made": {**made, "sdk": sdk},
        "instance": {
            "id": instance.id,
            "name": instance.name,
            "version": instance.version,
            "status": instance.status.name,
            "created": instance.created,
            "updated": instance.updated,
            "customStatus": value_of(instance.custom_status),
            "input": instance.input,
            "output": instance.output,
        },
        "executions": [_execution(instance, replayed, values)],
        "children": [
            event.instance_id for event in replayed.events if isinstance(event, SubOrchestrationInstanceCreated)
        ],
        "redacted": False,
    }
    return (json.dumps(found, indent=1, ensure_ascii=True) + "\n").encode()


def _execution(instance: Instance, replayed: Replayed, values: Sequence[PastStatus]) -> Mapping[str, Any]:
    return {
        "executionId": instance.execution_id,
        "generation": instance.generation or 0,
        "complete": any(isinstance(event, ExecutionCompleted) for event in replayed.events),
        "history": [_event(event) for event in replayed.events],
        "statuses": [
            {
                "at": each.at,
                "episode": each.episode,
                "value": value_of(each.value),
                "source": "recomputed" if each.is_recomputed else "recorded",
            }
            for each in values
        ],
    }


def _event(event: Any) -> Mapping[str, Any]:
    """As workers are given it, and how many actions the answer of its episode had: a replay elsewhere needs it."""
    found: dict[str, Any] = json.loads(history_json(event))
    if isinstance(event, OrchestratorCompleted) and event.listed is not None:
        found["Listed"] = event.listed
    return found
