"""Reads an app: its settings, host.json, functions, and what is wrong with them."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from fnhost.bindings.contract import BindingError
from fnhost.bindings.registry import binding_types
from fnhost.host.app import App, Function, HostConfig, Settings
from fnhost.host.errors import AppError, Problem, StartError
from fnhost.host.load import hostjson, hostkeys, localsettings, warnings
from fnhost.host.load.checks import Functions, language_of, runtime_problems, storage_problems
from fnhost.host.load.conflicts import without_conflicts
from fnhost.host.load.folders import Folder, find_folders, only_named
from fnhost.host.load.functions import read_function
from fnhost.host.load.indexed import mixed_problems
from fnhost.host.load.root import HOST_FILE, NO_PROJECT, is_project
from fnhost.host.load.sources import FunctionSource
from fnhost.host.worker.toolchains import RUNTIME, TOOLCHAINS, likely_toolchain
from fnhost.host.worker.toolchains.toolchain import Toolchain


def load(root: Path, environment: Mapping[str, str], only: Sequence[str] = ()) -> App:
    """The app in `root`. `environment` is the shell's; `only` names the functions to keep, empty for all.

    Raises AppError if the app as a whole cannot be served, StartError if an installed package of binding types is
    unusable. A function with problems is left out and listed in `App.problems`.
    """
    _require_binding_types()
    root = Path(os.path.abspath(root))
    if not is_project(root):
        raise AppError([Problem(HOST_FILE, "", NO_PROJECT, 'Write a host.json with {"version": "2.0"}.')])
    local = localsettings.read_local(root)
    merged = localsettings.merge(environment, local)
    config, config_problems = hostjson.read_host(root, merged.environment)
    allowed = tuple(only) or config.functions
    folders, index_file = find_folders(root), _index_file(root, merged)
    read, problems = _read_functions(only_named(folders, allowed), merged, config)
    if index_file and _toolchain(root, merged).index_replaces_folders:
        read, problems = {}, list(mixed_problems(folders, index_file))
    functions, conflicts = without_conflicts(read, merged)
    fatal = [*config_problems, *runtime_problems(read, merged), *storage_problems(read, merged)]
    if fatal:
        raise AppError([*fatal, *local.problems, *problems, *conflicts])
    return App(
        root=root,
        language=language_of(functions, merged) or (_toolchain(root, merged).language if index_file else ""),
        functions=tuple(functions.values()),
        settings=merged,
        config=config,
        problems=(*local.problems, *problems, *conflicts),
        warnings=(
            *localsettings.setting_warnings(root, environment, local),
            *warnings.root_warnings(root),
            *_toolchain(root, merged).setting_warnings(root, merged),
            *hostkeys.key_warnings(config.raw),
            *warnings.log_level_warnings(config.log_levels),
            *warnings.allow_list_warnings(allowed),
            *(() if index_file else warnings.unknown_names(allowed, [folder.name for folder in folders])),
            *(() if index_file else warnings.function_warnings(functions, merged)),
        ),
        index_file=index_file,
    )


def _toolchain(root: Path, settings: Settings) -> Toolchain:
    """That of the app's runtime; without one, that whose file declares functions in code."""
    likely = likely_toolchain(settings, root)
    if settings.get(RUNTIME):
        return likely
    return next((each for each in TOOLCHAINS.values() if each.index_file(root, settings)), likely)


def _index_file(root: Path, settings: Settings) -> str:
    """The file that makes the app's worker list its functions; empty if folders declare them."""
    return _toolchain(root, settings).index_file(root, settings)


def _require_binding_types() -> None:
    try:
        binding_types()
    except BindingError as error:
        raise StartError(str(error)) from error


def _read_functions(
    folders: Sequence[Folder], settings: Settings, config: HostConfig
) -> tuple[Functions, list[Problem]]:
    """Those that can be read, and what is wrong with the others."""
    functions: dict[FunctionSource, Function] = {}
    problems: list[Problem] = []
    for folder in folders:
        found = read_function(folder, settings, config)
        if isinstance(found, Function):
            functions[folder] = found
        else:
            problems += found
    return functions, problems
