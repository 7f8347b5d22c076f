"""The one rule for text that crosses a border: nothing is lost, nothing raises, nothing is obeyed.

Bytes that are not UTF-8 become `\\xNN`, characters that an encoding lacks and lone surrogates become `\\uNNNN`, and
what a terminal would obey is shown in the same form. Each of these can be read, searched and copied.
"""

import json
import re

ERRORS = "backslashreplace"
"""The error handler of every encoder and decoder at a border. It never raises, whatever the encoding."""
SGR = r"\x1b\[[0-9;:]*m"
"""Select graphic rendition (ECMA-48 8.3.117): colours and weights, the only sequence of control that text may keep."""
UNSAFE = "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""C0 but tab and newline, DEL, C1, line and paragraph separators, overrides of direction, lone surrogates."""
_SGR = re.compile(SGR)
_SHOWN = re.compile(f"{SGR}|[{UNSAFE}]")
_IN_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What a JSON text may hold but a reader of lines may stumble over."""


def decoded(data: bytes) -> str:
    """UTF-8; a byte that is none stays visible as `\\xNN`."""
    return data.decode("utf-8", ERRORS)


def encoded(text: str, encoding: str = "utf-8") -> bytes:
    """Never raises: an unknown encoding is taken as UTF-8."""
    try:
        return text.encode(encoding, ERRORS)
    except LookupError:
        return text.encode("utf-8", ERRORS)


def printable(text: str) -> str:
    """`text` for a terminal: control characters as escapes; tabs, newlines and colours stay."""
    if text.isprintable():
        return text
    return _SHOWN.sub(_shown, text.replace("\r\n", "\n"))


def has_colours(text: str) -> bool:
    return "\x1b[" in text and _SGR.search(text) is not None


def json_line(value: object) -> str:
    """One line of JSON in characters that every reader takes: no raw control, no surrogate, no Unicode separator."""
    return _IN_JSON.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def _shown(match: re.Match[str]) -> str:
    found = match[0]
    return found if len(found) > 1 else escaped(found)


def escaped(character: str) -> str:
    """As Python writes it in a literal: `\\r`, `\\x1b`, `\\u2028`, `\\ud800`."""
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
