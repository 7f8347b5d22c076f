"""The official worker of a language, as its worker.config.json describes it (platform/official-workers.md 1)."""

import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fnhost.bindings.schema import timespan
from fnhost.host.app import Settings
from fnhost.host.errors import StartError
from fnhost.host.worker.toolchains.debugger import split

CONFIG_FILE = "worker.config.json"
VERSION_SETTING = "FUNCTIONS_WORKER_RUNTIME_VERSION"
LEAST_INITIALIZATION = 60.0
"""Seconds that a worker has to answer its first request, where its file allows less."""
SYSTEMS = {"linux": "LINUX", "darwin": "OSX", "win32": "WINDOWS"}
ARCHITECTURES = {"x86_64": "X64", "amd64": "X64", "i386": "X86", "i686": "X86", "aarch64": "Arm64", "arm64": "Arm64"}
NO_GRPC = (
    "The official worker in '{}' speaks gRPC, which fnhost needs for nothing else and is installed without. "
    "Run: pip install 'fnhost[grpc]'"
)
_NAME = re.compile(r"%(\w+)%")


@dataclass(frozen=True, slots=True)
class OfficialWorker:
    """A worker of the platform, ready to be started under an interpreter.

    `arguments` follow the interpreter, the worker's program the last of them. `lists_functions`: it is asked for the
    functions of an app that declares them in code. `loads_in_turn`: it wants one function after the other.
    `manages_dependencies`: it installs the modules that the app lists.
    `init_timeout` is in seconds; `variables` are environment variables that the app's settings may override.
    """

    directory: Path
    arguments: tuple[str, ...]
    lists_functions: bool = False
    loads_in_turn: bool = False
    all_stderr_is_error: bool = False
    manages_dependencies: bool = False
    init_timeout: float = LEAST_INITIALIZATION
    variables: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """A worker.config.json with the profile that applies. `description` and `options` are as written there."""

    directory: Path
    description: Mapping[str, Any]
    options: Mapping[str, Any]

    @property
    def executable(self) -> str:
        """As written: with placeholders."""
        return str(self.description.get("defaultExecutablePath") or "")

    @property
    def language(self) -> str:
        return str(self.description.get("language") or "")


def read_config(directory: Path, settings: Settings) -> WorkerConfig:
    """Raises StartError."""
    file = directory / CONFIG_FILE
    try:
        document = json.loads(file.read_text("utf-8-sig"))
        description = {**document["description"], **_profile(document.get("profiles") or (), settings)}
        return WorkerConfig(directory, description, document.get("processOptions") or {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        raise StartError(f"The description of a worker, {file}, cannot be read: {error!r}.") from error


def _profile(profiles: Iterable[Mapping[str, Any]], settings: Settings) -> Mapping[str, Any]:
    """What the first profile says whose conditions all hold. Raises KeyError, re.error."""
    for profile in profiles:
        if all(_holds(condition, settings) for condition in profile["conditions"]):
            return dict(profile["description"])
    return {}


def _holds(condition: Mapping[str, Any], settings: Settings) -> bool:
    """What is not known, or empty, meets no condition."""
    name, expression = str(condition.get("conditionName", "")), str(condition.get("conditionExpression", ""))
    match str(condition.get("conditionType", "")).lower():
        case "environment":
            value = settings.get(name) or ""
        case "hostproperty" if name.lower() == "platform":
            value = system()
        case _:
            value = ""
    return bool(value) and re.search(expression, value) is not None


def resolve(
    config: WorkerConfig,
    settings: Settings,
    own_arguments: Iterable[str] = (),
    version: str = "",
    loads_in_turn: bool = False,
) -> OfficialWorker:
    """What to start. `own_arguments` are the user's; `version` that of the interpreter, if it matters.

    Raises StartError.
    """
    require_grpc(config.directory)
    version = _version(config, settings, version)
    program = _program(config, settings, version)
    timeout = timespan(str(config.options.get("initializationTimeout") or "00:00:10"))
    return OfficialWorker(
        directory=config.directory,
        arguments=(*_arguments(config, settings), *own_arguments, *([str(program)] if program else [])),
        lists_functions=str(config.description.get("workerIndexing", "")).lower() == "true",
        loads_in_turn=loads_in_turn,
        all_stderr_is_error=config.description.get("useStdErrorStreamForErrorsOnly") is True,
        init_timeout=max(timeout, LEAST_INITIALIZATION),
        variables=((VERSION_SETTING, version),) if version else (),
    )


def require_grpc(directory: Path) -> None:
    """Raises StartError."""
    try:
        is_there = bool(find_spec("grpc") and find_spec("google.protobuf"))
    except ModuleNotFoundError:
        is_there = False
    if not is_there:
        raise StartError(NO_GRPC.format(directory))


def _arguments(config: WorkerConfig, settings: Settings) -> Iterator[str]:
    """Each item may hold several words, once its placeholders are filled. Raises StartError."""
    for item in config.description.get("arguments") or ():
        text = str(item).replace("{workerDirectoryPath}", str(config.directory))
        yield from split(expand(text, settings), f"{config.directory / CONFIG_FILE}#/description/arguments")


def expand(text: str, settings: Settings, given: Mapping[str, str] | None = None) -> str:
    """With the values of settings for `%NAME%`; a name that has none leaves nothing."""
    return _NAME.sub(lambda found: (given or {}).get(found[1]) or settings.get(found[1]) or "", text)


def _version(config: WorkerConfig, settings: Settings, version: str) -> str:
    """The setting's, the interpreter's, or the worker's own default. Raises StartError."""
    description = config.description
    wanted = settings.get(VERSION_SETTING) or version or str(description.get("defaultRuntimeVersion") or "")
    cleaned = re.search(str(description.get("sanitizeRuntimeVersionRegex") or ".*"), wanted)
    wanted = cleaned[0] if cleaned else wanted
    known = description.get("supportedRuntimeVersions") or ()
    if wanted and known and wanted not in known:
        raise StartError(
            f"The worker in '{config.directory}' does not support version {wanted} of {config.language}. It supports "
            f"{', '.join(map(str, known))}."
        )
    return wanted


def _program(config: WorkerConfig, settings: Settings, version: str) -> Path | None:
    """The file that the interpreter runs; None where the executable is all there is. Raises StartError."""
    written = str(config.description.get("defaultWorkerPath") or "")
    if not written:
        return None
    text = expand(written, settings, {VERSION_SETTING: version})
    path = config.directory / text.replace("{os}", system()).replace("{architecture}", architecture())
    if not path.is_file():
        raise StartError(f"The worker in '{config.directory}' has no {path.relative_to(config.directory)}.")
    return path


def system() -> str:
    """As the platform names it."""
    return SYSTEMS.get(sys.platform, "LINUX")


def architecture() -> str:
    """As the platform names it."""
    return ARCHITECTURES.get(platform.machine().lower(), "X64")


def sanctioned_path(text: str, root: Path) -> Path:
    """A folder that a setting names, relative to the app."""
    return Path(os.path.normpath(root / os.path.expanduser(text)))
