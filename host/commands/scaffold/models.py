"""Programming models by the names of the official tool, and which one an app is written in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fnhost.host.errors import StartError
from fnhost.host.load.localsettings import likely, merge
from fnhost.host.worker.toolchains import RUNTIME, likely_toolchain
from fnhost.host.worker.toolchains.indexing import NODE_LIBRARY, python_index_file, read_package

PYTHON, NODE, POWERSHELL_RUNTIME, CUSTOM_RUNTIME = "python", "node", "powershell", "custom"
TYPESCRIPT = frozenset({"typescript", "ts"})
RUNTIMES: Mapping[str, str] = {
    **dict.fromkeys(("python", "py"), PYTHON),
    **dict.fromkeys(("node", "javascript", "js", *TYPESCRIPT), NODE),
    **dict.fromkeys(("powershell", "pwsh"), POWERSHELL_RUNTIME),
    "custom": CUSTOM_RUNTIME,
}
"""What `--worker-runtime` and `--language` may say, and the value of FUNCTIONS_WORKER_RUNTIME that it means."""
OLDEST_V4 = 4
"""Major version of @azure/functions that registers functions in code."""
NO_TEMPLATES = "There are no templates for {!r} here. Known: python, node, typescript, powershell, custom.{}"
MAVEN = (
    " Maven makes apps in Java: mvn archetype:generate -DarchetypeGroupId=com.microsoft.azure "
    "-DarchetypeArtifactId=azure-functions-archetype"
)
DOTNET = (
    " The .NET SDK makes apps in C#: dotnet new install Microsoft.Azure.Functions.Worker.ProjectTemplates, "
    "then dotnet new func"
)
OTHERS: Mapping[str, str] = {"java": MAVEN, **dict.fromkeys(("dotnet-isolated", "dotnet", "csharp", "c#"), DOTNET)}
"""Who makes apps in other languages: the tools that build them."""


@dataclass(frozen=True, slots=True)
class Model:
    """`runtime` is a value of FUNCTIONS_WORKER_RUNTIME, `version` one of V1 to V4.

    `compiled` is the language of the sources where that is not the runtime's.
    """

    runtime: str
    version: str
    compiled: str = ""

    @property
    def folder(self) -> str:
        """The folder of its templates in `data`."""
        return f"{self.compiled or self.runtime}-{self.version.lower()}"

    @property
    def title(self) -> str:
        return TITLES[self.compiled or self.runtime]

    @property
    def family(self) -> "Model":
        """The same model in the runtime's own language."""
        return Model(self.runtime, self.version)

    @property
    def number(self) -> int:
        return int(self.version[1:])

    @property
    def is_in_code(self) -> bool:
        """Whether functions are declared in code, not in folders with a function.json."""
        return self.family in (PYTHON_V2, NODE_V4)


TITLES: Mapping[str, str] = {
    PYTHON: "Python",
    NODE: "JavaScript",
    "typescript": "TypeScript",
    POWERSHELL_RUNTIME: "PowerShell",
    CUSTOM_RUNTIME: "Custom handlers",
}
PYTHON_V1, PYTHON_V2 = Model(PYTHON, "V1"), Model(PYTHON, "V2")
NODE_V3, NODE_V4 = Model(NODE, "V3"), Model(NODE, "V4")
TYPESCRIPT_V4 = Model(NODE, "V4", "typescript")
POWERSHELL, CUSTOM = Model(POWERSHELL_RUNTIME, "V1"), Model(CUSTOM_RUNTIME, "V1")
MODELS: Mapping[str, Mapping[str, Model]] = {
    PYTHON: {"v1": PYTHON_V1, "v2": PYTHON_V2},
    NODE: {"v3": NODE_V3, "v4": NODE_V4},
    POWERSHELL_RUNTIME: {"v1": POWERSHELL},
    CUSTOM_RUNTIME: {"v1": CUSTOM},
}
"""By runtime, and by version in lower case. The last of each is the default."""


def runtime_named(text: str) -> str:
    """Raises StartError."""
    if (found := RUNTIMES.get(text.strip().lower())) is None:
        raise StartError(NO_TEMPLATES.format(text, OTHERS.get(text.strip().lower(), "")))
    return found


def is_typescript(*texts: str | None) -> bool:
    return any(text is not None and text.strip().lower() in TYPESCRIPT for text in texts)


def in_typescript(model: Model) -> Model:
    """Raises StartError."""
    if model != NODE_V4:
        raise StartError(f"There are no templates in TypeScript for the programming model {model.version}. Use V4.")
    return TYPESCRIPT_V4


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
    if runtime != NODE:
        return model_named(runtime, None)
    if not _registers(root):
        return NODE_V3
    return TYPESCRIPT_V4 if (root / "tsconfig.json").exists() else NODE_V4


def _registers(root: Path) -> bool:
    """Whether package.json asks for an @azure/functions that registers functions: before 4 it held types alone."""
    dependencies = read_package(root).get("dependencies")
    if not isinstance(dependencies, dict) or NODE_LIBRARY not in dependencies:
        return False
    major = re.search(r"\d+", str(dependencies[NODE_LIBRARY]))
    return major is None or int(major[0]) >= OLDEST_V4
