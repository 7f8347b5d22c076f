"""The hub in Azure Storage, in the layout of the platform's own backend (platform/task-hub.md)."""

from fnhost.host.durable.storage.azure.hub import AzureHub
from fnhost.host.durable.storage.azure.message_queues import Encoding

__all__ = ["AzureHub", "Encoding"]
