"""Which records are shown: `logging.logLevel` of host.json (platform/settings.md 1, platform/console-and-logs.md)."""

from collections.abc import Iterator, Mapping

from fnhost.host.logging.events import HOST_CATEGORY, LEVELS, Level

DEFAULT = "default"
USER_CATEGORIES = ("function", "host.function.console", HOST_CATEGORY.lower())
"""Beginnings of the categories that count as the user's own, in lower case."""


class LevelFilter:
    """The lowest level that is shown, by category.

    The longest prefix of a category counts, in any case, as `Microsoft.Extensions.Logging` selects its rules. Without
    one it is `default`; and without that Information for the user's categories, Warning for the host's own
    (Information if `verbose`). A value that names no level is as if it were not there.
    """

    def __init__(self, levels: Mapping[str, object], *, verbose: bool = False) -> None:
        self._levels = {
            prefix.lower(): level for prefix, value in levels.items() if (level := level_named(value)) is not None
        }
        self._verbose = verbose
        self._found: dict[str, Level] = {}

    def lowest(self, category: str) -> Level:
        if (known := self._found.get(category)) is None:
            known = self._found[category] = self._find(category.lower())
        return known

    def _find(self, category: str) -> Level:
        prefixes = [prefix for prefix in self._levels if category.startswith(prefix) and prefix != DEFAULT]
        if prefixes:
            return self._levels[max(prefixes, key=len)]
        is_users = category.startswith(USER_CATEGORIES)
        return self._levels.get(DEFAULT, Level.INFORMATION if is_users or self._verbose else Level.WARNING)


def level_named(value: object) -> Level | None:
    """`Debug`, `debug`, 1 and "1" are one level."""
    text = str(value).strip().lower()
    if text.isdecimal():
        return next((level for level in Level if str(level.value) == text), None)
    return LEVELS.get(text)


def invalid_levels(levels: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Category and value of each entry that names no level."""
    yield from ((category, value) for category, value in levels.items() if level_named(value) is None)


def wants_trace(levels: Mapping[str, object]) -> bool:
    """Whether any category of the user's asks for Trace."""
    named = {prefix.lower(): level_named(value) for prefix, value in levels.items()}
    return any(
        level is Level.TRACE and (prefix == DEFAULT or prefix.startswith("function")) for prefix, level in named.items()
    )
