"""The functions that an app declares in code, listed by the app's own `azure.functions` (platform/app-files.md 7)."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any, Callable

from . import deferred
from .errors import stack, title
from .wire import Message

FILE = "PYTHON_SCRIPT_FILE_NAME"
STRATEGIES = {"fixed_delay": "fixedDelay", "exponential_backoff": "exponentialBackoff"}
INTERVALS = {
    "delay_interval": "delayInterval",
    "minimum_interval": "minimumInterval",
    "maximum_interval": "maximumInterval",
}
HINT = "Cannot find module. Please check the requirements.txt file for the missing module. Current sys.path: {}"


class IndexedFunctions:
    """The functions of the app's module, imported once for each process."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._functions: dict[str, Any] | None = None

    def list(self) -> Message:
        """A `functionMetadataResponse`. Whatever user code raises is a failure of the whole app."""
        answer: Message = {"t": "functionMetadataResponse", "useDefaultMetadataIndexing": False}
        try:
            if not os.path.isfile(os.path.join(self._root, script_name())):
                return {**answer, "result": {"status": "success"}, "useDefaultMetadataIndexing": True}
            listed = [_described(function, self._root) for function in self._known().values()]
        except BaseException as error:
            message = f"{title(error)}"
            if isinstance(error, ModuleNotFoundError):
                message = f"{message}. {HINT.format(sys.path)}"
            failure = {"message": message, "stackTrace": stack(error)}
            return {**answer, "result": {"status": "failure", "exception": failure}, "functionMetadataResults": []}
        return {**answer, "result": {"status": "success"}, "functionMetadataResults": listed}

    def find(self, name: str) -> Callable[..., Any]:
        """The code of a function. Raises what importing the app raises, KeyError."""
        found: Callable[..., Any] = self._known()[name].get_user_function()
        return found

    def _known(self) -> dict[str, Any]:
        if self._functions is None:
            application = _application(script_name(), self._root)
            self._functions = {each.get_function_name(): each for each in application.get_functions()}
        return self._functions


def script_name() -> str:
    return os.environ.get(FILE) or "function_app.py"


def _application(script: str, root: str) -> Any:
    """The one object of the app classes at the top level of the module. Raises ValueError, and what user code does."""
    from azure.functions.decorators.function_app import FunctionRegister

    if root not in sys.path[:1]:
        sys.path.insert(0, root)
    module = importlib.import_module(os.path.splitext(script)[0])
    found = [value for value in vars(module).values() if isinstance(value, FunctionRegister)]
    if not found:
        raise ValueError(f"Could not find top level function app instances in {script}.")
    if len(found) > 1:
        names = ", ".join(sorted(name for name, value in vars(module).items() if value in found))
        raise ValueError(
            f"More than one {type(found[0]).__name__} or other top level function app instances are defined: {names}."
        )
    return found[0]


def _described(function: Any, root: str) -> Message:
    name, code = function.get_function_name(), function.get_user_function()
    return {
        "name": name,
        "functionId": name,
        "language": "python",
        "directory": root,
        "scriptFile": script_name(),
        "entryPoint": getattr(code, "__name__", ""),
        "rawBindings": deferred.raw_bindings(function),
        "retryOptions": _retry(function.get_settings_dict("retry_policy")),
        "properties": _place(code, root),
        "status": {"status": "success"},
    }


def _place(code: Any, root: str) -> Message:
    """File and line of the user's own function, decorators taken off; nothing if it lies outside of the app."""
    while hasattr(code, "__wrapped__"):
        code = code.__wrapped__
    compiled = getattr(code, "__code__", None)
    if compiled is None:
        return {}
    file = os.path.relpath(compiled.co_filename, root)
    if file.startswith(os.pardir) or "site-packages" in file:
        return {}
    return {"file": file.replace(os.sep, "/"), "line": compiled.co_firstlineno}


def _retry(policy: dict[str, str] | None) -> Message | None:
    if not policy:
        return None
    spans = {INTERVALS[key]: {"seconds": _seconds(policy[key]), "nanos": 0} for key in INTERVALS if policy.get(key)}
    strategy = STRATEGIES.get(policy["strategy"], policy["strategy"])
    return {"retryStrategy": strategy, "maxRetryCount": int(policy["max_retry_count"]), **spans}


def _seconds(span: str) -> int:
    hours, minutes, seconds = (float(part) for part in span.split(":"))
    return int((hours * 60 + minutes) * 60 + seconds)
