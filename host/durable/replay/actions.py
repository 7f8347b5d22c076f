"""The actions of an orchestrator: the SDK's answer, read once and typed (platform/replay.md 4 and 5).

Inputs are kept as JSON texts, made compact; None where the SDK sent nothing or null.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fnhost.bindings.contract import Failure, Outcome
from fnhost.bindings.durable import MARKER
from fnhost.host.durable.model.errors import InvalidWorkerResponse
from fnhost.host.durable.model.instants import Instant, parse_instant
from fnhost.host.durable.model.text import optional_json_text, well_formed
from fnhost.host.durable.model.worker_json import read_json, read_returned_json


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

    def delay(self, attempt: int) -> float:
        """Seconds between attempt `attempt`, counted from 0, and the next; at most the longest interval."""
        try:
            return min(self.first_interval * self.coefficient**attempt, self.longest_interval)
        except OverflowError:
            return self.longest_interval


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
    """One answer of an orchestrator, with every action since the start of its execution.

    `output` and `custom_status` are JSON texts, None where absent. `error` is what user code raised;
    `worker_failure` is set when the SDK could not answer at all. `awaits_actions` means that every action is awaited
    in its turn before `is_done` counts.
    """

    actions: tuple[Action, ...] = ()
    is_done: bool = False
    output: str | None = None
    custom_status: str | None = None
    error: str | None = None
    worker_failure: Failure | None = None
    awaits_actions: bool = False


def read_orchestrator_state(outcome: Outcome) -> OrchestratorState:
    """The answer in an outcome, whether returned or in the exception's text. Raises InvalidWorkerResponse."""
    if outcome.failure is None:
        return _orchestrator_state(read_returned_json(outcome.returned, "orchestrator"))
    _, marker, state = outcome.failure.message.partition(MARKER)
    if not marker:
        return OrchestratorState(worker_failure=outcome.failure)
    return _orchestrator_state(read_json(state, "orchestrator"))


def _orchestrator_state(state: Any) -> OrchestratorState:
    if not isinstance(state, dict) or not isinstance(state.get("actions"), list):
        raise InvalidWorkerResponse(
            "the orchestrator's answer has no list of actions: is it built with the Durable Functions SDK?"
        )
    return OrchestratorState(
        actions=_actions(state["actions"]),
        is_done=bool(state.get("isDone")),
        output=optional_json_text(state.get("output")),
        custom_status=optional_json_text(state.get("customStatus")),
        error=None if state.get("error") is None else well_formed(str(state["error"])),
    )


def _actions(listed: Sequence[Any]) -> tuple[Action, ...]:
    try:
        return tuple(_action(item) for inner in listed for item in inner)
    except RecursionError as error:
        raise InvalidWorkerResponse("the orchestrator's actions are nested too deeply") from error
    except (TypeError, AttributeError) as error:
        raise InvalidWorkerResponse(f"the orchestrator's actions are not lists of objects: {error}") from error


def _action(item: Mapping[str, Any]) -> Action:
    kind = item.get("actionType")
    read = _READERS.get(NAMES.index(kind) if kind in NAMES else kind)  # type: ignore[arg-type]
    if read is None:
        raise InvalidWorkerResponse(f"the orchestrator asked for action {kind!r}, which this host does not know")
    try:
        return read(item)
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise InvalidWorkerResponse(f"the orchestrator's action {kind!r} is not complete: {error}") from error
    except InvalidWorkerResponse:
        raise
    except (ValueError, OverflowError) as error:
        raise InvalidWorkerResponse(f"the orchestrator's action {kind!r} has an impossible value: {error}") from error


def _name(item: Mapping[str, Any], key: str) -> str:
    return well_formed(str(item[key]))


def _input(item: Mapping[str, Any]) -> str | None:
    return optional_json_text(item.get("input"))


def _activity(item: Mapping[str, Any]) -> CallActivity:
    return CallActivity(_name(item, "functionName"), _input(item))


def _child(item: Mapping[str, Any]) -> CallSubOrchestrator:
    instance, version = item.get("instanceId"), item.get("version")
    return CallSubOrchestrator(
        _name(item, "functionName"),
        _input(item),
        well_formed(str(instance)) if instance else None,
        None if version is None else well_formed(str(version)),
    )


def _retried(
    call: Callable[[Mapping[str, Any]], CallActivity | CallSubOrchestrator],
) -> Callable[[Mapping[str, Any]], WithRetry]:
    return lambda item: WithRetry(call(item), _options(item["retryOptions"]))


def _options(item: Mapping[str, Any]) -> RetryOptions:
    longest = item.get("maxRetryIntervalInMilliseconds")
    return RetryOptions(
        first_interval=float(item["firstRetryIntervalInMilliseconds"]) / 1000,
        attempts=max(1, int(item["maxNumberOfAttempts"])),
        coefficient=float(item.get("backoffCoefficient") or 1.0),
        longest_interval=float(longest) / 1000 if longest else LONGEST_RETRY,
    )


def _timer(item: Mapping[str, Any]) -> CreateTimer:
    return CreateTimer(parse_instant(item["fireAt"]), bool(item.get("isCanceled")))


def _entity(item: Mapping[str, Any], is_signal: bool = False) -> CallEntity:
    name, _, key = _name(item, "instanceId")[1:].partition("@")
    due = parse_instant(item["fireAt"]) if "fireAt" in item else None
    return CallEntity(f"@{name.lower()}@{key}", _name(item, "operation"), _input(item), is_signal, due)


def _http(item: Mapping[str, Any]) -> CallHttp:
    if not isinstance(item["httpRequest"], dict):
        raise ValueError("httpRequest is not an object")
    return CallHttp(item["httpRequest"])


def _lock(item: Mapping[str, Any]) -> LockEntities:
    return LockEntities(tuple((_name(entity, "name"), _name(entity, "key")) for entity in item["lockSet"]))


def _children(item: Mapping[str, Any]) -> tuple[Action, ...]:
    return tuple(map(_action, item["compoundActions"]))


_READERS: Mapping[int, Callable[[Mapping[str, Any]], Action]] = {
    0: _activity,
    1: _retried(_activity),
    2: _child,
    3: _retried(_child),
    4: lambda item: ContinueAsNew(_input(item)),
    5: _timer,
    6: lambda item: WaitForEvent(_name(item, "externalEventName")),
    7: _entity,
    8: _http,
    9: lambda item: _entity(item, is_signal=True),
    10: lambda item: _entity(item, is_signal=True),
    11: lambda item: WhenAny(_children(item)),
    12: lambda item: WhenAll(_children(item)),
    13: _lock,
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
