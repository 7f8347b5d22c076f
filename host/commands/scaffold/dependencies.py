"""The package that durable functions need, named in the app's requirements.txt or package.json."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fnhost.host.commands.scaffold.files import read_text, write_text
from fnhost.host.commands.scaffold.models import NODE, NODE_V3, NODE_V4, PYTHON, Model
from fnhost.host.errors import StartError

REQUIREMENTS, PACKAGE_FILE = "requirements.txt", "package.json"
PYTHON_PACKAGE, NODE_PACKAGE = "azure-functions-durable", "durable-functions"
NODE_VERSIONS: Mapping[Model, str] = {NODE_V3: "^2.1.3", NODE_V4: "^3.0.0"}
"""The line of durable-functions for each model."""


def add_durable(root: Path, model: Model) -> str:
    """The name of the file that was changed; empty if it names the package already. Raises StartError."""
    if model.runtime == PYTHON:
        return _add_requirement(root / REQUIREMENTS)
    return _add_package(root, model) if model.runtime == NODE else ""


def _add_requirement(file: Path) -> str:
    text = read_text(file) if file.exists() else ""
    if re.search(rf"^\s*{PYTHON_PACKAGE.replace('-', '[-_.]+')}\b", text, re.MULTILINE | re.IGNORECASE):
        return ""
    newline = "\r\n" if "\r\n" in text else "\n"
    before = f"{text}{newline}" if text and not text.endswith("\n") else text
    write_text(file, f"{before}{PYTHON_PACKAGE}{newline}")
    return REQUIREMENTS


def _add_package(root: Path, model: Model) -> str:
    file = root / PACKAGE_FILE
    package = _parsed(file) if file.exists() else {}
    dependencies = package.setdefault("dependencies", {})
    if not isinstance(dependencies, dict):
        raise StartError(f"{PACKAGE_FILE}#/dependencies: An object is expected. Mend it first.")
    if NODE_PACKAGE in dependencies:
        return ""
    dependencies[NODE_PACKAGE] = NODE_VERSIONS[model.family]
    write_text(file, f"{json.dumps(package, indent=2, ensure_ascii=False)}\n")
    return PACKAGE_FILE


def _parsed(file: Path) -> dict[str, Any]:
    try:
        package = json.loads(read_text(file))
    except ValueError as error:
        raise StartError(f"{PACKAGE_FILE}: {error}. Mend it first.") from error
    if not isinstance(package, dict):
        raise StartError(f"{PACKAGE_FILE}: An object is expected. Mend it first.")
    return package
