"""Which file of an app makes its worker list the functions (platform/app-files.md 7)."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fnhost.host.app import Settings

PYTHON_FILE = "PYTHON_SCRIPT_FILE_NAME"
PACKAGE_FILE = "package.json"
NODE_LIBRARY = "@azure/functions"
_PYTHON_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]*\.py")


def is_index_file_name(name: str) -> bool:
    """Whether the platform takes this for a name of the file that declares functions."""
    return _PYTHON_NAME.fullmatch(name) is not None


def python_index_file(root: Path, settings: Settings) -> str:
    """`function_app.py`, or what the app's setting names; empty if it is not there."""
    name = settings.get(PYTHON_FILE) or "function_app.py"
    return name if is_index_file_name(name) and (root / name).is_file() else ""


def node_index_file(root: Path, settings: Settings) -> str:
    """`package.json`, if its `main` may register functions: the worker knows whether it does."""
    return PACKAGE_FILE if read_package(root).get("main") else ""


def node_registers(root: Path) -> bool:
    """Whether `main` registers functions for certain: a package.json may also serve tools of an app in Python."""
    dependencies = read_package(root).get("dependencies")
    return isinstance(dependencies, dict) and NODE_LIBRARY in dependencies


def read_package(root: Path) -> Mapping[str, Any]:
    """The app's package.json; empty if it cannot be read."""
    try:
        content = json.loads((root / PACKAGE_FILE).read_text("utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
