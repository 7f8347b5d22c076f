"""Where in a JSON file a value stands: the line of a JSON pointer (RFC 6901), comments and trailing commas allowed."""

import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"?|//[^\n]*|/\*(?:.*?\*/|.*)|[{}\[\],:\n]|[^\s{}\[\],:"/]+|/', re.DOTALL)


def lines_of(text: str) -> dict[str, int]:
    """The line of each value of a document by its pointer; of what can be read of one that is broken."""
    found: dict[str, int] = {}
    path: list[str | int] = []
    name: str | None = None
    is_name = False
    for line, token in _tokens(text):
        if token in "{[":
            found.setdefault(_pointer(path), line)
            path.append("" if token == "{" else 0)
            is_name = token == "{"
        elif token in "}]":
            if path:
                path.pop()
            is_name = False
        elif token == ",":
            if path and isinstance(path[-1], int):
                path[-1] += 1
            is_name = bool(path) and isinstance(path[-1], str)
        elif token == ":":
            is_name = False
        elif is_name and token.startswith('"'):
            name = _text(token)
            path[-1] = name
            found.setdefault(_pointer(path), line)
        else:
            found.setdefault(_pointer(path), line)
    return found


def line_of(text: str, pointer: str) -> int:
    """The line of a value, or of the nearest that holds it; 1 if it is nowhere."""
    found = {name.lower(): line for name, line in lines_of(text).items()}
    wanted = pointer.lower()
    while wanted:
        if line := found.get(wanted):
            return line
        wanted = wanted.rpartition("/")[0]
    return found.get("", 1)


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    line = 1
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "\n" or token.startswith(("//", "/*")):
            line += token.count("\n")
        else:
            yield line, token
            line += token.count("\n")


def _text(token: str) -> str:
    try:
        return str(json.loads(token))
    except ValueError:
        return token.strip('"')


def _pointer(path: list[str | int]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)
