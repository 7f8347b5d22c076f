"""The files an app is described in, as plain values: JSON, with comments tolerated, and YAML."""

import json
import re
from pathlib import Path
from typing import Any

import yaml


class Unreadable(Exception):
    """The file is not what its name says. `place` is `line N column M`, or empty."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.place = place
        self.message = message


def read_object(path: Path) -> dict[str, Any]:
    """The object in a .json, .yaml or .yml file. Raises Unreadable."""
    value = (read_json if path.suffix == ".json" else read_yaml)(_read_text(path))
    if not isinstance(value, dict):
        raise Unreadable("", f"The file must hold an object, not {json.dumps(value)[:40]}.")
    return value


def read_json(text: str) -> Any:
    try:
        return json.loads(_without_comments(text))
    except json.JSONDecodeError as error:
        raise Unreadable(f"line {error.lineno} column {error.colno}", f"{error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable("", f"{error}.") from error


def read_yaml(text: str) -> Any:
    """YAML as far as it says what JSON can say."""
    try:
        return json.loads(json.dumps(yaml.safe_load(text), allow_nan=False))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unreadable(
            f"line {mark.line + 1} column {mark.column + 1}" if mark else "", f"{error.problem}."
        ) from error
    except (yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        raise Unreadable("", f"{error}. Put quotes around values that JSON does not have.") from error


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable("", f"The file cannot be read as UTF-8 text: {error}.") from error


_STRING_OR_COMMENT = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def _without_comments(text: str) -> str:
    """Comments become spaces, so that every error keeps its line and column."""
    return _STRING_OR_COMMENT.sub(lambda found: found[0] if found[0][0] == '"' else _blank(found[0]), text)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
