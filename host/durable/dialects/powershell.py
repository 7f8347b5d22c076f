"""The JSON form as PowerShell has it: answers in .NET's names, read in any case (platform/durable-powershell.md).

Both SDKs speak it: the one in the worker, and the module AzureFunctions.PowerShell.Durable.SDK, which reads the history
as objects of DurableTask.Core and wants to be told their types.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fnhost.bindings.contract import Json, Outcome
from fnhost.bindings.durable import MARKER
from fnhost.host.durable.dialects.dialect import Dialect, Part, Verdict
from fnhost.host.durable.dialects.json import JsonDialect
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.history import HistoryEvent
from fnhost.host.durable.model.text import json_text
from fnhost.host.durable.model.worker_json import read_json, read_returned_json
from fnhost.host.durable.replay.actions import OrchestratorState, read_orchestrator_state
from fnhost.host.durable.replay.decide import OrchestrationLimits
from fnhost.host.durable.storage.codec import history_json

MEMBERS: Mapping[str, str] = {
    name.lower(): name
    for name in (
        *("isDone", "actions", "output", "error", "customStatus", "schemaVersion"),
        *("actionType", "functionName", "input", "instanceId", "version", "retryOptions", "fireAt", "isCanceled"),
        *("externalEventName", "reason", "compoundActions", "httpRequest", "operation", "lockSet"),
        *("firstRetryIntervalInMilliseconds", "maxNumberOfAttempts", "backoffCoefficient"),
        *("maxRetryIntervalInMilliseconds", "retryTimeoutInMilliseconds"),
    )
}
"""The members of answers and actions by their name in lower case. What user code gives is not touched."""
ORCHESTRATOR = "orchestrator"


@dataclass(frozen=True, slots=True)
class PowerShellDialect(JsonDialect):
    """With `is_typed` each event of a history names its type."""

    is_typed: bool = False

    def part(self, event: HistoryEvent) -> Part:
        text = history_json(event)
        if not self.is_typed:
            return text
        return f'{{"$type":"DurableTask.Core.History.{_type_name(event)}, DurableTask.Core",{text[1:]}'

    def decide(self, outcome: Outcome, history: Sequence[HistoryEvent], limits: OrchestrationLimits) -> Verdict:
        try:
            outcome = _renamed(outcome)
        except InvalidWorkerResponse:
            pass  # it is read again, and told, where every answer is
        return JsonDialect.decide(self, outcome, history, limits)

    def read(self, outcome: Outcome) -> OrchestratorState:
        """The module says that it is done whenever it asks for nothing new (platform/durable-powershell.md 3)."""
        return replace(read_orchestrator_state(outcome), awaits_actions=self.is_typed)


POWERSHELL: Final[Dialect] = PowerShellDialect()
POWERSHELL_TYPED: Final[Dialect] = PowerShellDialect(is_typed=True)


def _type_name(event: HistoryEvent) -> str:
    return type(event).__name__.removesuffix("Event") + "Event"


def _renamed(outcome: Outcome) -> Outcome:
    """The answer, or that in the text of a failure, in the names of the JSON form. Raises InvalidWorkerResponse."""
    if outcome.failure is None:
        answer = _answer(read_returned_json(outcome.returned, ORCHESTRATOR))
        return replace(outcome, returned=Json(json_text(answer)))
    text, marker, state = outcome.failure.message.partition(MARKER)
    if not marker:
        return outcome
    message = f"{text}{marker}{json_text(_answer(read_json(state, ORCHESTRATOR)))}"
    return replace(outcome, failure=replace(outcome.failure, message=message))


def _answer(state: Any) -> Any:
    found = _members(state)
    if isinstance(found, dict) and isinstance(found.get("actions"), list):
        found["actions"] = [[_action(each) for each in _listed(batch)] for batch in found["actions"]]
    return found


def _action(item: Any) -> Any:
    found = _members(item)
    if isinstance(found, dict):
        if "retryOptions" in found:
            found["retryOptions"] = _members(found["retryOptions"])
        if isinstance(found.get("compoundActions"), list):
            found["compoundActions"] = [_action(each) for each in found["compoundActions"]]
    return found


def _members(value: Any) -> Any:
    """Its members under the names of the JSON form, and nothing below them."""
    if not isinstance(value, dict):
        return value
    return {MEMBERS.get(name.lower(), name): member for name, member in value.items()}


def _listed(batch: Any) -> Sequence[Any]:
    return batch if isinstance(batch, list) else [batch]
