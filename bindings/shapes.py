"""The shape of an entry of each binding type: what stands in a function.json beside name, type and direction.

From functions-host.md 1.3 and durable-http-api.md 2.1.
"""

from collections.abc import Mapping

from bindings.contract import Schema
from bindings.schema import FLAG, TEMPLATE, TEXT, TEXTS, WHOLE, choice, members

SHAPES: Mapping[str, Schema] = {
    "httpTrigger": members(authLevel=choice("anonymous", "function", "admin"), methods=TEXTS, route=TEXT),
    "http": members(),
    "timerTrigger": members("schedule", schedule=TEXT, runOnStartup=FLAG, useMonitor=FLAG),
    "queueTrigger": members("queueName", queueName=TEMPLATE, connection=TEXT),
    "queue": members("queueName", queueName=TEMPLATE, connection=TEXT),
    "blobTrigger": members("path", path=TEMPLATE, connection=TEXT, source=choice("LogsAndContainerScan", "EventGrid")),
    "blob": members("path", path=TEMPLATE, connection=TEXT),
    "table": members(
        "tableName",
        tableName=TEMPLATE,
        partitionKey=TEMPLATE,
        rowKey=TEMPLATE,
        take=WHOLE,
        filter=TEMPLATE,
        connection=TEXT,
    ),
    "manualTrigger": members(),
    "warmupTrigger": members(),
    "durableClient": members(taskHub=TEXT, connectionName=TEXT),
    "orchestrationTrigger": members(orchestration=TEXT),
    "activityTrigger": members(activity=TEXT),
    "entityTrigger": members(entityName=TEXT),
}

ALIASES: Mapping[str, str] = {"orchestrationClient": "durableClient"}


def canonical(type: str) -> str:
    """The name in `SHAPES` of a type written in any case, or under its old name; an unknown one comes back as it is."""
    wanted = type.lower()
    names = {name.lower(): name for name in SHAPES} | {old.lower(): new for old, new in ALIASES.items()}
    return names.get(wanted, type)
