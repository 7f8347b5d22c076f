"""Whether an app uses the storage emulator."""

import re
from pathlib import Path

from fnhost.bindings.registry import binding_types
from fnhost.bindings.storage import BadConnection, resolve
from fnhost.bindings.storage.services import StorageServices
from fnhost.host.app import App, Function
from fnhost.host.emulator import DEVELOPMENT, is_development

REQUIREMENTS = ("requirements.txt", "package.json")
STORAGE_SDK = re.compile(
    r"azure-(?:storage-(?:blob|queue|file)|data-tables)|@azure/(?:storage-|data-tables)", re.IGNORECASE
)
"""Packages by which code uses storage itself."""


def needs_emulator(app: App) -> bool:
    """Whether a binding leads to the emulator, or code that uses storage by itself is given it as a setting."""
    if any(uses_emulator(function, app) for function in app.functions):
        return True
    is_given = any(value.strip().lower() == DEVELOPMENT.lower() for value in app.settings.environment.values())
    return is_given and any(_names_storage(app.root / name) for name in REQUIREMENTS)


def uses_emulator(function: Function, app: App) -> bool:
    """Whether one of the function's bindings leads to the emulator."""
    return any(
        binding_types()[binding.type].services is StorageServices
        and _is_emulator(str(binding.properties.get("connection", "")), app)
        for binding in function.bindings
    )


def _is_emulator(connection: str, app: App) -> bool:
    try:
        return is_development(resolve(connection, app.settings.connection, app.settings.get))
    except BadConnection:
        return False


def _names_storage(file: Path) -> bool:
    return file.is_file() and bool(STORAGE_SDK.search(file.read_text("utf-8", "replace")))
