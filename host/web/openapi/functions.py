"""The functions that are reached over HTTP, as the paths of an OpenAPI document."""

from collections.abc import Iterator, Mapping
from typing import Any

from fnhost.bindings.binding_type import Endpoint
from fnhost.host.app import App, Function
from fnhost.host.endpoints import endpoint_of
from fnhost.host.web.openapi.routes import Members, PathTemplate, parameter_object, path_templates
from fnhost.host.web.openapi.security import requirement

TAG = "Functions"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
"""Those that OpenAPI 3.1 has a place for, in its order."""
WITHOUT_BODY = frozenset({"get", "head", "delete", "options", "trace"})
"""HTTP gives a body no meaning there, so none is offered."""


def function_paths(app: App, *, with_keys: bool) -> dict[str, Members]:
    """The Path Items by path. `with_keys`: whether the host demands keys. Raises BindingError.

    Functions are asked in the order of their names. Where several share a path and a method, the first has the
    operation and the others are named in its description: the route tells them apart by what OpenAPI cannot say.
    """
    paths: dict[str, Members] = {}
    by_shape: dict[str, PathTemplate] = {}
    for function, endpoint in _endpoints(app):
        for index, template in enumerate(path_templates(endpoint.path)):
            known = by_shape.setdefault(template.shape, template)
            item = paths.setdefault(known.path, {})
            for method in _methods(endpoint):
                if method in item:
                    _mention(item[method], function, endpoint)
                else:
                    item[method] = _operation(function, endpoint, method, template, known, index, with_keys)
    return {path: item for path, item in paths.items() if item}


def _endpoints(app: App) -> Iterator[tuple[Function, Endpoint]]:
    for function in sorted(app.enabled, key=lambda function: function.name.upper()):
        if (endpoint := endpoint_of(function, app.config)) is not None:
            yield function, endpoint


def _methods(endpoint: Endpoint) -> list[str]:
    return [method for method in METHODS if endpoint.methods is None or method.upper() in endpoint.methods]


def _mention(operation: Members, function: Function, endpoint: Endpoint) -> None:
    text = f"What the route of another function takes goes there: `/{endpoint.path}`, function `{function.name}`."
    operation["description"] = f"{operation['description']}\n\n{text}"


def _operation(
    function: Function,
    endpoint: Endpoint,
    method: str,
    template: PathTemplate,
    known: PathTemplate,
    index: int,
    with_keys: bool,
) -> Members:
    level = str(function.trigger.properties.get("authLevel") or "function").lower()
    names = [parameter.name for parameter in known.parameters]
    operation: Members = {
        "tags": [TAG],
        "operationId": f"{function.name}_{method}{f'_{index + 1}' if index else ''}",
        "summary": function.name,
        "description": f"The function `{function.name}` at the route `/{endpoint.path}`, authLevel `{level}`.",
        "parameters": [parameter_object(*pair) for pair in zip(template.parameters, names, strict=True)],
        "security": requirement(level, with_keys=with_keys),
        "responses": _responses(level, with_keys),
    }
    if method not in WITHOUT_BODY:
        operation["requestBody"] = {"content": {"*/*": {}}}
    return operation


def _responses(level: str, with_keys: bool) -> Mapping[str, Any]:
    answers: Members = {"default": {"description": "What the function answers.", "content": {"*/*": {}}}}
    if with_keys and level != "anonymous":
        answers["401"] = {"description": "The key is missing, or is not one for this function."}
    return answers
