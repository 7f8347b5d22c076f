"""Requests to entities and their answers, as the JSON texts that travel in EventRaised and EventSent. Pure.

Rules from platform/entities.md 2.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from sys import getsizeof
from typing import Any

from fnhost.host.durable.model.errors import UnreadableRecord
from fnhost.host.durable.model.history import EventSent, FailureDetails
from fnhost.host.durable.model.ids import EntityId, is_entity
from fnhost.host.durable.model.instants import Instant, parse_instant
from fnhost.host.durable.model.text import json_text

NEVER: Instant = "0001-01-01T00:00:00.0000000Z"
REQUEST, RELEASE, CONTINUE = "op", "release", "continue"
LOCKED = "Lock Acquisition Completed"


@dataclass(frozen=True, slots=True)
class EntityRequest:
    """An operation, or a lock request, which has none.

    `timestamp` and `predecessor` order the requests of one instance to one entity. `action` is this host's own: the
    task id of the call, by which a request that an orchestrator sends twice is recognised.
    """

    id: str
    operation: str | None = None
    is_signal: bool = False
    input: str | None = None
    parent: str | None = None
    parent_execution: str | None = None
    due: Instant | None = None
    timestamp: Instant = NEVER
    predecessor: Instant = NEVER
    lock_set: tuple[EntityId, ...] = ()
    position: int = 0
    action: int | None = None

    @property
    def is_lock(self) -> bool:
        return bool(self.lock_set)

    @property
    def wants_result(self) -> bool:
        return not self.is_signal and not self.is_lock

    @property
    def event_name(self) -> str:
        return f"{REQUEST}@{self.due}" if self.due else REQUEST


def request_json(request: EntityRequest) -> Mapping[str, Any]:
    """Defaults are left out, but for the operation and the order stamps."""
    lock_set = [{"name": entity.name, "key": entity.key} for entity in request.lock_set]
    optional = {
        "signal": request.is_signal or None,
        "input": request.input,
        "id": request.id,
        "parent": request.parent,
        "parentExecution": request.parent_execution,
        "due": request.due,
        "Timestamp": stamp_json(request.timestamp),
        "Predecessor": stamp_json(request.predecessor),
        "lockset": lock_set or None,
        "pos": request.position or None,
        "action": request.action,
    }
    return {"op": request.operation, **{name: value for name, value in optional.items() if value is not None}}


def request_of(found: Any) -> EntityRequest:
    """Raises UnreadableRecord."""
    try:
        return EntityRequest(
            id=str(found["id"]),
            operation=found.get("op"),
            is_signal=bool(found.get("signal")),
            input=found.get("input"),
            parent=found.get("parent"),
            parent_execution=found.get("parentExecution"),
            due=parse_instant(found["due"]) if found.get("due") else None,
            timestamp=stamp_of(found.get("Timestamp")),
            predecessor=stamp_of(found.get("Predecessor")),
            lock_set=tuple(EntityId(str(each["name"]).lower(), each["key"]) for each in found.get("lockset") or ()),
            position=found.get("pos") or 0,
            action=found.get("action"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableRecord(f"This is no request to an entity ({error!r}): {str(found)[:200]}") from error


class RequestCache:
    """Requests by their texts, the last ones used, at most so many bytes of text. Each replay reads all texts again."""

    def __init__(self, max_bytes: int = 8 * 1024 * 1024) -> None:
        self._found: OrderedDict[str, EntityRequest] = OrderedDict()
        self._max_bytes = max_bytes
        self.bytes = 0

    def read(self, text: str) -> EntityRequest:
        """Raises UnreadableRecord."""
        if (known := self._found.get(text)) is not None:
            self._found.move_to_end(text)
            return known
        request = request_of(read_json_text(text))
        self._keep(text, request)
        return request

    def _keep(self, text: str, request: EntityRequest) -> None:
        if getsizeof(text) > self._max_bytes:
            return
        self._found[text] = request
        self.bytes += getsizeof(text)
        while self.bytes > self._max_bytes:
            dropped, _ = self._found.popitem(last=False)
            self.bytes -= getsizeof(dropped)


_CACHE = RequestCache()


def read_request(text: str | None) -> EntityRequest:
    """Raises UnreadableRecord."""
    return _CACHE.read(text or "null")


def read_json_text(text: str | None) -> Any:
    """Raises UnreadableRecord."""
    try:
        return json.loads(text or "null")
    except ValueError as error:
        raise UnreadableRecord(f"This is not JSON ({error}): {str(text)[:200]}") from error


def sent_request(event: EventSent) -> EntityRequest | None:
    """The request an orchestration sent, None if it sent something else."""
    if not is_entity(event.instance_id) or event.name.partition("@")[0] != REQUEST:
        return None
    try:
        return read_request(event.input)
    except UnreadableRecord:
        return None


def stamp_json(at: Instant) -> str:
    """NEVER is written without a time zone, as on the platform."""
    return NEVER[:19] if at == NEVER else at


def stamp_of(text: str | None) -> Instant:
    return parse_instant(text) if text else NEVER


def release_text(parent: str, lock: str) -> str:
    return json_text({"parent": parent, "id": lock})


def answer_text(result: str | None, *, is_error: bool = False, failure: FailureDetails | None = None) -> str:
    """`result` is JSON text. `exceptionType` may only be there for an error; SDKs that know `failure` read that."""
    kind = failure.error_type if failure else "Error"
    told = {"failureDetails": failure_json(failure)} if failure else {}
    return json_text({"result": result or "null", **({"exceptionType": kind} if is_error else {}), **told})


def failure_json(failure: FailureDetails) -> Mapping[str, Any]:
    inner = failure.inner_failure
    return {
        "ErrorType": failure.error_type,
        "ErrorMessage": failure.error_message,
        "StackTrace": failure.stack_trace,
        "InnerFailure": failure_json(inner) if inner else None,
        "IsNonRetriable": failure.is_non_retriable,
        **({"Properties": failure.properties} if failure.properties else {}),
    }
