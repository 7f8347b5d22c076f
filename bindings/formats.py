"""Values as .NET writes them, in the formats a function.json may ask for (platform/expressions.md 2)."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from fnhost.bindings.contract import Json

TIME = "yyyy-MM-ddTHH-mm-ssK"
compact = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""JSON text as .NET writes it: no blanks, no needless escapes."""


def odata_escaped(text: str) -> str:
    """A text as it stands inside the quotes of an OData condition."""
    return text.replace("'", "''")


def indented(value: object) -> str:
    """JSON text as .NET writes it for people: two spaces, no needless escapes."""
    return json.dumps(value, indent=2, ensure_ascii=False)


def formatted(value: object, format: str = "") -> str:
    """`value` as text. A format has no effect on a text. Raises ValueError for a format not known here."""
    match value:
        case None:
            return ""
        case str():
            return value
        case Json():
            return value.text
        case datetime():
            return _time(value, format or TIME)
        case UUID():
            return _guid(value, format.upper())
        case int() if format and not isinstance(value, bool):
            return _whole(value, format)
        case Mapping() | list():
            return json.dumps(value)
    return str(value)


def _guid(value: UUID, format: str) -> str:
    ways = {"": str(value), "D": str(value), "N": value.hex, "B": f"{{{value}}}", "P": f"({value})"}
    if format not in ways:
        raise ValueError(f"'{format}' is not a format of a GUID: use N, D, B or P.")
    return ways[format]


def _whole(value: int, format: str) -> str:
    found = re.fullmatch(r"[dD](\d{0,2})|(0+)", format)
    if not found:
        raise ValueError(f"'{format}' is not a format of a whole number: use one like D4 or 0000.")
    width = len(found[2] or "") or int(found[1] or 0)
    return f"{'-' if value < 0 else ''}{str(abs(value)).zfill(width)}"


_TOKENS = re.compile(r"y+|M+|d+|H+|h+|m+|s+|f+|t+|z+|K|'[^']*'|.", re.DOTALL)
_STRFTIME: Mapping[str, str] = {
    "yyyy": "%Y",
    "yy": "%y",
    "MMMM": "%B",
    "MMM": "%b",
    "MM": "%m",
    "dddd": "%A",
    "ddd": "%a",
    "dd": "%d",
    "HH": "%H",
    "hh": "%I",
    "mm": "%M",
    "ss": "%S",
    "tt": "%p",
}


def _time(value: datetime, format: str) -> str:
    if len(format) == 1:
        raise ValueError(f"'{format}' is not a format of a time here: write it out, like {TIME}.")
    return "".join(_time_part(value, token[0]) for token in _TOKENS.finditer(format))


def _time_part(value: datetime, token: str) -> str:
    """One token of a custom format, for a time in UTC."""
    if token in _STRFTIME:
        return value.strftime(_STRFTIME[token])
    if token * 2 in _STRFTIME and token != "y":
        return value.strftime(_STRFTIME[token * 2]).lstrip("0") or "0"
    match token[0]:
        case "f":
            return f"{value.microsecond:06d}0"[: len(token)]
        case "K":
            return "Z"
        case "z":
            return "+00:00"
        case "'":
            return token[1:-1]
    return token
