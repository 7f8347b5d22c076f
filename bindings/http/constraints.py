"""The inline constraints of route templates, each a check of one value (platform/http.md 2).

Every check takes time in proportion to the length of its value, or is cut short.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import product

from fnhost.bindings.contract import BindingError

Check = Callable[[str], bool]

REGEX_TIME = 0.05
"""Seconds that one `regex(...)` may take. The platform gives it ten, on a thread of its own; here all else waits."""


class UnknownConstraint(ValueError):
    """There is no constraint of that name with such arguments, or its regular expression is none."""


class SlowConstraint(BindingError):
    """A regular expression of a route has not come to an end in time. The text names it and the length of the value."""


INTEGER = re.compile(r"\s*[+-]?[0-9]{1,40}\s*")
DECIMAL = re.compile(r"\s*[+-]?([0-9][0-9,]*(\.[0-9]*)?|\.[0-9]+)\s*")
DOUBLE = re.compile(
    r"\s*([+-]?([0-9][0-9,]*(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]+)?|nan|[+-]?infinity)\s*", re.IGNORECASE | re.ASCII
)
GUID = re.compile(
    r"[0-9a-f]{32}|(\{D\}|\(D\)|D)".replace("D", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    re.IGNORECASE | re.ASCII,
)
ALPHA = re.compile(r"[a-z]*", re.IGNORECASE | re.ASCII)
DATES = ("%Y-%m-%d", "%m-%d-%Y", "%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%Y-%m")
TIMES = ("", "T%H:%M", "T%H:%M:%S", "T%H:%M:%S.%f", "T%H:%M:%S%z", "T%H:%M:%S.%f%z", "T%I:%M%p", "T%I:%M %p")
LONGEST_DATE = 100
LOWEST, HIGHEST = -(2**63), 2**63 - 1


def within(low: int, high: int) -> Check:
    return lambda text: bool(INTEGER.fullmatch(text)) and low <= int(text) <= high


def sized(low: int, high: int) -> Check:
    return lambda text: low <= len(text) <= high


def like(pattern: re.Pattern[str]) -> Check:
    return lambda text: bool(pattern.fullmatch(text))


def containing(pattern: str) -> Check:
    """Raises UnknownConstraint; the check raises SlowConstraint.

    The standard library's `re` cannot be stopped; `regex` can, and reads .NET's dialect more fully.
    """
    import regex  # few routes have need of it, and it takes its time to load

    try:
        expression = regex.compile(pattern, regex.IGNORECASE)
    except regex.error as error:
        raise UnknownConstraint(f"'{pattern}' is not a regular expression: {error}.") from error

    def check(text: str) -> bool:
        try:
            return expression.search(text, timeout=REGEX_TIME) is not None
        except TimeoutError:
            raise SlowConstraint(
                f"The constraint 'regex({pattern})' was not decided for a value of {len(text)} characters within "
                f"{REGEX_TIME * 1000:.0f} ms. Write the expression so that a text matches it in one way only."
            ) from None

    return check


def is_boolean(text: str) -> bool:
    return text.strip().lower() in {"true", "false"}


def is_datetime(text: str) -> bool:
    """The usual ones of the many forms .NET reads: ISO 8601, month first, or with the name of the month."""
    if len(text) > LONGEST_DATE:
        return False
    iso = re.sub(r"(?<=[0-9]) (?=[0-9]{1,2}:)", "T", text.strip())
    return any(is_dated(iso, date + time) for date, time in product(DATES, TIMES))


def is_dated(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)
    except ValueError:
        return False
    return True


PLAIN: Mapping[str, Check] = {
    "int": within(-(2**31), 2**31 - 1),
    "long": within(LOWEST, HIGHEST),
    "bool": is_boolean,
    "datetime": is_datetime,
    "decimal": like(DECIMAL),
    "double": like(DOUBLE),
    "float": like(DOUBLE),
    "guid": like(GUID),
    "alpha": like(ALPHA),
    "required": bool,
}
WITH_NUMBERS: Mapping[tuple[str, int], Callable[..., Check]] = {
    ("minlength", 1): lambda low: sized(low, HIGHEST),
    ("maxlength", 1): lambda high: sized(0, high),
    ("length", 1): lambda size: sized(size, size),
    ("length", 2): sized,
    ("min", 1): lambda low: within(low, HIGHEST),
    ("max", 1): lambda high: within(LOWEST, high),
    ("range", 2): within,
}


def check_of(name: str, arguments: str | None) -> Check:
    """The check a constraint stands for. Raises UnknownConstraint."""
    name = name.strip().lower()
    if arguments is None and name in PLAIN:
        return PLAIN[name]
    if name == "regex" and arguments is not None:
        return containing(arguments)
    numbers = (arguments or "").split(",")
    make = WITH_NUMBERS.get((name, len(numbers)))
    if make and all(map(INTEGER.fullmatch, numbers)):
        return make(*map(int, numbers))
    raise UnknownConstraint(f"The constraint '{name}{'' if arguments is None else f'({arguments})'}' is not known.")
