"""Functions declared in code, as their worker has listed them (platform/app-files.md 7)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from fnhost.bindings.schema import Violation, normalized, validate
from fnhost.host.app import App, Function, HostConfig, IndexedFunction, Settings
from fnhost.host.errors import AppError, Problem
from fnhost.host.load import retry, warnings
from fnhost.host.load.checks import Functions, runtime_problems, storage_problems
from fnhost.host.load.conflicts import without_conflicts
from fnhost.host.load.entries import read_entry
from fnhost.host.load.functions import NAME, binding_violations, is_disabled
from fnhost.host.load.sources import FunctionSource


@dataclass(frozen=True, slots=True)
class CannotList:
    """Why a worker could not list the functions."""

    why: str


Listing: TypeAlias = Sequence[IndexedFunction] | CannotList | None
"""What a worker says of the functions declared in code; None if folders declare them."""
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


def complete(app: App, listings: Mapping[str, Listing], only: Sequence[str] = ()) -> App:
    """The app with the functions that its workers listed, by language; `only` names those to keep, empty for all.

    Raises AppError if the app as a whole cannot be served. A function with problems is left out, and told about. Of a
    language that cannot be listed there are no functions but those of folders, and a problem that says why.
    """
    allowed = {name.lower() for name in (only or app.config.functions)}
    functions, problems = _in_folders(app, listings)
    languages = {function.language for function in functions.values()}
    for language, listing in listings.items():
        if isinstance(listing, CannotList):
            if language not in languages:  # else the load of each function says it
                message = f"Worker failed to index functions: {listing.why}"
                problems.append(Problem(app.index_files[language], "", message))
            continue
        for indexed in listing or ():
            if not allowed or indexed.name.lower() in allowed:
                source = Declaration(indexed.name, indexed.file or app.index_files[language], indexed.line)
                found = _read(indexed, source, app, language)
                if isinstance(found, Function):
                    functions[source] = found
                else:
                    problems += found
    return _settled(app, functions, problems, is_whole=not allowed)


def _in_folders(app: App, listings: Mapping[str, Listing]) -> tuple[dict[FunctionSource, Function], list[Problem]]:
    """The functions that folders declare, but those of a language whose functions are declared in code."""
    functions: dict[FunctionSource, Function] = {}
    problems: list[Problem] = []
    for function in app.functions:
        source = Declaration(function.name, function.source)
        if isinstance(listings.get(function.language), Sequence):
            problems.append(mixed_problem(source, app.index_files[function.language]))
        else:
            functions[source] = function
    return functions, problems


def _read(indexed: IndexedFunction, source: Declaration, app: App, language: str) -> Function | Sequence[Problem]:
    """The function, or everything that is wrong with it."""
    if found := list(_violations(indexed, app.settings, app.config)):
        return [Problem(source.file, one.pointer, one.message, one.hint, indexed.name) for one in found]
    return _function(indexed, source, app, language)


def _settled(app: App, functions: Functions, problems: Sequence[Problem], is_whole: bool) -> App:
    """Raises AppError."""
    kept, conflicts = without_conflicts(dict(sorted(functions.items(), key=lambda item: item[0].name.upper())))
    languages = {function.language for function in kept.values()} if is_whole else ()
    if fatal := [*runtime_problems(languages, app.settings), *storage_problems(kept, app.settings)]:
        raise AppError([*fatal, *problems, *conflicts])
    return replace(
        app,
        functions=tuple(kept.values()),
        problems=(*app.problems, *problems, *conflicts),
        warnings=(*app.warnings, *warnings.function_warnings(kept, app.settings)),
        index_files={},
    )


def mixed_problem(folder: FunctionSource, index_file: str) -> Problem:
    """Of a folder that is not loaded because functions are declared in code."""
    return Problem(folder.file, "", MIXED.format(index_file), MIXED_HINT.format(index_file), folder.name)


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


def _function(indexed: IndexedFunction, source: Declaration, app: App, language: str) -> Function:
    document = _document(indexed)
    return Function(
        name=indexed.name,
        directory=indexed.directory,
        script=Path(indexed.directory, indexed.script),
        entry_point=indexed.entry_point,
        language=language,
        bindings=tuple(read_entry(entry, app.settings.get) for entry in document["bindings"]),
        disabled=is_disabled(indexed.name, app.settings),
        retry=retry.read(normalized(retry.SCHEMA, indexed.retry)) if indexed.retry else app.config.retry,
        config={**document, "language": language},
        source=source.file,
        line=indexed.line,
        id=indexed.id,
        is_indexed=True,
    )
