"""Binding expressions that can never be filled, found when the app is loaded (platform/expressions.md 2 and 3)."""

from collections.abc import Iterator, Sequence

from fnhost.bindings.binding_type import BindingType
from fnhost.bindings.contract import Binding
from fnhost.bindings.expressions import Placeholder, is_system_name, parse
from fnhost.bindings.registry import binding_types
from fnhost.bindings.schema import Violation


def expression_violations(bindings: Sequence[Binding]) -> Iterator[Violation]:
    """Of a function whose entries have no violations; the pointers begin at its list of bindings.

    The members of a request or message are not known yet, so only names are reported that the trigger can never have.
    """
    trigger = next((binding for binding in bindings if binding.is_trigger), None)
    known = _names_of(trigger) if trigger else None
    for index, binding in enumerate(bindings):
        if binding is not trigger:
            for name, path in _placeholders(binding):
                if message := _problem(path, known):
                    yield Violation(f"/{index}/{name}", message, _hint(known))


def _names_of(trigger: Binding) -> frozenset[str] | None:
    names = binding_types()[trigger.type].data_names
    return names(trigger) if names else None


def _placeholders(binding: Binding) -> Iterator[tuple[str, str]]:
    """Property and path of every expression in it."""
    for name in _templates(binding_types()[binding.type]):
        text = binding.properties.get(name)
        parts = parse(text).parts if isinstance(text, str) else ()
        yield from ((name, part.path) for part in parts if isinstance(part, Placeholder))


def _templates(type: BindingType) -> Iterator[str]:
    return (name for name, schema in type.schema.get("properties", {}).items() if schema.get("format") == "template")


def _problem(path: str, known: frozenset[str] | None) -> str:
    head, _, rest = path.lower().partition(".")
    if head == "sys" and not is_system_name(path):
        return f"Error while accessing '{rest}': property doesn't exist."
    if known is None or is_system_name(path) or head in {name.lower() for name in known}:
        return ""
    return f"No value for named parameter '{path.partition('.')[0]}'."


def _hint(known: frozenset[str] | None) -> str:
    names = [*sorted(known or ()), "rand-guid", "DateTime", "sys.methodname", "sys.utcnow", "sys.randguid"]
    return f"Names here are {', '.join(names)}."
