"""`fnhost init`: the files that an app begins with."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fnhost.host.commands.scaffold import npm
from fnhost.host.commands.scaffold.files import DATA, template_files, write_missing
from fnhost.host.commands.scaffold.models import (
    MODELS,
    NODE_V4,
    PYTHON,
    PYTHON_V1,
    Model,
    in_typescript,
    is_typescript,
    model_named,
    runtime_named,
)
from fnhost.host.commands.scaffold.prompts import choose, require_terminal
from fnhost.host.errors import StartError
from fnhost.host.load.localsettings import likely
from fnhost.host.worker.toolchains import RUNTIME
from fnhost.host.worker.toolchains.environments import EXECUTABLE, environments_of

PROJECT = DATA / "project"
EDITOR_SETTINGS = ".vscode/settings.json"
GETTING_STARTED = "getting_started.md"
SOURCES = "src/functions"
NO_RUNTIME = "Say which with --worker-runtime: python, node, typescript, powershell or custom."


@dataclass(frozen=True, slots=True)
class InitOptions:
    """What the command line says of a new app; None where it says nothing."""

    runtime: str | None = None
    version: str | None = None
    language: str | None = None
    has_bundle: bool = True
    has_docs: bool = True
    installs: bool = True
    force: bool = False


def init(root: Path, options: InitOptions, environment: Mapping[str, str]) -> int:
    """Write a new app into `root`, which is made if it is missing. Raises StartError."""
    write_project(root, model_for(root, options), options, environment)
    return 0


def model_for(root: Path, options: InitOptions) -> Model:
    """What a new app is to be written in; a person at a terminal is asked. Raises StartError."""
    model = model_named(_runtime(root, options), options.version)
    return in_typescript(model) if is_typescript(options.runtime, options.language) else model


def write_project(root: Path, model: Model, options: InitOptions, environment: Mapping[str, str]) -> None:
    """Raises StartError."""
    write_missing(root, project_files(root, model, options, environment), force=options.force)
    if model.family == NODE_V4:
        _make_folder(root / SOURCES)
        if options.installs:
            npm.install(root, environment)


def _runtime(root: Path, options: InitOptions) -> str:
    """What was said, else what the app's settings say, else the answer to a question. Raises StartError."""
    said = {runtime_named(text) for text in (options.runtime, options.language) if text}
    if len(said) > 1:
        raise StartError(f"--worker-runtime {options.runtime} and --language {options.language} contradict each other.")
    if said:
        return said.pop()
    if known := likely(root).values.get(RUNTIME):
        return runtime_named(known)
    require_terminal(NO_RUNTIME)
    return choose("worker runtime", list(MODELS))


def project_files(root: Path, model: Model, options: InitOptions, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The text of each file, by its path in the app."""
    venv = virtual_environment(root, environment) if model.runtime == PYTHON else ""
    layers = ["common", model.runtime, model.folder, *(["python-environment"] if venv else [])]
    values = {"runtime": model.runtime, "package": package_name(root.name)}
    files: dict[str, str] = {}
    for layer in layers:
        files.update(template_files(PROJECT / layer, values))
    files[EDITOR_SETTINGS] = _with_members(files[EDITOR_SETTINGS], _editor_settings(model, venv))
    if not options.has_bundle:
        files["host.json"] = _without_member(files["host.json"], "extensionBundle")
    if model == PYTHON_V1 and not options.has_docs:
        del files[GETTING_STARTED]
    return files


def virtual_environment(root: Path, environment: Mapping[str, str]) -> str:
    """The app's own virtual environment, relative to it; empty if it has none."""
    for folder, _ in environments_of(root, environment.get("VIRTUAL_ENV")):
        if folder.parent == root and (folder / EXECUTABLE).exists():
            return folder.name
    return ""


def package_name(folder: str) -> str:
    """A name that npm accepts, from a folder's."""
    return re.sub(r"^[._]", "-", re.sub(r"[^a-z0-9\-._~]", "-", folder.lower()))


def _editor_settings(model: Model, venv: str) -> Mapping[str, object]:
    """What the editor's extension adds for this model: it knows V1 and V3 by the absence of a number."""
    numbered = {"azureFunctions.projectLanguageModel": model.number} if model.is_in_code else {}
    return {**({"azureFunctions.pythonVenv": venv} if venv else {}), **numbered}


def _with_members(text: str, added: Mapping[str, object]) -> str:
    return _json_text({**json.loads(text), **added})


def _without_member(text: str, name: str) -> str:
    return _json_text({key: value for key, value in json.loads(text).items() if key != name})


def _json_text(value: object) -> str:
    return f"{json.dumps(value, indent=2)}\n"


def _make_folder(folder: Path) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise StartError(f"{folder} cannot be made: {error.strerror}.") from error
