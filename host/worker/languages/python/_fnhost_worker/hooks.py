"""What settings put around loads and invocations: worker extensions, and the caller's trace as the parent.

Rules from platform/python-worker.md 7 and 8.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, Callable

from .context import Context
from .durable import EXTENSION
from .settings import WorkerSettings

LOGGER = "azure_functions_worker"
UNUSED = "The app has worker extensions, but their hooks are not called: set PYTHON_ENABLE_WORKER_EXTENSIONS to 1."

Attach = Callable[[Any], None]


class Hooks:
    """What is called around each load and each invocation, and does nothing unless a setting asks for it."""

    def __init__(self, settings: WorkerSettings) -> None:
        self._has_extensions = settings.has_extensions
        self._attach = _open_telemetry(settings.traces_with) if settings.traces_with else None
        self._has_warned = False
        self.are_used = settings.has_extensions or self._attach is not None

    def function_loaded(self, name: str, directory: str) -> None:
        if not self._has_extensions and not self._has_warned:
            self._has_warned = any(_has_others(hooks) for hooks, _ in _both(name, "", "", True))
            if self._has_warned:
                logging.warning(UNUSED)
        for hooks, hook in _both(name, "post_function_load", "post_function_load_app_level", self._has_extensions):
            _call_all(hooks, hook, lambda logger, call: call(name, directory))

    def before(self, context: Context, arguments: dict[str, Any]) -> None:
        if self._attach:
            self._attach(context.trace_context)
        order = ("pre_invocation", "pre_invocation_app_level")
        for hooks, hook in reversed(_both(context.function_name, *order, self._has_extensions)):
            _call_all(hooks, hook, lambda logger, call: call(logger, context, arguments))

    def after(self, context: Context, arguments: dict[str, Any], returned: Any) -> None:
        order = ("post_invocation", "post_invocation_app_level")
        for hooks, hook in _both(context.function_name, *order, self._has_extensions):
            _call_all(hooks, hook, lambda logger, call: call(logger, context, arguments, returned))


def _both(function: str, of_function: str, of_app: str, is_on: bool) -> list[tuple[Any, str]]:
    """What the app's `azure.functions` has registered: the function's own, then the app's."""
    registered = getattr(sys.modules.get("azure.functions"), "ExtensionMeta", None) if is_on else None
    if registered is None:
        return []
    return [(registered.get_function_hooks(function), of_function), (registered.get_application_hooks(), of_app)]


def _has_others(hooks: Any) -> bool:
    """Whether any is of an extension other than that of the Durable SDK, whose clients close themselves in the end."""
    return any(each.ext_name != EXTENSION for listed in hooks or () for each in listed)


def _call_all(hooks: Any, hook: str, call: Callable[[logging.Logger, Callable[..., Any]], None]) -> None:
    """A hook that fails is logged, and stops neither the others nor the function."""
    for each in getattr(hooks, hook, ()):
        logger = logging.getLogger(f"{LOGGER}.extension.{each.ext_name}")
        try:
            call(logger, each.ext_impl)
        except Exception:
            logging.exception("The %s of the worker extension %s failed.", hook, each.ext_name)


def _open_telemetry(setting: str) -> Attach | None:
    """What makes the caller's trace the current context of OpenTelemetry. None, and logged, without its packages."""
    try:
        from opentelemetry import context as current
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError as error:
        logging.warning("%s is on, but %s: traces have no parent. Install opentelemetry-api.", setting, error)
        return None
    propagator = TraceContextTextMapPropagator()

    def attach(sent: Any) -> None:
        current.attach(propagator.extract({"traceparent": sent.trace_parent, "tracestate": sent.trace_state}))

    return attach
