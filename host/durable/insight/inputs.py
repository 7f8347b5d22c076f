"""Inputs as people know them. Pure.

The SDKs write a value as JSON, and that text as a JSON string once more; a call's input has both layers.
"""

import json
from typing import Any


def given_value(text: str | None) -> Any:
    """The value in a stored input: of a text that holds JSON of an object, a list or a text, that one."""
    value = _parsed(text)
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        return _parsed(value)
    return value


def argument(text: str | None) -> Any:
    """The value that an orchestrator gave to a call: of a text that holds JSON, always that."""
    value = _parsed(text)
    return _parsed(value) if isinstance(value, str) else value


def _parsed(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text


def argument_text(text: str) -> str:
    """The same as compact JSON text."""
    return json.dumps(argument(text), ensure_ascii=False, separators=(",", ":"))
