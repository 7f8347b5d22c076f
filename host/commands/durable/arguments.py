"""The values of options, read. argparse reports what is raised here, and exits with 2."""

import json
from argparse import ArgumentTypeError
from collections.abc import Sequence
from typing import NoReturn

INPUT = "JSON, any other text, or @file with JSON"
HISTORY = "instances that have ended,"
OPENING = ("{", "[", '"')
"""What begins so was meant to be JSON."""
HOW = "Write JSON, a text that does not begin like JSON, or @file."


def json_argument(text: str) -> str:
    """The JSON text of an input. A text that is no JSON becomes a JSON string; a file must hold JSON.

    `func durable` makes a string of every text on the command line, JSON or not, and reads JSON from files alone.
    """
    if text.startswith("@"):
        return _of_file(text[1:])
    try:
        check(text)
    except ValueError as error:
        if text.lstrip().startswith(OPENING):
            raise ArgumentTypeError(f"{text!r} begins like JSON and is none: {error}. {HOW}") from None
        return json.dumps(text)
    return text


def _of_file(path: str) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ArgumentTypeError(f"The file {path!r} cannot be read: {reason}") from None
    try:
        check(text)
    except ValueError as error:
        raise ArgumentTypeError(f"The file {path!r} holds no JSON: {error}") from None
    return text.strip()


def check(text: str) -> None:
    """Raises ValueError if this is not one JSON value."""
    try:
        json.loads(text, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def moment(text: str) -> str:
    """A time as the management API takes it: ISO 8601, or the `MM/dd/yyyy HH:mm` of older versions of the tool."""
    from datetime import datetime

    from fnhost.host.durable.model.instants import parse_instant

    try:
        return parse_instant(text)
    except ValueError:
        pass
    for form in ("%m/%d/%Y %H:%M", "%m/%d/%Y"):
        try:
            return parse_instant(datetime.strptime(text, form).isoformat())
        except ValueError:
            continue
    raise ArgumentTypeError(f"{text!r} is no time. Write one like 2026-05-01T08:00:00Z")


def statuses(text: str) -> Sequence[str]:
    """Names of statuses in any case, with spaces or commas between, as the management API spells them."""
    from fnhost.bindings.spelling import did_you_mean
    from fnhost.host.durable.model.history import RuntimeStatus

    known = {status.name.lower(): status.name for status in RuntimeStatus}
    words = text.replace(",", " ").split()
    for word in words:
        if word.lower() not in known:
            hint = did_you_mean(word, known.values()) or f"There are {', '.join(known.values())}."
            raise ArgumentTypeError(f"{word!r} is no status. {hint}")
    return [known[word.lower()] for word in words]


def boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ArgumentTypeError(f"{text!r} is neither true nor false")
    return text.lower() == "true"
