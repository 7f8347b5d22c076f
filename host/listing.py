"""The functions of an app as the official tool lists them, and what is wrong with the others."""

from collections.abc import Iterable, Mapping

from fnhost.bindings.registry import binding_types
from fnhost.host.app import App, Function
from fnhost.host.endpoints import endpoint_of
from fnhost.host.errors import Problem

OF_THE_SDK = "BuiltIn__"
"""Begins the names of functions that azure-functions-durable 2.x adds to an app for itself."""


def listing(app: App, base: str) -> str:
    """The functions of an app, as the official tool lists them. `base` is like `http://localhost:7071`."""
    if not app.functions and app.problems:
        return "No function is served. The log says why."
    if not app.functions:
        return "No job functions found. A function is a folder with a function.json, beside host.json or in functions/."
    lines: list[str] = []
    if app.enabled:
        lines += ["Functions:", ""]
    shown = (function for function in app.enabled if not function.name.startswith(OF_THE_SDK))
    by_kind = sorted(shown, key=lambda function: endpoint_of(function, app.config) is None)
    for function in by_kind:
        lines += [f"\t{function.name}: {_trigger(function, app, base)}", ""]
    lines += [f"\tFunction {function.name} is disabled." for function in app.functions if function.disabled]
    return "\n".join(lines)


def _trigger(function: Function, app: App, base: str) -> str:
    endpoint = endpoint_of(function, app.config)
    if endpoint is None:
        return binding_types()[function.trigger.type].name
    listed = "" if endpoint.methods is None else f"[{','.join(endpoint.methods)}]"
    return f"{listed} {base}/{endpoint.path}"


def function_member(function: Function, app: App, base: str) -> Mapping[str, object]:
    """A function as programs read it, in the JSON of `fnhost check` and of logs."""
    endpoint = endpoint_of(function, app.config)
    return {
        "name": function.name,
        "trigger": function.trigger.type,
        "file": function.source,
        "url": f"{base}/{endpoint.path}" if endpoint else None,
        "methods": list(endpoint.methods) if endpoint and endpoint.methods is not None else None,
        "disabled": function.disabled,
    }


def error_lines(problems: Iterable[Problem]) -> list[str]:
    """One text per function that cannot be served, and per file that has no function."""
    by_function: dict[str, list[str]] = {}
    for problem in problems:
        by_function.setdefault(problem.function or "", []).append(str(problem))
    return [
        f"The '{function}' function is in error: {' '.join(texts)}" if function else "\n".join(texts)
        for function, texts in by_function.items()
    ]
