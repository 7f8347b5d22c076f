"""One instance: what it waits for, why it failed, what may be done, and its past custom statuses."""

import asyncio
from typing import Any

from fnhost.host.durable.insight.failures import failure_of
from fnhost.host.durable.insight.index import IndexRow
from fnhost.host.durable.insight.inputs import given_value
from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.statuses import PastStatus, merged, recomputed
from fnhost.host.durable.insight.waits import waits_of
from fnhost.host.durable.model.history import (
    ExecutionStarted,
    SubOrchestrationInstanceCreated,
)
from fnhost.host.durable.model.states import Instance
from fnhost.host.durable.replay.outgoing import unknown_function
from fnhost.host.web.dashboard.durable import shapes
from fnhost.host.web.dashboard.durable.verbs import allowed, refusals
from fnhost.host.web.dashboard.durable.view import HubView

MOST_VALUES = 1000


async def instance_json(view: HubView, instance: Instance) -> dict[str, Any]:
    replayed = await view.replayed(instance)
    events = replayed.events
    waits = waits_of(events, replayed)
    error = failure_of(events, instance.output, replayed)
    shown = await asyncio.to_thread(shapes.error_json, error, view.root)
    past = await asyncio.to_thread(view.insight.store.executions, instance.id, instance.execution_id or "")
    row, note = IndexRow.of(instance), shapes.waits_note(waits)
    started = next((event for event in events if isinstance(event, ExecutionStarted)), None)
    parent = started.parent_instance if started else None
    return {
        **shapes.row_json(row, note),
        "parent": parent
        and {
            "id": parent.orchestration_instance.instance_id,
            "name": parent.name,
            "task": str(parent.task_schedule_id),
        },
        "input": shapes.bounded(instance.input, given_value),
        "output": shapes.bounded(instance.output, shapes.value_of),
        "cut": shapes.cut_sizes(input=instance.input, output=instance.output),
        "version": instance.version or None,
        "custom_status_text": instance.custom_status,
        "custom_status_bytes": shapes.status_bytes(instance.custom_status),
        "custom_status_limit": shapes.STATUS_LIMIT,
        "completed": instance.completed,
        "scheduled": instance.scheduled,
        "children": sum(isinstance(event, SubOrchestrationInstanceCreated) for event in events),
        "execution_id": instance.execution_id,
        "obstacle": obstacle(view, instance),
        "generation": len(past) + 1,
        "generations": [shapes.past_json(number, each) for number, each in enumerate(past, 1)],
        "waits": [shapes.wait_json(wait, view.root) for wait in waits],
        "error": shown,
        "allowed": allowed(instance.status),
        "refused": refusals(instance),
        "events": len(events),
        "replay": replay_json(replayed),
    }


def obstacle(view: HubView, instance: Instance) -> str | None:
    """Why it cannot go on, whatever it waits for."""
    engine = view.insight.engine
    if instance.status.is_terminal or engine.serves("orchestrator", instance.name):
        return None
    return unknown_function("orchestrator", instance.name, engine.names("orchestrator"))


def replay_json(replayed: Replayed) -> dict[str, Any]:
    state = "none" if not replayed.events else "done" if replayed.recording else "failed"
    recording = replayed.recording
    return {
        "state": state,
        "fits": replayed.fits if recording else None,
        "ms": recording.ms if recording else None,
        "sdk": recording.sdk if recording else None,
        "note": replayed.note or None,
    }


async def past_statuses(view: HubView, instance: Instance, replayed: Replayed) -> list[PastStatus]:
    store, execution = view.insight.store, instance.execution_id or ""
    recorded = await asyncio.to_thread(store.values, instance.id, execution, MOST_VALUES)
    usable = replayed.recording if replayed.fits else None
    computed = recomputed(replayed.events, usable) if usable and usable.steps else []
    values = merged(recorded, computed, replayed.events)
    if not values and instance.custom_status is not None:
        return [PastStatus(instance.updated, instance.custom_status, None, False)]
    return values


def value_json(past: PastStatus) -> dict[str, Any]:
    return shapes.status_value(past.at, past.value, past.episode, is_recomputed=past.is_recomputed)
