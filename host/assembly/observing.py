"""Quiet replays in the workers of one version of the app."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fnhost.bindings.contract import Event
from fnhost.host.app import Function
from fnhost.host.assembly.functions import LoadedApp
from fnhost.host.errors import CannotObserve
from fnhost.host.invoker import new_id
from fnhost.host.worker import Invocation

if TYPE_CHECKING:
    from fnhost.host.durable.insight.replays import Observe

ORCHESTRATION = "orchestrationtrigger"
PROTOBUF = "Orchestrators that speak the protobuf form are not replayed: their lines and inputs are not known."
REASON = "This function is replayed for somebody who looks."


def observer(loaded: LoadedApp) -> "Observe":
    """Raises LookupError for a name that is no orchestrator's, CannotObserve, and what `WorkerPool.observe` raises."""
    functions = {function.name.lower(): function for function in loaded.app.functions if is_orchestrator(function)}

    async def observe(name: str, payload: str, seconds: float) -> Mapping[str, Any]:
        function = functions[name.lower()]
        if loaded.pools is None:
            raise LookupError(name)
        if loaded.durable_form(function.language) == "protobuf":
            raise CannotObserve(PROTOBUF)
        event = Event(function.name, payload, REASON)
        invocation = Invocation(new_id(), function, {function.trigger.name: payload}, event)
        return await loaded.pools.of(function).observe(invocation, "yields", seconds)

    return observe


def is_orchestrator(function: Function) -> bool:
    return function.trigger.type == ORCHESTRATION
