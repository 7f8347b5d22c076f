"""Custom handlers: a program of any language that serves functions over HTTP (platform/custom-handlers.md)."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fnhost.bindings.contract import Schema
from fnhost.bindings.schema import STRING, members, normalized, timespan
from fnhost.host.app import App, HostConfig, Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.handler import CustomHandler
from fnhost.host.worker.toolchains.toolchain import Interpreter, Toolchain

LANGUAGE = "custom"
TITLE = "Custom handler"
SWITCH: Schema = {"type": ["boolean", "string"], "pattern": "^([Tt]rue|[Ff]alse)$"}
ARGUMENTS: Schema = {"type": ["array", "string"], "items": STRING}
"""A list, or its JSON text: an app setting can hold no list."""
DESCRIPTION = members(
    defaultExecutablePath=STRING,
    defaultWorkerPath=STRING,
    workingDirectory=STRING,
    workerDirectory=STRING,
    arguments=ARGUMENTS,
    workerArguments=ARGUMENTS,
)
SECTION = members(
    description=DESCRIPTION,
    type=STRING,
    enableForwardingHttpRequest=SWITCH,
    enableProxyingHttpRequest=SWITCH,
    initializationTimeout={"type": "string", "format": "timespan"},
    port={"type": ["integer", "string"]},
)
SECTIONS = ("customHandler", "httpWorker")
"""Where host.json describes the handler; the second is deprecated, and the first wins."""


def runs_handler(settings: Settings, config: HostConfig) -> bool:
    """Whether functions of folders run in a custom handler: the setting says so, or host.json where it is silent."""
    runtime = (settings.get("FUNCTIONS_WORKER_RUNTIME") or "").lower()
    return runtime == LANGUAGE or (not runtime and _section(config.raw)[0] != "")


def read_handler(app: App) -> CustomHandler:
    """Raises StartError."""
    name, section = _section(app.config.raw)
    if not name:
        raise StartError(
            "FUNCTIONS_WORKER_RUNTIME is custom, and host.json has no section customHandler that names the program: "
            '"customHandler": {"description": {"defaultExecutablePath": "handler"}}.'
        )
    description = section.get("description") or {}
    if not (written := str(description.get("defaultExecutablePath") or "")):
        raise StartError(
            f"host.json#/{name}/description: Missing worker Description: defaultExecutablePath names no program."
        )
    expanded = _expand(written, app.settings)
    place = app.root / str(description.get("workerDirectory") or "")
    program = _expand(str(description.get("defaultWorkerPath") or ""), app.settings)
    is_deprecated = name == SECTIONS[1]
    return CustomHandler(
        executable=str(place / expanded) if (place / expanded).is_file() else expanded,
        arguments=(
            *_list(description.get("arguments")),
            *([str(place / program)] if program else []),
            *_list(description.get("workerArguments")),
        ),
        directory=app.root / str(description.get("workingDirectory") or ""),
        forwards=is_deprecated
        or _is_on(section.get("enableForwardingHttpRequest"))
        or _is_on(section.get("enableProxyingHttpRequest")),
        hides_path=is_deprecated,
        proxies=_is_on(section.get("enableProxyingHttpRequest")),
        timeout=timespan(str(section.get("initializationTimeout") or "00:00:30")),
        port=0 if is_deprecated else int(section.get("port") or 0),
    )


def find_handler(app: App, option: str | None) -> Interpreter:
    """Raises StartError."""
    handler = read_handler(app)
    name = Path(handler.executable).name
    if os.path.isfile(handler.executable) and not os.access(handler.executable, os.X_OK):
        raise StartError(f"The custom handler {handler.executable} is not executable. Run: chmod +x {name}")
    if found := shutil.which(handler.executable, path=app.settings.get("PATH")):
        return Interpreter(os.path.abspath(found), "host.json")
    raise StartError(
        f"The custom handler '{handler.executable}' that host.json names does not exist in '{app.root}', and is not "
        "found on PATH. Build it first, or mend defaultExecutablePath."
    )


def handler_files(app: App) -> Sequence[str]:
    """Names of the files that make up the handler, as far as host.json tells: their changes reload the app."""
    try:
        handler = read_handler(app)
    except StartError:
        return ()
    return [
        Path(text).name for text in (handler.executable, *handler.arguments) if (handler.directory / text).is_file()
    ]


def _section(raw: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The section that describes the handler, with its name; the name is empty if there is none."""
    found = {name.lower(): value for name, value in raw.items()}
    for name in SECTIONS:
        if isinstance(section := found.get(name.lower()), dict):
            return name, normalized(SECTION, section)
    return "", {}


def _list(value: object) -> list[str]:
    if isinstance(value, list):
        return [str(each) for each in value]
    try:
        read = json.loads(str(value or "[]"))
    except ValueError:
        return []
    return [str(each) for each in read] if isinstance(read, list) else []


def _is_on(value: object) -> bool:
    return str(value).lower() == "true"


def _expand(text: str, settings: Settings) -> str:
    """`%NAME%` is the value of a variable; what is not set stays as it is written."""
    parts = text.split("%")
    for index in range(1, len(parts) - 1, 2):
        value = settings.get(parts[index])
        parts[index] = f"%{parts[index]}%" if value is None else value
    return "".join(parts) if len(parts) % 2 else text


CUSTOM = Toolchain(
    language=LANGUAGE,
    title=TITLE,
    find_interpreter=find_handler,
    handler=read_handler,
    loaded_files=handler_files,
    stands_by=False,
    durable_form=lambda settings: "protobuf",
)
