"""What is wrong with the app, with the line it stands at."""

import re
from pathlib import Path
from typing import Any, Literal

from fnhost.host.errors import Problem
from fnhost.host.text import decoded
from fnhost.host.web.active_app import ActiveApp
from fnhost.host.web.dashboard.exceptions import user_place
from fnhost.host.web.dashboard.places import line_of
from fnhost.host.web.files import read_served

PLACE = re.compile(r"line (\d{1,9})(?: column \d+)?")
TEXT_PLACE = re.compile(r"(?P<file>[^\s#:]+\.[a-z]+)(?:#(?P<pointer>/\S*)|[ :](?:line )?(?P<line>\d{1,9}))?")
OF_FUNCTION = re.compile(r"The '(?P<name>[^']+)' function is in error: |cannot load the (?P<loaded>\S+) function: ")
Severity = Literal["error", "warning"]


def app_problems(view: ActiveApp) -> list[dict[str, Any]]:
    """Of the whole app and of each function; reads the files they stand in: call it in a thread."""
    root = view.app.root
    found = [shown_problem(problem, root) for problem in view.app.problems]
    found += [failure(name, text, root) for name, text in view.failures.items()]
    found += [told(text, root, "error") for text in view.errors]
    return found + [told(text, root, "warning") for text in view.app.warnings]


def shown_problem(problem: Problem, root: Path) -> dict[str, Any]:
    return _members(
        text=problem.message,
        hint=problem.hint or None,
        file=problem.file,
        pointer=problem.pointer or None,
        line=_line(root, problem.file, problem.pointer),
        function=problem.function,
    )


def failure(function: str, text: str, root: Path) -> dict[str, Any]:
    """What a worker said of a function that it could not load; the place is that of its traceback."""
    file, line = user_place(text, root) or (None, None)
    return _members(text=text, file=file, line=line, function=function)


def told(text: str, root: Path, severity: Severity = "error") -> dict[str, Any]:
    """A sentence; many begin with the function and the place they speak of, or hold a traceback."""
    named = OF_FUNCTION.match(text)
    function = named["name"] or named["loaded"] if named else None
    found = TEXT_PLACE.match(text, named.end() if named else 0)
    if found is None or not (root / found["file"]).is_file():
        file, known = user_place(text, root) or (None, None)
        return _members(text=text, file=file, line=known, function=function, severity=severity)
    line = int(found["line"]) if found["line"] else _line(root, found["file"], (found["pointer"] or "").rstrip(":"))
    return _members(text=text, file=found["file"], line=line, function=function, severity=severity)


def _members(
    *,
    text: str,
    hint: str | None = None,
    file: str | None = None,
    pointer: str | None = None,
    line: int | None = None,
    function: str | None = None,
    severity: Severity = "error",
) -> dict[str, Any]:
    return {
        "file": file,
        "line": line,
        "pointer": pointer,
        "function": function,
        "severity": severity,
        "text": text,
        "hint": hint,
    }


def _line(root: Path, file: str, pointer: str) -> int | None:
    """The line that a pointer, or a text like `line 3 column 4`, means in a file of the app; None if it is unknown."""
    if found := PLACE.match(pointer):
        return int(found[1])
    if not pointer or not file.endswith(".json"):
        return None
    data = read_served(root, root / file)
    return None if data is None else line_of(decoded(data), pointer)
