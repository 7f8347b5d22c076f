"""The app as values: read and validated by `load`, then frozen. No behaviour here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fnhost.bindings.contract import Binding
from fnhost.host.errors import Problem


def separated(name: str) -> str:
    """A setting's name with the one separator of all sources: `:` is `__` (platform/settings.md 4)."""
    return name.replace(":", "__")


@dataclass(frozen=True, slots=True)
class Settings:
    """The app's environment: shell first, then local.settings.json (platform/settings.md 3).

    `environment` is what a worker process gets. Names are kept as written, looked up without regard to case.
    """

    environment: Mapping[str, str]
    connection_strings: Mapping[str, str] = field(default_factory=dict)
    host: Mapping[str, Any] = field(default_factory=dict)
    """The `Host` section of local.settings.json: LocalHttpPort, LocalHttpAddress, CORS, CORSCredentials,
    AllowedHosts."""

    def get(self, name: str) -> str | None:
        """The value of an app setting; `:` and `__` are the same separator (platform/settings.md 3)."""
        return _find(self.environment, name)

    def connection(self, name: str = "") -> str | None:
        """The connection string a binding's `connection` names (platform/settings.md 5). Empty means Storage."""
        wanted = name or "Storage"
        candidates = (f"AzureWebJobs{wanted}", wanted)
        for candidate in candidates:
            if found := _find(self.connection_strings, candidate) or self.get(candidate):
                return found
        return None


def _find(values: Mapping[str, str], name: str) -> str | None:
    wanted = separated(name).lower()
    return next((value for key, value in values.items() if separated(key).lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Retry:
    """A retry policy (platform/app-files.md 6). `limit` -1 means for ever; intervals in seconds."""

    exponential: bool
    limit: int
    shortest: float
    longest: float


@dataclass(frozen=True, slots=True)
class IndexedFunction:
    """A function as its worker lists it (platform/worker-protocol.md 6.2).

    `bindings` are JSON texts, each an entry of a function.json; `retry` is spelled as there. `file`, relative to the
    app, and `line` are where its code begins; empty and 0 if that is not known. `failure` says what is wrong with this
    function alone.
    """

    id: str
    name: str
    directory: Path
    script: str
    entry_point: str
    bindings: tuple[str, ...]
    retry: Mapping[str, Any] | None = None
    file: str = ""
    line: int = 0
    failure: str = ""


@dataclass(frozen=True)
class Function:
    """One folder with a function.json, or one function declared in code.

    `script` is absolute; `config` is the function.json, as read or as the declaration stands for. `source` is where it
    is declared, relative to the app. `id` is what its worker calls it.
    """

    name: str
    directory: Path
    script: Path
    entry_point: str
    language: str
    bindings: tuple[Binding, ...]
    disabled: bool = False
    retry: Retry | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    source: str = field(default="", compare=False)
    line: int = field(default=0, compare=False)
    """Where in `source` its code begins, as far as its worker tells; else 0."""
    id: str = field(default="", compare=False)
    is_indexed: bool = False
    """Whether its worker listed it: the worker knows its code without being told where it lies."""

    @property
    def worker_id(self) -> str:
        return self.id or self.name

    # The bindings by their part are asked for with each invocation, and found once: hence no slots.

    @cached_property
    def trigger(self) -> Binding:
        for binding in self.bindings:
            if binding.is_trigger:
                return binding
        raise LookupError(f"The function {self.name} has no trigger.")

    @cached_property
    def inputs(self) -> tuple[Binding, ...]:
        """Every `in` or `inout` binding but the trigger."""
        return tuple(b for b in self.bindings if b.direction != "out" and not b.is_trigger)

    @cached_property
    def outputs(self) -> tuple[Binding, ...]:
        return tuple(b for b in self.bindings if b.direction != "in")


@dataclass(frozen=True, slots=True)
class HostConfig:
    """host.json with environment overrides applied (platform/settings.md 1 and 2).

    `timeout` is functionTimeout in seconds, None without limit. `log_levels` maps a category prefix to a level name.
    `extensions` maps an extension's lower-case name (`http`, `durabletask`) to its section. `functions` is the allow
    list, empty for all; `retry` goes for every function without a policy of its own.
    """

    timeout: float | None = 1800.0
    extensions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    log_levels: Mapping[str, str] = field(default_factory=dict)
    watch_directories: tuple[str, ...] = ()
    watch_files: tuple[str, ...] = ("host.json", "function.json", "function.yaml", "function.yml")
    has_bundle: bool = False
    functions: tuple[str, ...] = ()
    retry: Retry | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    def extension(self, name: str) -> Mapping[str, Any]:
        return self.extensions.get(name.lower(), {})


@dataclass(frozen=True, slots=True)
class App:
    """An app that can be served. `functions` are the sound ones, by name; `problems` says what is wrong with others.

    `language` is the app's own, the one that the platform would deploy; empty if there is none.
    """

    root: Path
    language: str
    functions: tuple[Function, ...]
    settings: Settings
    config: HostConfig
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    index_files: Mapping[str, str] = field(default_factory=dict)
    """By language the file whose functions its worker lists, before they are known; empty where they are."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Those that need a worker, the app's own first."""
        found = {*self.index_files, *(function.language for function in self.functions)}
        return tuple(sorted(found, key=lambda language: (language != self.language, language)))

    @property
    def enabled(self) -> tuple[Function, ...]:
        return tuple(function for function in self.functions if not function.disabled)
