"""One member of a JSON text added, replaced or removed; comments, order, blanks and all other members stay.

Comments and trailing commas are allowed, as in every file that describes an app. Where something is, is found in the
text without them, which has the same length (host/load/documents.py).
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fnhost.host.load.documents import strict

DEEPER = "  "
"""What a level is indented by where the text does not show it."""
_BLANKS = re.compile(r"\s*")
_COMMENTS = re.compile(r"(?:\s|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Span:
    """Where a member stands: from the quote that begins its name to the end of its value."""

    name: str
    begin: int
    value: int
    end: int


def with_member(text: str, path: Sequence[str], value: Any) -> str:
    """The text with this member, in objects that are made if they are missing. Sections are found in any case."""
    plain = strict(text)
    return _set(text, plain, _after_blanks(plain, 0), path, value)


def _set(text: str, plain: str, start: int, path: Sequence[str], value: Any) -> str:
    """In the object that begins at `start`."""
    name, *deeper = path
    found = _member(plain, start, name, any_case=bool(deeper))
    if found is not None and deeper and plain[found.value] == "{":
        return _set(text, plain, found.value, deeper, value)
    for inner in reversed(deeper):
        value = {inner: value}
    if found is None:
        return _inserted(text, plain, start, name, value)
    return text[: found.value] + _written(value, _indent(plain, found.begin)) + text[found.end :]


def without_member(text: str, section: str, name: str) -> str:
    """The text without this member of a section; as it is if there is none. A line that is empty then goes too."""
    plain = strict(text)
    outer = _member(plain, _after_blanks(plain, 0), section, any_case=True)
    if outer is None or plain[outer.value] != "{":
        return text
    members = list(_members(plain, outer.value))
    number = next((index for index, member in enumerate(members) if member.name == name), None)
    if number is None:
        return text
    member = members[number]
    if number + 1 < len(members):
        comma = plain.index(",", member.end)
        return _cut(text, (member.begin, member.end), (comma, comma + 1))
    if number:
        comma = plain.index(",", members[number - 1].end)
        return _cut(text, (comma, comma + 1), (member.begin, member.end))
    comma = _after_blanks(text, member.end, _COMMENTS)
    trailing = [(comma, comma + 1)] if text[comma] == "," else []
    return _cut(text, (member.begin, member.end), *trailing)


def _members(plain: str, start: int) -> Iterator[Span]:
    """Those of the object that begins at `start`."""
    position = _after_blanks(plain, start + 1)
    while plain[position] != "}":
        name, end = _DECODER.raw_decode(plain, position)
        value = _after_blanks(plain, plain.index(":", end) + 1)
        _, last = _DECODER.raw_decode(plain, value)
        yield Span(name, position, value, last)
        position = _after_blanks(plain, last)
        if plain[position] == ",":
            position = _after_blanks(plain, position + 1)


def _after_blanks(text: str, position: int, blanks: re.Pattern[str] = _BLANKS) -> int:
    found = blanks.match(text, position)
    return found.end() if found else position


def _member(plain: str, start: int, name: str, *, any_case: bool) -> Span | None:
    """The last of that name, as a reader of JSON takes it."""
    found = [each for each in _members(plain, start) if each.name == name]
    if not found and any_case:
        found = [each for each in _members(plain, start) if each.name.lower() == name.lower()]
    return found[-1] if found else None


def _inserted(text: str, plain: str, start: int, name: str, value: Any) -> str:
    """Behind the last member: on a line of its own, unless the object stands on one line."""
    members = list(_members(plain, start))
    if not members:
        return _first(text, plain, start, name, value)
    end = members[-1].end
    comma = _after_blanks(text, end, _COMMENTS)
    if text[comma] == ",":  # a trailing one
        end = comma + 1
    else:
        text, plain, end = f"{text[:end]},{text[end:]}", f"{plain[:end]},{plain[end:]}", end + 1
    if "\n" not in plain[start : members[0].begin]:
        return f"{text[:end]} {_named(name, value, _indent(plain, start))}{text[end:]}"
    line = plain.find("\n", end)
    end = line if line >= 0 and not plain[end:line].strip() else end
    indent = _indent(plain, members[-1].begin)
    return f"{text[:end]}\n{indent}{_named(name, value, indent)}{text[end:]}"


def _first(text: str, plain: str, start: int, name: str, value: Any) -> str:
    """In an object without members, below its comments."""
    outer = _indent(plain, start)
    indent, end = f"{outer}{DEEPER}", plain.index("}", start)
    return f"{text[:end].rstrip()}\n{indent}{_named(name, value, indent)}\n{outer}{text[end:]}"


def _named(name: str, value: Any, indent: str) -> str:
    return f"{json.dumps(name, ensure_ascii=False)}: {_written(value, indent)}"


def _indent(plain: str, position: int) -> str:
    """The blanks that the line begins with."""
    line = plain[plain.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip())]


def _written(value: Any, indent: str) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False).replace("\n", f"\n{indent}")


def _cut(text: str, *spans: tuple[int, int]) -> str:
    """Without these spans, the last first; a line that held nothing else goes with its last."""
    for begin, end in reversed(spans):
        line = text.rfind("\n", 0, begin) + 1
        after = text.find("\n", end)
        after = len(text) if after < 0 else after
        is_alone = not text[line:begin].strip() and not text[end:after].strip() and end - begin > 1
        text = text[:line] + text[after + 1 :] if is_alone else text[:begin] + text[end:]
    return text
