"""Which Node runs the workers of an app: the setting's, the PATH's if it is new enough, else the one pip installed."""

import os
import shutil
import subprocess
from functools import lru_cache

from azurite.install import OLDEST_NODE, node_from_pip
from host.app import App
from host.errors import StartError

SETTING = "languageWorkers:node:defaultExecutablePath"
PATIENCE = 20.0
"""Seconds that a Node may take to say its version."""
HOW = f'Install Node {OLDEST_NODE} or newer, or the package with "pip install fnhost[azurite]", which brings one.'


def find_node(app: App) -> str:
    """The absolute path. Raises StartError if there is none, or none that is new enough."""
    path = app.settings.get("PATH")
    if name := app.settings.get(SETTING):
        return _chosen(name, path)
    on_path = shutil.which("node", path=path)
    if on_path and major_of(on_path) >= OLDEST_NODE:
        return os.path.abspath(on_path)
    if installed := node_from_pip():
        return installed.node
    if on_path:
        raise StartError(f"{on_path} is Node {version_of(on_path) or 'of an unknown version'}. {HOW}")
    raise StartError(f"The app is written for Node, but there is no node on PATH. {HOW}")


def _chosen(name: str, path: str | None) -> str:
    found = shutil.which(name, path=path)
    if not found:
        raise StartError(
            f"The Node that the setting {SETTING} names does not exist: {name}. Give a path or a name found on PATH."
        )
    if major_of(found) < OLDEST_NODE:
        raise StartError(
            f"The Node that the setting {SETTING} names is too old: {name} says {version_of(found) or 'no version'}."
            f" Apps need Node {OLDEST_NODE} or newer."
        )
    return os.path.abspath(found)


def major_of(node: str) -> int:
    """0 for what does not say a version."""
    major = version_of(node).partition(".")[0]
    return int(major) if major.isdigit() else 0


def version_of(node: str) -> str:
    """As it says itself, asked once for each build of it."""
    return _asked(node, os.stat(node).st_mtime)


@lru_cache
def _asked(node: str, written: float) -> str:
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip().removeprefix("v")
