"""The console: log records as the official tool prints them (platform/console-and-logs.md)."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import TextIO

from fnhost.host.app import App, Function
from fnhost.host.errors import Problem
from fnhost.host.log import Level, Record

ALWAYS_SHOWN = ("Worker process started and initialized.", "Host lock lease acquired by instance ID")
HOST_CATEGORY = "Fnhost"
"""Category of what this host itself tells its user: shown like the user's own logs."""
COLOURS = {Level.WARNING: "\x1b[33m", Level.ERROR: "\x1b[31m", Level.CRITICAL: "\x1b[31;1m"}
RESET = "\x1b[0m"
FLUSH_DELAY = 0.01
"""Seconds for which a line waits for others."""


class Console:
    """Writes to `stream`. Lines that come close together go out together: a host does not wait for its terminal."""

    def __init__(self, stream: TextIO, *, verbose: bool = False, levels: Mapping[str, str] | None = None) -> None:
        self._stream, self._verbose = stream, verbose
        self._levels = _parsed(levels or {})
        self._colours = COLOURS if stream.isatty() else {}
        self._waiting: list[str] = []
        self._lowest_by_category: dict[str, Level] = {}

    def set_levels(self, levels: Mapping[str, str]) -> None:
        """`logging.logLevel` of host.json: a level by category prefix, the longest prefix counts."""
        self._levels = _parsed(levels)
        self._lowest_by_category = {}

    def __call__(self, record: Record) -> None:
        if self._is_shown(record):
            self._write(self._line(record))

    def print(self, text: str = "") -> None:
        """A line without time and level."""
        self._write(text + "\n")

    def _is_shown(self, record: Record) -> bool:
        return record.level >= self._lowest(record.category) or record.message.startswith(ALWAYS_SHOWN)

    def _lowest(self, category: str) -> Level:
        if (known := self._lowest_by_category.get(category)) is None:
            known = self._lowest_by_category[category] = self._find_lowest(category)
        return known

    def _find_lowest(self, category: str) -> Level:
        named = [prefix for prefix in self._levels if category == prefix or category.startswith(f"{prefix}.")]
        if named:
            return self._levels[max(named, key=len)]
        is_users = category.startswith(("Function", "Host.Function.Console", HOST_CATEGORY))
        return Level.INFORMATION if is_users or self._verbose else Level.WARNING

    def _line(self, record: Record) -> str:
        second = int(record.at)
        text = f"[{_second(second)}.{int((record.at - second) * 1000):03}Z] {record.message}"
        colour = self._colours.get(record.level)
        return f"{colour}{text}{RESET}\n" if colour else f"{text}\n"

    def _write(self, line: str) -> None:
        if not self._waiting:
            _soon(self.flush)
        self._waiting.append(line)

    def flush(self) -> None:
        lines, self._waiting = self._waiting, []
        if lines:
            self._stream.write("".join(lines))
            self._stream.flush()


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _soon(flush: object) -> None:
    try:
        asyncio.get_running_loop().call_later(FLUSH_DELAY, flush)  # type: ignore[arg-type]
    except RuntimeError:
        """No loop runs yet, or any more: whoever prints then flushes at the end."""


def _parsed(levels: Mapping[str, str]) -> dict[str, Level]:
    """`default` is left to the console's own rule, as the official tool leaves it."""
    names = {level.name.lower(): level for level in Level} | {"info": Level.INFORMATION, "none": Level.CRITICAL}
    return {
        category: names[str(level).lower()]
        for category, level in levels.items()
        if category.lower() != "default" and str(level).lower() in names
    }


class JsonLines:
    """Writes each record as one JSON object a line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __call__(self, record: Record) -> None:
        shown = {
            "time": datetime.fromtimestamp(record.at, UTC).isoformat(timespec="milliseconds"),
            "level": record.level.name.title(),
            "category": record.category,
            "message": record.message,
            "function": record.function,
            "invocation": record.invocation,
        }
        self._stream.write(json.dumps(shown, ensure_ascii=False) + "\n")
        self._stream.flush()


def banner(version: str) -> str:
    return f"\nfnhost {version}: runs Azure Functions apps on this machine\n"


def listing(app: App, base: str) -> str:
    """The functions of an app, as the official tool lists them. `base` is like `http://localhost:7071`."""
    if not app.functions:
        return "No job functions found. A function is a folder with a function.json, beside host.json or in functions/."
    lines: list[str] = []
    if app.enabled:
        lines += ["Functions:", ""]
    by_kind = sorted(app.enabled, key=lambda function: function.trigger.type.lower() != "httptrigger")
    for function in by_kind:
        lines += [f"\t{function.name}: {_trigger(function, app, base)}", ""]
    lines += [f"\tFunction {function.name} is disabled." for function in app.functions if function.disabled]
    return "\n".join(lines)


def _trigger(function: Function, app: App, base: str) -> str:
    trigger = function.trigger
    if trigger.type != "httptrigger":
        return SPELLINGS.get(trigger.type, trigger.type)
    methods = trigger.properties.get("methods")
    listed = f"[{','.join(str(method).upper() for method in methods)}]" if methods else ""
    prefix = str(app.config.extension("http").get("routePrefix", "api"))
    route = str(trigger.properties.get("route") or function.name)
    return f"{listed} {'/'.join(part for part in (base, prefix, route) if part)}"


SPELLINGS = {
    "orchestrationtrigger": "orchestrationTrigger",
    "activitytrigger": "activityTrigger",
    "entitytrigger": "entityTrigger",
    "queuetrigger": "queueTrigger",
    "blobtrigger": "blobTrigger",
    "timertrigger": "timerTrigger",
}


def error_lines(problems: Iterable[Problem]) -> list[str]:
    """One text per function that cannot be served, and per file that has no function."""
    by_function: dict[str, list[str]] = {}
    for problem in problems:
        by_function.setdefault(problem.function or "", []).append(str(problem))
    return [
        f"The '{function}' function is in error: {' '.join(texts)}" if function else "\n".join(texts)
        for function, texts in by_function.items()
    ]
