"""Route templates in ASP.NET Core's inline syntax, each compiled once (platform/http.md 2)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import NoReturn

from fnhost.bindings.contract import BindingError

Check = Callable[[str], bool]


class BadTemplate(BindingError):
    """A route template cannot be read. The text names the template and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """What stands between braces. `default` is None without one."""

    name: str
    is_catch_all: bool = False
    is_optional: bool = False
    default: str | None = None
    checks: tuple[Check, ...] = ()

    @property
    def is_omittable(self) -> bool:
        return self.is_catch_all or self.is_optional or self.default is not None


Segment = tuple[str | Parameter, ...]


@dataclass(frozen=True, slots=True)
class RouteTemplate:
    """A compiled template. `names` holds the parameter of each group of `pattern`."""

    text: str
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    samples: tuple[str, ...]
    """Paths the template is meant for: one with every segment and one with as few as it takes."""

    def match(self, path: str) -> dict[str, str] | None:
        """The route values of `path` (it begins with `/`), or None. Absent optional parameters are left out."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        values = {name: value for name, value in zip(self.names, found.groups(), strict=True) if value}
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
    pattern = "".join("/" + expression(segment) for segment in segments[:required])
    tail = ""
    for segment in reversed(segments[required:]):
        tail = f"(?:/{expression(segment)}{tail})?"
    return RouteTemplate(
        text=text,
        pattern=re.compile(f"{pattern}{tail}/?", re.IGNORECASE | re.DOTALL),
        names=tuple(name for segment in segments for name in groups(segment)),
        parameters=parameters,
        samples=(sample(segments), sample(segments[:required])),
    )


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
    checks, position = [], 0
    while constraint := CONSTRAINT.match(rest, position):
        checks.append(check(text, constraint[1], constraint[2]))
        position = constraint.end()
    rest = rest[position:]
    if rest and not rest.startswith("="):
        refuse(text, f"'{rest}' in '{{{inner}}}' is neither a constraint nor a default value.")
    return Parameter(name, bool(stars), inner.endswith("?"), rest[1:] if rest else None, tuple(checks))


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


# --- writing the expression


def is_omittable(segment: Segment) -> bool:
    return len(segment) == 1 and isinstance(segment[0], Parameter) and segment[0].is_omittable


def has_optional_end(segment: Segment) -> bool:
    return len(segment) > 2 and isinstance(segment[-1], Parameter) and segment[-1].is_optional


def expression(segment: Segment) -> str:
    whole = "".join(map(part_expression, segment))
    if not has_optional_end(segment):
        return whole
    short = "".join(map(part_expression, segment[:-2]))
    return rf"(?:{whole}|{short}(?<!\.))"


def part_expression(part: str | Parameter) -> str:
    if isinstance(part, str):
        return re.escape(part)
    return "(.*)" if part.is_catch_all else "([^/]+)"


def groups(segment: Segment) -> list[str]:
    names = [part.name for part in segment if isinstance(part, Parameter)]
    return names + names[:-1] if has_optional_end(segment) else names


# --- constraints

INTEGER = re.compile(r"\s*[+-]?[0-9]{1,40}\s*")
DECIMAL = re.compile(r"\s*[+-]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)\s*")
DOUBLE = re.compile(r"\s*([+-]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|nan|[+-]?infinity)\s*", re.IGNORECASE)
GUID = re.compile(
    r"[0-9a-f]{32}|(\{D\}|\(D\)|D)".replace("D", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), re.IGNORECASE
)
ALPHA = re.compile(r"[a-z]*", re.IGNORECASE)
DATES = ("%Y-%m-%d", "%m-%d-%Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%Y-%m")
TIMES = ("", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M:%S%z", "T%H:%M:%S.%f%z", "T%I:%M%p", "T%I:%M %p")
LOWEST, HIGHEST = -(2**63), 2**63 - 1


def within(low: int, high: int) -> Check:
    return lambda text: bool(INTEGER.fullmatch(text)) and low <= int(text) <= high


def sized(low: int, high: int) -> Check:
    return lambda text: low <= len(text) <= high


def like(pattern: re.Pattern[str]) -> Check:
    return lambda text: bool(pattern.fullmatch(text))


def containing(pattern: str) -> Check:
    expression = re.compile(pattern, re.IGNORECASE)
    return lambda text: bool(expression.search(text))


def is_boolean(text: str) -> bool:
    return text.strip().lower() in {"true", "false"}


def is_datetime(text: str) -> bool:
    """The usual ones of the many forms .NET reads: ISO 8601, month first, or with the name of the month."""
    iso = re.sub(r"(?<=[0-9]) (?=[0-9]{1,2}:)", "T", text.strip())
    return any(is_dated(iso, date + time) for date, time in product(DATES, TIMES))


def is_dated(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


PLAIN: Mapping[str, Check] = {
    "int": within(-(2**31), 2**31 - 1),
    "long": within(LOWEST, HIGHEST),
    "bool": is_boolean,
    "datetime": is_datetime,
    "decimal": like(DECIMAL),
    "double": like(DOUBLE),
    "float": like(DOUBLE),
    "guid": like(GUID),
    "alpha": like(ALPHA),
    "required": bool,
}
WITH_NUMBERS: Mapping[tuple[str, int], Callable[..., Check]] = {
    ("minlength", 1): lambda low: sized(low, HIGHEST),
    ("maxlength", 1): lambda high: sized(0, high),
    ("length", 1): lambda size: sized(size, size),
    ("length", 2): sized,
    ("min", 1): lambda low: within(low, HIGHEST),
    ("max", 1): lambda high: within(LOWEST, high),
    ("range", 2): within,
}


def check(text: str, name: str, arguments: str | None) -> Check:
    """The check a constraint stands for. Raises BadTemplate."""
    name = name.strip().lower()
    if arguments is None and name in PLAIN:
        return PLAIN[name]
    if name == "regex" and arguments is not None:
        try:
            return containing(arguments)
        except re.error as error:
            refuse(text, f"'{arguments}' is not a regular expression: {error}.")
    numbers = (arguments or "").split(",")
    make = WITH_NUMBERS.get((name, len(numbers)))
    if make and all(map(INTEGER.fullmatch, numbers)):
        return make(*map(int, numbers))
    refuse(text, f"The constraint '{name}{'' if arguments is None else f'({arguments})'}' is not known.")


# --- samples

VALUES = ("~", "x", "9000000000", "1", "1.5", "true", "2000-01-01", "00000000-0000-0000-0000-000000000000")


def sample(segments: Iterable[Segment]) -> str:
    return "/" + "/".join("".join(map(sample_part, segment)) for segment in segments)


def sample_part(part: str | Parameter) -> str:
    if isinstance(part, str):
        return part
    return next((value for value in VALUES if all(check(value) for check in part.checks)), "~")
