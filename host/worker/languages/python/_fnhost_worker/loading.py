"""From a function's files to its callable (platform/python-worker.md 1).

Modules are imported as `__app__.<folder>`, where `__app__` is a namespace package over the parents of the functions'
folders: `from . import x`, `from ..shared import y` and `from __app__.shared import y` all work.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import sys
import types
from pathlib import Path
from typing import Any, Callable

from .errors import FunctionLoadError, stack, title

NAMESPACE = "__app__"


class FromSource(importlib.machinery.SourceFileLoader):
    """Compiles an app's module anew in every process: a second save within one second never runs stale bytecode."""

    def get_code(self, fullname: str) -> types.CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def open_namespace(root: str) -> None:
    """Make the app's modules importable: its own, its packages', and the namespace of its functions."""
    packages = os.path.join(root, ".python_packages", "lib", "site-packages")
    if os.path.isdir(packages) and packages not in sys.path:
        sys.path.insert(0, packages)
    if root not in sys.path:
        sys.path.append(root)
    sys.path_hooks.insert(0, _finder_of(root))
    sys.path_importer_cache.clear()
    namespace = types.ModuleType(NAMESPACE, "The functions of this app.")
    namespace.__path__ = []
    sys.modules[NAMESPACE] = namespace


def _finder_of(root: str) -> Callable[[str], importlib.machinery.FileFinder]:
    machinery = importlib.machinery
    loaders = (
        (machinery.ExtensionFileLoader, machinery.EXTENSION_SUFFIXES),
        (FromSource, machinery.SOURCE_SUFFIXES),
        (machinery.SourcelessFileLoader, machinery.BYTECODE_SUFFIXES),
    )

    def find(path: str) -> importlib.machinery.FileFinder:
        is_in_app = (path + os.sep).startswith(root + os.sep) and "site-packages" not in path
        if not is_in_app or not os.path.isdir(path):
            raise ImportError(f"{path} is not the app's own")
        return machinery.FileFinder(path, *loaders)

    return find


def load_callable(name: str, directory: str, script: str, entry_point: str) -> Callable[..., Any]:
    """Raises FunctionLoadError, whose text holds the traceback of what user code raised."""
    parent = os.path.dirname(os.path.normpath(directory))
    module = _import(module_name(script, parent), parent)
    found: Callable[..., Any] | None = getattr(module, entry_point or "main", None)
    if not callable(found):
        raise FunctionLoadError(f"function {entry_point or 'main'}() is not present in {script}")
    return found


def module_name(script: str, parent: str) -> str:
    try:
        place = Path(os.path.normpath(script)).relative_to(parent)
    except ValueError:
        raise FunctionLoadError(f"invalid Python filename {script}: it must lie below {parent}") from None
    parts = place.with_suffix("").parts
    if place.suffix != ".py" or any("." in part for part in parts):
        raise FunctionLoadError(f"invalid Python filename {script}")
    return ".".join((NAMESPACE, *(parts[:-1] if parts[-1] == "__init__" else parts)))


def _import(name: str, parent: str) -> types.ModuleType:
    path: list[str] = sys.modules[NAMESPACE].__path__  # type: ignore[assignment]
    if parent not in path:
        path.append(parent)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise FunctionLoadError(
            f"{title(error)}. Cannot find module. Please check the requirements.txt file for the missing module. "
            f"Current sys.path: {sys.path}\n{stack(error)}"
        ) from error
    except BaseException as error:
        raise FunctionLoadError(f"{title(error)}\n{stack(error)}") from error
