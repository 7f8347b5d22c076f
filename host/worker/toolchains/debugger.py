"""Where a debugger is to listen, and how an interpreter's own arguments ask for one."""

import os
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from fnhost.host.errors import StartError

LOOPBACK = "127.0.0.1"
HIGHEST_PORT = 65535
INSPECTOR_PORT = 9229
WAIT = "--wait-for-client"
_ADDRESS = re.compile(r"(?:(?P<host>\[[^\]]+\]|[^:\[\]]+):)?(?P<port>\d+)")
_INSPECT = re.compile(r"--inspect(?P<waits>-brk|-wait)?(?:=(?P<address>.+))?")


@dataclass(frozen=True, slots=True)
class DebugAddress:
    """Where clients of a debugger connect; port 0 is any free one.

    `waits`: no user code runs before one has. `package` is the folder of the debugger, if not the app's own is meant.
    """

    host: str
    port: int
    waits: bool = False
    package: str = ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Arguments = tuple[DebugAddress | None, Sequence[str]]
"""The debugger that an interpreter's arguments ask for, and the other arguments."""
ReadArguments = Callable[[Sequence[str]], Arguments]


def split(text: str, setting: str) -> list[str]:
    """Words, as a shell reads them. Backslashes are part of a path on Windows. Raises StartError."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    if os.name == "nt":
        lexer.escape = ""
    try:
        return list(lexer)
    except ValueError as error:
        raise StartError(f"{setting} cannot be split into arguments: {error}. It is: {text}") from error


def read_address(text: str) -> DebugAddress | None:
    """`PORT` or `HOST:PORT`; None for anything else."""
    found = _ADDRESS.fullmatch(text)
    if not found or int(found["port"]) > HIGHEST_PORT:
        return None
    return DebugAddress((found["host"] or LOOPBACK).strip("[]"), int(found["port"]))


def debugpy(arguments: Sequence[str]) -> Arguments:
    """`-m debugpy --listen ADDRESS [--wait-for-client]`, or with the path of debugpy, as editors bring one along.

    With other options of debugpy they stay as they are.
    """
    at = next((index for index, word in enumerate(arguments) if PurePath(word).name == "debugpy"), None)
    if at is None:
        return None, arguments
    options = [word for word in arguments[at + 1 :] if word != WAIT]
    if len(options) != 2 or options[0] != "--listen" or not (address := read_address(options[1])):
        return None, arguments
    is_module = at > 0 and arguments[at - 1] == "-m"
    package = "" if is_module else arguments[at]
    return replace(address, waits=WAIT in arguments, package=package), arguments[: at - 1 if is_module else at]


def inspector(arguments: Sequence[str]) -> Arguments:
    """`--inspect[=[HOST:]PORT]`, and `--inspect-brk` and `--inspect-wait`, which wait for a client."""
    address, others = None, []
    for word in arguments:
        found = _INSPECT.fullmatch(word)
        given = found and _inspector_address(found["address"])
        if found and given:
            address = replace(given, waits=bool(found["waits"]))
        else:
            others.append(word)
    return address, others


def _inspector_address(text: str | None) -> DebugAddress | None:
    if text is None:
        return DebugAddress(LOOPBACK, INSPECTOR_PORT)
    return read_address(text) or (None if ":" in text or text.isdigit() else DebugAddress(text, INSPECTOR_PORT))
