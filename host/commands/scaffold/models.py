"""Programming models by the names of the official tool, and which one an app is written in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fnhost.host.errors import StartError
from fnhost.host.load.localsettings import likely, merge
from fnhost.host.worker.toolchains import RUNTIME, likely_toolchain
from fnhost.host.worker.toolchains.indexing import NODE_LIBRARY, python_index_file, read_package

PYTHON, NODE = "python", "node"
RUNTIMES: Mapping[str, str] = {"python": PYTHON, "node": NODE, "javascript": NODE}
"""What `--worker-runtime` and `--language` may say, and the value of FUNCTIONS_WORKER_RUNTIME that it means."""
OLDEST_V4 = 4
"""Major version of @azure/functions that registers functions in code."""
NO_TEMPLATES = "There are no templates for {!r} here. Known: python, node (JavaScript)."


@dataclass(frozen=True, slots=True)
class Model:
    """`runtime` is a value of FUNCTIONS_WORKER_RUNTIME, `version` one of V1 to V4."""

    runtime: str
    version: str

    @property
    def folder(self) -> str:
        """The folder of its templates in `data`."""
        return f"{self.runtime}-{self.version.lower()}"

    @property
    def title(self) -> str:
        return {PYTHON: "Python", NODE: "JavaScript"}[self.runtime]

    @property
    def number(self) -> int:
        return int(self.version[1:])

    @property
    def is_in_code(self) -> bool:
        """Whether functions are declared in code, not in folders with a function.json."""
        return self in (PYTHON_V2, NODE_V4)


PYTHON_V1, PYTHON_V2 = Model(PYTHON, "V1"), Model(PYTHON, "V2")
NODE_V3, NODE_V4 = Model(NODE, "V3"), Model(NODE, "V4")
MODELS: Mapping[str, Mapping[str, Model]] = {
    PYTHON: {"v1": PYTHON_V1, "v2": PYTHON_V2},
    NODE: {"v3": NODE_V3, "v4": NODE_V4},
}
"""By runtime, and by version in lower case. The last of each is the default."""


def runtime_named(text: str) -> str:
    """Raises StartError."""
    if (found := RUNTIMES.get(text.strip().lower())) is None:
        raise StartError(NO_TEMPLATES.format(text))
    return found


def model_named(runtime: str, version: str | None) -> Model:
    """The newest where `version` says nothing. Raises StartError."""
    known = MODELS[runtime]
    if version is None:
        return list(known.values())[-1]
    if (found := known.get(version.strip().lower())) is None:
        names = ", ".join(model.version for model in known.values())
        raise StartError(f"The programming model {version} is none of {runtime}'s. Use one of {names}.")
    return found


def model_of(root: Path, environment: Mapping[str, str], language: str | None) -> Model:
    """What an app is written in, by its settings and its files.

    Raises StartError if there are no templates for it, or if `language` contradicts.
    """
    settings = merge(environment, likely(root))
    runtime = runtime_named(settings.get(RUNTIME) or likely_toolchain(settings, root).language)
    if language is not None and (wanted := runtime_named(language)) != runtime:
        raise StartError(f"The app's worker runtime is {runtime} (local.settings.json), and --language says {wanted}.")
    if runtime == PYTHON:
        return PYTHON_V2 if python_index_file(root, settings) else PYTHON_V1
    return NODE_V4 if _registers(root) else NODE_V3


def _registers(root: Path) -> bool:
    """Whether package.json asks for an @azure/functions that registers functions: before 4 it held types alone."""
    dependencies = read_package(root).get("dependencies")
    if not isinstance(dependencies, dict) or NODE_LIBRARY not in dependencies:
        return False
    major = re.search(r"\d+", str(dependencies[NODE_LIBRARY]))
    return major is None or int(major[0]) >= OLDEST_V4
