"""Files to App: everything is read here, checked, and every problem told with its file and place.

`documents` reads files, `localsettings` and `hostjson` the two that configure an app, `folders` finds the functions,
`functions` and `entries` read them, `checks` looks across them, `remarks` tells what is merely worth knowing.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from fnhost.bindings.contract import BindingError
from fnhost.bindings.registry import binding_types
from fnhost.host.app import App, Function, HostConfig, Settings
from fnhost.host.errors import AppError, Problem, StartError
from fnhost.host.load import hostjson, localsettings, warnings
from fnhost.host.load.checks import (
    Functions,
    duplicates,
    foreign_language,
    language_of,
    route_conflicts,
    runtime_problems,
    storage_problems,
)
from fnhost.host.load.folders import Folder, find_folders, only_named
from fnhost.host.load.functions import read_function

NO_PROJECT = (
    f"Unable to find project root. Expecting to find one of {hostjson.FILE}, {localsettings.FILE} in project root."
)


def find_root(start: Path) -> Path:
    """The app that `start` is in: the nearest folder upwards that looks like one. Raises StartError."""
    start = Path(os.path.abspath(start))
    for folder in (start, *start.parents):
        if _is_project(folder):
            return folder
    raise StartError(NO_PROJECT)


def load(root: Path, environment: Mapping[str, str], only: Sequence[str] = ()) -> App:
    """The app in `root`. `environment` is the shell's; `only` names the functions to keep, empty for all.

    Raises AppError if the app as a whole cannot be served, StartError if an installed package of binding types is
    unusable. A function with problems is left out, and told about in `App.problems`.
    """
    _require_binding_types()
    root = Path(os.path.abspath(root))
    if not _is_project(root):
        raise AppError([Problem(hostjson.FILE, "", NO_PROJECT, 'Write a host.json with {"version": "2.0"}.')])
    local = localsettings.read_local(root)
    merged = localsettings.merge(environment, local)
    config, config_problems = hostjson.read_host(root, merged.environment)
    allowed = tuple(only) or config.functions
    read, problems = _read_functions(only_named(find_folders(root), allowed), merged, config)
    functions, conflicts = _without_conflicts(read, merged)
    fatal = [*config_problems, *runtime_problems(read, merged), *storage_problems(read, merged)]
    if fatal:
        raise AppError([*fatal, *local.problems, *problems, *conflicts])
    return App(
        root=root,
        language=language_of(functions, merged),
        functions=tuple(functions.values()),
        settings=merged,
        config=config,
        problems=(*local.problems, *problems, *conflicts),
        warnings=(
            *localsettings.setting_warnings(root, environment, local),
            *warnings.root_warnings(root, merged),
            *warnings.allow_list_warnings(allowed),
            *warnings.function_warnings(functions, merged),
        ),
    )


def _require_binding_types() -> None:
    try:
        binding_types()
    except BindingError as error:
        raise StartError(str(error)) from error


def _is_project(folder: Path) -> bool:
    return (folder / hostjson.FILE).is_file() or (folder / localsettings.FILE).is_file()


def _read_functions(
    folders: Sequence[Folder], settings: Settings, config: HostConfig
) -> tuple[Functions, list[Problem]]:
    """Those that can be read, and what is wrong with the others."""
    functions: dict[Folder, Function] = {}
    problems: list[Problem] = []
    for folder in folders:
        found = read_function(folder, settings, config)
        if isinstance(found, Function):
            functions[folder] = found
        else:
            problems += found
    return functions, problems


def _without_conflicts(functions: Functions, settings: Settings) -> tuple[Functions, list[Problem]]:
    """Those that can live together, and what is wrong with the others."""
    problems: list[Problem] = []
    for check in (duplicates, partial(foreign_language, settings=settings), route_conflicts):
        found = list(check(functions))
        refused = {problem.file for problem in found}
        functions = {folder: function for folder, function in functions.items() if folder.file not in refused}
        problems += found
    return functions, problems
