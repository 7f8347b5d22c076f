"""What went wrong in user code, read from the text of its traceback: frames of Python and Node, the user's marked."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from fnhost.host.text import decoded
from fnhost.host.web.files import read_served

LIBRARIES = frozenset({"site-packages", "dist-packages", "node_modules", ".python_packages", ".venv", "venv"})
SOURCES = frozenset({".py", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts"})
AROUND = 3
"""Lines of source before and after the one of a frame."""
MOST_FRAMES = 100
PYTHON_FRAME = re.compile(r'^ *File "(?P<file>[^"\n]+)", line (?P<line>\d{1,9})(?:, in (?P<function>[^\n]+))?$')
NODE_FRAME = re.compile(r"^ *at (?:(?P<function>[^\n]*?) \()?(?P<file>[^()\n]+?):(?P<line>\d{1,9}):\d{1,9}\)?$")
TYPE = re.compile(r"[A-Za-z_][\w.]*")
LINKS = (
    "The above exception was the direct cause of the following exception:",
    "During handling of the above exception, another exception occurred:",
)


@dataclass(slots=True)
class Frame:
    """`text` is the line as it was when it ran, if the traceback tells it."""

    file: str
    line: int
    function: str
    text: str = ""


@dataclass(slots=True)
class Raised:
    """One exception of a chain."""

    title: str = ""
    frames: list[Frame] = field(default_factory=list)


def read_exception(exception: str, stack: str, root: Path) -> dict[str, Any]:
    """`{type, message, frames, causes}`; reads sources from the disk: call it in a thread.

    `exception` is `<Type>: <text>`. The frames are those of the exception in which the user's code has a part: an SDK
    may have wrapped it. The other exceptions of the chain are `causes`, the nearest first.
    """
    chain = _chain(stack) or [Raised(exception)]
    if not chain[0].title:
        chain[0].title = exception
    own = next((one for one in chain if any(_is_user(frame.file, root) for frame in one.frames)), chain[0])
    is_told_better = own is not chain[0] or own.title.endswith(exception)  # Node's text alone lacks the type
    kind, message = _title(own.title if is_told_better else exception)
    others = [one for one in chain if one is not own]
    return {
        "type": kind,
        "message": message,
        "frames": [_shown(frame, root) for frame in own.frames[:MOST_FRAMES]],
        "causes": [_cause(one, root) for one in others],
        "text": stack,
    }


def user_place(stack: str, root: Path) -> tuple[str, int] | None:
    """File, relative to the app, and line of the user's frame in which it happened. Reads no source."""
    frames = (frame for raised in _chain(stack) for frame in raised.frames)
    found = next((frame for frame in frames if _is_user(frame.file, root)), None)
    return (_relative(found.file, root), found.line) if found else None


def _relative(file: str, root: Path) -> str:
    return Path(os.path.relpath(os.path.realpath(root / file), os.path.realpath(root))).as_posix()


def _cause(raised: Raised, root: Path) -> dict[str, Any]:
    kind, message = _title(raised.title)
    return {"type": kind, "message": message, "frames": [_shown(frame, root) for frame in raised.frames[:MOST_FRAMES]]}


def _title(text: str) -> tuple[str, str]:
    """Type and message of `<Type>: <text>`."""
    kind, _, message = text.partition(": ")
    return (kind, message) if TYPE.fullmatch(kind) else ("", text)


def _chain(stack: str) -> list[Raised]:
    """The exceptions of a traceback, that which was raised last first; in each the frame where it happened first."""
    if any(PYTHON_FRAME.match(line) for line in stack.splitlines()):
        return list(reversed([_python(lines) for lines in _blocks(stack)]))
    return _node(stack)


def _blocks(stack: str) -> Iterator[list[str]]:
    lines: list[str] = []
    for line in stack.splitlines():
        if line in LINKS:
            yield lines
            lines = []
        else:
            lines.append(line)
    yield lines


def _python(lines: Sequence[str]) -> Raised:
    raised, title = Raised(), list[str]()
    for line in lines:
        if found := PYTHON_FRAME.match(line):
            raised.frames.append(Frame(found["file"], int(found["line"]), found["function"] or ""))
            title.clear()
        elif line.startswith("    ") and raised.frames and not raised.frames[-1].text:
            raised.frames[-1].text = line.strip()
        elif line and not line.startswith((" ", "Traceback (most recent call last)")):
            title.append(line)
        elif title:
            title.append(line)
    raised.title = "\n".join(title).strip()
    raised.frames.reverse()
    return raised


def _node(stack: str) -> list[Raised]:
    found: list[Raised] = []
    for line in stack.splitlines():
        frame = NODE_FRAME.match(line)
        if frame and found:
            found[-1].frames.append(Frame(_path(frame["file"]), int(frame["line"]), frame["function"] or ""))
        elif line.startswith("[cause]: ") or not found:
            found.append(Raised(line.removeprefix("[cause]: ")))
        elif not found[-1].frames and not line.startswith("    at "):
            found[-1].title += f"\n{line}"
    return found


def _path(file: str) -> str:
    return unquote(urlsplit(file).path) if file.startswith("file://") else file


def _is_user(file: str, root: Path) -> bool:
    try:
        path, base = Path(os.path.realpath(root / file)), Path(os.path.realpath(root))
    except (OSError, ValueError):  # no name that a file could have
        return False
    return path.is_relative_to(base) and LIBRARIES.isdisjoint(path.relative_to(base).parts)


def _shown(frame: Frame, root: Path) -> dict[str, Any]:
    is_user = _is_user(frame.file, root)
    source = _source(frame, root) if is_user else []
    now = next((each["text"].strip() for each in source if each["line"] == frame.line), "")
    return {
        "file": _relative(frame.file, root) if is_user else frame.file,
        "line": frame.line,
        "function": frame.function,
        "text": frame.text or None,
        "source": source,
        "is_user": is_user,
        "is_changed": bool(is_user and frame.text and now != frame.text),
    }


def _source(frame: Frame, root: Path) -> list[dict[str, Any]]:
    """The lines around, of a source file of the app alone: the text of an exception may name any file."""
    path = root / frame.file
    data = read_served(root, path) if path.suffix in SOURCES else None
    if data is None:
        return []
    lines = decoded(data).splitlines()
    begin, end = max(0, frame.line - 1 - AROUND), min(len(lines), frame.line + AROUND)
    return [{"line": number + 1, "text": lines[number]} for number in range(begin, end)]
