"""Route templates in ASP.NET Core's inline syntax, each compiled once (platform/http.md 2)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from fnhost.bindings.contract import BindingError
from fnhost.bindings.http.constraints import Check, SlowConstraint, UnknownConstraint, check_of
from fnhost.bindings.http.segments import Parameter, Path, Segment, is_omittable, match_segments, matchable


class BadTemplate(BindingError):
    """A route template cannot be read. The text names the template and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A compiled template."""

    text: str
    segments: tuple[Segment, ...]
    parameters: tuple[Parameter, ...]
    samples: tuple[str, ...]
    """Paths the template is meant for: one with every segment and one with as few as it takes."""

    def match(self, path: str | Path) -> dict[str, str] | None:
        """The route values of `path` (it begins with `/`), or None. Absent optional parameters are left out.

        Raises SlowConstraint.
        """
        values = match_segments(self.segments, path if isinstance(path, Path) else Path.cut(path))
        if values is None:
            return None
        for parameter in self.parameters:
            if parameter.default is not None:
                values.setdefault(parameter.name, parameter.default)
            value = values.get(parameter.name)
            if value is not None and not all(check(value) for check in parameter.checks):
                return None
        return values


def compile_template(text: str) -> RouteTemplate:
    """Read a template. Raises BadTemplate."""
    segments = list(split(text))
    parameters = tuple(part for segment in segments for part in segment if isinstance(part, Parameter))
    refuse_nonsense(text, segments, parameters)
    required = len(segments)
    while required and is_omittable(segments[required - 1]):
        required -= 1
    samples = (sample(segments), sample(segments[:required]))
    return RouteTemplate(text, tuple(map(matchable, segments)), parameters, samples)


# --- reading

TOKEN = re.compile(
    r"(?P<brace>\{\{|\}\})|(?P<slash>/)|\{(?P<parameter>(?:[^{}]|\{\{|\}\})*)\}|(?P<literal>[^{}/]+)|(?P<stray>.)"
)
NAME = re.compile(r"(\*{0,2})([^*:=?/{}]+)(.*)", re.DOTALL)
CONSTRAINT = re.compile(r":([^:=(]+)(?:\((.*?)\)(?=[:=]|$))?", re.DOTALL)


def split(text: str) -> Iterator[Segment]:
    trimmed = text.removeprefix("~/").removeprefix("/").removesuffix("/")
    if not trimmed:
        return
    parts: list[str | Parameter] = []
    for token in TOKEN.finditer(trimmed):
        if token["stray"]:
            refuse(text, "A brace is not closed, or not opened; a literal brace is written twice.")
        if token["slash"]:
            yield tuple(parts)
            parts = []
        elif token["parameter"] is not None:
            parts.append(parameter(text, unescaped(token["parameter"])))
        else:
            literal = unescaped(token[0])
            parts[-1:] = [parts[-1] + literal] if parts and isinstance(parts[-1], str) else [*parts[-1:], literal]
    yield tuple(parts)


def unescaped(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def parameter(text: str, inner: str) -> Parameter:
    found = NAME.fullmatch(inner.removesuffix("?"))
    if found is None:
        refuse(text, f"'{{{inner}}}' has no valid parameter name.")
    stars, name, rest = found.groups()
    checks: list[Check] = []
    constraints: list[tuple[str, str | None]] = []
    position = 0
    while constraint := CONSTRAINT.match(rest, position):
        checks.append(check(text, constraint[1], constraint[2]))
        constraints.append((constraint[1].strip().lower(), constraint[2]))
        position = constraint.end()
    rest = rest[position:]
    if rest and not rest.startswith("="):
        refuse(text, f"'{rest}' in '{{{inner}}}' is neither a constraint nor a default value.")
    default = rest[1:] if rest else None
    return Parameter(name, bool(stars), inner.endswith("?"), default, tuple(checks), tuple(constraints))


def check(text: str, name: str, arguments: str | None) -> Check:
    try:
        return check_of(name, arguments)
    except UnknownConstraint as error:
        refuse(text, str(error))


def refuse(text: str, reason: str) -> NoReturn:
    raise BadTemplate(f"The route template '{text}' is not valid. {reason}")


def refuse_nonsense(text: str, segments: list[Segment], parameters: tuple[Parameter, ...]) -> None:
    names = [parameter.name.lower() for parameter in parameters]
    if not all(segments):
        refuse(text, "The separator '/' cannot appear consecutively: write the route without a leading '/'.")
    if twice := [name for name in names if names.count(name) > 1]:
        refuse(text, f"The parameter '{twice[0]}' appears more than once.")
    for segment in segments:
        refuse_segment(text, segment, is_last=segment is segments[-1])


def refuse_segment(text: str, segment: Segment, is_last: bool) -> None:
    for index, part in enumerate(segment):
        before = segment[index - 1] if index else None
        if isinstance(part, str):
            if "?" in part:
                refuse(text, f"The literal '{part}' cannot contain '?'.")
            continue
        if isinstance(before, Parameter):
            refuse(text, f"'{before.name}' and '{part.name}' need a separator or a literal between them.")
        if part.is_catch_all and not (is_last and len(segment) == 1):
            refuse(text, f"The catch-all parameter '{part.name}' must be the whole of the last segment.")
        if part.is_optional and (part.is_catch_all or part.default is not None):
            refuse(text, f"The optional parameter '{part.name}' can be neither catch-all nor have a default value.")
        if part.is_optional and len(segment) > 1 and (part is not segment[-1] or before != "."):
            refuse(text, f"The optional parameter '{part.name}' must end its segment and follow a period.")


# --- samples

VALUES = ("~", "x", "9000000000", "1", "1.5", "true", "2000-01-01", "00000000-0000-0000-0000-000000000000")


def sample(segments: Iterable[Segment]) -> str:
    return "/" + "/".join("".join(map(sample_part, segment)) for segment in segments)


def sample_part(part: str | Parameter) -> str:
    if isinstance(part, str):
        return part
    return next((value for value in VALUES if is_valid(part, value)), "~")


def is_valid(parameter: Parameter, value: str) -> bool:
    try:
        return all(check(value) for check in parameter.checks)
    except SlowConstraint:
        return False
