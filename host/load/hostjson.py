"""host.json, with overrides from the environment (platform/settings.md 1 and 2)."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fnhost.bindings.contract import Schema
from fnhost.bindings.schema import STRING, STRINGS, Violation, each, members, normalized, pointer, timespan, validate
from fnhost.host.app import HostConfig, separated
from fnhost.host.errors import Problem
from fnhost.host.load import retry
from fnhost.host.load.documents import UnreadableFile, read_object
from fnhost.host.load.root import HOST_FILE
from fnhost.host.worker.toolchains import custom

PREFIX = "AzureFunctionsJobHost__"
SECTION: Schema = {"type": "object"}
SCHEMA = members(
    version={},
    functionTimeout={"type": ["string", "integer"]},
    functions=STRINGS,
    watchDirectories=STRINGS,
    watchFiles=STRINGS,
    retry=retry.SCHEMA,
    logging=members(logLevel=each(STRING)),
    extensions=each(SECTION),
    extensionBundle=SECTION,
    customHandler=custom.SECTION,
    httpWorker=custom.SECTION,
)


def read_host(root: Path, environment: Mapping[str, str]) -> tuple[HostConfig, tuple[Problem, ...]]:
    """The configuration, or the defaults and the problems of the file. A missing or empty file is no problem."""
    try:
        written = read_object(root / HOST_FILE) if (root / HOST_FILE).is_file() else {}
    except UnreadableFile as error:
        message = f"Unable to parse host configuration file '{root / HOST_FILE}'. {error.message}"
        return HostConfig(), (Problem(HOST_FILE, error.place, message),)
    written = override(written or {"version": "2.0"}, environment)
    document = normalized(SCHEMA, written)
    if found := [*validate(SCHEMA, written), *_version_faults(document, written), *_timeout_faults(document, written)]:
        return HostConfig(), tuple(Problem(HOST_FILE, fault.pointer, fault.message, fault.hint) for fault in found)
    return _parsed(document), ()


def override(document: Mapping[str, Any], environment: Mapping[str, str]) -> dict[str, Any]:
    """The document with every `AzureFunctionsJobHost__a__b` of the environment put in its place.

    `:` is the same separator as `__` (platform/settings.md 4).
    """
    result = dict(document)
    for key, value in sorted((separated(key), value) for key, value in environment.items()):
        if key.lower().startswith(PREFIX.lower()):
            result = _placed(result, key[len(PREFIX) :].split("__"), _scalar(value))
    return result


def _placed(tree: Any, path: Sequence[str], value: Any) -> Any:
    """`tree` with `value` at `path`: names match in any case, a number is an index into an array."""
    if not path:
        return value
    head, rest = path[0], path[1:]
    if head.isdecimal() and not isinstance(tree, dict):
        items = tree if isinstance(tree, list) else []
        return [*items[: int(head)], _placed(None, rest, value), *items[int(head) + 1 :]]
    old = tree if isinstance(tree, dict) else {}
    name = next((name for name in old if name.lower() == head.lower()), head)
    return {**old, name: _placed(old.get(name), rest, value)}


def _scalar(text: str) -> str | int | bool:
    """The number or boolean that an environment variable's text stands for, else the text."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    return int(text) if text.removeprefix("-").isdecimal() else text


def _version_faults(document: Mapping[str, Any], written: Mapping[str, Any]) -> Iterator[Violation]:
    hint = 'Write "version": "2.0". See https://aka.ms/functions-hostjson.'
    version = document.get("version")
    if version is None:
        yield Violation("", "The host.json file is missing the required 'version' property.", hint)
    elif version != "2.0":
        yield Violation(
            pointer(written, "version"), f"'{version}' is an invalid value for host.json 'version' property.", hint
        )


def _timeout_faults(document: Mapping[str, Any], written: Mapping[str, Any]) -> Iterator[Violation]:
    text = str(document.get("functionTimeout", "-1"))
    hint = 'Write hours, minutes and seconds like "00:05:00", or "-1" for no limit.'
    try:
        timeout = _timeout(text)
    except ValueError as error:
        yield Violation(pointer(written, "functionTimeout"), str(error), hint)
        return
    if timeout is not None and timeout < 1:
        yield Violation(pointer(written, "functionTimeout"), f"'{text}' is less than a second.", hint)


def _timeout(text: str) -> float | None:
    return None if text == "-1" else timespan(text)


def _parsed(document: Mapping[str, Any]) -> HostConfig:
    default = HostConfig()
    extensions = document.get("extensions", {})
    return HostConfig(
        timeout=_timeout(str(document["functionTimeout"])) if "functionTimeout" in document else default.timeout,
        extensions={name.lower(): section for name, section in extensions.items()},
        log_levels=document.get("logging", {}).get("logLevel", {}),
        watch_directories=("node_modules", *document.get("watchDirectories", ())),
        watch_files=(*default.watch_files, *document.get("watchFiles", ())),
        has_bundle="id" in document.get("extensionBundle", {}),
        functions=tuple(document.get("functions", ())),
        retry=retry.read(document["retry"]) if "retry" in document else None,
        raw=document,
    )
