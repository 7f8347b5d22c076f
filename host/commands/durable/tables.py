"""Aligned columns of text, cut to a width. Pure."""

from collections.abc import Sequence
from unicodedata import combining, east_asian_width

GAP = "  "
CUT = "…"
LEAST = 8
"""Columns that a cell keeps, however narrow the terminal."""


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, flexible: int) -> str:
    """Rows under heads. Too wide for `width`, the `flexible` column is cut first, then every line.

    `width` None cuts nothing.
    """
    cells = [list(heads), *(list(map(one_line, row)) for row in rows)]
    widths = [max(columns(row[number]) for row in cells) for number in range(len(heads))]
    if width is not None:
        surplus = sum(widths) + len(GAP) * (len(widths) - 1) - width
        widths[flexible] = max(widths[flexible] - max(surplus, 0), min(widths[flexible], LEAST))
    lines = [
        GAP.join(padded(cut(cell, size), size) for cell, size in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join(lines if width is None else [cut(line, width) for line in lines])


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return GAP.join(padded(cut(cell, size), size) for cell, size in zip(row, widths, strict=True)).rstrip()


def labelled(pairs: Sequence[tuple[str, str]]) -> str:
    """Names and values below each other; further lines of a value stand under its first."""
    size = max(columns(name) for name, _ in pairs) + len(GAP)
    return "\n".join(f"{padded(name, size)}{value.replace(chr(10), chr(10) + ' ' * size)}" for name, value in pairs)


def one_line(text: str) -> str:
    return " ".join(text.split("\n")) if "\n" in text else text


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def padded(text: str, size: int) -> str:
    return text + " " * (size - columns(text))


def cut(text: str, size: int) -> str:
    """At most so many columns, the last of them a sign that something is missing."""
    if columns(text) <= size:
        return text
    kept, left = "", size - 1
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept += character
    return kept + CUT
