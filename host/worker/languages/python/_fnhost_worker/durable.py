"""What the worker knows of the app's Durable SDK (platform/durable-protobuf.md 1)."""

from __future__ import annotations

import sys

SDK = "azure.durable_functions"
TYPES = frozenset({"orchestrationtrigger", "entitytrigger", "durableclient", "orchestrationclient"})
"""Binding types whose functions need the SDK."""
EXTENSION = "_DurableClientLifecycleExtension"
"""A worker extension that 2.x registers for itself."""


def speaks_grpc() -> bool:
    """Whether the SDK, if it was imported, is azure-functions-durable 2.x: its client is one of gRPC."""
    return hasattr(sys.modules.get(SDK), "DurableFunctionsClient")
