"""Warnings: an app with them is served."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fnhost.bindings.registry import binding_types
from fnhost.bindings.spelling import did_you_mean
from fnhost.host.app import Function, Settings
from fnhost.host.load.checks import Functions
from fnhost.host.load.entries import misspelled
from fnhost.host.load.functions import misspelled_members
from fnhost.host.load.localsettings import FILE as SETTINGS_FILE
from fnhost.host.load.localsettings import has_connection
from fnhost.host.load.root import HOST_FILE
from fnhost.host.load.sources import FunctionSource
from fnhost.host.logging.events import Level
from fnhost.host.logging.levels import invalid_levels
from fnhost.host.worker.toolchains import RUNTIME

RESERVED = frozenset({"admin", "runtime"})
"""What paths of the host itself begin with."""
SEVERAL_LANGUAGES = (
    f"The functions are written for {{}}: each language has workers of its own here, but the platform would not deploy "
    f"that. There an app has one language, which {RUNTIME} names: move the others to an app of their own."
)


def root_warnings(root: Path) -> Iterator[str]:
    """Of the files in the root (platform/app-files.md 7, platform/settings.md 1, platform/command-line.md 2)."""
    if not (root / HOST_FILE).is_file():
        yield f'There is no {HOST_FILE} in \'{root}\': it is taken as {{"version": "2.0"}}.'
    if (root / "proxies.json").is_file():
        yield "proxies.json is ignored: proxies are no longer supported."
    if _requires_worker(root / "requirements.txt"):
        yield "requirements.txt names azure-functions-worker, which is the platform's own: remove it."


def _requires_worker(requirements: Path) -> bool:
    lines = requirements.read_text("utf-8", "replace").splitlines() if requirements.is_file() else []
    return any(line.strip().lower().startswith("azure-functions-worker") for line in lines)


def log_level_warnings(levels: Mapping[str, Any]) -> Iterator[str]:
    """Entries of `logging.logLevel` that name no level: they are as if they were not there."""
    known = ", ".join(level.name.title() for level in Level)
    for category, value in invalid_levels(levels):
        yield f"{HOST_FILE}#/logging/logLevel/{category}: '{value}' is not a log level. Use one of {known}."


def prefix_warnings(extensions: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A route prefix under which some paths are the host's own: functions there are never called."""
    given = next((value for name, value in extensions.get("http", {}).items() if name.lower() == "routeprefix"), "")
    first = str(given).strip("/").partition("/")[0].lower()
    if first in RESERVED:
        yield (
            f"{HOST_FILE}#/extensions/http/routePrefix: '{given}' begins with '{first}', as paths of the host do: "
            "a function whose address is also the host's own is never called. Choose another prefix."
        )


def allow_list_warnings(names: Sequence[str]) -> Iterator[str]:
    if names:
        listed = ", ".join(names)
        yield f"A function allow list has been specified, excluding all but the following functions: [{listed}]"


def unknown_names(allowed: Sequence[str], known: Sequence[str]) -> Iterator[str]:
    """A sentence for each name on the allow list that no function has."""
    lowered = {name.lower() for name in known}
    for name in allowed:
        if name.lower() not in lowered:
            hint = did_you_mean(name, known) or f"Known: {', '.join(known) or 'none'}."
            yield f"There is no function '{name}' to serve. {hint}"


def function_warnings(functions: Functions, settings: Settings) -> Iterator[str]:
    if not functions:
        yield "No job functions found. A function is a folder with a function.json, in the app or in its functions/."
    yield from _language_warnings({function.language for function in functions.values()})
    for folder, function in functions.items():
        yield from _disabled_warnings(folder, function)
        yield from _connection_warnings(folder, function, settings)
        yield from _output_warnings(folder, function)
        yield from _spelling_warnings(folder, function)


def _language_warnings(languages: Collection[str]) -> Iterator[str]:
    """platform/app-files.md 1, item 7."""
    if len(languages) > 1:
        yield SEVERAL_LANGUAGES.format(" and ".join(sorted(languages)))


def _disabled_warnings(folder: FunctionSource, function: Function) -> Iterator[str]:
    if function.config.get("disabled") is True and not function.disabled:
        setting = f"AzureWebJobs.{function.name}.Disabled"
        yield f"'disabled' in {folder.file} does nothing: set {setting} to true in {SETTINGS_FILE} instead."


def _output_warnings(folder: FunctionSource, function: Function) -> Iterator[str]:
    for binding in function.bindings:
        if binding.direction == "out" and binding_types()[binding.type].goes_nowhere:
            name = binding_types()[binding.type].name
            yield f"Output '{binding.name}' in '{folder.file}' goes nowhere here, only to the log: no {name} is served."


def _spelling_warnings(folder: FunctionSource, function: Function) -> Iterator[str]:
    """Of functions that are served although something in their file was probably meant otherwise."""
    yield from (f"{folder.file}: {text}" for text in misspelled_members(function.config))
    for index, entry in enumerate(function.config["bindings"]):
        yield from (f"{folder.file}#/bindings/{index}: {text}" for text in misspelled(entry))


def _connection_warnings(folder: FunctionSource, function: Function, settings: Settings) -> Iterator[str]:
    """platform/command-line.md 2, item 5."""
    for binding, entry in zip(function.bindings, function.config["bindings"], strict=True):
        for key in ("connection", "connectionName"):
            name = binding.properties.get(key)
            if name == "":
                yield f"Warning: '{key}' property in '{folder.file}' is empty."
            elif name and not has_connection(settings, name):
                yield (
                    f"Warning: Cannot find value named '{name}' in {SETTINGS_FILE} that matches '{key}' property set on"
                    f" '{_type(entry)}' in '{folder.file}'."
                )


def _type(entry: Mapping[str, Any]) -> str:
    return str(next(value for key, value in entry.items() if key.lower() == "type"))
