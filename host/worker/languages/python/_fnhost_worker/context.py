"""What user code gets beside its inputs: `context` and `Out` (platform/python-worker.md 3)."""

from __future__ import annotations

import contextvars
import threading
from typing import Any

INVOCATION: contextvars.ContextVar[str] = contextvars.ContextVar("invocation", default="")
QUIET: contextvars.ContextVar[bool] = contextvars.ContextVar("quiet", default=False)
"""Whether what runs only repeats, for somebody who looks: then nothing that it logs or prints goes anywhere."""
THREAD = threading.local()
"""User threads set `invocation_id` here, through `context.thread_local_storage`, to have their logs attributed."""


def current_invocation() -> str:
    return INVOCATION.get() or getattr(THREAD, "invocation_id", None) or ""


class Out:
    """An output parameter."""

    def __init__(self) -> None:
        self._value: Any = None

    def set(self, val: Any) -> None:
        self._value = val

    def get(self) -> Any:
        return self._value


class TraceContext:
    def __init__(self, sent: dict[str, Any]) -> None:
        self.trace_parent: str = sent["traceParent"]
        self.trace_state: str = sent["traceState"]
        self.attributes: dict[str, str] = sent["attributes"]
        # The names of the first releases, which tracing libraries still read.
        self.Traceparent, self.Tracestate, self.Attributes = self.trace_parent, self.trace_state, self.attributes


class RpcException:
    def __init__(self, message: str) -> None:
        self.message = message
        self.source = ""
        self.stack_trace = ""


class RetryContext:
    """All zero and empty outside of a retry."""

    def __init__(self, sent: dict[str, Any]) -> None:
        self.retry_count: int = sent.get("retryCount", 0)
        self.max_retry_count: int = sent.get("maxRetryCount", 0)
        self.exception = RpcException(sent.get("exception", {}).get("message", ""))


class Context:
    def __init__(self, function_name: str, function_directory: str, request: dict[str, Any]) -> None:
        self.invocation_id: str = request["invocationId"]
        self.function_name = function_name
        self.function_directory = function_directory
        self.thread_local_storage = THREAD
        self.trace_context = TraceContext(request["traceContext"])
        self.retry_context = RetryContext(request.get("retryContext") or {})
