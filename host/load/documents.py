"""Parses the files that describe an app: YAML, and JSON with comments and trailing commas.

What they say is bounded: in bytes, in depth, and in size after the aliases of YAML have been expanded.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 4_000_000
MOST_VALUES = 200_000
"""Values in a file, each alias counted with all that it stands for."""
MOST_CHARACTERS = 20_000_000
"""Characters of all texts in a file, counted in the same way."""
DEEPEST = 64
"""Levels of objects and arrays inside each other: what the platform's readers of JSON accept."""
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
"""How a file begins that is marked with its encoding. Windows PowerShell writes UTF-16."""


class UnreadableFile(Exception):
    """The file cannot be parsed. `place` is `line N column M`, or empty."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message


def read_object(path: Path) -> dict[str, Any]:
    """The object in a .json, .yaml or .yml file. Raises UnreadableFile."""
    value = (read_json if path.suffix == ".json" else read_yaml)(read_text(path))
    if not isinstance(value, dict):
        raise UnreadableFile("", f"The file must hold an object, not {json.dumps(value)[:40]}.")
    return value


def read_json(text: str) -> Any:
    """Raises UnreadableFile."""
    try:
        value = json.loads(strict(text))
        _require_bounded(value, _values_below)
        return value
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"line {error.lineno} column {error.colno}", f"{error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFile("", f"{error}.") from error


def read_yaml(text: str) -> Any:
    """YAML, limited to values that JSON has. Raises UnreadableFile."""
    try:
        return json.loads(json.dumps(_yaml_value(text), allow_nan=False))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise UnreadableFile(
            f"line {mark.line + 1} column {mark.column + 1}" if mark else "", f"{error.problem}."
        ) from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableFile("", f"{error}. Put quotes around values that JSON does not have.") from error


def _yaml_value(text: str) -> Any:
    """The nodes are counted before values are made of them: a merge of aliases (`<<`) expands there already."""
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _require_bounded(node, _nodes_below)
        return loader.construct_document(node)
    finally:
        loader.dispose()


def _values_below(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return [*value, *value.values()]
        case list():
            return value
    return ()


def _nodes_below(node: yaml.Node) -> Iterable[Any]:
    match node:
        case yaml.MappingNode():
            return [each for pair in node.value for each in pair]
        case yaml.SequenceNode():
            return list(node.value)
    return [node.value] if isinstance(node, yaml.ScalarNode) else ()


def _require_bounded(value: Any, below: Callable[[Any], Iterable[Any]]) -> None:
    """Raises UnreadableFile."""
    values = characters = 0
    waiting = [(value, 1)]
    while waiting:
        each, depth = waiting.pop()
        values += 1
        characters += len(each) if isinstance(each, str) else 0
        if values > MOST_VALUES or characters > MOST_CHARACTERS:
            raise UnreadableFile("", f"The file says too much: more than {MOST_VALUES} values, or too long texts.")
        if depth > DEEPEST + 2:
            raise UnreadableFile("", f"Objects and arrays may lie {DEEPEST} levels inside each other, not deeper.")
        waiting += [(child, depth + 1) for child in below(each)]


def read_text(path: Path) -> str:
    """The text of a file in any encoding that is marked, else UTF-8. Raises UnreadableFile."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise UnreadableFile("", f"The file is larger than {MOST_BYTES} bytes.")
        return _decoded(data)
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile("", f"The file cannot be read as UTF-8 text: {error}.") from error


def _decoded(data: bytes) -> str:
    for mark, encoding in MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding)
    return data.decode("utf-8")


_STRING = r'"(?:\\.|[^"\\\n])*+"?'
"""One that does not end is taken as far as its line goes, so that nothing is looked at twice."""
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*(?:.*?\*/|.*)", re.DOTALL)
_STRING_OR_LAST_COMMA = re.compile(rf"{_STRING}|[\[{{]\s*,|,(?=\s*[\]}}])", re.DOTALL)


def strict(text: str) -> str:
    """The text with comments and trailing commas replaced by spaces, so that errors keep their line and column."""
    for pattern in (_STRING_OR_COMMENT, _STRING_OR_LAST_COMMA):
        text = pattern.sub(lambda found: _blank(found[0]) if found[0][0] in "/," else found[0], text)
    return text


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
