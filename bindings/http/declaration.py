"""The binding types `httpTrigger` and `http` (platform/app-files.md 3, platform/http.md)."""

from collections.abc import Mapping
from typing import Any, Final

from fnhost.bindings.binding_type import BindingType, Endpoint
from fnhost.bindings.contract import Binding
from fnhost.bindings.http.templates import compile_template
from fnhost.bindings.http.trigger import HttpOutput, RouteTable, open_trigger, read_settings, template_text
from fnhost.bindings.schema import STRING, STRINGS, choice, members


def http_endpoint(function: str, binding: Binding, section: Mapping[str, Any]) -> Endpoint:
    """Where an HTTP function is reached. Raises BindingError if the section of host.json is unusable."""
    methods = binding.properties.get("methods")
    return Endpoint(
        path=template_text(read_settings(section).prefix, function, binding).lstrip("/"),
        route=template_text("", function, binding).strip("/"),
        methods=None if methods is None else tuple(str(method).upper() for method in methods),
    )


def check_route(function: str, binding: Binding, section: Mapping[str, Any]) -> None:
    """Raises BadTemplate."""
    compile_template(template_text(read_settings(section).prefix, function, binding))


BINDING_TYPES: Final = (
    BindingType(
        name="httpTrigger",
        schema=members(authLevel=choice("anonymous", "function", "admin"), methods=STRINGS, route=STRING),
        settings="http",
        services=RouteTable,
        open=open_trigger,
        endpoint=http_endpoint,
        check=check_route,
    ),
    BindingType(
        name="http",
        schema=members(),
        directions=frozenset(("out", "inout")),
        settings="http",
        services=RouteTable,
        open=lambda routes, function, binding, bindings: HttpOutput(),
        is_reply=True,
    ),
)
