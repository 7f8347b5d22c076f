"""Matching a path against the segments of a route, in linear time, as ASP.NET Core does (RoutePatternMatcher)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fnhost.bindings.http.constraints import Check


@dataclass(frozen=True, slots=True)
class Parameter:
    """What stands between braces. `default` is None without one."""

    name: str
    is_catch_all: bool = False
    is_optional: bool = False
    default: str | None = None
    checks: tuple[Check, ...] = ()
    constraints: tuple[tuple[str, str | None], ...] = ()
    """What `checks` stand for: a name in lower case, and the text between its parentheses."""

    @property
    def is_omittable(self) -> bool:
        return self.is_catch_all or self.is_optional or self.default is not None


Segment: TypeAlias = tuple[str | Parameter, ...]
"""Literals and parameters in their order. To be matched, literals are in lower case."""
Values: TypeAlias = dict[str, str]


def fold(text: str) -> str:
    """`text` in lower case, character by character: places in it stay what they are."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(small if len(small := character.lower()) == 1 else character for character in text)


@dataclass(frozen=True, slots=True)
class Path:
    """A decoded path, cut once for all routes that it is tried on. `text` begins with a slash."""

    text: str
    segments: tuple[str, ...]
    folded: tuple[str, ...]

    @classmethod
    def cut(cls, text: str) -> "Path":
        """One slash at the end counts for nothing."""
        inner = text[1:].removesuffix("/")
        return cls(text, tuple(inner.split("/")), tuple(fold(inner).split("/"))) if inner else cls(text, (), ())

    def rest(self, index: int) -> str:
        """All from the segment at `index` on, as it stands in the path."""
        return self.text[1 + sum(len(segment) + 1 for segment in self.segments[:index]) :]


def matchable(segment: Segment) -> Segment:
    return tuple(fold(part) if isinstance(part, str) else part for part in segment)


def match_segments(segments: Sequence[Segment], path: Path) -> Values | None:
    """The values that `path` gives; None if it does not match. What is left out is not among them."""
    values: Values = {}
    for index, text in enumerate(path.segments):
        if not text or index >= len(segments):
            return None
        segment = segments[index]
        first = segment[0]
        if len(segment) > 1:
            if not match_complex(segment, text, path.folded[index], values):
                return None
        elif isinstance(first, str):
            if first != path.folded[index]:
                return None
        elif first.is_catch_all:
            values[first.name] = path.rest(index)
            return values
        else:
            values[first.name] = text
    return values if all(map(is_omittable, segments[len(path.segments) :])) else None


def is_omittable(segment: Segment) -> bool:
    return len(segment) == 1 and isinstance(segment[0], Parameter) and segment[0].is_omittable


def match_complex(segment: Segment, text: str, folded: str, values: Values) -> bool:
    """A segment of several parts. An optional end is tried first, then left out with the period before it."""
    found = match_parts(segment, text, folded)
    if found is None and has_optional_end(segment) and not text.endswith(str(segment[-2])):
        found = match_parts(segment[:-2], text, folded)
    values.update(found or {})
    return found is not None


def has_optional_end(segment: Segment) -> bool:
    return len(segment) > 2 and isinstance(segment[-1], Parameter) and segment[-1].is_optional


def match_parts(parts: Segment, text: str, folded: str) -> Mapping[str, str] | None:
    """From right to left: each literal is looked for once, at its last place, and parameters are what lies between."""
    values: Values = {}
    end = len(text)
    waiting: Parameter | None = None
    for part in reversed(parts):
        if isinstance(part, Parameter):
            waiting = part
            continue
        if waiting is None:
            place = end - len(part) if folded.endswith(part, 0, end) else -1
        else:
            place = folded.rfind(part, 0, end - 1)
        if place < 0:
            return None
        if waiting is not None:
            values[waiting.name] = text[place + len(part) : end]
            waiting = None
        end = place
    if waiting is not None:
        values[waiting.name] = text[:end]
        return values if end else None
    return values if end == 0 else None
