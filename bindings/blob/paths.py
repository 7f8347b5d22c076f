"""Paths of blobs: `container/name`, and the patterns that a trigger's path may hold (platform/blob.md 1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fnhost.bindings.contract import BindingError
from fnhost.bindings.expressions import Placeholder, parse

_CONTAINER = re.compile(r"[a-z0-9-]+|\$root|\$web|\$logs")


class PathError(BindingError):
    """The text is no path of a blob."""


def split_path(path: str) -> tuple[str, str]:
    """Container and blob. Raises PathError."""
    container, _, blob = path.strip("/").partition("/")
    if not _CONTAINER.fullmatch(container):
        raise PathError(f"'{path}' is no path of a blob: it begins with a container, lower-case letters, digits and -.")
    if not blob:
        raise PathError(f"'{path}' is no path of a blob: write container/name.")
    return container, blob


@dataclass(frozen=True, slots=True)
class BlobPattern:
    """Which blobs of a container a trigger is for."""

    container: str
    names: tuple[str, ...]
    expression: "re.Pattern[str]"

    def match(self, blob: str) -> Mapping[str, str] | None:
        """What the blob's name says of the pattern's placeholders; None if it does not match."""
        found = self.expression.fullmatch(blob)
        return dict(zip(self.names, found.groups(), strict=True)) if found else None


def parse_pattern(path: str) -> BlobPattern:
    """The pattern of a trigger's path. Raises PathError, ExpressionError."""
    container, _, rest = path.strip("/").partition("/")
    if not _CONTAINER.fullmatch(container):
        raise PathError(f"'{container}' is no container: write lower-case letters, digits and -.")
    if not rest:
        return BlobPattern(container, (), re.compile(".*", re.DOTALL))
    parts = parse(rest).parts
    names = tuple(part.path for part in parts if isinstance(part, Placeholder))
    if len({name.lower() for name in names}) < len(names):
        raise PathError(f"'{path}' has a placeholder twice.")
    text = "".join("(.+)" if isinstance(part, Placeholder) else re.escape(part) for part in parts)
    return BlobPattern(container, names, re.compile(text, re.DOTALL))
