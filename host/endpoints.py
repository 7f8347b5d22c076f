"""Where a function is reached over HTTP, as its binding type declares it."""

from fnhost.bindings.binding_type import Endpoint
from fnhost.bindings.registry import binding_types
from fnhost.host.app import Function, HostConfig


def endpoint_of(function: Function, config: HostConfig) -> Endpoint | None:
    """None if it is not reached over HTTP. Raises BindingError if host.json holds an unusable value for the type."""
    type = binding_types()[function.trigger.type]
    return type.endpoint(function.name, function.trigger, config.extension(type.settings)) if type.endpoint else None
