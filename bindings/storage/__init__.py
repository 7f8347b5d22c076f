"""Azure Storage: connection strings to accounts, and thin signed clients for queues and tables.

The Azure SDK's pipeline costs four times the processor time of a call made here; large texts in blobs, which are not on
the hot path, are left to it. Every failure is a `StorageError`.
"""

from bindings.storage.account import Account, parse, resolve
from bindings.storage.containers import Containers
from bindings.storage.errors import (
    AlreadyThere,
    BadConnection,
    NotFound,
    PreconditionFailed,
    StorageError,
    StorageUnreachable,
    Taken,
)
from bindings.storage.queues import Queues, QueueText
from bindings.storage.tables import Operation, Row, Slice, Tables
from bindings.storage.wire import Wire

__all__ = [
    "Account",
    "AlreadyThere",
    "BadConnection",
    "Containers",
    "NotFound",
    "Operation",
    "PreconditionFailed",
    "QueueText",
    "Queues",
    "Row",
    "Slice",
    "StorageError",
    "StorageUnreachable",
    "Tables",
    "Taken",
    "Wire",
    "parse",
    "resolve",
]
