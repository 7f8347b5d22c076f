"""Where the functions of each language are declared: in folders with a function.json, or in code."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from fnhost.host.app import Function, Settings
from fnhost.host.errors import Problem
from fnhost.host.load.folders import Folder
from fnhost.host.load.indexed import mixed_problem
from fnhost.host.worker.toolchains import BY_SUFFIX, RUNTIME, TOOLCHAINS

ReadFolders = Mapping[Folder, Function | tuple[Problem, ...]]
"""The function of each folder, or what is wrong with it."""


def find_index_files(root: Path, settings: Settings, read: ReadFolders) -> Mapping[str, str]:
    """By language the file of the app that makes its worker list the functions.

    Such a file counts if the app's setting or a folder names the language, or if it can be there for nothing else.
    """
    runtime = (settings.get(RUNTIME) or "").lower()
    if runtime in TOOLCHAINS and TOOLCHAINS[runtime].handler:
        return {}  # its files may be in any language, and declare nothing
    languages = {runtime, *(found.language for found in read.values() if isinstance(found, Function))}
    files = {each.language: file for each in TOOLCHAINS.values() if (file := each.index_file(root, settings))}
    certain = {name: file for name, file in files.items() if name in languages or _is_certain(name, root)}
    return certain if certain or languages != {""} else dict([*files.items()][:1])


def _is_certain(language: str, root: Path) -> bool:
    return TOOLCHAINS[language].is_index_certain(root)


def in_force(read: ReadFolders, index_files: Mapping[str, str]) -> ReadFolders:
    """What is read, with a problem for each folder that does not count because code declares the functions."""
    replaced = {name: file for name, file in index_files.items() if TOOLCHAINS[name].index_replaces_folders}
    if not replaced:
        return read
    return {folder: _in_force(folder, found, replaced) for folder, found in read.items()}


def _in_force(
    folder: Folder, found: Function | tuple[Problem, ...], replaced: Mapping[str, str]
) -> Function | tuple[Problem, ...]:
    languages = {found.language} if isinstance(found, Function) else set(_languages(folder)) or {*replaced}
    file = next((file for language, file in replaced.items() if language in languages), None)
    return (mixed_problem(folder, file),) if file else found


def _languages(folder: Folder) -> Iterator[str]:
    """Those of the scripts in a folder whose function cannot be read."""
    suffixes = (Path(name).suffix for name in os.listdir(folder.directory))
    return (BY_SUFFIX[suffix].language for suffix in suffixes if suffix in BY_SUFFIX)
