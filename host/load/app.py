"""Reads an app: its settings, host.json, functions, and what is wrong with them."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from fnhost.bindings.contract import BindingError
from fnhost.bindings.registry import binding_types
from fnhost.host.app import App, Function, Settings
from fnhost.host.errors import AppError, Problem, StartError
from fnhost.host.load import hostjson, hostkeys, localsettings, warnings
from fnhost.host.load.checks import Functions, language_of, runtime_problems, storage_problems
from fnhost.host.load.conflicts import without_conflicts
from fnhost.host.load.folders import find_folders, only_named
from fnhost.host.load.functions import read_function
from fnhost.host.load.models import ReadFolders, find_index_files, in_force
from fnhost.host.load.processes import process_warnings
from fnhost.host.load.root import HOST_FILE, NO_PROJECT, is_project
from fnhost.host.load.sources import FunctionSource
from fnhost.host.load.unhonoured import unhonoured_warnings
from fnhost.host.worker.toolchains import TOOLCHAINS, likely_toolchain, unbuilt


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
    folders = find_folders(root)
    read = {folder: read_function(folder, merged, config) for folder in only_named(folders, allowed)}
    index_files = find_index_files(root, merged, read)
    sound, unsound = _sorted_out(in_force(read, index_files))
    functions, conflicts = without_conflicts(sound)
    problems = [*local.problems, *unsound, *conflicts]
    languages = {*index_files, *(function.language for function in sound.values())}
    told = runtime_problems(() if allowed else languages, merged)
    if fatal := [*config_problems, *told, *storage_problems(sound, merged)]:
        raise AppError([*fatal, *problems])
    return App(
        root=root,
        language=language_of(languages, merged),
        functions=tuple(functions.values()),
        settings=merged,
        config=config,
        problems=tuple(problems),
        warnings=(
            *localsettings.setting_warnings(root, environment, local),
            *warnings.root_warnings(root),
            *process_warnings(merged),
            *([sentence] if not sound and (sentence := unbuilt(root)) else []),
            *_toolchain_warnings(root, languages or {likely_toolchain(merged, root).language}, merged),
            *hostkeys.key_warnings(config.raw),
            *unhonoured_warnings(config.raw),
            *warnings.log_level_warnings(config.log_levels),
            *warnings.prefix_warnings(config.extensions),
            *warnings.allow_list_warnings(allowed),
            *(() if index_files else warnings.unknown_names(allowed, [folder.name for folder in folders])),
            *(() if index_files else warnings.function_warnings(functions, merged)),
        ),
        index_files=index_files,
    )


def _toolchain_warnings(root: Path, languages: Iterable[str], settings: Settings) -> Iterator[str]:
    for language in languages:
        yield from TOOLCHAINS[language].setting_warnings(root, settings)


def _require_binding_types() -> None:
    try:
        binding_types()
    except BindingError as error:
        raise StartError(str(error)) from error


def _sorted_out(read: ReadFolders) -> tuple[Functions, Sequence[Problem]]:
    """The functions that can be read, and what is wrong with the others."""
    functions: dict[FunctionSource, Function] = {}
    problems: list[Problem] = []
    for folder, found in read.items():
        if isinstance(found, Function):
            functions[folder] = found
        else:
            problems += found
    return functions, problems
