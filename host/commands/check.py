"""`fnhost check`: everything that is wrong with an app, found as `fnhost start` would find it, but not served."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from fnhost.host.app import App, Function
from fnhost.host.assembly.generation import loaded
from fnhost.host.assembly.servable import servable, uses_durable
from fnhost.host.errors import AppError, Problem, StartError, WorkerError
from fnhost.host.listing import error_lines, function_member, listing
from fnhost.host.load.app import load
from fnhost.host.load.warnings import unknown_names
from fnhost.host.logging.log import Log
from fnhost.host.options import PORT
from fnhost.host.system.open_files import system_error
from fnhost.host.text import json_line, printable
from fnhost.host.worker.commands import missing_modules, runnable
from fnhost.host.worker.standby import StandbyWorkers
from fnhost.host.worker.toolchains import TOOLCHAINS

BASE = f"http://localhost:{PORT}"
NO_FUNCTIONS = "No job functions found."
NO_FUNCTIONS_HINT = "A function is a folder with a function.json, beside host.json or in functions/."
STATIC = "{} declares functions in code, which only a worker can list: they are not checked with --static."


@dataclass(frozen=True, slots=True)
class Findings:
    """What is there, what is wrong, and what is worth knowing. `app` holds the functions that can be served."""

    app: App | None
    problems: tuple[Problem, ...]
    warnings: tuple[str, ...] = ()


def check(
    root: Path,
    environment: Mapping[str, str],
    only: Sequence[str],
    interpreters: Mapping[str, str],
    *,
    is_static: bool = False,
    as_json: bool = False,
) -> int:
    """Print what is found; 1 if anything is wrong, else 0. Raises StartError."""
    found = find(root, environment, only, interpreters, is_static=is_static)
    for text in [json_line(_members(found))] if as_json else _lines(found):
        print(printable(text))
    return 1 if found.problems else 0


def find(
    root: Path,
    environment: Mapping[str, str],
    only: Sequence[str],
    interpreters: Mapping[str, str],
    *,
    is_static: bool = False,
) -> Findings:
    """`is_static`: by the files alone, without a worker that loads the app."""
    try:
        app = servable(load(root, environment, only))
        loading = Findings(app, ()) if is_static else asyncio.run(_loaded(app, interpreters, only))
        assert loading.app
        app, warnings = loading.app, loading.app.warnings
        if is_static:
            warnings = (*warnings, *map(STATIC.format, app.index_files.values()))
        problems = (*app.problems, *loading.problems, *_of_the_whole(app, only))
    except AppError as error:
        return Findings(None, error.problems)
    except OSError as error:
        return Findings(None, (Problem(".", "", f"The app cannot be read: {system_error(error)}"),))
    return Findings(_without_broken(app, problems), problems, warnings)


def _of_the_whole(app: App, only: Sequence[str]) -> Iterator[Problem]:
    """Raises AppError."""
    names = [function.name for function in app.functions] + [each.function or "" for each in app.problems]
    yield from (Problem("--functions", "", text) for text in unknown_names(only, names))
    if not app.functions and not app.problems and not app.index_files:
        yield Problem(".", "", NO_FUNCTIONS, NO_FUNCTIONS_HINT)
    if uses_durable(app):
        from fnhost.host.durable.config import read_durable  # many apps have none

        read_durable(app)


async def _loaded(app: App, interpreters: Mapping[str, str], only: Sequence[str]) -> Findings:
    """What a worker says that loads the app. Raises AppError."""
    if not app.languages:
        return Findings(app, ())
    log, ending = Log(), asyncio.Event()
    ending.set()
    try:
        app, commands = runnable(app, interpreters)
        async with StandbyWorkers(log) as standby:
            async with loaded(app, commands, standby, log, ending, asyncio.Event(), only=only) as fresh:
                found = list(_failures(fresh.app, fresh.failures))
                told = [*fresh.failures.values(), *(problem.message for problem in fresh.app.problems)]
                for run in commands:
                    if missing := missing_modules([run], told):
                        found.append(Problem(TOOLCHAINS[run.language].project_file, "", missing))
                return Findings(fresh.app, tuple(found))
    except (StartError, WorkerError) as error:
        return Findings(app, (Problem(".", "", str(error)),))


def _failures(app: App, failures: Mapping[str, str]) -> Iterator[Problem]:
    by_name = {function.name: function for function in app.functions}
    for name, text in failures.items():
        yield Problem(_file(by_name[name], app), "", text, function=name)


def _file(function: Function, app: App) -> str:
    return function.script.relative_to(app.root).as_posix() if app.root in function.script.parents else function.source


def _without_broken(app: App, problems: Sequence[Problem]) -> App:
    broken = {problem.function for problem in problems}
    return replace(app, functions=tuple(each for each in app.functions if each.name not in broken))


def _lines(found: Findings) -> Iterator[str]:
    if found.app and found.app.functions:
        yield listing(found.app, BASE)
    yield from found.warnings
    yield from error_lines(found.problems)
    count = len(found.app.functions) if found.app else 0
    yield f"Functions that can be served: {count}. Problems: {len(found.problems)}."


def _members(found: Findings) -> Mapping[str, object]:
    return {
        "functions": [function_member(each, found.app, BASE) for each in found.app.functions] if found.app else [],
        "problems": [asdict(problem) for problem in found.problems],
        "warnings": list(found.warnings),
    }
