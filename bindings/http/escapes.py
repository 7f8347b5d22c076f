"""Percent-encoding as the platform decodes it: once, and bytes that are not UTF-8 stay encoded."""

import re
from collections.abc import Iterator

ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
ESCAPES_BUT_SLASH = re.compile(r"(?:%(?!2[Ff])[0-9A-Fa-f]{2})+")


def decode_path(text: str) -> str:
    """The path in `text`, ASCII. An encoded slash stays encoded: it does not end a segment."""
    return ESCAPES_BUT_SLASH.sub(_decoded, text) if "%" in text else text


def decode_query(text: str) -> str:
    """A name or a value of a query, where `+` stands for a space."""
    if "+" in text:
        text = text.replace("+", " ")
    return ESCAPES.sub(_decoded, text) if "%" in text else text


def _decoded(found: "re.Match[str]") -> str:
    run = found[0]
    data = bytes.fromhex(run.replace("%", ""))
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "".join(_pieces(run, data))


def _pieces(run: str, data: bytes) -> Iterator[str]:
    """The characters of `data`; a byte that belongs to none as it stands in `run`."""
    position = 0
    for character in data.decode(errors="surrogateescape"):
        if "\udc80" <= character <= "\udcff":
            yield run[3 * position : 3 * position + 3]
            position += 1
        else:
            yield character
            position += len(character.encode())
