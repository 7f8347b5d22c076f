"""Azure Storage: connection strings to accounts, and thin signed clients for queues, tables and blobs.

The Azure SDK's pipeline costs four times the processor time of a call made here. Every failure is a `StorageError`.
"""

from fnhost.bindings.storage.account import Account, parse, resolve, setting_of
from fnhost.bindings.storage.blobs import BlobTexts
from fnhost.bindings.storage.client import BUSY, StorageClient
from fnhost.bindings.storage.containers import Containers
from fnhost.bindings.storage.errors import (
    BadConnection,
    PopReceiptMismatch,
    PreconditionFailed,
    ResourceExists,
    ResourceNotFound,
    StorageError,
    StorageUnreachable,
)
from fnhost.bindings.storage.queues import QueueMessage, Queues
from fnhost.bindings.storage.tables import Operation, Row, TablePage, Tables

__all__ = [
    "BUSY",
    "Account",
    "BadConnection",
    "BlobTexts",
    "Containers",
    "Operation",
    "PopReceiptMismatch",
    "PreconditionFailed",
    "QueueMessage",
    "Queues",
    "ResourceExists",
    "ResourceNotFound",
    "Row",
    "StorageClient",
    "StorageError",
    "StorageUnreachable",
    "TablePage",
    "Tables",
    "parse",
    "resolve",
    "setting_of",
]
