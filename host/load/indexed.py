"""Functions declared in code, as their worker has listed them (platform/app-files.md 7)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fnhost.bindings.schema import Violation, normalized, validate
from fnhost.host.app import App, Function, HostConfig, IndexedFunction, Settings
from fnhost.host.errors import AppError, Problem
from fnhost.host.load import retry, warnings
from fnhost.host.load.checks import storage_problems
from fnhost.host.load.conflicts import without_conflicts
from fnhost.host.load.entries import read_entry
from fnhost.host.load.functions import NAME, binding_violations, is_disabled
from fnhost.host.load.sources import FunctionSource

MIXED = (
    "Detected mixed function app. Some functions may not be indexed: {} declares functions in code, and this folder "
    "with a function.json is not loaded."
)
MIXED_HINT = "Move all functions to one model: declare this one in code too, or remove {}."


@dataclass(frozen=True, slots=True)
class Declaration:
    """Where a function is declared in code."""

    name: str
    place: str
    line: int = 0

    @property
    def file(self) -> str:
        return f"{self.place} line {self.line}" if self.line else self.place


def complete(app: App, listed: Sequence[IndexedFunction], only: Sequence[str] = ()) -> App:
    """The app with the functions that its worker listed; `only` names those to keep, empty for all.

    Raises AppError if the app as a whole cannot be served. A function with problems is left out, and told about.
    """
    allowed = {name.lower() for name in (only or app.config.functions)}
    functions: dict[FunctionSource, Function] = {}
    problems: list[Problem] = []
    for indexed in sorted(listed, key=lambda each: each.name.upper()):
        if allowed and indexed.name.lower() not in allowed:
            continue
        source = Declaration(indexed.name, indexed.file or app.index_file, indexed.line)
        if found := list(_violations(indexed, app.settings, app.config)):
            problems += [Problem(source.file, one.pointer, one.message, one.hint, indexed.name) for one in found]
        else:
            functions[source] = _function(indexed, source, app)
    kept, conflicts = without_conflicts(functions, app.settings)
    if fatal := list(storage_problems(kept, app.settings)):
        raise AppError([*fatal, *problems, *conflicts])
    told = warnings.function_warnings(kept, app.settings)
    return replace(
        app,
        functions=tuple(kept.values()),
        problems=(*app.problems, *problems, *conflicts),
        warnings=(*app.warnings, *told),
        index_file="",
    )


def mixed_problems(folders: Sequence[FunctionSource], index_file: str) -> Iterator[Problem]:
    """A problem for each folder that is not loaded because functions are declared in code."""
    for folder in folders:
        yield Problem(folder.file, "", MIXED.format(index_file), MIXED_HINT.format(index_file), folder.name)


def _document(indexed: IndexedFunction) -> Mapping[str, Any]:
    """The function.json that the declaration stands for. Raises ValueError."""
    return {
        "name": indexed.name,
        "entryPoint": indexed.entry_point,
        "scriptFile": indexed.script,
        "functionDirectory": str(indexed.directory),
        "bindings": [json.loads(text) for text in indexed.bindings],
        **({"retry": indexed.retry} if indexed.retry else {}),
    }


def _violations(indexed: IndexedFunction, settings: Settings, config: HostConfig) -> Iterator[Violation]:
    if indexed.failure:
        yield Violation("", indexed.failure)
        return
    if not NAME.fullmatch(indexed.name) or indexed.name.lower() == "host":
        hint = "Write letters, digits, - and _, a letter first, and not host."
        yield Violation("", f"'{indexed.name}' is not a valid function name.", hint)
    try:
        document = _document(indexed)
    except ValueError as error:
        yield Violation("", f"The worker listed a binding that is no JSON: {error}.")
        return
    yield from binding_violations(document, settings, config, in_code=True)
    if indexed.retry:
        yield from (replace(one, pointer=f"/retry{one.pointer}") for one in validate(retry.SCHEMA, indexed.retry))


def _function(indexed: IndexedFunction, source: Declaration, app: App) -> Function:
    document = _document(indexed)
    return Function(
        name=indexed.name,
        directory=indexed.directory,
        script=Path(indexed.directory, indexed.script),
        entry_point=indexed.entry_point,
        language=app.language,
        bindings=tuple(read_entry(entry, app.settings.get) for entry in document["bindings"]),
        disabled=is_disabled(indexed.name, app.settings),
        retry=retry.read(normalized(retry.SCHEMA, indexed.retry)) if indexed.retry else app.config.retry,
        config={**document, "language": app.language},
        source=source.file,
        id=indexed.id,
        is_indexed=True,
    )
