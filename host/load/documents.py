"""Parses the files that describe an app: YAML, and JSON with comments and trailing commas."""

import json
import re
from pathlib import Path
from typing import Any

import yaml


class UnreadableFile(Exception):
    """The file cannot be parsed. `place` is `line N column M`, or empty."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message


def read_object(path: Path) -> dict[str, Any]:
    """The object in a .json, .yaml or .yml file. Raises UnreadableFile."""
    value = (read_json if path.suffix == ".json" else read_yaml)(_read_text(path))
    if not isinstance(value, dict):
        raise UnreadableFile("", f"The file must hold an object, not {json.dumps(value)[:40]}.")
    return value


def read_json(text: str) -> Any:
    try:
        return json.loads(_strict(text))
    except json.JSONDecodeError as error:
        raise UnreadableFile(f"line {error.lineno} column {error.colno}", f"{error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableFile("", f"{error}.") from error


def read_yaml(text: str) -> Any:
    """YAML, limited to values that JSON has. Raises UnreadableFile."""
    try:
        return json.loads(json.dumps(yaml.safe_load(text), allow_nan=False))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise UnreadableFile(
            f"line {mark.line + 1} column {mark.column + 1}" if mark else "", f"{error.problem}."
        ) from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise UnreadableFile("", f"{error}. Put quotes around values that JSON does not have.") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UnreadableFile("", f"The file cannot be read as UTF-8 text: {error}.") from error


_STRING = r'"(?:\\.|[^"\\])*"'
_STRING_OR_COMMENT = re.compile(rf"{_STRING}|//[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING_OR_LAST_COMMA = re.compile(rf"{_STRING}|[\[{{]\s*,|,(?=\s*[\]}}])", re.DOTALL)


def _strict(text: str) -> str:
    """The text with comments and trailing commas replaced by spaces, so that errors keep their line and column."""
    for pattern in (_STRING_OR_COMMENT, _STRING_OR_LAST_COMMA):
        text = pattern.sub(lambda found: _blank(found[0]) if found[0][0] in "/," else found[0], text)
    return text


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
