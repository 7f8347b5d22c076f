"""A function folder: what is wrong with it, or the Function it holds (functions-host.md 1.2 to 1.7)."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bindings.schema import Fault, faults, pointer, spelled
from host.app import Function, HostConfig, Settings
from host.errors import Problem
from host.load import retry
from host.load.documents import Unreadable, read_object
from host.load.entries import COMMON, entry_faults, is_trigger, read_entry
from host.load.folders import LANGUAGES, Folder, default_script, exists_exactly
from host.load.typescript import compile_hint

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,127}", re.IGNORECASE)


def read_function(folder: Folder, settings: Settings, config: HostConfig) -> Function | tuple[Problem, ...]:
    """The function, or everything that is wrong with it."""
    try:
        document = read_object(folder.directory / folder.files[0])
    except Unreadable as error:
        return _problems(folder, [*_folder_faults(folder), Fault(error.place, error.message)])
    found = [*_folder_faults(folder), *_document_faults(folder, document, settings, config)]
    return _problems(folder, found) if found else _function(folder, document, settings, config)


def _problems(folder: Folder, found: Iterable[Fault]) -> tuple[Problem, ...]:
    return tuple(Problem(folder.file, fault.pointer, fault.message, fault.hint, folder.name) for fault in found)


def _function(folder: Folder, document: Mapping[str, Any], settings: Settings, config: HostConfig) -> Function:
    script = _script(folder, document)
    assert script, "a function without faults has a script"
    language = LANGUAGES[script.suffix]
    return Function(
        name=folder.name,
        directory=folder.directory,
        script=script,
        entry_point=document.get("entryPoint") or ("main" if language == "python" else ""),
        language=language,
        bindings=tuple(read_entry(entry, settings.get) for entry in document["bindings"]),
        disabled=is_disabled(folder.name, settings),
        retry=retry.read(spelled(retry.SHAPE, document["retry"])) if _has_retry(document) else config.retry,
        config=document,
    )


def is_disabled(name: str, settings: Settings) -> bool:
    """By app settings alone: `disabled` in the file does nothing (functions-host.md 1.5)."""
    values = (settings.get(f"AzureWebJobs.{name}.Disabled"), settings.get(f"AzureWebJobs_{name}_Disabled"))
    return any(value is not None and value.lower() in ("true", "1") for value in values)


def _has_retry(document: Mapping[str, Any]) -> bool:
    return document.get("retry") is not None


def _folder_faults(folder: Folder) -> Iterator[Fault]:
    if not _NAME.fullmatch(folder.name) or folder.name.lower() == "host":
        hint = "Rename the folder: letters, digits, - and _, a letter first, and not host."
        yield Fault("", f"'{folder.name}' is not a valid function name.", hint)
    if len(folder.files) > 1:
        yield Fault("", f"The folder has both {' and '.join(folder.files)}.", "Keep one of them.")


def _document_faults(
    folder: Folder, document: Mapping[str, Any], settings: Settings, config: HostConfig
) -> Iterator[Fault]:
    yield from _property_faults(folder, document)
    yield from _binding_faults(document, settings, config)
    if _has_retry(document):
        yield from _under("/retry", faults(retry.SHAPE, document["retry"]))


def _property_faults(folder: Folder, document: Mapping[str, Any]) -> Iterator[Fault]:
    wrong = [key for key in ("scriptFile", "entryPoint") if not isinstance(document.get(key, ""), str | None)]
    yield from (Fault(f"/{key}", f"'{key}' must be a string.") for key in wrong)
    source = document.get("configurationSource")
    if source not in (None, "config", "attributes"):
        message = f"Illegal value '{source}' for 'configurationSource' property in {folder.name}."
        yield Fault("/configurationSource", message, "Write config or attributes, or leave it out.")
    if "scriptFile" not in wrong:
        yield from _script_faults(_script(folder, document), document, _root(folder))


def _script(folder: Folder, document: Mapping[str, Any]) -> Path | None:
    name = document.get("scriptFile") or default_script(folder.directory)
    return Path(os.path.normpath(folder.directory / name)) if name else None


def _root(folder: Folder) -> Path:
    """Of the app that it is a folder of."""
    return folder.directory.parents[folder.place.count("/")]


def _script_faults(script: Path | None, document: Mapping[str, Any], root: Path) -> Iterator[Fault]:
    place = "/scriptFile" if document.get("scriptFile") else ""
    if not script:
        hint = "Name it in a 'scriptFile' property, or call it __init__.py or index.js."
        yield Fault("", "Unable to determine the primary function script.", hint)
    elif not exists_exactly(script):
        message = "The 'scriptFile' property is set to a file that does not exist"
        yield Fault(
            place,
            f"Invalid script file name configuration. {message}: '{script}'.",
            compile_hint(script, root) or "Names are compared exactly, case included.",
        )
    elif script.suffix not in LANGUAGES:
        hint = f"Scripts here end in {', '.join(LANGUAGES)}; TypeScript is compiled first."
        yield Fault(place, f"The language of '{script.name}' is not known.", hint)


def _binding_faults(document: Mapping[str, Any], settings: Settings, config: HostConfig) -> Iterator[Fault]:
    entries = document.get("bindings")
    if not isinstance(entries, list) or not entries:
        yield Fault("/bindings" if "bindings" in document else "", "At least one binding must be declared.")
        return
    for index, entry in enumerate(entries):
        yield from _under(f"/bindings/{index}", entry_faults(entry, settings.get, config.has_bundle))
    objects = {index: entry for index, entry in enumerate(entries) if isinstance(entry, dict)}
    yield from _trigger_faults(objects)
    yield from _twin_faults(objects)


def _trigger_faults(entries: Mapping[int, Mapping[str, Any]]) -> Iterator[Fault]:
    triggers = [index for index, entry in entries.items() if is_trigger(entry)]
    if not triggers:
        yield Fault("/bindings", "No trigger binding specified.", "Add one, such as an httpTrigger.")
    for index in triggers[1:]:
        yield Fault(f"/bindings/{index}", "Multiple trigger bindings defined.", "A function has exactly one.")


def _twin_faults(entries: Mapping[int, Mapping[str, Any]]) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, entry in entries.items():
        name = spelled(COMMON, entry).get("name")
        if not isinstance(name, str):
            continue
        if name.lower() in seen:
            place = f"/bindings/{index}{pointer(entry, 'name')}"
            yield Fault(place, f"Multiple bindings with name '{name}' discovered.")
        seen.add(name.lower())


def _under(pointer: str, found: Iterable[Fault]) -> Iterator[Fault]:
    return (replace(fault, pointer=pointer + fault.pointer) for fault in found)
