"""The hub in Azure Storage, in the layout of the platform's own backend (task-hub-storage.md)."""

from host.durable.azure.hub import AzureHub
from host.durable.azure.mail import Encoding

__all__ = ["AzureHub", "Encoding"]
