"""`fnhost keys list|set|delete`: the keys that `fnhost start --enable-auth` demands (platform/keys-and-admin.md 2)."""

import os
from collections.abc import Sequence
from pathlib import Path

from fnhost.bindings.spelling import did_you_mean
from fnhost.host.commands.indexing import with_functions
from fnhost.host.errors import AppError, StartError, WorkerError
from fnhost.host.load.app import load
from fnhost.host.load.folders import find_folders
from fnhost.host.load.localsettings import merge, read_local
from fnhost.host.web.keys import HOST, MASTER, SYSTEM, Keys, function_scope
from fnhost.host.worker.toolchains import TOOLCHAINS


def list_keys(root: Path, function: str | None, system: bool) -> int:
    """Raises StartError."""
    named = _keys(root).of(_scope(root, function, system))
    for name, value in named.items():
        print(f"{name}\t{value}")
    return 0


def set_key(root: Path, name: str, value: str | None, function: str | None, system: bool) -> int:
    """Set a key, to a new value unless one is given, and print it. Raises StartError."""
    keys, scope = _keys(root), _scope(root, function, system)
    try:
        keys.put(scope, name, value)
    except ValueError as error:
        raise StartError(str(error)) from error
    print(f"{name}\t{keys.of(scope)[name]}")
    return 0


def delete_key(root: Path, name: str, function: str | None, system: bool) -> int:
    """Raises StartError."""
    keys, scope = _keys(root), _scope(root, function, system)
    if scope == SYSTEM or name == MASTER:
        raise StartError(f"The key '{name}' cannot be deleted: the host needs it. Give it a new value with keys set.")
    if name not in keys.of(scope):
        raise StartError(f"There is no key '{name}' here. Known: {', '.join(keys.of(scope))}.")
    keys.drop(scope, name)
    return 0


def _keys(root: Path) -> Keys:
    return Keys.of_app(root)


def _scope(root: Path, function: str | None, system: bool) -> str:
    """Raises StartError if no function has this name."""
    if system or not function:
        return SYSTEM if system else HOST
    names = _functions(root)
    if function.lower() not in map(str.lower, names):
        hint = did_you_mean(function, names) or f"Known: {', '.join(names) or 'none'}."
        raise StartError(f"There is no function '{function}'. {hint}")
    return function_scope(function)


def _functions(root: Path) -> Sequence[str]:
    """Also of functions that have a problem. Of those declared in code only a worker can tell. Raises StartError."""
    folders = [folder.name for folder in find_folders(root)]
    if not _declares_in_code(root):
        return folders
    try:
        app = with_functions(load(root, os.environ), {}, ())
    except (AppError, WorkerError) as error:
        raise StartError(f"The app's functions cannot be read: {error}") from error
    broken = (problem.function for problem in app.problems if problem.function)
    return sorted({*folders, *(function.name for function in app.functions), *broken})


def _declares_in_code(root: Path) -> bool:
    settings = merge(os.environ, read_local(root))
    return any(toolchain.index_file(root, settings) for toolchain in TOOLCHAINS.values())
