"""Route templates in the terms of OpenAPI: paths with `{names}`, and a JSON schema for each route parameter."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote

from fnhost.bindings.http.segments import Parameter, Segment, is_omittable
from fnhost.bindings.http.templates import split

Members: TypeAlias = dict[str, Any]
UNRESERVED = "/-._~!$&'()*+,;=:@"
"""What stands in a path as it is (RFC 3986 3.3)."""


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """One of the paths that a route stands for, and the parameters in it, in their order."""

    path: str
    parameters: tuple[Parameter, ...]

    @property
    def shape(self) -> str:
        """The path without the names of its parameters. OpenAPI takes two paths of one shape for the same."""
        shape = self.path
        for parameter in self.parameters:
            shape = shape.replace(f"{{{parameter.name}}}", "{}", 1)
        return shape


def path_templates(route: str) -> Iterator[PathTemplate]:
    """The longest first. A parameter in a path is required: one that can be left out makes a path of its own.

    Raises BadTemplate.
    """
    segments = list(split(route))
    yield _path_template(segments)
    while segments and (shorter := _without_last(segments)) is not None:
        segments = shorter
        yield _path_template(segments)


def _without_last(segments: list[Segment]) -> list[Segment] | None:
    """Without what may be left out at the end: a segment, or an extension with the period before it."""
    last = segments[-1]
    if is_omittable(last):
        return segments[:-1]
    end = last[-1]
    if len(last) > 1 and isinstance(end, Parameter) and end.is_optional:
        literal = last[-2]
        kept = (*last[:-2], literal.removesuffix(".")) if isinstance(literal, str) else last[:-1]
        return [*segments[:-1], tuple(part for part in kept if part)]
    return None


def _path_template(segments: list[Segment]) -> PathTemplate:
    text = "".join("/" + "".join(map(_shown, segment)) for segment in segments)
    found = [part for segment in segments for part in segment if isinstance(part, Parameter)]
    return PathTemplate(text or "/", tuple(found))


def _shown(part: str | Parameter) -> str:
    return quote(part, UNRESERVED) if isinstance(part, str) else f"{{{part.name}}}"


# --- parameters


def parameter_object(parameter: Parameter, name: str) -> Members:
    """The Parameter Object of a route parameter, which the path calls `name`."""
    described = " ".join(_remarks(parameter, name))
    members = {"name": name, "in": "path", "required": True, "schema": schema_of(parameter)}
    return {**members, "description": described} if described else members


def _remarks(parameter: Parameter, name: str) -> Iterator[str]:
    if name != parameter.name:
        yield f"The function calls it `{parameter.name}`."
    if parameter.is_catch_all:
        yield "The rest of the path: it may hold slashes."
    if parameter.default is not None:
        yield f"Where it is left out, its value is `{parameter.default}`."
    for constraint, arguments in parameter.constraints:
        if constraint == "regex":
            yield f"It matches the regular expression `{arguments}` of .NET, in any case."


def schema_of(parameter: Parameter) -> Members:
    """The schema of its values; where constraints name no type, they are texts."""
    schema: Members = {}
    for name, arguments in parameter.constraints:
        numbers = [int(number) for number in (arguments or "").split(",")] if name in WITH_NUMBERS else []
        schema |= SCHEMAS.get(name, {}) if name not in WITH_NUMBERS else WITH_NUMBERS[name](*numbers)
    return schema if "type" in schema else {"type": "string", **schema}


SCHEMAS: Mapping[str, Members] = {
    "int": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "decimal": {"type": "number"},
    "double": {"type": "number", "format": "double"},
    "float": {"type": "number", "format": "float"},
    "guid": {"type": "string", "format": "uuid"},
    "alpha": {"type": "string", "pattern": "^[A-Za-z]*$"},
    "required": {"minLength": 1},
}
"""By constraint (platform/http.md 2). `regex` has none: its dialect is that of .NET, and case counts in a pattern."""


def _length(low: int, high: int | None = None) -> Members:
    return {"minLength": low, "maxLength": low if high is None else high}


WITH_NUMBERS: Mapping[str, Callable[..., Members]] = {
    "minlength": lambda low: {"minLength": low},
    "maxlength": lambda high: {"maxLength": high},
    "length": _length,
    "min": lambda low: {"type": "integer", "minimum": low},
    "max": lambda high: {"type": "integer", "maximum": high},
    "range": lambda low, high: {"type": "integer", "minimum": low, "maximum": high},
}
