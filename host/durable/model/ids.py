"""Ids of entities, executions and requests. Derived ids are the same whenever the same episode is run again."""

import re
import uuid
from dataclasses import dataclass

from fnhost.host.durable.model.history import (
    Execution,
    SubOrchestrationInstanceCreated,
)
from fnhost.host.durable.model.text import json_text


@dataclass(frozen=True, slots=True, order=True)
class EntityId:
    """Names are lower-cased; keys keep their case and may hold an `@`."""

    name: str
    key: str

    @classmethod
    def of(cls, instance: str) -> "EntityId":
        name, _, key = instance[1:].partition("@")
        return cls(name.lower(), key)

    def __str__(self) -> str:
        return f"@{self.name.lower()}@{self.key}"


def is_entity(instance: str) -> bool:
    return instance.startswith("@")


def read_entity_id(instance: str) -> EntityId:
    """Raises ValueError for what is no id of an entity; a key may be empty."""
    entity = EntityId.of(instance)
    if not is_entity(instance) or not entity.name or "@" not in instance[1:]:
        raise ValueError(f"'{instance}' is no id of an entity: those are like @name@key.")
    return entity


MAX_ID_LENGTH = 256
"""Characters of an instance id (platform/durable-http.md 5.1)."""
MAX_ENTITY_LENGTH = 512
"""Characters of name and key of an entity: what Azure Storage takes as a key, 1 KiB of UTF-16."""
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""The last two are no characters: the storage's XML cannot hold them."""


def refused_instance_id(instance: str) -> str | None:
    """Why no orchestration may have this id; None if it may."""
    if instance.startswith("@"):
        return "Orchestration instance ids must not start with @."
    if _FORBIDDEN.search(instance):
        return "Orchestration instance ids must not contain /, \\, #, ?, or control characters."
    if len(instance) > MAX_ID_LENGTH:
        return f"Instance ID lengths must not exceed {MAX_ID_LENGTH} characters."
    return None


def refused_entity_id(entity: EntityId) -> str | None:
    """Why no entity may have this name and key; None if it may."""
    if _FORBIDDEN.search(entity.name) or _FORBIDDEN.search(entity.key):
        return "Entity keys must not contain /, \\, #, ?, or control characters."
    if len(str(entity)) > MAX_ENTITY_LENGTH:
        return f"Entity names and keys must not exceed {MAX_ENTITY_LENGTH} characters together."
    return None


_NAMESPACE = uuid.UUID("6d1a2f0c-58a7-4c8e-9f0e-3a5d0f5a7c11")


def child_execution(execution_id: str | None, call: SubOrchestrationInstanceCreated) -> str:
    """The execution id of a child: the same whenever the same call is made again, and only then."""
    call_text = json_text([execution_id, call.event_id, call.name, call.version, call.instance_id, call.input])
    return uuid.uuid5(_NAMESPACE, call_text).hex


def entity_request(execution: Execution, task_id: int) -> str:
    """The id of a request to an entity, which its answer carries as the event's name."""
    return str(uuid.uuid5(_NAMESPACE, f"{execution.execution_id}?{task_id}"))


def next_execution(execution_id: str) -> str:
    """The execution id after a continue-as-new."""
    return uuid.uuid5(_NAMESPACE, f"{execution_id}:next").hex
