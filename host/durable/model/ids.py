"""Ids of entities, executions and requests. Derived ids are the same whenever the same episode is run again."""

import uuid
from dataclasses import dataclass

from fnhost.bindings.formats import compact
from fnhost.host.durable.model.history import (
    Execution,
    SubOrchestrationInstanceCreated,
)


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


_NAMESPACE = uuid.UUID("6d1a2f0c-58a7-4c8e-9f0e-3a5d0f5a7c11")


def child_execution(execution_id: str | None, call: SubOrchestrationInstanceCreated) -> str:
    """The execution id of a child: the same whenever the same call is made again, and only then."""
    asked = compact([execution_id, call.event_id, call.name, call.version, call.instance_id, call.input])
    return uuid.uuid5(_NAMESPACE, asked).hex


def entity_request(execution: Execution, task_id: int) -> str:
    """The id by which an entity's answer finds its way back."""
    return str(uuid.uuid5(_NAMESPACE, f"{execution.execution_id}?{task_id}"))


def next_execution(execution_id: str) -> str:
    """The execution id after a continue-as-new."""
    return uuid.uuid5(_NAMESPACE, f"{execution_id}:next").hex
