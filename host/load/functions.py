"""A function folder: its problems, or the Function that it declares (platform/app-files.md 2 to 6)."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from fnhost.bindings.schema import Violation, normalized, pointer, validate
from fnhost.bindings.spelling import did_you_mean
from fnhost.host.app import Function, HostConfig, Settings
from fnhost.host.errors import Problem
from fnhost.host.load import retry
from fnhost.host.load.documents import UnreadableFile, read_object
from fnhost.host.load.entries import COMMON, entry_violations, is_trigger, read_entry
from fnhost.host.load.expressions import expression_violations
from fnhost.host.load.folders import Folder, default_script, exists_exactly
from fnhost.host.load.typescript import compile_hint
from fnhost.host.worker.toolchains import BY_SUFFIX
from fnhost.host.worker.toolchains.custom import CUSTOM, runs_handler
from fnhost.host.worker.toolchains.toolchain import Toolchain

MEMBERS = (
    *("bindings", "scriptFile", "entryPoint", "disabled", "retry", "configurationSource", "excluded", "generatedBy"),
    *("language", "functionDirectory", "name", "$schema", "properties", "metadata"),
)
"""Of a function.json; names are compared exactly."""
NAME = re.compile(r"[a-z][a-z0-9_-]{0,127}", re.IGNORECASE)


def read_function(folder: Folder, settings: Settings, config: HostConfig) -> Function | tuple[Problem, ...]:
    """The function, or everything that is wrong with it."""
    try:
        document = read_object(folder.directory / folder.files[0])
    except UnreadableFile as error:
        return _problems(folder, [*_folder_violations(folder), Violation(error.place, error.message)])
    found = [*_folder_violations(folder), *_document_violations(folder, document, settings, config)]
    return _problems(folder, found) if found else _function(folder, document, settings, config)


def _problems(folder: Folder, found: Iterable[Violation]) -> tuple[Problem, ...]:
    return tuple(Problem(folder.file, fault.pointer, fault.message, fault.hint, folder.name) for fault in found)


def _function(folder: Folder, document: Mapping[str, Any], settings: Settings, config: HostConfig) -> Function:
    script, toolchain = _code(folder, document, settings, config)
    return Function(
        name=folder.name,
        directory=folder.directory,
        script=script,
        entry_point=document.get("entryPoint") or toolchain.default_entry_point,
        language=toolchain.language,
        bindings=tuple(read_entry(entry, settings.get) for entry in document["bindings"]),
        disabled=is_disabled(folder.name, settings),
        retry=retry.read(normalized(retry.SCHEMA, document["retry"])) if _has_retry(document) else config.retry,
        config=document,
        source=folder.file,
    )


def _code(
    folder: Folder, document: Mapping[str, Any], settings: Settings, config: HostConfig
) -> tuple[Path, Toolchain]:
    """The file that holds the function, or its function.json for one of a custom handler; and its language."""
    if runs_handler(settings, config):
        return folder.directory / folder.files[0], CUSTOM
    script = _script(folder, document)
    assert script, "a function without faults has a script"
    return script, BY_SUFFIX[script.suffix]


def misspelled_members(document: Mapping[str, Any]) -> Iterator[str]:
    """A sentence for each member of a function.json that is nearly one which the platform reads."""
    for name in document:
        if name not in MEMBERS and (hint := did_you_mean(name, MEMBERS)):
            yield f"'{name}' is not known. {hint}"


def is_disabled(name: str, settings: Settings) -> bool:
    """By app settings alone: `disabled` in the file does nothing (platform/app-files.md 5)."""
    values = (settings.get(f"AzureWebJobs.{name}.Disabled"), settings.get(f"AzureWebJobs_{name}_Disabled"))
    return any(value is not None and value.lower() in ("true", "1") for value in values)


def _has_retry(document: Mapping[str, Any]) -> bool:
    return document.get("retry") is not None


def _folder_violations(folder: Folder) -> Iterator[Violation]:
    if not NAME.fullmatch(folder.name) or folder.name.lower() == "host":
        hint = "Rename the folder: letters, digits, - and _, a letter first, and not host."
        yield Violation("", f"'{folder.name}' is not a valid function name.", hint)
    if len(folder.files) > 1:
        yield Violation("", f"The folder has both {' and '.join(folder.files)}.", "Keep one of them.")


def _document_violations(
    folder: Folder, document: Mapping[str, Any], settings: Settings, config: HostConfig
) -> Iterator[Violation]:
    yield from _property_violations(folder, document, needs_script=not runs_handler(settings, config))
    yield from binding_violations(document, settings, config)
    if _has_retry(document):
        yield from _under("/retry", validate(retry.SCHEMA, document["retry"]))


def _property_violations(folder: Folder, document: Mapping[str, Any], *, needs_script: bool) -> Iterator[Violation]:
    wrong = [key for key in ("scriptFile", "entryPoint") if not isinstance(document.get(key, ""), str | None)]
    yield from (Violation(f"/{key}", f"'{key}' must be a string.") for key in wrong)
    source = document.get("configurationSource")
    if source not in (None, "config", "attributes"):
        message = f"Illegal value '{source}' for 'configurationSource' property in {folder.name}."
        yield Violation("/configurationSource", message, "Write config or attributes, or leave it out.")
    if needs_script and "scriptFile" not in wrong:
        yield from _script_violations(_script(folder, document), document, _root(folder))


def _script(folder: Folder, document: Mapping[str, Any]) -> Path | None:
    name = document.get("scriptFile") or default_script(folder.directory)
    return Path(os.path.normpath(folder.directory / name)) if name else None


def _root(folder: Folder) -> Path:
    """Of the app that it is a folder of."""
    return folder.directory.parents[folder.place.count("/")]


def _script_violations(script: Path | None, document: Mapping[str, Any], root: Path) -> Iterator[Violation]:
    place = "/scriptFile" if document.get("scriptFile") else ""
    if not script:
        hint = "Name it in a 'scriptFile' property, or call it __init__.py or index.js."
        yield Violation("", "Unable to determine the primary function script.", hint)
    elif not exists_exactly(script):
        message = "The 'scriptFile' property is set to a file that does not exist"
        yield Violation(
            place,
            f"Invalid script file name configuration. {message}: '{script}'.",
            compile_hint(script, root) or "Names are compared exactly, case included.",
        )
    elif script.suffix not in BY_SUFFIX:
        hint = f"Scripts here end in {', '.join(BY_SUFFIX)}; TypeScript is compiled first."
        yield Violation(place, f"The language of '{script.name}' is not known.", hint)


def binding_violations(
    document: Mapping[str, Any], settings: Settings, config: HostConfig, in_code: bool = False
) -> Iterator[Violation]:
    """What is wrong with the bindings of a function.json, or of a declaration in code that stands for one."""
    entries = document.get("bindings")
    if not isinstance(entries, list) or not entries:
        hint = next((text for text in misspelled_members(document) if "'bindings'" in text), "")
        yield Violation("/bindings" if "bindings" in document else "", "At least one binding must be declared.", hint)
        return
    is_sound = True
    for index, entry in enumerate(entries):
        for violation in entry_violations(entry, settings.get, config.has_bundle, in_code):
            is_sound = False
            yield replace(violation, pointer=f"/bindings/{index}{violation.pointer}")
    if is_sound:
        read = [read_entry(entry, settings.get) for entry in entries]
        yield from _under("/bindings", expression_violations(read))
    objects = {index: entry for index, entry in enumerate(entries) if isinstance(entry, dict)}
    yield from _trigger_violations(objects)
    yield from _duplicate_violations(objects)


def _trigger_violations(entries: Mapping[int, Mapping[str, Any]]) -> Iterator[Violation]:
    triggers = [index for index, entry in entries.items() if is_trigger(entry)]
    if not triggers:
        yield Violation("/bindings", "No trigger binding specified.", "Add one, such as an httpTrigger.")
    for index in triggers[1:]:
        yield Violation(f"/bindings/{index}", "Multiple trigger bindings defined.", "A function has exactly one.")


def _duplicate_violations(entries: Mapping[int, Mapping[str, Any]]) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, entry in entries.items():
        name = normalized(COMMON, entry).get("name")
        if not isinstance(name, str):
            continue
        if name.lower() in seen:
            place = f"/bindings/{index}{pointer(entry, 'name')}"
            yield Violation(place, f"Multiple bindings with name '{name}' discovered.")
        seen.add(name.lower())


def _under(pointer: str, found: Iterable[Violation]) -> Iterator[Violation]:
    return (replace(fault, pointer=pointer + fault.pointer) for fault in found)
