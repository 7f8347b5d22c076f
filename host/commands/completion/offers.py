"""What an argument may be, where that depends on the app or is not for argparse to check."""

import argparse
from collections.abc import Callable, Iterable

Words = Callable[[argparse.Namespace], Iterable[str]]
"""Of what the command line says so far. It may raise: then nothing is offered."""


def offer(argument: argparse.Action, words: Words) -> None:
    """Name the words to a shell that completes this argument."""

    def completer(*, parsed_args: argparse.Namespace, **_: object) -> list[str]:
        try:
            return list(words(parsed_args))
        except Exception:  # whatever goes wrong, a half-written command line is no place to say so
            return []

    argument.completer = completer  # type: ignore[attr-defined]
