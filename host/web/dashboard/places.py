"""Where in a JSON file a value stands: the line of a JSON pointer (RFC 6901), comments and trailing commas allowed."""

import json
import re
from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"?|//[^\n]*|/\*(?:.*?\*/|.*)|[{}\[\],:\n]|[^\s{}\[\],:"/]+|/', re.DOTALL)


def lines_of(text: str) -> dict[str, int]:
    """The line of each value of a document by its pointer; of what can be read of one that is broken."""
    reader = _Reader()
    for line, token in _tokens(text):
        reader.take(line, token)
    return reader.found


class _Reader:
    """Where in the document the next token stands: names of members and numbers of items, outermost first."""

    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        self._path: list[str | int] = []
        self._is_name = False
        """Whether the next text is the name of a member."""

    def take(self, line: int, token: str) -> None:
        match token:
            case "{" | "[":
                self._note(line)
                self._is_name = token == "{"
                self._path.append("" if self._is_name else 0)
            case "}" | "]":
                self._is_name = False
                del self._path[-1:]
            case ",":
                self._go_on()
            case ":":
                self._is_name = False
            case _:
                if self._is_name and token.startswith('"'):
                    self._path[-1] = _text(token)
                self._note(line)

    def _note(self, line: int) -> None:
        pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in self._path)
        self.found.setdefault(pointer, line)

    def _go_on(self) -> None:
        last = self._path[-1] if self._path else None
        self._is_name = isinstance(last, str)
        if isinstance(last, int):
            self._path[-1] = last + 1


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
