"""What an orchestrator asked for: the SDK's answer, read once and typed (platform/replay.md 4 and 5).

Inputs are kept as JSON texts, made compact; None where the SDK sent nothing or null.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fnhost.bindings.contract import Failure, Json, Outcome
from fnhost.bindings.durable import MARKER
from fnhost.bindings.formats import compact
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.instants import Instant, parse_instant


@dataclass(frozen=True, slots=True)
class CallActivity:
    name: str
    input: str | None


@dataclass(frozen=True, slots=True)
class CallSubOrchestrator:
    name: str
    input: str | None
    instance_id: str | None
    version: str | None


LONGEST_RETRY = 6 * 86400.0


@dataclass(frozen=True, slots=True)
class RetryOptions:
    """Intervals in seconds (6.6)."""

    first_interval: float
    attempts: int
    coefficient: float = 1.0
    longest_interval: float = LONGEST_RETRY


@dataclass(frozen=True, slots=True)
class WithRetry:
    call: CallActivity | CallSubOrchestrator
    options: RetryOptions


@dataclass(frozen=True, slots=True)
class CreateTimer:
    fire_at: Instant
    is_canceled: bool


@dataclass(frozen=True, slots=True)
class WaitForEvent:
    name: str


@dataclass(frozen=True, slots=True)
class CallEntity:
    """`is_signal` wants no answer; `due` delays a signal."""

    instance_id: str
    operation: str
    input: str | None
    is_signal: bool = False
    due: Instant | None = None


@dataclass(frozen=True, slots=True)
class LockEntities:
    """`entities` are name and key, as the SDK ordered them."""

    entities: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ReleaseEntities:
    """All that are held."""


@dataclass(frozen=True, slots=True)
class CallHttp:
    """`request` is the SDK's own object (6.10)."""

    request: Mapping[str, Any]

    @property
    def polls(self) -> bool:
        return self.request.get("asynchronousPatternEnabled") is True


@dataclass(frozen=True, slots=True)
class ContinueAsNew:
    input: str | None


@dataclass(frozen=True, slots=True)
class WhenAny:
    children: "tuple[Action, ...]"


@dataclass(frozen=True, slots=True)
class WhenAll:
    children: "tuple[Action, ...]"


Action: TypeAlias = (
    CallActivity
    | CallSubOrchestrator
    | WithRetry
    | CreateTimer
    | WaitForEvent
    | CallEntity
    | LockEntities
    | ReleaseEntities
    | CallHttp
    | ContinueAsNew
    | WhenAny
    | WhenAll
)


@dataclass(frozen=True, slots=True)
class OrchestratorState:
    """One answer of an orchestrator: every action since the start of its execution.

    `output` and `custom_status` are JSON texts, None where absent. `error` is the user's own text; `trouble` the
    worker's, when the SDK could not answer at all.
    """

    actions: tuple[Action, ...] = ()
    is_done: bool = False
    output: str | None = None
    custom_status: str | None = None
    error: str | None = None
    trouble: Failure | None = None


def read_orchestrator_state(outcome: Outcome) -> OrchestratorState:
    """The answer in an outcome, whether returned or carried by the exception's text. Raises BadAnswer."""
    if outcome.failure is None:
        return _orchestrator_state(_returned(outcome))
    _, marker, state = outcome.failure.message.partition(MARKER)
    if not marker:
        return OrchestratorState(trouble=outcome.failure)
    return _orchestrator_state(_parsed(state))


def _returned(outcome: Outcome) -> Any:
    match outcome.returned:
        case Json(text=text) | str(text):
            return _parsed(text)
        case other:
            raise InvalidWorkerResponse(
                f"the orchestrator returned {type(other).__name__} instead of the SDK's JSON object"
            )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise InvalidWorkerResponse(f"the orchestrator's answer is not JSON: {error}") from error


def _orchestrator_state(state: Any) -> OrchestratorState:
    if not isinstance(state, dict) or not isinstance(state.get("actions"), list):
        raise InvalidWorkerResponse(
            "the orchestrator's answer has no list of actions: is it built with the Durable Functions SDK?"
        )
    return OrchestratorState(
        actions=tuple(_action(item) for inner in state["actions"] for item in inner),
        is_done=bool(state.get("isDone")),
        output=_text(state, "output"),
        custom_status=_text(state, "customStatus"),
        error=state.get("error"),
    )


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return None if value is None else compact(value)


def _action(item: Mapping[str, Any]) -> Action:
    kind = item.get("actionType")
    read = _READERS.get(NAMES.index(kind) if kind in NAMES else kind)  # type: ignore[arg-type]
    if read is None:
        raise InvalidWorkerResponse(f"the orchestrator asked for action {kind!r}, which this host does not know")
    try:
        return read(item)
    except (KeyError, TypeError) as error:
        raise InvalidWorkerResponse(f"the orchestrator's action {kind!r} is not complete: {error}") from error


def _activity(item: Mapping[str, Any]) -> CallActivity:
    return CallActivity(item["functionName"], _text(item, "input"))


def _child(item: Mapping[str, Any]) -> CallSubOrchestrator:
    return CallSubOrchestrator(
        item["functionName"], _text(item, "input"), item.get("instanceId") or None, item.get("version")
    )


def _retried(
    call: Callable[[Mapping[str, Any]], CallActivity | CallSubOrchestrator],
) -> Callable[[Mapping[str, Any]], WithRetry]:
    return lambda item: WithRetry(call(item), _options(item["retryOptions"]))


def _options(item: Mapping[str, Any]) -> RetryOptions:
    longest = item.get("maxRetryIntervalInMilliseconds")
    return RetryOptions(
        first_interval=item["firstRetryIntervalInMilliseconds"] / 1000,
        attempts=max(1, int(item["maxNumberOfAttempts"])),
        coefficient=item.get("backoffCoefficient") or 1.0,
        longest_interval=longest / 1000 if longest else LONGEST_RETRY,
    )


def _timer(item: Mapping[str, Any]) -> CreateTimer:
    return CreateTimer(parse_instant(item["fireAt"]), bool(item.get("isCanceled")))


def _entity(item: Mapping[str, Any], is_signal: bool = False) -> CallEntity:
    name, _, key = item["instanceId"][1:].partition("@")
    due = parse_instant(item["fireAt"]) if "fireAt" in item else None
    return CallEntity(f"@{name.lower()}@{key}", item["operation"], _text(item, "input"), is_signal, due)


def _children(item: Mapping[str, Any]) -> tuple[Action, ...]:
    return tuple(map(_action, item["compoundActions"]))


_READERS: Mapping[int, Callable[[Mapping[str, Any]], Action]] = {
    0: _activity,
    1: _retried(_activity),
    2: _child,
    3: _retried(_child),
    4: lambda item: ContinueAsNew(_text(item, "input")),
    5: _timer,
    6: lambda item: WaitForEvent(item["externalEventName"]),
    7: _entity,
    8: lambda item: CallHttp(item["httpRequest"]),
    9: lambda item: _entity(item, is_signal=True),
    10: lambda item: _entity(item, is_signal=True),
    11: lambda item: WhenAny(_children(item)),
    12: lambda item: WhenAll(_children(item)),
    13: lambda item: LockEntities(tuple((entity["name"], entity["key"]) for entity in item["lockSet"])),
    14: lambda item: ReleaseEntities(),
}

NAMES: Sequence[str] = (
    "CallActivity",
    "CallActivityWithRetry",
    "CallSubOrchestrator",
    "CallSubOrchestratorWithRetry",
    "ContinueAsNew",
    "CreateTimer",
    "WaitForExternalEvent",
    "CallEntity",
    "CallHttp",
    "SignalEntity",
    "ScheduledSignalEntity",
    "WhenAny",
    "WhenAll",
    "LockEntities",
    "ReleaseEntities",
)
"""The same numbers in words, as other SDKs send them."""
