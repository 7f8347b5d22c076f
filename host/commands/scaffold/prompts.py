"""Questions to a person at a terminal. Where there is none, what was not said is refused."""

import sys
from collections.abc import Sequence

from fnhost.host.errors import StartError

NO_ANSWER = "There was no answer, so nothing was done."


def is_interactive() -> bool:
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def require_terminal(hint: str) -> None:
    """Raises StartError with what to say on the command line instead."""
    if not is_interactive():
        raise StartError(f"Standard input or output is no terminal, so nothing can be asked. {hint}")


def choose(what: str, options: Sequence[str]) -> str:
    """One of the options, by its number; asked until the answer is one. Raises StartError at the end of input."""
    print(f"Select a number for {what}:")
    for number, option in enumerate(options, 1):
        print(f"{number}. {option}")
    while True:
        answer = ask("Choose option: ")
        if answer.isdecimal() and 0 < int(answer) <= len(options):
            return options[int(answer) - 1]


def ask(question: str, default: str = "") -> str:
    """What is typed, without blanks around it; the default for an empty line. Raises StartError at the end of input."""
    try:
        return input(question).strip() or default
    except EOFError as error:
        raise StartError(NO_ANSWER) from error


def confirm(question: str) -> bool:
    """No is the answer of an empty line. Raises StartError at the end of input."""
    while (answer := ask(f"{question} [y/n]? [n] ", "n").lower()) not in ("y", "yes", "n", "no"):
        pass
    return answer.startswith("y")
