"""The real Python Durable SDK, run in the test's own process: functions for an engine without a worker."""

import inspect
import json
from collections.abc import Callable
from typing import Any

import azure.durable_functions as df

from fnhost.bindings.contract import Event, Failure, Fire, Json, Outcome

SDK_WARNINGS = (
    "ignore:azure.functions df_loads:DeprecationWarning",
    "ignore:Potential duplicate Task completion:UserWarning",
)
"""The SDK's own, in good programs too; for a mark `filterwarnings`."""


def orchestrator(function: Callable[..., Any]) -> Fire:
    """Calls an orchestrator function as the Python worker does."""

    async def fire(event: Event) -> Outcome:
        context = df.DurableOrchestrationContext.from_json(event.value)
        try:
            return Outcome(returned=Json(df.Orchestrator(function).handle(context)))
        except Exception as error:
            return Outcome(failure=Failure(f"{type(error).__name__}: {error}"))

    return fire


def activity(function: Callable[..., Any]) -> Fire:
    """Calls an activity function of one argument, sync or async."""

    async def fire(event: Event) -> Outcome:
        try:
            result = function(_given(event.value))
            return Outcome(returned=Json(json.dumps(await result if inspect.isawaitable(result) else result)))
        except Exception as error:
            return Outcome(failure=Failure(f"{type(error).__name__}: {error}"))

    return fire


def entity(function: Callable[[df.DurableEntityContext], None]) -> Fire:
    """Calls an entity function."""
    handle = df.Entity.create(function)

    async def fire(event: Event) -> Outcome:
        try:
            return Outcome(returned=Json(handle(event.value)))
        except Exception as error:
            return Outcome(failure=Failure(f"{type(error).__name__}: {error}"))

    return fire


def _given(value: object) -> Any:
    try:
        return json.loads(str(value)) if value is not None else None
    except ValueError:
        return value
