"""What the worker knows of the app's Durable SDK (platform/durable-protobuf.md 1)."""

from __future__ import annotations

import functools
import sys

SDK = "azure.durable_functions"
TYPES = frozenset({"orchestrationtrigger", "entitytrigger", "durableclient", "orchestrationclient"})
"""Binding types whose functions need the SDK."""
EXTENSION = "_DurableClientLifecycleExtension"
"""A worker extension that 2.x registers for itself."""


def speaks_grpc() -> bool:
    """Whether the SDK, if it was imported, is azure-functions-durable 2.x: its client is one of gRPC."""
    return hasattr(sys.modules.get(SDK), "DurableFunctionsClient")


@functools.lru_cache(maxsize=None)
def keep_grpc_open() -> None:
    """Take part in the state of grpc.aio, with its polling thread, for the life of this process.

    The SDK makes a client for each invocation. Without another user the state ends with the last client that is
    collected, and the next client makes it anew.
    """
    aio = sys.modules.get("grpc.aio")
    if aio is not None:
        aio.init_grpc_aio()
