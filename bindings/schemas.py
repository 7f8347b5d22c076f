"""The shape of an entry of each binding type: what stands in a function.json beside name, type and direction.

From platform/app-files.md 3 and platform/durable-http.md 2.1.
"""

from collections.abc import Mapping

from fnhost.bindings.contract import Schema
from fnhost.bindings.schema import BOOLEAN, INTEGER, STRING, STRINGS, TEMPLATE, choice, members

SCHEMAS: Mapping[str, Schema] = {
    "httpTrigger": members(authLevel=choice("anonymous", "function", "admin"), methods=STRINGS, route=STRING),
    "http": members(),
    "timerTrigger": members("schedule", schedule=STRING, runOnStartup=BOOLEAN, useMonitor=BOOLEAN),
    "queueTrigger": members("queueName", queueName=TEMPLATE, connection=STRING),
    "queue": members("queueName", queueName=TEMPLATE, connection=STRING),
    "blobTrigger": members(
        "path", path=TEMPLATE, connection=STRING, source=choice("LogsAndContainerScan", "EventGrid")
    ),
    "blob": members("path", path=TEMPLATE, connection=STRING),
    "table": members(
        "tableName",
        tableName=TEMPLATE,
        partitionKey=TEMPLATE,
        rowKey=TEMPLATE,
        take=INTEGER,
        filter=TEMPLATE,
        connection=STRING,
    ),
    "manualTrigger": members(),
    "warmupTrigger": members(),
    "durableClient": members(taskHub=STRING, connectionName=STRING),
    "orchestrationTrigger": members(orchestration=STRING),
    "activityTrigger": members(activity=STRING),
    "entityTrigger": members(entityName=STRING),
}

ALIASES: Mapping[str, str] = {"orchestrationClient": "durableClient"}


def canonical(type: str) -> str:
    """The name in `SHAPES` of a type written in any case, or under its old name; an unknown one comes back as it is."""
    wanted = type.lower()
    names = {name.lower(): name for name in SCHEMAS} | {old.lower(): new for old, new in ALIASES.items()}
    return names.get(wanted, type)
